//! What an interpreter or another host program needs in a run, found by reading; an interpreter is also asked once, and its answer kept in a cache.
//!
//! Always holds: no program is executed here outside of a sandbox of ours, and in one only an interpreter, after everything that it will load was found to
//! be out of others' reach; its answer is believed only as far as its paths have the shape that was asked for.

mod ask;
mod beside;
mod budget;
mod cache;
mod candidate;
mod elf;
mod find;
mod layout;
mod needs;
mod parts;
mod program;
mod reach;
mod sandbox;
mod script;
mod shim;
mod stamp;
mod tree;
mod trust;
mod warm;

use std::os::fd::BorrowedFd;

pub use find::{Found, Warmed, find, look, warm};
pub use program::{HostProgram, extension, mounted, program};
pub use reach::regular;

/// Where names are looked up, and until when.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// `PATH` of who asks.
    pub path: &'a str,
    /// Readable: the answer is no longer wanted.
    pub cancel: Option<BorrowedFd<'a>>,
    /// Runs have ids of their own, and not the caller's (`remand_plan::own_ids`): what they can read is then another matter.
    pub own_ids: bool,
}

/// On this machine, as it is for this process.
impl<'a> From<&'a str> for Lookup<'a> {
    fn from(path: &'a str) -> Self {
        Self { path, cancel: None, own_ids: remand_jail::host::own_ids() }
    }
}

/// No usable interpreter or program: what was wanted, and why each candidate was passed over.
#[derive(Debug, thiserror::Error)]
#[error("{wanted}: {}", reasons.join("; "))]
pub struct InterpreterError {
    /// The name or path as asked for.
    pub wanted: String,
    /// One reason per candidate, in the order of the search.
    pub reasons: Vec<String>,
}
