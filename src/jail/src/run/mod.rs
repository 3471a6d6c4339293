//! Runs, from plan to outcome.
//!
//! Always holds: every failure is a verdict; when a run has its outcome, no process, cgroup, mount, namespace or descriptor of it is left.

mod artifacts;
mod denials;
mod exact;
mod follow;
mod given;
mod handle;
mod input;
mod launch;
mod locks;
mod lookups;
mod meter;
mod parts;
mod phase;
mod pipes;
mod record;
mod seen;
mod sockets;
mod tree;
mod watch;

use remand_plan::Outcome;

pub use handle::Run;
pub use input::Feed;
pub use launch::{Begun, Caller, Job, Launch, Progress, Said, Screen, Sink, Watcher, WithLess};
pub use lookups::{PathLookup, PathLookups};
pub use record::run_id;

/// Runs a plan to its end.
#[must_use]
pub fn run(launch: Launch<'_>, caller: Caller<'_>) -> Outcome {
    match Run::start(launch, caller.sink) {
        Ok(run) => run.to_end(caller.cancel, caller.begun, caller.watcher, caller.screen).0,
        Err(outcome) => *outcome,
    }
}
