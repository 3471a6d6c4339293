//! One run, from plan to outcome.
//!
//! Always holds: every failure is a verdict; when [`run`] returns, no process, cgroup, mount, namespace or descriptor of the run is left.

mod capture;
mod denials;
mod follow;
mod launch;
mod looks;
mod meter;
mod pipes;
mod record;
mod seen;
mod timeline;
mod tree;

use std::os::fd::BorrowedFd;

use remand_policy::{HostFacts, Outcome, Plan, Policy};

pub use looks::{Look, Looks};
use timeline::Timeline;

/// One run as decided.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The effective policy, for its name and for the lines that a denial points at.
    pub policy: &'a Policy,
    /// What it means here.
    pub plan: &'a Plan,
    /// The host that the plan was made for.
    pub host: &'a HostFacts,
    /// The encoded job of an executor; empty for a plain program.
    pub job: &'a [u8],
}

/// Which of the run's own streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// What a caller can do while the run goes on.
#[derive(Default)]
pub struct Caller<'a> {
    /// Readable: the run is to be cancelled.
    pub cancel: Option<BorrowedFd<'a>>,
    /// Gets the run's own output as it comes, within the limits.
    pub output: Option<Output<'a>>,
}

/// Takes output as it comes.
pub type Output<'a> = &'a mut dyn FnMut(Stream, &[u8]);

/// Runs a plan to its end.
#[must_use]
pub fn run(ask: &Ask<'_>, caller: Caller<'_>) -> Outcome {
    observe(ask, caller).0
}

/// The same, with the paths that the run looked for, if its plan is one for learning.
#[must_use]
pub fn observe(ask: &Ask<'_>, caller: Caller<'_>) -> (Outcome, Looks) {
    let mut timeline = Timeline::begin();
    match launch::launch(ask, &mut timeline) {
        Ok(launched) => {
            let mut seen = follow::follow(ask, launched, caller, &mut timeline);
            let looks = std::mem::take(&mut seen.looks);
            (record::finished(ask, seen, timeline), looks)
        }
        Err(failure) => (record::not_started(ask, &failure, timeline), Looks::default()),
    }
}
