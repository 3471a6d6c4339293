//! `remand policy`: a file per command.
//!
//! Always holds: nothing here needs privilege; a file is read by the loader that runs are started with.

mod change;
pub mod check;
pub mod context;
mod diff;
mod draft;
mod edit;
mod editor;
mod explain;
mod export;
mod fmt;
mod grant;
mod host;
mod import;
mod learn;
mod live;
mod replace;
mod set;
mod show;
pub mod snippet;
mod test;
mod validate;
pub mod why;

use crate::args::PolicyCommand;
use crate::failure::Failure;

/// Carries out a `remand policy` command; gives its exit status.
pub fn policy(command: PolicyCommand) -> Result<u8, Failure> {
    match command {
        PolicyCommand::Check(args) => check::check(&args),
        PolicyCommand::Learn(args) => learn::learn(&args),
        PolicyCommand::Diff(args) => diff::diff(&args),
        PolicyCommand::Show(args) => show::show(&args),
        PolicyCommand::Explain(args) => explain::explain(&args),
        PolicyCommand::Why(args) => why::why(&args),
        PolicyCommand::Test(args) => test::test(&args),
        PolicyCommand::Edit(args) => edit::edit(&args),
        PolicyCommand::Set(args) => set::set(&args),
        PolicyCommand::Allow(args) => set::allow(&args),
        PolicyCommand::Deny(args) => set::deny(&args),
        PolicyCommand::Fmt(args) => fmt::fmt(&args),
        PolicyCommand::Import(args) => import::import(&args),
        PolicyCommand::Export(args) => export::export(&args),
    }
}
