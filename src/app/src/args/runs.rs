//! `remand ps`, `remand logs`, `remand why` and `remand cancel`: the runs that a daemon has.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::engine::ArgValueCompleter;

use crate::complete;

/// Which daemon.
#[derive(Args, Debug)]
pub struct DaemonArgs {
    /// The daemon's socket; without it, remand/remand.sock in $XDG_RUNTIME_DIR if it is there, else /run/remand/remand.sock
    #[arg(long, value_name = "SOCKET", value_hint = ValueHint::FilePath)]
    pub via: Option<PathBuf>,
}

/// `remand ps`.
#[derive(Args, Debug)]
pub struct PsArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// Those too that are over and whose outcome is kept
    #[arg(short, long)]
    pub all: bool,
    /// Only those of this label
    #[arg(long = "for", value_name = "LABEL")]
    pub label: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

/// `remand logs`.
#[derive(Args, Debug)]
#[command(after_help = LOGS_HELP)]
pub struct LogsArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// Print its whole outcome as JSON on standard output, and nothing as it comes
    #[arg(long)]
    pub json: bool,
    /// Print its events, a line of JSON each, on standard output
    #[arg(long, conflicts_with = "json")]
    pub stream: bool,
    /// The run
    pub run: String,
}

const LOGS_HELP: &str = "\
What the run said so far is printed, then what it says as it comes, until it is over; then its value, if it has one, or an account of how it ended. Ctrl-C ends the watching \
and not the run: that is what `remand cancel` does. What the daemon keeps of a run is bounded; what is not kept any more is named.

The exit status tells the run's verdict as that of `remand run` does; docs/reference/exit-codes.md has all of them.";

/// `remand cancel`.
#[derive(Args, Debug)]
pub struct CancelArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// All of one's own of this label
    #[arg(long = "for", value_name = "LABEL", conflicts_with = "runs")]
    pub label: Option<String>,
    /// The runs
    #[arg(required_unless_present = "label", value_name = "RUN")]
    pub runs: Vec<String>,
}

/// `remand why`.
#[derive(Args, Debug)]
#[command(after_help = WHY_HELP)]
pub struct WhyRunArgs {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
    /// Ask this policy instead of the one that the run was under
    #[arg(short, long, value_name = "NAME|FILE", add = ArgValueCompleter::new(complete::policies))]
    pub policy: Option<String>,
    /// Print the answers as JSON
    #[arg(long)]
    pub json: bool,
    /// The run of a daemon; or a record, by a path with `/`, one that ends in .json, or `-` for standard input
    #[arg(value_name = "RUN|RECORD")]
    pub run: OsString,
}

const WHY_HELP: &str = "\
Each call that the run was denied, and the limit that it met, is put to its policy as `remand policy why` puts a question: the line that decides, the smallest edit that would \
change it, and what would be dangerous about that. A record is what `--json` or `--outcome` wrote. The policy is looked up on this host by the name that the run had.";
