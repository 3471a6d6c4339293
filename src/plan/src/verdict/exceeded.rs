//! Endings by a limit, each with the counter that proves it.

use std::time::Duration;

use super::ending;
use super::kinds::{Level, Verdict};
use super::signals::{SIGKILL, SIGXCPU, SIGXFSZ};
use crate::evidence::{Counters, Ended, Evidence, FrameEnd, Start, Stop};
use crate::frames::{FrameError, Overflow};
use crate::limit::{LimitKind, Unit};
use crate::outcome::microseconds;
use crate::output::Channel;
use crate::plan::{Plan, rlimit};

const RESULT_PIPE: &str = "bytes of the result pipe";
const PIDS: &str = "tasks of the run, the limit reached";
const TMP_FULL: &str = "statfs of /tmp: full";
const TMP_INODES: &str = "statfs of /tmp: no inode left";

fn exceeded(limit: LimitKind, allowed: u64, seen: u64, source: &str) -> Verdict {
    Verdict::Exceeded { limit, allowed, seen, unit: limit.unit(), source: source.to_owned(), level: Level::Run }
}

fn lasted(limit: LimitKind, allowed: Option<Duration>, seen: Duration, source: &str) -> Verdict {
    exceeded(limit, allowed.map_or(u64::MAX, microseconds), microseconds(seen), source)
}

/// The supervisor's reason for stopping the run.
pub fn by_stop(evidence: &Evidence, plan: &Plan) -> Option<Verdict> {
    Some(match evidence.stopped? {
        Stop::Limit(limit) => by_limit(limit, evidence, plan),
        Stop::Malformed => by_frames(evidence)
            .unwrap_or_else(|| Verdict::MalformedResult { reason: "the result pipe carried what is no frame".to_owned() }),
        Stop::ResultClosed => ending::result_closed(),
        Stop::Violated => Verdict::Violated { source: "the seccomp filter, which told the supervisor of the call".to_owned() },
        Stop::NeverReady(waited) => ending::late(evidence, plan, waited),
        Stop::Cancelled => Verdict::Cancelled,
        Stop::Internal => ending::internal(evidence),
    })
}

/// The limit that the supervisor stopped the run for. A stop is only made under a limit; `unwrap_or` keeps the function total.
fn by_limit(limit: LimitKind, evidence: &Evidence, plan: &Plan) -> Verdict {
    let (counters, bounds) = (&evidence.counters, &plan.bounds);
    let over = |allowed: u64, seen: u64, source: &str| exceeded(limit, allowed, seen.max(allowed.saturating_add(1)), source);
    // The decoder's own account is exact; without it the counters speak.
    let in_frames = |allowed, seen| by_frames(evidence).unwrap_or_else(|| over(allowed, seen, RESULT_PIPE));
    let output = |channel, seen, what: &str| match bounds.overflow {
        Overflow::End => over(bounds.most(channel), seen, what),
        Overflow::Truncate => over(bounds.most(channel), seen, &format!("{what}, most of which was dropped: 64 times the limit")),
    };
    let full = |counted: Option<(u64, u64)>, source| {
        let (used, size) = counted.unwrap_or_default();
        exceeded(limit, size, used, source)
    };
    match limit {
        LimitKind::WallTime => lasted(limit, plan.wall_time, counters.wall, "monotonic clock since ready"),
        LimitKind::CpuTime => cpu(evidence, plan, cpu_source(plan)),
        LimitKind::Memory => memory(evidence, plan),
        LimitKind::Stdin => over(bounds.stdin, counters.stdin, "bytes of standard input"),
        LimitKind::Stdout => output(Channel::Stdout, counters.stdout, "bytes of standard output"),
        LimitKind::Stderr => output(Channel::Stderr, counters.stderr, "bytes of standard error"),
        LimitKind::Prints => output(Channel::Print, counters.prints, "bytes of prints"),
        LimitKind::ResultSize => in_frames(bounds.result_size, counters.result),
        LimitKind::ResultShape => in_frames(bounds.result_nodes, 0),
        LimitKind::FileSize => file_size(plan.rlimit(rlimit::FSIZE).unwrap_or(u64::MAX)),
        LimitKind::Pids => exceeded(limit, plan.pids().unwrap_or(u64::MAX), counters.pids_peak.unwrap_or(0), PIDS),
        LimitKind::TmpSize => full(counters.tmp_used, TMP_FULL),
        LimitKind::TmpInodes => full(counters.tmp_inodes, TMP_INODES),
    }
}

/// The kernel ended the process, and says why by its signal and its counters.
pub fn by_kernel(evidence: &Evidence, plan: &Plan) -> Option<Verdict> {
    let counters = &evidence.counters;
    match evidence.ended {
        Ended::Signaled(SIGKILL) | Ended::Unknown if counters.oom_kills > 0 => Some(memory(evidence, plan)),
        // A container's: no other killer of the run is in sight, and there was one at work where it is.
        Ended::Signaled(SIGKILL) | Ended::Unknown if evidence.killed_beside > 0 => Some(another_level(evidence)),
        Ended::Signaled(SIGXFSZ) => plan.rlimit(rlimit::FSIZE).map(file_size),
        Ended::Signaled(SIGXCPU) if plan.cpu_time.is_some_and(|allowed| evidence.counters.cpu() >= allowed) => {
            Some(cpu(evidence, plan, "SIGXCPU: RLIMIT_CPU"))
        }
        _ => None,
    }
}

/// Where memory or tasks are only looked at: a peak beyond the limit that no look met.
pub fn by_peak(evidence: &Evidence, plan: &Plan) -> Option<Verdict> {
    if evidence.start != Start::Done {
        return None;
    }
    let beyond = |allowed: Option<u64>, peak: Option<u64>| Some((allowed?, peak.filter(|peak| *peak > allowed.unwrap_or(u64::MAX))?));
    if let Some((allowed, peak)) = beyond(plan.memory_watch, evidence.counters.memory_peak) {
        return Some(exceeded(LimitKind::Memory, allowed, peak, "the largest resident memory of a process, known when it ended"));
    }
    let watched = plan.pids().filter(|_| !pids_counted(plan));
    let (allowed, peak) = beyond(watched, evidence.counters.pids_peak)?;
    Some(exceeded(LimitKind::Pids, allowed, peak, "tasks of the run, known when it ended"))
}

/// Whether a cgroup counts the run's tasks and refuses them.
fn pids_counted(plan: &Plan) -> bool {
    plan.cgroup.is_some_and(|limits| limits.use_pids)
}

/// What the decoder refused. A frame that a signal cut short proves nothing, and the order of the rest of the evidence decides.
pub fn by_frames(evidence: &Evidence) -> Option<Verdict> {
    let FrameEnd::Refused(refused) = &evidence.frames else { return None };
    Some(match refused {
        FrameError::TooLarge { seen, allowed } => exceeded(LimitKind::ResultSize, *allowed, *seen, RESULT_PIPE),
        FrameError::TooComplex { what, seen, allowed } => Verdict::Exceeded {
            limit: LimitKind::ResultShape,
            allowed: *allowed,
            seen: *seen,
            unit: what.unit(),
            source: format!("{what} of the result"),
            level: Level::Run,
        },
        FrameError::CutShort { .. } if evidence.program || !matches!(evidence.ended, Ended::Exited(_)) => {
            return None;
        }
        FrameError::CutShort { .. } | FrameError::Malformed(_) => ending::malformed(refused),
    })
}

/// The run failed by its own account, after it had run into a limit that does not kill.
pub fn before_failure(evidence: &Evidence, plan: &Plan) -> Option<Verdict> {
    let counters = &evidence.counters;
    if evidence.start != Start::Done {
        return None;
    }
    if counters.oom_kills > 0 {
        return Some(memory(evidence, plan));
    }
    if let Some(allowed) = plan.pids() {
        // A refusal without the peak was another's: where the kernel records the peak. Where it counts refusals, the peak alone is no refusal.
        let counted = pids_counted(plan);
        let reached = counters.pids_peak.is_none_or(|peak| peak >= allowed);
        if counted && counters.pids_denied > 0 && reached {
            let source = format!("pids.events max: {} refused", counters.pids_denied);
            return Some(exceeded(LimitKind::Pids, allowed, counters.pids_peak.unwrap_or(allowed), &source));
        }
        if let Some(peak) = counters.pids_peak.filter(|peak| !counted && *peak >= allowed) {
            return Some(exceeded(LimitKind::Pids, allowed, peak, PIDS));
        }
    }
    let full = |pair: Option<(u64, u64)>| pair.filter(|(used, size)| *size > 0 && used >= size);
    if let Some((used, size)) = full(counters.tmp_used) {
        return Some(exceeded(LimitKind::TmpSize, size, used, TMP_FULL));
    }
    let (used, size) = full(counters.tmp_inodes)?;
    Some(exceeded(LimitKind::TmpInodes, size, used, TMP_INODES))
}

/// Which level's limit was met. A cgroup's counter of kills counts any cause, so it names a level only together with the limits that were met.
fn memory(evidence: &Evidence, plan: &Plan) -> Verdict {
    let Counters { oom_kills, memory_met, memory_peak, .. } = evidence.counters;
    if oom_kills > 0 && memory_met == 0 {
        return another_level(evidence);
    }
    let allowed = plan.memory().unwrap_or(u64::MAX);
    let source = match oom_kills {
        0 if memory_met == 0 => "resident and swapped memory of the run's processes".to_owned(),
        // Stopped when the cgroup's limit was hit and nothing could be reclaimed, before its handler chose a process.
        0 => "the cgroup's memory limit: hit, with nothing to reclaim".to_owned(),
        kills => format!("the cgroup's out-of-memory handler: {kills} killed"),
    };
    exceeded(LimitKind::Memory, allowed, memory_peak.unwrap_or(allowed), &source)
}

fn another_level(evidence: &Evidence) -> Verdict {
    let Counters { oom_kills, memory_peak, .. } = evidence.counters;
    let killed = match oom_kills {
        0 => "the run's process was killed, in a cgroup that it shares with others".to_owned(),
        kills => format!("{kills} of the run's processes killed"),
    };
    let held = memory_peak.map(|peak| format!("; the run itself held {peak} bytes at most")).unwrap_or_default();
    let (level, allowed, seen, whose) = match evidence.memory_above.first() {
        Some(above) => (Level::Container, above.allowed, above.seen, format!("of the cgroup {} above the run", above.cgroup)),
        // Nobody counts how much of it was used; all of it was.
        None => {
            (Level::Host, evidence.host_memory, evidence.host_memory, "of the host, or of a cgroup that cannot be seen from here".into())
        }
    };
    let source = format!("the out-of-memory handler {whose}: {killed}{held}");
    Verdict::Exceeded { limit: LimitKind::Memory, allowed, seen, unit: Unit::Bytes, source, level }
}

/// Where the write that was refused would have ended, nobody counts.
fn file_size(allowed: u64) -> Verdict {
    exceeded(LimitKind::FileSize, allowed, allowed, "SIGXFSZ, the kernel's answer to a write past RLIMIT_FSIZE")
}

fn cpu_source(plan: &Plan) -> &'static str {
    match plan.cgroup {
        Some(limits) if limits.use_cpu => "the cgroup's CPU accounting",
        _ => "CPU clocks of the run's processes",
    }
}

fn cpu(evidence: &Evidence, plan: &Plan, source: &str) -> Verdict {
    lasted(LimitKind::CpuTime, plan.cpu_time, evidence.counters.cpu(), source)
}
