//! What was typed: the one definition of the command line, from which help, man pages and completions come.
//!
//! Always holds: nothing is read, looked up or decided here; what the arguments mean is the business of the command's own file.

mod examples;
mod judge;
mod learn;
mod n8n;
mod oci;
mod policy;
mod runs;
mod serve;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::{Args as ArgGroup, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use remand_policy::text::terminal::escape_line;

use crate::complete;

pub use judge::{CompareArg, JudgeArgs, LanguageArg};
pub use learn::LearnArgs;
pub use n8n::*;
pub use oci::*;
pub use policy::*;
pub use runs::*;
pub use serve::*;

/// Run untrusted Python in a sandbox and answer with one record that it cannot forge.
#[derive(Debug, Parser)]
#[command(name = "remand", bin_name = "remand", version, about, disable_help_subcommand = true)]
pub struct Args {
    /// Which command.
    #[command(subcommand)]
    pub command: Command,
}

/// The command line with the examples of each command.
pub fn command() -> clap::Command {
    examples::add(Args::command())
}

/// What was typed.
///
/// # Errors
/// It means nothing; or help or the version was asked for.
pub fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    command().try_get_matches_from(line).and_then(|matches| Args::from_arg_matches(&matches))
}

/// What was wrong with what was typed, in clap's words; what was typed stays on one line and does nothing to a terminal.
pub fn wrong(mut error: clap::Error) -> StyledStr {
    let said: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    let plain = |text: &str| escape_line(text).into_owned();
    // The usage is ours, and has lines.
    for (kind, value) in said.into_iter().filter(|(kind, _)| *kind != ContextKind::Usage) {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(plain(&text)),
            ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(|text| plain(text)).collect()),
            ContextValue::StyledStr(text) => ContextValue::StyledStr(plain(&text.to_string()).into()),
            ContextValue::StyledStrs(texts) => ContextValue::StyledStrs(texts.iter().map(|text| plain(&text.to_string()).into()).collect()),
            other => other,
        };
        error.insert(kind, value);
    }
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && let Some(tip) = meant(word)
    {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error.render()
}

/// The command that somebody meant who typed a word in its place, where no command is spelt like it.
fn meant(word: &str) -> Option<String> {
    let command = Args::command();
    let of_policies = command.find_subcommand("policy").and_then(|policy| policy.find_subcommand(word));
    if of_policies.is_some() {
        return Some(format!("policies have that command: remand policy {word}"));
    }
    word.ends_with(".py").then(|| format!("a program is run by: remand python {word}; code that returns a value by: remand run {word}"))
}

/// A file per command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run Python code; print the value it returns
    Run(RunArgs),
    /// Run a Python program, as `python3` runs it
    Python(PythonArgs),
    /// Run any program under a policy
    Exec(ExecArgs),
    /// Answer one JSON request on standard input with one JSON outcome on standard output
    Helper(HelperArgs),
    /// Judge a program by tests, as programming contests do
    Judge(JudgeArgs),
    /// Serve runs to other programs, over a Unix socket
    Serve(ServeArgs),
    /// List the runs that a daemon has
    Ps(PsArgs),
    /// Print what a daemon's run says, and how it ended
    Logs(LogsArgs),
    /// Say what a past run was denied, by which line of its policy, and what would change it
    Why(WhyRunArgs),
    /// Cancel runs that a daemon has
    Cancel(CancelArgs),
    /// Be n8n's task runner for Python
    N8n(N8nArgs),
    /// Say what this machine can enforce, and what to do where it cannot
    Doctor(DoctorArgs),
    /// Ask interpreters what they need when an image is built, for containers where no run can keep their answers
    Warm(WarmArgs),
    /// Work on policy files
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Hold containers to a policy, in front of their OCI runtime
    #[command(subcommand)]
    Oci(OciCommand),
    /// Write man pages, completions and the outcome's schema
    #[command(hide = true)]
    Generate(GenerateArgs),
}

/// `remand run`.
#[derive(Debug, ArgGroup)]
#[command(after_help = RUN_HELP)]
pub struct RunArgs {
    /// Python source, a function body that may `return` its value; `-` reads standard input
    #[arg(required_unless_present_any = ["code", "request"], value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// The source as text
    #[arg(short = 'c', value_name = "CODE", conflicts_with = "file")]
    pub code: Option<String>,
    /// All that is to be run, as a JSON request (docs/request.md); `-` reads standard input. It goes with options about what is printed and written alone
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = BESIDE_REQUEST)]
    pub request: Option<PathBuf>,
    /// How the code is called
    #[arg(long, value_enum, default_value = "all_items")]
    pub mode: ModeArg,
    /// What becomes of the other items where the code raises an exception for one, in mode per_item
    #[arg(long, value_enum, default_value = "stop")]
    pub on_error: OnErrorArg,
    /// JSON array of input items; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub items: Option<PathBuf>,
    /// JSON value that the code finds as `_query`
    #[arg(long, value_name = "JSON", conflicts_with = "query_file")]
    pub query: Option<String>,
    /// The same from a file; `-` reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub query_file: Option<PathBuf>,
    /// JSON object with any of stdlib_allow, external_allow, builtins_deny, runner_env_deny; it narrows the policy's `python` section
    #[arg(long, value_name = "FILE")]
    pub security_config: Option<PathBuf>,
    /// What it finds and leaves.
    #[command(flatten)]
    pub files: FilesArgs,
    /// Under which policy.
    #[command(flatten)]
    pub confine: ConfineArgs,
    /// By whom.
    #[command(flatten)]
    pub via: ViaArgs,
    /// On which interpreter.
    #[command(flatten)]
    pub python: PythonChoice,
    /// What the run is given.
    #[command(flatten)]
    pub choose: ChooseArgs,
    /// What to print.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// What a request says itself.
const BESIDE_REQUEST: [&str; 18] = [
    "file",
    "code",
    "mode",
    "on_error",
    "items",
    "query",
    "query_file",
    "security_config",
    "given_files",
    "given_dirs",
    "artifacts",
    "policy",
    "set",
    "timeout",
    "python",
    "env",
    "env_file",
    "mount",
];

/// `remand helper`.
#[derive(Debug, ArgGroup)]
#[command(after_help = HELPER_HELP)]
pub struct HelperArgs {
    /// Answer with events as they come, a line of JSON each; the last one is the outcome, or the problem
    #[arg(long)]
    pub stream: bool,
    /// Refuse requests for any other policy than this; may be repeated
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(complete::policies))]
    pub allow_policy: Vec<String>,
}

/// `remand python`.
#[derive(Debug, ArgGroup)]
#[command(after_help = PYTHON_HELP, override_usage = PYTHON_USAGE)]
pub struct PythonArgs {
    /// Under which policy.
    #[command(flatten)]
    pub confine: ConfineArgs,
    /// By whom.
    #[command(flatten)]
    pub via: ViaArgs,
    /// On which interpreter.
    #[command(flatten)]
    pub python: PythonChoice,
    /// What the run is given.
    #[command(flatten)]
    pub choose: ChooseArgs,
    /// What to print.
    #[command(flatten)]
    pub show: ShowArgs,
    /// Whose exit status this command has.
    #[command(flatten)]
    pub status: StatusArgs,
    /// What it finds and leaves.
    #[command(flatten)]
    pub files: FilesArgs,
    /// Whether it has a terminal.
    #[command(flatten)]
    pub terminal: TerminalArgs,
    /// Let `await` stand outside of functions too
    #[arg(long = "await")]
    pub awaits: bool,
    /// Give a value too: as one line of JSON after the program's own output, or in the record of --json
    #[arg(long, value_enum)]
    pub value: Option<ValueArg>,
    /// The program as text; all that follows is the program's
    #[arg(short = 'c', num_args = 1.., allow_hyphen_values = true, value_names = ["CODE", "ARGS"])]
    pub code: Vec<OsString>,
    /// A module of the interpreter's to run as a program; all that follows is the program's
    #[arg(short = 'm', num_args = 1.., allow_hyphen_values = true, value_names = ["MODULE", "ARGS"], conflicts_with = "code")]
    pub module: Vec<OsString>,
    /// Python source, a program, and its arguments; `-` reads standard input
    #[arg(trailing_var_arg = true, required_unless_present_any = ["code", "module"], value_names = ["SCRIPT", "ARGS"])]
    pub script: Vec<OsString>,
}

/// `remand exec`.
#[derive(Debug, ArgGroup)]
#[command(after_help = EXEC_HELP)]
pub struct ExecArgs {
    /// Whose exit status this command has.
    #[command(flatten)]
    pub status: StatusArgs,
    /// Under which policy.
    #[command(flatten)]
    pub confine: ConfineArgs,
    /// What the run is given.
    #[command(flatten)]
    pub choose: ChooseArgs,
    /// What to print.
    #[command(flatten)]
    pub show: ShowArgs,
    /// What it finds and leaves.
    #[command(flatten)]
    pub files: FilesArgs,
    /// Whether it has a terminal.
    #[command(flatten)]
    pub terminal: TerminalArgs,
    /// Named so that it can be refused by its name: see [`crate::via::no_program`].
    #[arg(long, hide = true, value_name = "SOCKET")]
    pub via: Option<PathBuf>,
    /// Program, looked up on PATH, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// By whom it is run.
#[derive(Debug, ArgGroup)]
pub struct ViaArgs {
    /// Have it run by the daemon at this socket (`remand serve`), under a policy of its: code, input and files are sent to it by content, and no path of this
    /// host goes with them
    #[arg(long, value_name = "SOCKET", value_hint = ValueHint::FilePath)]
    pub via: Option<PathBuf>,
    /// Print the run's id as soon as the daemon has taken it, and let it go on; `remand logs` tells what becomes of it
    #[arg(long, requires = "via", conflicts_with_all = ["json", "stream", "outcome", "timing", "artifacts_to"])]
    pub detach: bool,
}

/// Under which policy.
#[derive(Debug, ArgGroup)]
pub struct ConfineArgs {
    /// A built-in policy (default, strict, numeric, compile, judge), one in /etc/remand/policies or ~/.config/remand/policies, or a file (a path with `/`, or ending in
    /// .jsonc)
    #[arg(short, long, value_name = "NAME|FILE", default_value = "default", add = ArgValueCompleter::new(complete::policies))]
    pub policy: String,
    /// Narrow one field of the policy, such as limits.memory=64MiB; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", add = ArgValueCompleter::new(complete::fields))]
    pub set: Vec<String>,
    /// End it after this time, such as 500ms, 1.5s, 2min; without a unit they are seconds. The same as --set limits.wall_time
    #[arg(short, long, value_name = "TIME")]
    pub timeout: Option<String>,
}

/// What a run finds and leaves in `/workspace`, where it begins.
#[derive(Clone, Debug, Default, ArgGroup)]
pub struct FilesArgs {
    /// Copy a file into the run's /workspace, by its own name or as NAME; `-` is standard input; may be repeated
    #[arg(id = "given_files", long = "file", value_name = "[NAME=]PATH")]
    pub files: Vec<OsString>,
    /// Copy a directory into the run's /workspace, by its own name or as NAME, and let Python import from it; `.` copies what is in it; may be repeated
    #[arg(id = "given_dirs", long = "dir", value_name = "[NAME=]DIR")]
    pub dirs: Vec<OsString>,
    /// Give back the files of /workspace that match (`*.png`, `out/**`; a name takes a directory whole), however the run ends; as in a shell, hidden ones only where the pattern writes the dot; what was given and is as it was only by its name; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub artifacts: Vec<String>,
    /// Write them into this directory; without it, --json has those of at most 1 MiB together
    #[arg(long, value_name = "DIR")]
    pub artifacts_to: Option<PathBuf>,
    /// Let them replace files that stand there
    #[arg(long, requires = "artifacts_to")]
    pub overwrite: bool,
}

/// Which interpreter.
#[derive(Debug, ArgGroup)]
pub struct PythonChoice {
    /// Interpreter to run on: a name on PATH, a path, or the directory of a virtual environment, where request.interpreters of the policy allows it
    #[arg(long, value_name = "NAME|PATH")]
    pub python: Option<OsString>,
}

/// What the run is given besides, where the policy allows it.
#[derive(Debug, ArgGroup)]
pub struct ChooseArgs {
    /// Set a variable of the run, where request.environment of the policy allows it; without a value, it has the one that it has here. Others see what is
    /// typed: a secret is better in --env-file
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<OsString>,
    /// The same for each line of a file; lines that begin with # and empty ones are none
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Show a file or directory of the host to the run, read-only unless `:rw` is behind it, where request.mounts of the policy allows it
    #[arg(long, value_name = "SRC[:DST][:rw]")]
    pub mount: Vec<OsString>,
}

/// What to print.
#[derive(Debug, ArgGroup)]
pub struct ShowArgs {
    /// Print the whole outcome as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Print events as they come, a line of JSON each, on standard output: start, print, stdout, stderr, display, item, outcome
    #[arg(long, conflicts_with = "json")]
    pub stream: bool,
    /// Write the whole outcome as JSON to a file, or to an open descriptor of this number; what is printed for people stays as it is
    #[arg(long, value_name = "FILE|FD", value_hint = ValueHint::FilePath)]
    pub outcome: Option<PathBuf>,
    /// Print what each step cost on standard error
    #[arg(long)]
    pub timing: bool,
    /// Say nothing about how it ended; the exit status does. What the code printed, its value and wrong usage are still told
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more about any ending: what it used, what was denied, what is not enforced here
    #[arg(short, long)]
    pub verbose: bool,
}

impl ShowArgs {
    /// Neither a record nor events.
    pub fn for_people(&self) -> bool {
        !self.json && !self.stream
    }
}

/// Whether a run has a terminal.
#[derive(Clone, Copy, Debug, ArgGroup)]
pub struct TerminalArgs {
    /// Give it a terminal of its own in the place of this one, where request.tty of the policy allows it: keys go to it as they are typed (Ctrl-C interrupts the
    /// program, Ctrl-D is the end of input), and what it writes comes as it is, control characters too; standard output and error are one there
    #[arg(long, conflicts_with_all = ["json", "stream"])]
    pub tty: bool,
}

/// Whose exit status the command has.
#[derive(Clone, Copy, Debug, ArgGroup)]
pub struct StatusArgs {
    /// What the exit status tells
    #[arg(long, value_enum, default_value = "program")]
    pub exit_status: StatusArg,
}

/// `--exit-status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusArg {
    /// The program's own where it ended by itself, 128 and the signal's number where a signal ended it; else the verdict's
    Program,
    /// The verdict's
    Verdict,
}

/// `--value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ValueArg {
    /// That of the last line, if it is an expression
    Last,
    /// What a notebook would show: display(), the last expression, matplotlib's figures, each in all forms that it has (MIME types)
    Display,
}

/// `remand doctor`.
#[derive(Debug, ArgGroup)]
pub struct DoctorArgs {
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
    /// Look at nothing, and say what a container engine has to be told so that runs start in its containers
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub container: Option<Engine>,
}

/// `--container`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Engine {
    /// Docker
    Docker,
    /// Podman
    Podman,
    /// A pod of Kubernetes
    Kubernetes,
    /// containerd, by its own command `ctr`
    Containerd,
    /// systemd-nspawn
    Nspawn,
}

/// `remand warm`.
#[derive(Debug, ArgGroup)]
#[command(after_help = WARM_HELP)]
pub struct WarmArgs {
    /// The directory that the image brings along; it is made if need be
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,
    /// Interpreters, by name or absolute path, as policies name them
    #[arg(value_name = "INTERPRETER", default_value = "python3")]
    pub interpreters: Vec<String>,
}

const WARM_HELP: &str = "\
Runs look into the directory that REMAND_WARM names, else into /usr/lib/remand/warm, where they can keep no answers of their own: there is no HOME, or the root is read-only. \
What is in it counts while the interpreter's files have the same size, age and content, and if only root or whoever starts the run can write it.";

/// `remand generate`.
#[derive(Debug, ArgGroup)]
pub struct GenerateArgs {
    /// The `docs` directory to write into
    pub directory: PathBuf,
}

/// `--mode`.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ModeArg {
    /// Once, with `_items` and `_query`
    AllItems,
    /// Once for each item, with `_item`
    PerItem,
}

/// `--on-error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnErrorArg {
    /// The run ends, with the items that were done
    Stop,
    /// They go on: that item's place has {"error": {"type", "message", "line"}, "pairedItem": {"item": its number}}
    Item,
}

const RUN_HELP: &str = "\
The value is printed on standard output as one line of JSON when the code finished (`null` if it returned nothing), and nothing is printed there \
otherwise. The code begins in /workspace, which holds what --file and --dir copy there; what it writes is in memory and gone with the run, but for --artifacts. A \
directory that it is to change and keep takes a writable mount of the policy (filesystem.mounts). What the code prints, as it comes, and a \
readable account of any other ending, go to standard error. Only one of FILE, --items, --query-file and --file can be `-`. \
Items are an array, or a JSON value on each line (NDJSON).

The exit status tells the verdict: 0 finished, 1 raised, 2 wrong usage, 5 a limit; docs/reference/exit-codes.md has all of them.";

const HELPER_HELP: &str = "\
For programs that start a process per run: hooks, cron, rules of sudo, any language. The request is read to its end, at most 256 MiB of it; docs/request.md has its \
fields. It brings all that it needs by value: files, standard input, a policy's name. Paths of this host it can name only where the policy's section `request` lets \
it, and they are opened with the rights of whoever called sudo. A request without an outcome is answered with {\"problem\": {\"detail\": ..., \"hint\": ..., \"exit_status\": ...}}.

The exit status tells the verdict as that of `remand run` does; 2 is a request, or a policy, that cannot be used.";

const PYTHON_USAGE: &str = "remand python [OPTIONS] SCRIPT [ARGS]...
       remand python [OPTIONS] -c CODE [ARGS]...
       remand python [OPTIONS] -m MODULE [ARGS]...";

const PYTHON_HELP: &str = "\
The program is shown its own file, and what --file and --dir copy, in /workspace, where it begins; what it writes there and in /tmp is in memory and gone with \
it, but for --artifacts. A directory that it is to change and keep takes a writable mount of the policy (filesystem.mounts). Its output is passed on as it comes; where it goes to a terminal, control characters are shown instead of sent, but with --tty. \
Standard input is read ahead of the program: what it leaves unread is not there for whoever reads after it (`</dev/null` gives it none).

With --via, a daemon runs it: standard input is sent whole before it begins, and none is sent where that is a terminal.

The exit status is the program's own where it ended by itself, else the verdict's: 5 a limit, 6 a system call, 10 it could not be started; \
docs/reference/exit-codes.md has all of them.";

const EXEC_HELP: &str = "\
The program's own output is passed on as it comes; where it goes to a terminal, control characters are shown instead of sent, but with --tty. \
Standard input is read ahead of the program: what it leaves unread is not there for whoever reads after it (`</dev/null` gives it none). \
The program sees only its own file, the libraries it is linked with, what the policy mounts, and in /workspace, where it begins, what --file and --dir copy \
there. What it writes there is in memory and gone with it, but for --artifacts; a directory that it is to change and keep takes a writable mount.

It has no --via: a daemon runs Python code that it is sent, and no program of its host.

The exit status is the program's own where it ended by itself, else the verdict's: 5 a limit, 6 a system call, 10 it could not be started; \
docs/reference/exit-codes.md has all of them.";
