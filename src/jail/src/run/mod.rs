//! Runs, from plan to outcome.
//!
//! Always holds: every failure is a verdict; when a run has its outcome, no process, cgroup, mount, namespace or descriptor of it is left.

mod ask;
mod capture;
mod denials;
mod exact;
mod follow;
mod handle;
mod input;
mod locks;
mod looks;
mod meter;
mod parts;
mod phase;
mod pipes;
mod record;
mod seen;
mod tree;
mod watch;

use remand_plan::Outcome;

pub use ask::{Ask, Begun, Caller, Job, Said, Sink, Stream, WithoutCgroup};
pub use handle::Run;
pub use looks::{Look, Looks};

/// Runs a plan to its end.
#[must_use]
pub fn run(ask: Ask<'_>, caller: Caller<'_>) -> Outcome {
    observe(ask, caller).0
}

/// The same, with the paths that the run looked for, if its plan is one for learning.
#[must_use]
pub fn observe(ask: Ask<'_>, caller: Caller<'_>) -> (Outcome, Looks) {
    match Run::start(ask, caller.sink) {
        Ok(run) => run.to_end(caller.cancel, caller.begun),
        Err(outcome) => (*outcome, Looks::default()),
    }
}
