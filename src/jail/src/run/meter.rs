//! CPU and memory of a run while it goes on: read when a limit could have been reached at the earliest, from its cgroup or else from `/proc`.
//!
//! Always holds: a CPU limit is looked at no later than it can be passed; what sampling saw is never called a cgroup's counter.

use std::fs;
use std::thread::available_parallelism;

use remand_policy::Plan;
use remand_policy::evidence::Stop;

use super::tree::{Sample, can_swap, proportional, sample, sockets};
use crate::cgroup::RunCgroup;

/// Nanoseconds between two samples where no cgroup holds the memory: what a run can allocate meanwhile is some 20 MB.
const SAMPLE: u64 = 5_000_000;
/// Nanoseconds between two looks at the CPU time when the limit is near.
const SHORTEST: u64 = 1_000_000;
/// Bytes that a socket can hold in its send buffer where the kernel does not say.
const SEND_BUFFER: u64 = 212_992;

/// The meters of one run.
#[derive(Debug)]
pub struct Meter {
    init: u32,
    /// Microseconds.
    cpu_limit: Option<u64>,
    /// Bytes; only where no cgroup holds them, or one that does not count swap on a host that has some.
    memory_limit: Option<u64>,
    /// Bytes that each socket counts as: what can wait in it is in no process's count. 0 where the sockets are not the run's alone, or a cgroup counts.
    socket: u64,
    next_cpu: Option<u64>,
    next_sample: Option<u64>,
    cpus: u64,
    seen: Sample,
}

impl Meter {
    /// Meters for a plan; they do not run yet.
    pub fn new(plan: &Plan, init: u32, cgroup: Option<&RunCgroup>) -> Self {
        let into_swap = cgroup.is_some_and(|cgroup| !cgroup.bounds_swap()) && can_swap();
        Self {
            init,
            cpu_limit: plan.cpu_time,
            memory_limit: plan.memory_watch.or(plan.memory.filter(|_| into_swap)),
            socket: if plan.memory_watch.is_some() && plan.has("network_namespace") { send_buffer() } else { 0 },
            next_cpu: None,
            next_sample: None,
            cpus: available_parallelism().map_or(1, |cpus| cpus.get() as u64),
            seen: Sample::default(),
        }
    }

    /// User code can begin.
    pub fn begin(&mut self, now: u64) {
        self.next_cpu = self.cpu_limit.map(|limit| self.earliest(now, limit));
        self.next_sample = self.memory_limit.map(|_| now + SAMPLE);
    }

    /// When to look next; nanoseconds.
    pub fn next(&self) -> Option<u64> {
        self.next_cpu.into_iter().chain(self.next_sample).min()
    }

    /// Looks at what is due.
    pub fn check(&mut self, now: u64, cgroup: Option<&RunCgroup>) -> Option<Stop> {
        if self.next_sample.is_some_and(|at| now >= at) {
            self.next_sample = Some(now + SAMPLE);
            if self.memory_exceeded() {
                return Some(Stop::Memory);
            }
        }
        if let Some(limit) = self.cpu_limit.filter(|_| self.next_cpu.is_some_and(|at| now >= at)) {
            let used = self.cpu(cgroup);
            if used >= limit {
                return Some(Stop::CpuTime);
            }
            self.next_cpu = Some(self.earliest(now, limit - used));
        }
        None
    }

    /// A last sample before the processes are killed.
    pub fn last_look(&mut self, cgroup: Option<&RunCgroup>) {
        if cgroup.is_none() {
            self.look();
        }
    }

    /// The highest of each that samples saw.
    pub fn seen(&self) -> Sample {
        self.seen
    }

    /// When so much CPU time can be used up at the earliest, with every CPU busy.
    fn earliest(&self, now: u64, left: u64) -> u64 {
        now + (left.saturating_mul(1000) / self.cpus).max(SHORTEST)
    }

    fn cpu(&mut self, cgroup: Option<&RunCgroup>) -> u64 {
        match cgroup.map(RunCgroup::cpu) {
            Some(Ok((user, system))) if user + system > 0 => user + system,
            _ => {
                let found = self.look();
                found.user + found.system
            }
        }
    }

    fn memory_exceeded(&mut self) -> bool {
        let Some(limit) = self.memory_limit else { return false };
        self.look().memory > limit
    }

    fn look(&mut self) -> Sample {
        let waiting = if self.socket > 0 { self.socket.saturating_mul(sockets(self.init)) } else { 0 };
        let mut found = sample(self.init);
        found.memory = found.memory.saturating_add(waiting);
        if self.memory_limit.is_some_and(|limit| found.memory > limit) {
            // Pages that forked processes share were counted for each of them: ask again, exactly.
            found.memory = proportional(self.init).map_or(found.memory, |exact| exact.saturating_add(waiting));
        }
        self.seen = Sample {
            memory: self.seen.memory.max(found.memory),
            tasks: self.seen.tasks.max(found.tasks),
            user: self.seen.user.max(found.user),
            system: self.seen.system.max(found.system),
        };
        found
    }
}

fn send_buffer() -> u64 {
    fs::read_to_string("/proc/sys/net/core/wmem_default").ok().and_then(|text| text.trim().parse().ok()).unwrap_or(SEND_BUFFER)
}
