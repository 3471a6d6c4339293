//! What was typed after `remand policy`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand, ValueEnum};

/// `remand policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say everything that is wrong with policy files, and what is hardly meant
    Check(CheckArgs),
    /// Run a job again and again, and propose the smallest patch of a policy under which it finishes
    Learn(super::LearnArgs),
    /// Say what a change of a policy widens and narrows
    Diff(DiffArgs),
    /// Print a policy with everything filled in, and where each value was written
    Show(ShowPolicyArgs),
    /// Say in sentences what a run under a policy can read, write, reach, spend and call on this machine, and what is not protected
    Explain(ExplainArgs),
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
    /// Print all problems as one JSON document
    #[arg(long)]
    pub json: bool,
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

const CHECK_HELP: &str = "\
An error is what keeps a run from starting; a warning is what is hardly meant, or what this machine lacks. Nothing is run, and a file may belong to \
anybody. Each problem is shown with its place, the line underlined, and what to write; a problem in a base is shown in the base.

The exit status is 0 if there is no error, and 2 if there is one; with --deny-warnings, 2 if there is any problem.";
