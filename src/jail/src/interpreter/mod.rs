//! What an interpreter or another host program needs in a run, found by asking once and kept in a cache.
//!
//! Always holds: what is asked here (an interpreter, a dynamic loader) runs confined to reading (`sys::reader`), within a deadline and with bounded
//! output; an answer is believed only as far as its paths have the shape that was asked for; as root, no interpreter is asked that somebody else
//! could have put there. The one thing that runs unconfined is a version manager's shim, with the caller's own rights.

mod answer;
mod ask;
mod cache;
mod find;
mod libraries;
mod needs;
mod program;
mod shim;
mod tree;
mod trust;

pub use find::{Found, find};
pub use program::{HostProgram, program};

/// No usable interpreter or program: what was wanted, and why each candidate was passed over.
#[derive(Debug, thiserror::Error)]
#[error("{wanted}: {}", reasons.join("; "))]
pub struct InterpreterError {
    /// The name or path as asked for.
    pub wanted: String,
    /// One reason per candidate, in the order of the search.
    pub reasons: Vec<String>,
}
