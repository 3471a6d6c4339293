//! The closed lists of a verdict: the endings, and whose limit it was.
//!
//! Always holds: every ending carries the data that it is told from; none is a text to be parsed.

use serde::{Deserialize, Serialize};

use crate::limit::{LimitKind, Unit};
use crate::step::Step;

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
        /// What these are numbers of.
        unit: Unit,
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
        /// Which.
        step: Step,
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
    /// Whether it matters where the code was, if it was asked: a limit of time or of memory ended it. Unasked, it says so where a signal ends it.
    #[must_use]
    pub fn asks_where(&self, asked: bool) -> bool {
        let asks = |limit: LimitKind| matches!(limit, LimitKind::WallTime | LimitKind::CpuTime | LimitKind::Memory);
        matches!(self, Self::Signaled { .. }) || matches!(self, Self::Exceeded { limit, level: Level::Run, .. } if asked && asks(*limit))
    }

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
