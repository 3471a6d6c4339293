//! From what was seen to the outcome record.
//!
//! Always holds: verdict and enforcement come from [`verdict::decide`] alone; all that they are told from is in the evidence before.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use nix::errno::Errno;
use nix::unistd::Gid;
use remand_plan::evidence::{Cleanup, Confinement, Counters, Ended as End, Evidence, FrameEnd, Groups, Start, StepFailure, Stop};
use remand_plan::frames::Received;
use remand_plan::limit::LimitKind;
use remand_plan::outcome::{CpuMs, Items, PolicyRef, Usage};
use remand_plan::output::{Channel, Told};
use remand_plan::plan::CommandKind;
use remand_plan::step::Step;
use remand_plan::trace::Where;
use remand_plan::verdict::{self, Decision};
use remand_plan::{Outcome, Plan};

use super::launch::Job;
use super::parts::Parts;
use super::seen::Seen;
use super::tree;
use crate::cgroup::Together;
use crate::failure::Failure;
use crate::host;
use crate::setup::OWN_INODES;
use crate::timeline::Timeline;
use crate::warm::InUse;

/// The record of a run that was made. Whatever it was made of goes here.
pub fn finished(plan: &Plan, job: &Job<'_>, mut seen: Seen, mut timeline: Timeline, run: String) -> Outcome {
    let mut evidence = Evidence { program: job.program, ..evidence(plan, &mut seen) };
    let in_use = InUse::look(plan, seen.parts.cgroup.as_ref());
    // Before the record says that the run is gone, it is.
    evidence.cleanup = seen.parts.undo();
    in_use.again();
    timeline.mark(Step::Teardown);
    let value = seen.received.value();
    let Told { output, order, prints, prints_dropped, stdout, stderr } = seen.log.told();
    let (stacks, asked) = (std::mem::take(&mut seen.stacks), seen.asked);
    let items = job.items.map(|given| items(given, &mut seen.received));
    let (quiet, violations) = seen.violations.into_iter().partition(|denied| denied.quiet(&plan.quiet));
    let mut outcome = Outcome {
        value,
        replaced: seen.received.replaced,
        displays: seen.displays,
        error: seen.received.error,
        items,
        prints,
        prints_dropped,
        stdin: seen.given,
        left_running: seen.ended.filter(|_| evidence.stopped.is_none()).map_or(0, |ended| ended.left),
        tty: plan.tty,
        stdout,
        stderr,
        output,
        output_order: order,
        violations,
        violations_truncated: seen.violations_truncated,
        quiet,
        files: seen.artifacts.files,
        files_left_out: seen.artifacts.left_out,
        files_left_out_truncated: seen.artifacts.more,
        usage: usage(&evidence.counters),
        ..decided(plan, &evidence, timeline, run)
    };
    let wanted = outcome.verdict.asks_where(asked) || asked && evidence.stopped == Some(Stop::ResultClosed);
    outcome.place = Where::read(&stacks).filter(|_| wanted);
    outcome
}

/// The record of a run that was not made: a step failed, or the caller cancelled.
pub fn unmade(plan: &Plan, failure: Option<&Failure>, timeline: Timeline, run: String) -> Outcome {
    let evidence = match failure {
        Some(failure) => Evidence::unmade(Start::Failed(step(failure, Some(failure.object.clone()))), None),
        None => Evidence::unmade(Start::Done, Some(Stop::Cancelled)),
    };
    decided(plan, &evidence, timeline, run)
}

/// What is decided, of a run that gave nothing.
fn decided(plan: &Plan, evidence: &Evidence, timeline: Timeline, run: String) -> Outcome {
    let Decision { verdict, enforcement } = verdict::decide(evidence, plan);
    let policy = PolicyRef { name: plan.policy_name.clone(), hash: plan.policy_hash.clone() };
    Outcome { run, timing: timeline.finish(), enforcement, ..Outcome::bare(policy, verdict) }
}

fn evidence(plan: &Plan, seen: &mut Seen) -> Evidence {
    let program = plan.command.kind == CommandKind::Program;
    let start = match &seen.failure {
        Some(failure) => Start::Failed(step(failure, seen.parts.context.setup.object(plan, failure.step, failure.index))),
        // Killed between the clone and exec, by whatever it was: no step says so itself.
        None if !seen.executing => Start::Failed(StepFailure { step: Step::Init, index: 0, errno: 0, object: None, cause: None }),
        None => Start::Done,
    };
    let ready = if program { seen.executing && seen.failure.is_none() } else { seen.received.ready };
    let (killed_beside, met_beside) = seen.parts.together.as_ref().map(Together::killed).unwrap_or_default();
    let silent = start == Start::Done && !ready && matches!(seen.stopped, None | Some(Stop::NeverReady(_)));
    Evidence {
        silent: silent.then(|| host::explain(&Failure::new(Step::Ready, String::new()))).flatten(),
        start,
        ready,
        program: false,
        frames: FrameEnd::of(&seen.received, seen.frame_error.clone()),
        ended: seen.ended.map_or(End::Unknown, |ended| end(ended.status)),
        stopped: if seen.trouble.is_some() { Some(Stop::Internal) } else { seen.stopped },
        counters: counters(seen, plan.cgroup.is_some_and(|limits| limits.use_pids)),
        memory_above: seen
            .counters
            .as_ref()
            .map(|counters| counters.memory_above.clone())
            .filter(|met| !met.is_empty())
            .unwrap_or(met_beside),
        killed_beside,
        host_memory: if killed_beside > 0 || seen.counters.as_ref().is_some_and(|counters| counters.oom_kills > 0) {
            tree::host_memory()
        } else {
            0
        },
        trouble: seen.trouble.take(),
        confinement: Some(confinement(&seen.parts)),
        in_flight: seen.in_flight,
        cleanup: Cleanup::default(),
    }
}

fn step(failure: &Failure, object: Option<String>) -> StepFailure {
    StepFailure { step: failure.step, index: failure.index, errno: failure.errno, object, cause: host::explain(failure) }
}

fn confinement(parts: &Parts) -> Confinement {
    let own_uid = parts.id.host();
    // Who maps only itself cannot drop them either.
    let own = |groups: Vec<Gid>| groups.iter().all(|&group| group == nix::unistd::getegid());
    let groups = match own_uid {
        Some(_) => Groups::Dropped,
        None if nix::unistd::getgroups().is_ok_and(own) => Groups::None,
        None => Groups::Kept,
    };
    let serving = parts.context.serving();
    let refused = |answer: i32| (answer != 0).then(|| Errno::from_raw(answer).desc());
    Confinement {
        own_uid,
        groups,
        nested_userns_disabled: serving.nested_userns_disabled,
        no_host_name: refused(serving.host_name),
        no_oom_score: refused(serving.oom_score),
    }
}

/// A status as `wait4` gives it.
fn end(status: u64) -> End {
    let status = i32::try_from(status).unwrap_or(0);
    if libc::WIFEXITED(status) { End::Exited(libc::WEXITSTATUS(status)) } else { End::Signaled(libc::WTERMSIG(status)) }
}

fn counters(seen: &Seen, pids_counted: bool) -> Counters {
    let group = seen.counters.clone().unwrap_or_default();
    let by_group = !(group.cpu_user + group.cpu_system).is_zero();
    // Where no cgroup counts: what samples saw, and what was waited for. A killed init has not waited for the rest.
    // A peak tells no kind of memory: what samples saw of files is taken off.
    let resident = seen.ended.map_or(seen.usage.resident, |ended| ended.resident * 1024).saturating_sub(seen.sampled.files);
    let left = seen.ended.map_or(0, |ended| ended.left + 1);
    // Where a cgroup holds memory and no swap, the watch over both saw what the cgroup did not.
    let sampled = if seen.stopped == Some(Stop::Limit(LimitKind::Memory)) { seen.sampled.memory } else { 0 };
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
        tmp_inodes: inodes.map(|(all, used)| (used.saturating_sub(OWN_INODES), all.saturating_sub(OWN_INODES))),
        stdin: seen.given.map_or(0, |given| given.bytes),
        stdout: seen.log.seen(Channel::Stdout),
        stderr: seen.log.seen(Channel::Stderr),
        prints: seen.log.seen(Channel::Print),
        result: seen.received.result_bytes,
    }
}

fn items(given: u64, received: &mut Received) -> Items {
    let failed = received.items_failed;
    Items { given, returned: (received.items.len() as u64).saturating_sub(failed), failed, error: received.item_error.take() }
}

fn usage(counters: &Counters) -> Usage {
    Usage {
        wall_ms: counters.wall.into(),
        cpu_ms: CpuMs { user: counters.cpu_user.into(), system: counters.cpu_system.into() },
        memory_peak: counters.memory_peak,
        pids_peak: counters.pids_peak,
    }
}

/// 128 bits that no other run has: the standard library's hash keys come from the kernel's random numbers and differ for every state.
pub fn run_id() -> String {
    let part = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", part(), part())
}
