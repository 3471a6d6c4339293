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

/// `remand policy edit`.
#[derive(Debug, ArgGroup)]
#[command(after_help = EDIT_HELP)]
pub struct EditArgs {
    /// A policy in /etc/remand/policies, or a file (a path with `/`, or ending in .jsonc); one that is not there yet starts from the default policy
    #[arg(value_name = "NAME|FILE")]
    pub policy: String,
}

/// `remand policy set`.
#[derive(Debug, ArgGroup)]
#[command(after_help = CHANGE_HELP)]
pub struct SetArgs {
    /// A file (a path with `/`, or ending in .jsonc), or the name of one in /etc/remand/policies
    #[arg(value_name = "FILE")]
    pub policy: String,
    /// Such as limits.memory=256MiB, environment.LANG=C, or JSON: python.stdlib_allow='["json"]'
    #[arg(required = true, value_name = "FIELD=VALUE")]
    pub settings: Vec<String>,
    /// Print a unified diff instead of writing
    #[arg(long)]
    pub dry_run: bool,
}

/// `remand policy allow`.
#[derive(Debug, ArgGroup)]
#[command(after_help = CHANGE_HELP)]
pub struct AllowArgs {
    /// A file (a path with `/`, or ending in .jsonc), or the name of one in /etc/remand/policies
    #[arg(value_name = "FILE")]
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
    /// Print a unified diff instead of writing
    #[arg(long)]
    pub dry_run: bool,
}

/// `remand policy deny`.
#[derive(Debug, ArgGroup)]
#[command(after_help = CHANGE_HELP)]
pub struct DenyArgs {
    /// A file (a path with `/`, or ending in .jsonc), or the name of one in /etc/remand/policies
    #[arg(value_name = "FILE")]
    pub policy: String,
    /// System calls, groups, and targets of mounts
    #[arg(required = true, value_name = "CALL|@GROUP|TARGET")]
    pub grants: Vec<String>,
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

const EDIT_HELP: &str = "\
The editor ($VISUAL, $EDITOR, or one that is installed) gets a private copy. When it ends, the copy is checked: with errors, the question is whether to \
edit again (at the first error) or to exit without saving; without, the change is shown by direction, and written if you say so. The file is replaced at \
once and keeps its owner and mode; it is locked meanwhile, and left alone if somebody else changed it.

Exit status: 0 written, or nothing was changed; 1 not written; 2 the policy or the editor cannot be used.";

const CHANGE_HELP: &str = "\
Comments, order and layout stay. All or nothing: where the result is no policy, or beyond the ceiling of this machine, the problems are shown and nothing is written. \
What the change widens and narrows is printed.

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
An error is what keeps a run from starting; a warning is what is hardly meant, or what this machine lacks. Nothing is run, and a file may belong to \
anybody. Each problem is shown with its place, the line underlined, and what to write; a problem in a base is shown in the base.

The exit status is 0 if there is no error, and 2 if there is one; with --deny-warnings, 2 if there is any problem.";
