//! What was typed after `remand policy`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use crate::complete;

/// `remand policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say everything that is wrong with policy files, and what is hardly meant
    Check(CheckArgs),
    /// Say what a change of a policy widens and narrows
    Diff(DiffArgs),
    /// Print a policy with everything filled in, and where each value was written
    Show(ShowPolicyArgs),
    /// Say in sentences what a run under a policy can read, write, reach, spend and call on this machine, and what is not protected
    Explain(ExplainArgs),
    /// Ask what a run is allowed, and which line decides it
    Why(WhyArgs),
    /// Test the expectations that policy files carry about themselves
    Test(TestArgs),
    /// Edit a policy in your editor, as visudo does: it is checked, and the change is shown, before anything is written
    Edit(EditArgs),
    /// Write fields of a policy file, in place
    Set(SetArgs),
    /// Grant system calls, groups of them, or mounts
    Allow(AllowArgs),
    /// Take grants out, or deny what a group grants
    Deny(DenyArgs),
    /// Lay policy files out; every comment stays
    Fmt(FmtArgs),
    /// Turn a seccomp profile or an OCI config.json into a policy
    Import(ImportArgs),
    /// Write the compiled system call filter of a policy for other tools and for reading
    Export(ExportArgs),
    /// Run a job again and again, and propose the smallest patch of a policy under which it finishes
    Learn(super::LearnArgs),
}

/// `remand policy check`.
#[derive(Debug, ArgGroup)]
#[command(after_help = CHECK_HELP)]
pub struct CheckArgs {
    /// Policy files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A policy that none of the files may exceed, in any field [default: /etc/remand/ceiling.jsonc where it exists]
    #[arg(long, value_name = "FILE")]
    pub ceiling: Option<PathBuf>,
    /// Let warnings end with status 2 as errors do
    #[arg(long)]
    pub deny_warnings: bool,
    /// Judge the text alone, not whether anything starts under it on this machine
    #[arg(long)]
    pub no_host: bool,
    /// Print all problems as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `remand policy diff`.
#[derive(Debug, ArgGroup)]
#[command(after_help = DIFF_HELP)]
pub struct DiffArgs {
    /// The old policy: a name, or a file (a path with `/`, or ending in .jsonc)
    #[arg(value_name = "OLD", add = ArgValueCompleter::new(complete::policies))]
    pub from: String,
    /// The new one
    #[arg(value_name = "NEW", add = ArgValueCompleter::new(complete::policies))]
    pub to: String,
    /// End with status 1 where the new policy may allow more (widen), or where it differs at all (change)
    #[arg(long, value_enum)]
    pub fail_on: Option<FailOn>,
    /// Print a JSON array of {field, mechanism, direction, from, to}, one element for each system call
    #[arg(long)]
    pub json: bool,
}

/// `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Something widens, or changes in a way that has no order and might widen
    Widen,
    /// Anything differs in meaning, the description included
    Change,
}

/// `remand policy show`.
#[derive(Debug, ArgGroup)]
#[command(after_help = SHOW_HELP)]
pub struct ShowPolicyArgs {
    /// Which policy.
    #[command(flatten)]
    pub which: WhichArgs,
    /// Print a JSON array of {field, value, file, line, column}
    #[arg(long)]
    pub json: bool,
}

/// `remand policy explain`.
#[derive(Debug, ArgGroup)]
pub struct ExplainArgs {
    /// Which policy.
    #[command(flatten)]
    pub which: WhichArgs,
}

/// A policy, and what a request makes of it.
#[derive(Debug, ArgGroup)]
pub struct WhichArgs {
    /// A name, or a file (a path with `/`, or ending in .jsonc)
    #[arg(value_name = "NAME|FILE", default_value = "default", add = ArgValueCompleter::new(complete::policies))]
    pub policy: String,
    /// Narrow one field of the policy, such as limits.memory=64MiB; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", add = ArgValueCompleter::new(complete::fields))]
    pub set: Vec<String>,
}

/// `remand policy edit`.
#[derive(Debug, ArgGroup)]
#[command(after_help = EDIT_HELP)]
pub struct EditArgs {
    /// A policy in /etc/remand/policies or ~/.config/remand/policies, or a file (a path with `/`, or ending in .jsonc); one that is not there yet starts from the default policy
    #[arg(value_name = "NAME|FILE", add = ArgValueCompleter::new(complete::policies))]
    pub policy: String,
}

/// `remand policy set`.
#[derive(Debug, ArgGroup)]
#[command(after_help = CHANGE_HELP)]
pub struct SetArgs {
    /// A file (a path with `/`, or ending in .jsonc), or the name of one in /etc/remand/policies or ~/.config/remand/policies
    #[arg(value_name = "FILE", add = ArgValueCompleter::new(complete::policies))]
    pub policy: String,
    /// Such as limits.memory=256MiB, environment.LANG=C, or JSON: python.stdlib_allow='["json"]'
    #[arg(required = true, value_name = "FIELD=VALUE", add = ArgValueCompleter::new(complete::fields))]
    pub settings: Vec<String>,
    /// Where and whether it is written
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `remand policy allow`.
#[derive(Debug, ArgGroup)]
#[command(after_help = CHANGE_HELP)]
pub struct AllowArgs {
    /// A file (a path with `/`, or ending in .jsonc), or the name of one in /etc/remand/policies or ~/.config/remand/policies
    #[arg(value_name = "FILE", add = ArgValueCompleter::new(complete::policies))]
    pub policy: String,
    /// System calls (mkdir), groups (@threads), and host paths (/srv/data, or /srv/data:/data to show it elsewhere)
    #[arg(required = true, value_name = "CALL|@GROUP|SOURCE[:TARGET]")]
    pub grants: Vec<String>,
    /// Why; a dangerous call and a writable mount need it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The mounts can be written
    #[arg(long)]
    pub writable: bool,
    /// Files on the mounts can be executed
    #[arg(long)]
    pub exec: bool,
    /// Where and whether it is written
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// `remand policy deny`.
#[derive(Debug, ArgGroup)]
#[command(after_help = CHANGE_HELP)]
pub struct DenyArgs {
    /// A file (a path with `/`, or ending in .jsonc), or the name of one in /etc/remand/policies or ~/.config/remand/policies
    #[arg(value_name = "FILE", add = ArgValueCompleter::new(complete::policies))]
    pub policy: String,
    /// System calls, groups, and targets of mounts
    #[arg(required = true, value_name = "CALL|@GROUP|TARGET")]
    pub grants: Vec<String>,
    /// Where and whether it is written
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// What `set`, `allow` and `deny` do with the file.
#[derive(Clone, Copy, Debug, ArgGroup)]
pub struct PlaceArgs {
    /// Make the file if it is not there, from the default policy
    #[arg(long)]
    pub create: bool,
    /// Print a unified diff instead of writing
    #[arg(long)]
    pub dry_run: bool,
}

/// `remand policy fmt`.
#[derive(Debug, ArgGroup)]
#[command(after_help = FMT_HELP)]
pub struct FmtArgs {
    /// Policy files; `-` reads standard input and writes standard output
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write nothing; print which files would change, and end with status 1 if there are any
    #[arg(long)]
    pub check: bool,
}

/// `remand policy import`.
#[derive(Debug, ArgGroup)]
#[command(after_help = IMPORT_HELP)]
pub struct ImportArgs {
    /// A seccomp profile of Docker, Podman or an OCI runtime, or an OCI config.json; `-` reads standard input
    pub file: PathBuf,
    /// What the file is; its content tells where this is left out
    #[arg(long, value_enum)]
    pub from: Option<FromArg>,
    /// Write the policy to this file, which must not exist yet, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print the list of what was not taken over as JSON
    #[arg(long)]
    pub json: bool,
}

/// `--from`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FromArg {
    /// A seccomp profile
    Seccomp,
    /// An OCI container's config.json
    Oci,
}

/// `remand policy export`.
#[derive(Debug, ArgGroup)]
#[command(after_help = EXPORT_HELP)]
pub struct ExportArgs {
    /// A built-in policy, one in /etc/remand/policies or ~/.config/remand/policies, or a file
    #[arg(value_name = "NAME|FILE", default_value = "default")]
    pub policy: String,
    /// In which form
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub form: FormArg,
    /// For which instruction set; this machine's where it is left out
    #[arg(long, value_enum)]
    pub arch: Option<ArchArg>,
    /// The profile that `--as host-profile` adds to
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
}

/// `--as`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormArg {
    /// A seccomp profile of the OCI runtime specification
    Oci,
    /// A line per system call
    Text,
    /// The BPF program, disassembled
    Bpf,
    /// The BPF program as the kernel takes it, such as for `bwrap --seccomp`
    BpfRaw,
    /// The seccomp profile of a container engine (`--base`), with what remand needs to start runs in such a container
    HostProfile,
    /// An AppArmor profile for a container that remand starts runs in
    Apparmor,
}

/// `--arch`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ArchArg {
    /// x86_64
    #[value(name = "x86_64")]
    X86_64,
    /// AArch64
    Aarch64,
}

const EDIT_HELP: &str = "\
The editor ($VISUAL, $EDITOR, or one that is installed) gets a private copy. When it ends, the copy is checked: with errors, the question is whether to \
edit again (at the first error) or to exit without saving; without, the change is shown by direction, and written if you say so. The file is replaced at \
once and keeps its owner and mode; it is locked meanwhile, and left alone if somebody else changed it.

Exit status: 0 written, or nothing was changed; 1 not written; 2 the policy or the editor cannot be used.";

const CHANGE_HELP: &str = "\
Comments, order and layout stay, and the file's owner and mode. A file of several names (hard links) is refused, since it is replaced under one. All or nothing: where the result is no policy, or beyond the ceiling of this machine, the problems are shown and nothing is written. \
What the change widens and narrows is printed. `allow --exec PROGRAM` also shows what the program needs to start: its loader, its libraries, what its #! line names.

Exit status: 0 done, or there was nothing to do; 2 it cannot be done.";

const FMT_HELP: &str = "\
Two spaces; an object or list on one line where it was written on one and fits into 150 characters; at most one empty line in a row; no trailing commas; line \
feeds, no byte order mark. Errors in what a policy means do not matter.

Exit status: 0; 1 with --check if a file would change; 2 a file cannot be read or written.";

const DIFF_HELP: &str = "\
Policies are compared by meaning: comments, layout, order, reasons and the file's name make no difference. Each change is said to widen (allows more), \
to narrow (allows less), or to change: neither side allows no more than the other, as with the value of a variable, another interpreter, or a mount that hides a part of \
another one. It is the order by which requests narrow a policy.

Exit status: 0 no difference, or only such as --fail-on lets pass; 1 --fail-on found one; 2 a policy cannot be read. --fail-on widen counts what changes without \
an order too, since it may allow more; of the description nothing depends.";

const SHOW_HELP: &str = "\
What is printed is a policy file. Behind each value stands the file and line that wrote it last; `floor` where none did and it has the narrowest value, `--set` where the \
command line narrowed it.";

const CHECK_HELP: &str = "\
The text is judged first: an error is what no machine runs, a warning what is hardly meant. Then, apart, this machine: whether runs start under the policy \
here, by `remand run` and by `remand exec`; --no-host leaves that out. Nothing is run, and a file may belong to anybody. Each problem is shown with its place, \
the line underlined, and what to write; a problem in a base is shown in the base.

The exit status is 2 if a text has an error, 1 if all texts are good and something does not start here, else 0; with --deny-warnings, warnings count as errors.";
/// `remand policy why`.
#[derive(Debug, ArgGroup)]
#[command(after_help = WHY_HELP)]
pub struct WhyArgs {
    /// A built-in policy, one in /etc/remand/policies or ~/.config/remand/policies, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "default", add = ArgValueCompleter::new(complete::policies))]
    pub policy: String,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
    /// The question, such as `socket AF_INET`, `open /etc/passwd`, `memory 2GiB`, `import numpy`
    #[arg(required = true, allow_hyphen_values = true, trailing_var_arg = true, value_name = "QUESTION")]
    pub question: Vec<String>,
}

/// `remand policy test`.
#[derive(Debug, ArgGroup)]
#[command(after_help = TEST_HELP)]
pub struct TestArgs {
    /// Policies: files, or names of built-in ones and of those in /etc/remand/policies or ~/.config/remand/policies
    #[arg(required = true, value_name = "FILE|NAME", add = ArgValueCompleter::new(complete::policies))]
    pub policies: Vec<String>,
    /// Try each expectation inside a run under the policy as well
    #[arg(long)]
    pub live: bool,
    /// Print the results as JSON, one line for each policy
    #[arg(long)]
    pub json: bool,
}

const WHY_HELP: &str = "\
A question is one of:
  CALL [ARGUMENT...]           socket AF_INET SOCK_STREAM; clone CLONE_NEWUSER|SIGCHLD; ioctl 0 TIOCSTI; prctl PR_SET_DUMPABLE 1
                               numbers are 42, 0x2a, 0o52 or -1; ? or nothing leaves an argument open
  syscall NUMBER [ARGUMENT...] a call by its number
  open|read|write|exec PATH    a file, in the run's own root; open takes O_* flags; quotes make a path with blanks one word: open '/srv/my files/a'
  LIMIT VALUE                  memory 2GiB, pids 10, wall_time 20s, tmp 1GiB, open_files 1000
  import MODULE, builtin NAME, env VARIABLE, connect ADDRESS:PORT
The words of a question are arguments of the command, or all of them one argument.

The answer comes from the compiled filter and the plan of a run on this machine. `depends` is said where two values of an open argument are answered \
differently.

The exit status is 0 if it is allowed, 1 if not, 2 if the question or the policy is wrong.";

const TEST_HELP: &str = "\
An expectation is an entry of the file's `expect` list: {\"call\": \"socket AF_INET\", \"is\": \"denied\", \"reason\": \"...\"}. Instead of `call`: open, read, write, \
exec (whose whole text is a path), limit, import, builtin, env, connect, or ask for any question of `remand policy why` on one line. `is` is one of allowed, denied (refused in any way that lets the run \
go on), no_such_call, not_visible, read_only, killed, depends.

With --live each is tried in a run of its own. What a call was answered is read from the supervisor's record. What is not tried is counted as skipped, by name.

The exit status is 0 if all hold, 1 if one does not, 2 if a policy cannot be used.";

const IMPORT_HELP: &str = "\
The policy allows nothing that its source denies, and extends the built-in policy `default`. What could not be taken over is listed on standard \
error, each with its place in the source, what stands there, why, and its effect: unheld (restricted there and by nothing here), refused (allowed \
there, not here), answer (denied on both sides, with another answer), settled (nothing is lost).

The exit status is 0 if everything was taken over or settled, 1 if something was left out, 2 if the file cannot be read or is neither kind.";

const EXPORT_HELP: &str = "\
What the form cannot say is listed on standard error. A raw program without a listener, as other tools install it, answers denied calls ENOSYS.";
