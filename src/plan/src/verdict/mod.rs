//! The verdict: how a run ended, as a pure function of the supervisor's evidence.
//!
//! Always holds: never inferred from an exit code's number (137, 124, 159); a claim of the run's code decides only between `finished` and `raised`.
//!
//! The first of these that the evidence shows is the verdict:
//!
//! 1. The supervisor stopped the run: its reason.
//! 2. A step before exec failed: `not_started`.
//! 3. The kernel's own killing: an out-of-memory handler (and whose: the run's, a cgroup's above it, the host's), SIGXFSZ, SIGXCPU
//!    past the budget.
//! 4. The executor never said `ready`: `not_started`.
//! 5. The decoder refused the frames: the limit, or `malformed_result`. A frame cut short by a signal is no lie of the code: the signal counts.
//! 6. Memory that was only looked at had been over its limit before a look met it: `exceeded`.
//! 7. One `done` frame and exit 0 (a plain program: exit 0): `finished`.
//! 8. It failed, and an out-of-memory handler had killed some process of the run, or the pids limit or the tmpfs was exhausted: `exceeded`.
//! 9. How the process ended: signal, `error` frame, code, nothing.
//!
//! A process may send itself SIGXFSZ or SIGXCPU. That forges one kind of failure as another, which wins it nothing; it never makes a success.

mod ending;
mod exceeded;
mod hints;
mod signals;

use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, Start};
use crate::plan::Plan;

pub use hints::hint;
pub use signals::signal_name;

/// Limits that a run can exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum LimitKind {
    WallTime,
    CpuTime,
    Memory,
    Pids,
    Stdout,
    Stderr,
    Prints,
    ResultSize,
    ResultShape,
    FileSize,
    TmpSize,
    TmpInodes,
}

/// Whose limit was met. Only memory can be another's: `allowed` and `seen` are then that one's too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The run's own.
    #[default]
    Run,
    /// That of a cgroup above the run's: a container, a service, a session.
    Container,
    /// The host had no memory left, or a cgroup above all that can be seen from here.
    Host,
}

/// The closed list of endings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// One valid `done` frame, then exit 0 (a plain program: exit 0).
    Finished,
    /// The code raised; see the outcome's `error`.
    Raised,
    /// The process ended itself without a final frame, or with another code than its final frame goes with.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal that the supervisor did not send ended the process.
    Signaled {
        /// Signal number.
        signal: i32,
        /// Signal name, such as `SIGSEGV`.
        name: String,
    },
    /// A limit ended the run, or the run failed after it had hit one.
    Exceeded {
        /// Which.
        limit: LimitKind,
        /// What the policy allows, in `unit`.
        allowed: u64,
        /// The counter that proves it, in `unit`.
        seen: u64,
        /// `us`, `bytes`, `tasks`, `inodes`, `levels`, `values`, `digits`.
        unit: String,
        /// Where the counter was read: `memory.events oom_kill`, `RLIMIT_FSIZE (SIGXFSZ)`...
        source: String,
        /// Whose limit it was.
        #[serde(default)]
        level: Level,
    },
    /// A call that the policy answers by killing.
    Violated {
        /// Who said so: the seccomp filter. Which call it was is in the outcome's `violations`.
        source: String,
    },
    /// The caller cancelled.
    Cancelled,
    /// The program exited 0 without a final frame.
    NoResult,
    /// The result pipe carried what the protocol does not allow.
    MalformedResult {
        /// What it was.
        reason: String,
    },
    /// A step before exec failed, or the interpreter never came up.
    NotStarted {
        /// Step name.
        step: String,
        /// Which of several.
        index: u32,
        /// The kernel's answer, 0 if none.
        errno: i32,
        /// What to do.
        hint: String,
    },
    /// remand itself failed.
    Internal {
        /// How.
        message: String,
    },
}

impl Verdict {
    /// The word that `kind` carries.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Raised => "raised",
            Self::Exited { .. } => "exited",
            Self::Signaled { .. } => "signaled",
            Self::Exceeded { .. } => "exceeded",
            Self::Violated { .. } => "violated",
            Self::Cancelled => "cancelled",
            Self::NoResult => "no_result",
            Self::MalformedResult { .. } => "malformed_result",
            Self::NotStarted { .. } => "not_started",
            Self::Internal { .. } => "internal",
        }
    }
}

/// Decides. Total: every combination of evidence has exactly one verdict. The order is that of the module's text.
#[must_use]
pub fn decide(evidence: &Evidence, plan: &Plan) -> Verdict {
    exceeded::by_stop(evidence, plan)
        .or_else(|| failed_step(evidence))
        .or_else(|| exceeded::by_kernel(evidence, plan))
        .or_else(|| ending::never_ready(evidence))
        .or_else(|| exceeded::by_frames(evidence))
        .or_else(|| exceeded::by_peak(evidence, plan))
        .or_else(|| ending::finished(evidence, plan))
        .or_else(|| exceeded::before_failure(evidence, plan))
        .unwrap_or_else(|| ending::failed(evidence))
}

fn failed_step(evidence: &Evidence) -> Option<Verdict> {
    let Start::Failed(failure) = evidence.start else { return None };
    Some(Verdict::NotStarted {
        step: failure.step.to_owned(),
        index: failure.index,
        errno: failure.errno,
        hint: hint(failure.step, failure.index, failure.errno),
    })
}

#[cfg(test)]
mod tests;
