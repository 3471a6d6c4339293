//! Limits that others make unreachable.
//!
//! Always holds: a limit is only called unreachable where the kernel's own accounting makes it so; a limit that is lifted was meant to be.

use remand_policy::policy::{Limits, Policy};
use remand_policy::units::{Bytes, Limit, Span};
use remand_syscalls::granted;

use super::advice::{Found, field};

/// The default size of a main thread's stack on Linux; who asks for more means to use it.
const USUAL_STACK: u64 = 8 << 20;
/// What a thread costs at least, all of it counted in `limits.memory`: the kernel's stack for it (16 KiB), and a page of its own. Python's took 37 KiB.
const THREAD: u64 = 20 << 10;
/// What a run spends of `cpu_time` before `wall_time` begins, the start of the interpreter, at most.
const START: u64 = 200_000;

pub(super) fn advise(policy: &Policy, found: &mut Found) {
    if let Limit::At(memory) = policy.limits.memory {
        stacks(policy, memory, found);
        counted(&policy.limits, memory, found);
    }
    alone(policy, found);
    times(&policy.limits, found);
    files(policy, found);
    results(&policy.limits, found);
}

/// Whether a run can have a second thread or process.
fn can_start_threads(policy: &Policy) -> bool {
    let granted = granted(&policy.syscalls.rules).unwrap_or_default();
    ["clone", "fork", "vfork"].iter().any(|call| granted.contains_key(call))
}

/// A stack is reserved as addresses, which cost nothing; the pages that were touched count. One as large as the memory is meant: a program recurses as deep as
/// that lets it.
fn stacks(policy: &Policy, memory: Bytes, found: &mut Found) {
    let stack = policy.limits.stack;
    if stack > memory {
        let message =
            format!("limits.stack = {stack} is never full: what it holds counts in limits.memory = {memory}, which ends the run first");
        return found.say([field("limits.stack"), field("limits.memory")], message, format!("at most {memory}"));
    }
    let Limit::At(pids) = policy.limits.pids else { return };
    let all = Bytes(stack.0.saturating_mul(pids));
    if stack.0 > USUAL_STACK && stack < memory && all > memory && can_start_threads(policy) {
        let fit = memory.0 / stack.0;
        let message = format!(
            "limits.pids = {pids} threads with a stack of {stack} reserve {all} of addresses, which costs nothing; but what they touch counts in \
             limits.memory = {memory}: when {fit} of them have filled their stacks, the next ends the run"
        );
        let help = match memory.0.checked_div(pids).unwrap_or(0) & !0x3ff {
            0..0x1_0000 => format!("at most {fit} pids can fill a stack of this size"),
            each => format!("a stack of {} lets all of them fill theirs; or at most {fit} pids", Bytes(each)),
        };
        found.say([field("limits.stack"), field("limits.pids"), field("limits.memory")], message, help);
    }
}

/// Counts that memory runs out before.
fn counted(limits: &Limits, memory: Bytes, found: &mut Found) {
    let most = memory.0 / THREAD;
    if let Limit::At(pids) = limits.pids
        && pids > most
    {
        let message = format!(
            "limits.pids = {pids} is never reached: each thread takes at least {} of limits.memory = {memory}, in the kernel and outside, so {most} fill it",
            Bytes(THREAD)
        );
        found.say([field("limits.pids"), field("limits.memory")], message, format!("at most {most}, or more memory"));
    }
    if limits.result_size > memory {
        let message = format!(
            "limits.result_size = {} is larger than limits.memory = {memory}, in which a value is made: only the values of many items together can reach it",
            limits.result_size
        );
        found.say([field("limits.result_size")], message, format!("at most {memory} for one value"));
    }
}

/// One process, and calls to start more.
fn alone(policy: &Policy, found: &mut Found) {
    if policy.limits.pids == Limit::At(1) && can_start_threads(policy) {
        let message =
            "limits.pids = 1 counts the interpreter itself, so no thread and no process that syscalls.allow grants can be started";
        found.say([field("limits.pids"), field("syscalls.allow")], message, "raise it, or take the grant out");
    }
}

fn times(limits: &Limits, found: &mut Found) {
    let (Limit::At(wall), Limit::At(cpu), Limit::At(cpus)) = (limits.wall_time, limits.cpu_time, limits.cpus) else { return };
    let most = u128::from(wall.0) * u128::from(cpus.0) / 1000;
    if u128::from(cpu.0) > most + u128::from(START) {
        let most = Span(u64::try_from(most).unwrap_or(u64::MAX));
        let message = format!(
            "limits.cpu_time = {cpu} is never reached: limits.wall_time = {wall} on limits.cpus = {cpus} gives {most} of it, then the wall clock ends the run"
        );
        let help = format!("a cpu_time of at most {most}, or more wall_time");
        found.say([field("limits.cpu_time"), field("limits.wall_time"), field("limits.cpus")], message, help);
    }
}

/// Where the only place to write is `/tmp`.
fn files(policy: &Policy, found: &mut Found) {
    let size = policy.filesystem.tmp.size;
    let elsewhere = policy.filesystem.mounts.iter().any(|mount| mount.writable);
    if let Limit::At(file) = policy.limits.file_size
        && file > size
        && !elsewhere
    {
        let message = format!(
            "limits.file_size = {file} is more than filesystem.tmp.size = {size}, the only place to write: a full /tmp (ENOSPC) stops a file first, \
             unless it is sparse or of memfd_create"
        );
        found.say([field("limits.file_size")], message, format!("at most {size}, or a larger tmp.size"));
    }
}

fn results(limits: &Limits, found: &mut Found) {
    let (nodes, size) = (limits.result_nodes, limits.result_size);
    if nodes > size.0 {
        let message = format!("limits.result_nodes = {nodes} is never reached: each takes at least a byte of limits.result_size = {size}");
        found.say([field("limits.result_nodes")], message, format!("at most {}", size.0));
    }
}
