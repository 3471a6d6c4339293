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
