//! The other end of a daemon's socket: a request by HTTP to `remand serve`, its events as they come, its outcome; and the runs that it has.
//!
//! It makes no run itself, and knows nothing of what makes them: what it has in common with a daemon is the request, the events and the outcome.
//!
//! Always holds: no unsafe code; what a socket says is as hostile as a run: bounded before it is read, and believed in nothing but its form; nothing of a request is
//! sent before whoever listens has said that it is a daemon of a version that is known here; whoever waits, waits with an end, but for a run that its daemon says
//! goes on.

#![forbid(unsafe_code)]

mod answer;
mod connection;
mod error;
mod events;
mod follow;
mod runs;

pub use error::{Problem, ViaError};
pub use follow::{Told, detach, run, watch};
pub use runs::{Listed, Which, cancel, list};

use std::time::Duration;

/// The version of the API that is spoken here.
const API: u64 = 1;
/// How long a daemon may take for what it answers at once.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long for a request of the largest size, before it says that it took it.
const TAKING: Duration = Duration::from_secs(90);
/// How long nothing may be heard of a run before its daemon is asked whether it goes on.
const QUIET: Duration = Duration::from_secs(30);
/// Most bytes of a document that says which version it is, or what is wrong.
const DOCUMENT: usize = 1 << 20;
/// Most bytes of one event, of which the outcome is one; and of what a daemon says of runs.
const EVENT: usize = 256 << 20;
