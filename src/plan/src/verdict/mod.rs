//! The verdict: how a run ended, and what held its protections, as a pure function of the supervisor's evidence.
//!
//! Always holds: nothing changes a verdict or an enforcement afterwards; never inferred from an exit code's number (137, 124, 159); a claim of the run's code decides only between `finished` and `raised`.
//!
//! The first of these that the evidence shows is the verdict:
//!
//! 1. The supervisor could not remove what held the run: `internal`. It stopped the run: its reason (a function that closed the result's descriptor, and was seen
//!    to go on: `malformed_result`).
//! 2. A step before exec failed: `not_started`.
//! 3. The kernel's own killing: an out-of-memory handler (and whose: the run's, a cgroup's above it, the host's), SIGXFSZ, SIGXCPU
//!    past the budget.
//! 4. The executor never said `ready`: `not_started`.
//! 5. The decoder refused the frames: the limit, or `malformed_result`. A frame cut short by a signal is no lie of the code: the signal counts; nor is one that a
//!    program left unfinished.
//! 6. Memory or tasks that were only looked at had been over their limit before a look met them: `exceeded`.
//! 7. One `done` frame and exit 0 (a plain program, and Python code that is a program: exit 0): `finished`.
//! 8. It failed, and an out-of-memory handler had killed some process of the run, or the pids limit or the tmpfs was exhausted: `exceeded`.
//! 9. How the process ended: signal, `error` frame, code, nothing. Of Python code that is a program an `error` frame counts only beside Python's own status
//!    for it, 1.
//!
//! A process may send itself SIGXFSZ or SIGXCPU. That forges one kind of failure as another, which wins it nothing; it never makes a success.

mod ending;
mod enforced;
mod exceeded;
mod hints;
mod kinds;
mod signals;

use std::collections::BTreeMap;

use crate::enforcement::Enforcement;
use crate::evidence::Evidence;
use crate::plan::Plan;
use crate::protection::Protection;

pub use hints::hint;
pub use kinds::{Level, Verdict};
pub use signals::signal_name;

/// What is decided about a run when it is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// How it ended.
    pub verdict: Verdict,
    /// What held each protection.
    pub enforcement: BTreeMap<Protection, Enforcement>,
}

/// Decides.
#[must_use]
pub fn decide(evidence: &Evidence, plan: &Plan) -> Decision {
    Decision { verdict: judge(evidence, plan), enforcement: enforced::enforcement(evidence, plan) }
}

/// Total: every combination of evidence has exactly one verdict. The order is that of the module's text.
fn judge(evidence: &Evidence, plan: &Plan) -> Verdict {
    ending::not_removed(evidence)
        .or_else(|| exceeded::by_stop(evidence, plan))
        .or_else(|| ending::failed_step(evidence))
        .or_else(|| exceeded::by_kernel(evidence, plan))
        .or_else(|| ending::never_ready(evidence))
        .or_else(|| exceeded::by_frames(evidence))
        .or_else(|| exceeded::by_peak(evidence, plan))
        .or_else(|| ending::finished(evidence, plan))
        .or_else(|| exceeded::before_failure(evidence, plan))
        .unwrap_or_else(|| ending::failed(evidence))
}

#[cfg(test)]
mod tests;
