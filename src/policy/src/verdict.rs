//! The verdict: how a run ended, as a pure function of the supervisor's evidence.
//!
//! Always holds: never inferred from an exit code's number (137, 124, 159); a claim of the run's code decides only between `finished` and `raised`.

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::plan::Plan;

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

/// The closed list of endings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// One valid `done` frame, then exit 0 (a plain program: exit 0).
    Finished,
    /// The code raised; see the outcome's `error`.
    Raised,
    /// The process ended itself without a final frame.
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
        /// `us`, `bytes`, `tasks`, `inodes`, `refusals`, `kills`...
        unit: String,
        /// Where the counter was read: `memory.events oom_kill`, `RLIMIT_FSIZE (SIGXFSZ)`...
        source: String,
    },
    /// A call that the policy answers by killing.
    Violated {
        /// `SIGSYS` from the seccomp filter.
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

/// Decides. Total: every combination of evidence has exactly one verdict.
#[must_use]
pub fn decide(evidence: &Evidence, plan: &Plan) -> Verdict {
    let _ = (evidence, plan);
    Verdict::NoResult
}
