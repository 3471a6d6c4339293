//! What was typed after `remand policy`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand, ValueEnum};

/// `remand policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Load policy files and print every problem in them
    Check(CheckArgs),
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
