//! What was typed after `remand policy`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand, ValueEnum};

/// `remand policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Load policy files and print every problem in them
    Check(CheckArgs),
    /// Say what a change of a policy widens and narrows
    Diff(DiffArgs),
    /// Print a policy with everything filled in, and where each value was written
    Show(ShowPolicyArgs),
    /// Say in sentences what a run under a policy can read, write, reach, spend and call on this machine, and what is not protected
    Explain(ExplainArgs),
    /// Turn a seccomp profile or an OCI config.json into a policy
    Import(ImportArgs),
    /// Write the compiled system call filter of a policy for other tools and for reading
    Export(ExportArgs),
}

/// `remand policy check`.
#[derive(Debug, ArgGroup)]
pub struct CheckArgs {
    /// Policy files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `remand policy diff`.
#[derive(Debug, ArgGroup)]
#[command(after_help = DIFF_HELP)]
pub struct DiffArgs {
    /// The old policy: a name, or a file (a path with `/`, or ending in .jsonc)
    #[arg(value_name = "OLD")]
    pub from: String,
    /// The new one
    #[arg(value_name = "NEW")]
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
    #[arg(value_name = "NAME|FILE", default_value = "default")]
    pub policy: String,
    /// Narrow one field of the policy, such as limits.memory=64MiB; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
}

const DIFF_HELP: &str = "\
Policies are compared by meaning: comments, layout, order, reasons and the file's name make no difference. Each change is said to widen (allows more), \
to narrow (allows less), or to change: neither side allows no more than the other, as with the value of a variable, another interpreter, or a mount that hides a part of \
another one. It is the order by which requests narrow a policy.

Exit status: 0 no difference, or only such as --fail-on lets pass; 1 --fail-on found one; 2 a policy cannot be read. --fail-on widen counts what changes without \
an order too, since it may allow more; of the description nothing depends.";

const SHOW_HELP: &str = "\
What is printed is a policy file. Behind each value stands the file and line that wrote it last; `floor` where none did and it has the narrowest value, `--set` where the \
command line narrowed it.";

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
    /// A built-in policy, one in /etc/remand/policies, or a file
    #[arg(value_name = "NAME|FILE", default_value = "default")]
    pub policy: String,
    /// In which form
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub form: FormArg,
    /// For which instruction set; this machine's where it is left out
    #[arg(long, value_enum)]
    pub arch: Option<ArchArg>,
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

const IMPORT_HELP: &str = "\
The policy allows nothing that its source denies, and extends the built-in policy `default`. What could not be taken over is listed on standard \
error, each with its place in the source, what stands there, why, and its effect: unheld (restricted there and by nothing here), refused (allowed \
there, not here), answer (denied on both sides, with another answer), settled (nothing is lost).

The exit status is 0 if everything was taken over or settled, 1 if something was left out, 2 if the file cannot be read or is neither kind.";

const EXPORT_HELP: &str = "\
What the form cannot say is listed on standard error. A raw program without a listener, as other tools install it, answers denied calls ENOSYS.";
