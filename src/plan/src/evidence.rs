//! What the supervisor saw of a run with its own eyes: the input of the verdict.
//!
//! Always holds: nothing here is a claim of the run's code, except what is marked so (`FrameEnd` carries the code's own value or error).

use crate::frames::{ErrorFrame, FrameError, Received};
use crate::limit::LimitKind;
use crate::step::Step;
use std::time::Duration;

/// All that a verdict is decided from.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Did the start get as far as executing the program?
    pub start: Start,
    /// The executor's `ready` frame came, or it is a plain program that was executed.
    pub ready: bool,
    /// It is code that is a program: its wait status is the result, and frames only add to it.
    pub program: bool,
    /// What the result pipe ended with.
    pub frames: FrameEnd,
    /// How the executor process ended, told by init from `waitid`.
    pub ended: Ended,
    /// Why the supervisor stopped the run, if it did. The first reason stays.
    pub stopped: Option<Stop>,
    /// Counters read after the end.
    pub counters: Counters,
    /// Cgroups above the run's whose memory limit was met while it ran, nearest first; looked for only where the run lost a process to memory and had
    /// not met its own limit.
    pub memory_above: Vec<MemoryLevel>,
    /// Of a run whose memory no cgroup of its own counts: how many processes an out-of-memory handler killed meanwhile in the cgroup that it shares with this
    /// process and others. Proves nothing of a process that was not killed.
    pub killed_beside: u64,
    /// Bytes of memory and swap that the whole host has.
    pub host_memory: u64,
    /// What around this process can have kept an interpreter from its first line, for people; looked for only where one said nothing.
    pub silent: Option<String>,
    /// What went wrong in the supervisor itself, for people.
    pub trouble: Option<String>,
    /// What only the start could tell; nothing of a run that was not made.
    pub confinement: Option<Confinement>,
    /// What descriptors in flight still held after the end, where the policy lets the run make some.
    pub in_flight: Option<InFlight>,
    /// How the run's cgroup went.
    pub cleanup: Cleanup,
}

impl Evidence {
    /// Of a run that was not made.
    #[must_use]
    pub fn unmade(start: Start, stopped: Option<Stop>) -> Self {
        Self {
            start,
            ready: false,
            program: false,
            frames: FrameEnd::None,
            ended: Ended::Unknown,
            stopped,
            counters: Counters::default(),
            memory_above: Vec::new(),
            killed_beside: 0,
            host_memory: 0,
            silent: None,
            trouble: None,
            confinement: None,
            in_flight: None,
            cleanup: Cleanup::default(),
        }
    }
}

/// What only the start of a run could tell of its protections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// The host user id that it alone had; none where it had its caller's.
    pub own_uid: Option<u32>,
    /// What became of the caller's supplementary groups.
    pub groups: Groups,
    /// The kernel allowed no more user namespaces inside.
    pub nested_userns_disabled: bool,
    /// Why it has the host's name in its UTS namespace, if it has.
    pub no_host_name: Option<&'static str>,
    /// Why it is not the first to go where memory runs out on the whole host, if it is not.
    pub no_oom_score: Option<&'static str>,
}

/// Supplementary groups of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// They were dropped.
    Dropped,
    /// The caller had none but its own.
    None,
    /// They could not be dropped.
    Kept,
}

/// What descriptors in flight in sockets of the run's own held when the wait for the kernel's collector of such sockets was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// Bytes of the run's memory; `None` where nothing counts them.
    pub bytes: Option<u64>,
    /// Pipes that had not come to their end of file.
    pub pipes: usize,
}

/// What a caller gave as standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Given {
    /// Bytes that came, until the run ended or the caller did.
    pub bytes: u64,
    /// How many of them nobody read.
    pub unread: u64,
}

/// How the run's cgroup was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleanup {
    /// Why it was not, for people.
    pub failed: Option<String>,
    /// Bytes that were still charged to it and not to be freed.
    pub charged: u64,
}

/// A cgroup above the run's, by its memory limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryLevel {
    /// Its directory.
    pub cgroup: String,
    /// Its limit in bytes.
    pub allowed: u64,
    /// The most that it ever held, or holds where this kernel keeps no record of that.
    pub seen: u64,
}

/// Outcome of the steps before exec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// All steps done.
    Done,
    /// A step failed.
    Failed(StepFailure),
}

/// A failed step on the way to exec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailure {
    /// Which.
    pub step: Step,
    /// Which of several (mount, rlimit, rule).
    pub index: u32,
    /// The kernel's answer.
    pub errno: i32,
    /// What it was about, for people.
    pub object: Option<String>,
    /// Why it failed and what to do, found out by a look around, for people.
    pub cause: Option<String>,
}

/// What the result pipe ended with.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameEnd {
    /// Closed without a final frame.
    None,
    /// One `done` (its value is kept by the decoder).
    Done,
    /// One `error`: the code's own account.
    Error(ErrorFrame),
    /// The decoder refused: a limit with its counter, or what the protocol does not allow.
    Refused(FrameError),
}

impl FrameEnd {
    /// From what [`crate::frames::Decoder::finish`] gave.
    #[must_use]
    pub fn of(received: &Received, error: Option<FrameError>) -> Self {
        match (error, &received.error) {
            (Some(refused), _) => Self::Refused(refused),
            (None, Some(raised)) => Self::Error(raised.clone()),
            (None, None) if received.done => Self::Done,
            (None, None) => Self::None,
        }
    }
}

/// How the executor process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// Init is gone and told nothing (it was killed with the run).
    Unknown,
}

/// Why the supervisor stopped a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A limit was met.
    Limit(LimitKind),
    /// Bytes that are no frame.
    Malformed,
    /// Nothing of a function's can come any more, since nobody has the result pipe, and it goes on.
    ResultClosed,
    /// A call that the policy answers by ending the run.
    Violated,
    /// It was not ready so long after it was made.
    NeverReady(Duration),
    /// The caller cancelled.
    Cancelled,
    /// The supervisor itself failed; how is in the evidence's `trouble`.
    Internal,
}

impl Stop {
    /// The reason to stop a run whose frames were refused.
    #[must_use]
    pub fn of(refused: &FrameError) -> Self {
        match refused {
            FrameError::TooLarge { .. } => Self::Limit(LimitKind::ResultSize),
            FrameError::TooComplex { .. } => Self::Limit(LimitKind::ResultShape),
            FrameError::Malformed(_) | FrameError::CutShort { .. } => Self::Malformed,
        }
    }
}

/// Counters after the end. Microseconds and bytes; `None` where nothing on this host counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// From `ready` (or exec) to the end.
    pub wall: Duration,
    /// User CPU of the whole run.
    pub cpu_user: Duration,
    /// System CPU of the whole run.
    pub cpu_system: Duration,
    /// Highest charge (cgroup) or highest sampled resident memory (watch) or largest resident set of one process.
    pub memory_peak: Option<u64>,
    /// Processes of the run's cgroup that an out-of-memory handler killed: its own, that of a cgroup above it, or the host's.
    pub oom_kills: u64,
    /// How often the run's own memory limit was met with nothing left to reclaim.
    pub memory_met: u64,
    /// Highest number of tasks.
    pub pids_peak: Option<u64>,
    /// Forks that a pids limit refused; some kernels count those of the cgroups above too, so it proves nothing without the peak.
    pub pids_denied: u64,
    /// Bytes of the run's tmpfs used when the executor ended, with its size.
    pub tmp_used: Option<(u64, u64)>,
    /// Inodes of the run's tmpfs used when the executor ended, with their number.
    pub tmp_inodes: Option<(u64, u64)>,
    /// Bytes that the caller gave as standard input.
    pub stdin: u64,
    /// Bytes received on standard output, standard error, as prints and as results (what came over a limit is not read).
    pub stdout: u64,
    /// See `stdout`.
    pub stderr: u64,
    /// See `stdout`.
    pub prints: u64,
    /// See `stdout`.
    pub result: u64,
}

impl Counters {
    /// CPU of the whole run, user and system.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.cpu_user.saturating_add(self.cpu_system)
    }
}
