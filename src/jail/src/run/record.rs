//! From what was seen to the outcome record.
//!
//! Always holds: the verdict comes from [`verdict::decide`] alone; what the plan could not know of its enforcement is filled in here.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use remand_plan::Outcome;
use remand_plan::enforcement::Enforcement;
use remand_plan::evidence::{Counters, Ended as End, Evidence, FrameEnd, Start, StepFailure, Stop};
use remand_plan::outcome::{self, Captured, CpuMs, Milliseconds, PolicyRef, Usage};
use remand_plan::plan::CommandKind;
use remand_plan::step::Step;
use remand_plan::verdict::{self, Verdict};

use super::capture::Capture;
use super::seen::Seen;
use super::timeline::Timeline;
use super::warm::InUse;
use super::{Ask, tree};
use crate::failure::Failure;
use crate::host;

/// The record of a run that was made. Whatever it was made of goes here.
pub fn finished(ask: &Ask<'_>, mut seen: Seen, mut timeline: Timeline) -> Outcome {
    let evidence = evidence(ask, &seen);
    let mut verdict = verdict::decide(&evidence, ask.plan);
    match &mut verdict {
        Verdict::NotStarted { step, index, hint, .. } => {
            // An interpreter that ends before its first line reports no step of its own.
            let silent = (*step == Step::Ready).then(|| Failure::new(Step::Ready, String::new()));
            match (seen.failure.as_ref().and_then(host::explain), silent.as_ref().and_then(host::explain)) {
                (Some(why), _) => *hint = why,
                (None, Some(why)) => *hint = format!("{hint}; {why}"),
                (None, None) => {}
            }
            if let Some(object) = seen.launched.setup.object(ask.plan, *step, *index) {
                *hint = format!("{object}: {hint}");
            }
        }
        Verdict::Internal { message } => {
            if let Some(trouble) = seen.trouble.take() {
                *message = trouble;
            }
        }
        _ => {}
    }
    let mut enforcement = ask.plan.enforcement.clone();
    let own_uid = seen.launched.ids.as_ref().map(|ids| ids.server() + 1);
    complete(&mut enforcement, own_uid, seen.launched.no_more_namespaces);
    for (source, why) in &ask.plan.root.left_out {
        enforcement.insert(format!("mount of {source}"), Enforcement::Absent(format!("{why}, and the mount is optional")));
    }
    if let Some(given_back) = seen.given_back {
        enforcement.insert("given_back".into(), given_back);
    }
    let value = seen.received.value();
    let in_use = InUse::look(ask.plan, seen.launched.cgroup.as_ref());
    // Before the record says that the run is gone, it is.
    match seen.launched.undo() {
        Ok(0) => {}
        Ok(held) => {
            let why =
                format!("{held} bytes of the run's memory were still charged to its cgroup, and not to be freed, when that was removed");
            enforcement.insert("memory_returned".into(), Enforcement::Absent(why));
        }
        Err(error) => verdict = Verdict::Internal { message: error.to_string() },
    }
    in_use.again();
    timeline.mark(Step::Teardown);
    Outcome {
        version: outcome::VERSION,
        run: run_id(),
        policy: policy(ask),
        verdict,
        value,
        error: seen.received.error,
        prints: seen.received.prints,
        stdout: captured(&seen.stdout),
        stderr: captured(&seen.stderr),
        violations: seen.violations,
        violations_truncated: seen.violations_truncated,
        usage: usage(&evidence.counters),
        timing: timeline.finish(),
        enforcement,
    }
}

/// The verdict on a start that failed.
pub fn not_started(failure: &Failure) -> Verdict {
    let hint = host::explain(failure).unwrap_or_else(|| verdict::hint(failure.step, failure.index, failure.errno));
    Verdict::NotStarted {
        step: failure.step,
        index: failure.index,
        errno: failure.errno,
        hint: if hint.is_empty() { failure.object.clone() } else { format!("{}: {hint}", failure.object) },
    }
}

/// The record of a run that was not made.
pub fn unmade(ask: &Ask<'_>, verdict: Verdict, timeline: Timeline) -> Outcome {
    Outcome {
        version: outcome::VERSION,
        run: run_id(),
        policy: policy(ask),
        verdict,
        value: serde_json::value::RawValue::NULL.to_owned(),
        error: None,
        prints: Vec::new(),
        stdout: Captured::default(),
        stderr: Captured::default(),
        violations: Vec::new(),
        violations_truncated: false,
        usage: Usage::default(),
        timing: timeline.finish(),
        enforcement: ask.plan.enforcement.clone(),
    }
}

fn evidence(ask: &Ask<'_>, seen: &Seen) -> Evidence {
    let program = ask.plan.command.kind == CommandKind::Program;
    let start = match &seen.failure {
        Some(failure) => Start::Failed(StepFailure { step: failure.step, index: failure.index, errno: failure.errno }),
        // Killed between the clone and exec, by whatever it was: no step says so itself.
        None if !seen.executing => Start::Failed(StepFailure { step: Step::Init, index: 0, errno: 0 }),
        None => Start::Done,
    };
    Evidence {
        start,
        ready: if program { seen.executing && seen.failure.is_none() } else { seen.received.ready },
        frames: FrameEnd::of(&seen.received, seen.frame_error.clone()),
        ended: seen.ended.map_or(End::Unknown, |ended| end(ended.status)),
        stopped: if seen.trouble.is_some() { Some(Stop::Internal) } else { seen.stopped },
        counters: counters(seen, ask.plan.cgroup.is_some_and(|limits| limits.use_pids)),
        memory_above: seen.counters.as_ref().map(|counters| counters.memory_above.clone()).unwrap_or_default(),
        host_memory: seen.counters.as_ref().filter(|counters| counters.oom_kills > 0).map_or(0, |_| tree::host_memory()),
    }
}

/// A status as `wait4` gives it.
fn end(status: u64) -> End {
    let status = i32::try_from(status).unwrap_or(0);
    if libc::WIFEXITED(status) { End::Exited(libc::WEXITSTATUS(status)) } else { End::Signaled(libc::WTERMSIG(status)) }
}

fn counters(seen: &Seen, pids_counted: bool) -> Counters {
    let group = seen.counters.clone().unwrap_or_default();
    let by_group = group.cpu_user + group.cpu_system > 0;
    // Where no cgroup counts: what samples saw, and what was waited for. A killed init has not waited for the rest.
    // A peak tells no kind of memory: what samples saw of files is taken off.
    let resident = seen.ended.map_or(seen.usage.resident, |ended| ended.resident * 1024).saturating_sub(seen.sampled.files);
    let left = seen.ended.map_or(0, |ended| ended.left + 1);
    // Where a cgroup holds memory and no swap, the watch over both saw what the cgroup did not.
    let sampled = if seen.stopped == Some(Stop::Memory) { seen.sampled.memory } else { 0 };
    let (tmp, inodes) = seen.ended.map_or((None, None), |ended| (Some(ended.tmp), Some(ended.inodes)));
    Counters {
        wall: seen.wall,
        cpu_user: if by_group { group.cpu_user } else { seen.usage.user.max(seen.sampled.user) },
        cpu_system: if by_group { group.cpu_system } else { seen.usage.system.max(seen.sampled.system) },
        memory_peak: group.memory_peak.map(|peak| peak.max(sampled)).or(Some(seen.sampled.memory.max(resident))),
        oom_kills: group.oom_kills,
        memory_met: group.memory_met,
        // A sample is no peak: it would deny a refusal that a kernel without `pids.peak` counted.
        pids_peak: if pids_counted { group.pids_peak } else { Some(seen.sampled.tasks.max(left)) },
        pids_denied: group.pids_denied,
        tmp_used: tmp.map(|(all, used)| (used, all)),
        tmp_inodes: inodes.map(|(all, used)| (used, all)),
        stdout: seen.stdout.seen,
        stderr: seen.stderr.seen,
        prints: seen.received.print_bytes,
        result: seen.received.result_bytes,
    }
}

fn complete(enforcement: &mut std::collections::BTreeMap<String, Enforcement>, own_uid: Option<u32>, no_more_namespaces: bool) {
    if let Some(uid) = own_uid {
        enforcement.insert("own_uid".into(), Enforcement::By(format!("host uid {uid}, held by this run alone")));
    }
    // Who maps only itself cannot drop them either.
    let groups = match (own_uid, nix::unistd::getgroups()) {
        (Some(_), _) => Enforcement::By("setgroups: none".into()),
        (None, Ok(groups)) if groups.iter().all(|&group| group == nix::unistd::getegid()) => Enforcement::By("the caller has none".into()),
        (None, _) => {
            Enforcement::Absent("an ordinary user cannot drop its supplementary groups: they still open files that are mounted".into())
        }
    };
    enforcement.insert("supplementary_groups".into(), groups);
    let nested = if no_more_namespaces {
        Enforcement::By("user.max_user_namespaces = 0 inside".into())
    } else {
        Enforcement::Absent("/proc/sys is read-only here; the seccomp filter still refuses the calls".into())
    };
    enforcement.insert("nested_user_namespaces".into(), nested);
}

fn policy(ask: &Ask<'_>) -> PolicyRef {
    PolicyRef { name: ask.plan.policy_name.clone(), hash: ask.plan.policy_hash.clone() }
}

fn captured(capture: &Capture) -> Captured {
    Captured { text: capture.text(), truncated: capture.over() }
}

fn usage(counters: &Counters) -> Usage {
    Usage {
        wall_ms: Milliseconds(counters.wall),
        cpu_ms: CpuMs { user: Milliseconds(counters.cpu_user), system: Milliseconds(counters.cpu_system) },
        memory_peak: counters.memory_peak,
        pids_peak: counters.pids_peak,
    }
}

/// 128 bits that no other run has: the standard library's hash keys come from the kernel's random numbers and differ for every state.
fn run_id() -> String {
    let part = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", part(), part())
}
