//! `remand policy`: a file per command.
//!
//! Always holds: nothing here needs privilege; a file is read by the loader that runs are started with.

pub mod check;
mod diff;
mod explain;
mod export;
mod import;
mod show;

use crate::args::PolicyCommand;
use crate::failure::Failure;

/// Does it; the exit status.
pub fn policy(command: PolicyCommand) -> Result<u8, Failure> {
    match command {
        PolicyCommand::Check(args) => check::check(&args),
        PolicyCommand::Diff(args) => diff::diff(&args),
        PolicyCommand::Show(args) => show::show(&args),
        PolicyCommand::Explain(args) => explain::explain(&args),
        PolicyCommand::Import(args) => import::import(&args),
        PolicyCommand::Export(args) => export::export(&args),
    }
}
