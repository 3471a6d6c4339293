//! What was typed after `remand policy`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand};

/// `remand policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say everything that is wrong with policy files, and what is hardly meant
    Check(CheckArgs),
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

const CHECK_HELP: &str = "\
An error is what keeps a run from starting; a warning is what is hardly meant, or what this machine lacks. Nothing is run, and a file may belong to \
anybody. Each problem is shown with its place, the line underlined, and what to write; a problem in a base is shown in the base.

The exit status is 0 if there is no error, and 2 if there is one; with --deny-warnings, 2 if there is any problem.";
