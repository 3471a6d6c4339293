//! One run, from plan to outcome.

use std::os::fd::BorrowedFd;

use remand_policy::{Outcome, Plan};

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
    pub output: Option<&'a mut dyn FnMut(Stream, &[u8])>,
}

/// Runs a plan; every failure is a verdict. `job` is the encoded job for an executor, empty for a plain program.
/// When this returns, no process, cgroup, mount, namespace or descriptor of the run is left.
#[must_use]
pub fn run(plan: &Plan, job: &[u8], caller: Caller<'_>) -> Outcome {
    let _ = (plan, job, caller);
    unimplemented!()
}
