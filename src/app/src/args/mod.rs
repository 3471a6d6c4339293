//! What was typed: the one definition of the command line, from which help, man pages and completions come.
//!
//! Always holds: nothing is read, looked up or decided here; what the arguments mean is the business of the command's own file.

mod learn;
mod policy;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue};
use clap::{Args as ArgGroup, Parser, Subcommand, ValueEnum};
use remand_policy::text::terminal::escape_line;

pub use learn::LearnArgs;
pub use policy::*;

/// Run untrusted Python in a sandbox and answer with one record that it cannot forge.
#[derive(Debug, Parser)]
#[command(name = "remand", bin_name = "remand", version, about, disable_help_subcommand = true)]
pub struct Args {
    /// Which command.
    #[command(subcommand)]
    pub command: Command,
}

/// What was wrong with what was typed, in clap's words; what was typed stays on one line and does nothing to a terminal.
pub fn wrong(mut error: clap::Error) -> String {
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
    error.render().to_string()
}

/// A file per command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run Python code; print the value it returns
    Run(RunArgs),
    /// Run any program under a policy
    Exec(ExecArgs),
    /// Say what this machine can enforce, and what to do where it cannot
    Doctor(DoctorArgs),
    /// Work on policy files
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Write man pages, completions and the outcome's schema
    #[command(hide = true)]
    Generate(GenerateArgs),
}

/// `remand run`.
#[derive(Debug, ArgGroup)]
#[command(after_help = RUN_HELP)]
pub struct RunArgs {
    /// Python source, a function body that may `return` its value; `-` reads standard input
    pub file: PathBuf,
    /// How the code is called
    #[arg(long, value_enum, default_value = "all_items")]
    pub mode: ModeArg,
    /// JSON array of input items; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub items: Option<PathBuf>,
    /// JSON value that the code finds as `_query`
    #[arg(long, value_name = "JSON")]
    pub query: Option<String>,
    /// JSON object with any of stdlib_allow, external_allow, builtins_deny, runner_env_deny; it narrows the policy's `python` section
    #[arg(long, value_name = "FILE")]
    pub security_config: Option<PathBuf>,
    /// Under which policy.
    #[command(flatten)]
    pub confine: ConfineArgs,
    /// What to print.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// `remand exec`.
#[derive(Debug, ArgGroup)]
#[command(after_help = EXEC_HELP)]
pub struct ExecArgs {
    /// Under which policy.
    #[command(flatten)]
    pub confine: ConfineArgs,
    /// What to print.
    #[command(flatten)]
    pub show: ShowArgs,
    /// Program, looked up on PATH, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Under which policy.
#[derive(Debug, ArgGroup)]
pub struct ConfineArgs {
    /// A built-in policy (default, strict, numeric), one in /etc/remand/policies, or a file (a path with `/`, or ending in .jsonc)
    #[arg(long, value_name = "NAME|FILE", default_value = "default")]
    pub policy: String,
    /// Narrow one field of the policy, such as limits.memory=64MiB; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
}

/// What to print.
#[derive(Clone, Copy, Debug, ArgGroup)]
pub struct ShowArgs {
    /// Print the whole outcome as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Print what each step cost on standard error
    #[arg(long)]
    pub timing: bool,
}

/// `remand doctor`.
#[derive(Debug, ArgGroup)]
pub struct DoctorArgs {
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

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

const RUN_HELP: &str = "\
The value is printed on standard output as one line of JSON when the code finished (`null` if it returned nothing), and nothing is printed there \
otherwise. What the code printed, and a readable account of any other ending, go to standard error. Only one of FILE and --items can be `-`.

The exit status tells the verdict: 0 finished, 1 raised, 2 wrong usage, 5 a limit; docs/reference/exit-codes.md has all of them.";

const EXEC_HELP: &str = "\
The program's own output is passed on as it comes; where it goes to a terminal, control characters are shown instead of sent. \
The program sees only its own file, the libraries it is linked with, and what the policy mounts.

The exit status tells the verdict, not the program's own status: 0 finished, 2 wrong usage, 3 it exited with another status than 0, 5 a limit; \
docs/reference/exit-codes.md has all of them.";
