//! CPU and memory of a run while it goes on: read when a limit could have been reached at the earliest, from its cgroup or else from `/proc`.
//!
//! Always holds: a CPU limit is looked at no later than it can be passed; what sampling saw is never called a cgroup's counter.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::available_parallelism;
use std::time::Duration;

use remand_plan::Plan;
use remand_plan::Protection;
use remand_plan::evidence::Stop;
use remand_plan::limit::LimitKind;
use remand_plan::plan::rlimit;

use super::exact::{Exact, Looked};
use super::tree::{Sample, can_swap, host_shared, sample, sockets, swap_in_use};
use crate::cgroup::{RunCgroup, next_step};
use crate::moment::Moment;

/// Between two samples where no cgroup holds the memory: what a run can allocate meanwhile is some 20 MB.
const SAMPLE: Duration = Duration::from_millis(5);
/// Between two looks at the CPU time when the limit is near.
const SHORTEST: Duration = Duration::from_millis(1);
/// Bytes that a socket can hold in its send buffer where the kernel does not say.
const SEND_BUFFER: u64 = 212_992;

/// The meters of one run.
#[derive(Debug)]
pub struct Meter {
    init: u32,
    cpu_limit: Option<Duration>,
    /// Bytes; only where no cgroup holds them, or one that does not count swap on a host that has some.
    memory_limit: Option<u64>,
    /// Tasks that the kernel is to hold the run to by RLIMIT_NPROC: of the machine's own root it holds nobody.
    tasks_limit: Option<u64>,
    /// Bytes that each socket counts as: what can wait in it is in no process's count. 0 where the sockets are not the run's alone, or a cgroup counts.
    socket: u64,
    next_cpu: Option<Moment>,
    next_sample: Option<Moment>,
    cpus: u32,
    seen: Sample,
    /// The next step to the limit, and whether one was passed.
    step: Option<u64>,
    near: bool,
    shared: u64,
    /// Where memory is watched.
    exact: Option<Exact>,
}

impl Meter {
    /// Meters for a plan; they do not run yet.
    pub fn new(plan: &Plan, init: u32, cgroup: Option<&RunCgroup>) -> Self {
        let into_swap = cgroup.is_some_and(|cgroup| !cgroup.bounds_swap()) && can_swap();
        let memory_limit = plan.memory_watch.or(plan.memory().filter(|_| into_swap));
        Self {
            init,
            cpu_limit: plan.cpu_time,
            memory_limit,
            tasks_limit: plan.rlimit(rlimit::NPROC),
            socket: if plan.memory_watch.is_some() && plan.has(&Protection::NetworkNamespace) { send_buffer() } else { 0 },
            next_cpu: None,
            next_sample: None,
            cpus: available_parallelism().ok().and_then(|cpus| u32::try_from(cpus.get()).ok()).unwrap_or(1),
            seen: Sample::default(),
            step: memory_limit.and_then(|limit| next_step(limit, 0)),
            near: false,
            shared: 0,
            // Without it, pages that forked processes share count for each.
            exact: memory_limit.and_then(|_| Exact::start(init).ok()),
        }
    }

    /// User code can begin.
    pub fn begin(&mut self, now: Moment) {
        self.next_cpu = self.cpu_limit.map(|limit| self.earliest(now, limit));
        self.next_sample = self.memory_limit.or(self.tasks_limit).map(|_| now.after(SAMPLE));
        if self.memory_limit.is_some() {
            self.sample(); // what the interpreter has of files, which is in its peak
        }
    }

    /// When to look next.
    pub fn next(&self) -> Option<Moment> {
        self.next_cpu.into_iter().chain(self.next_sample).min()
    }

    /// What to watch: readable when the exact look has an answer, which [`Self::check`] then takes.
    pub fn answer(&self) -> Option<BorrowedFd<'_>> {
        self.exact.as_ref().map(AsFd::as_fd)
    }

    /// Looks at what is due. `shared`: the most bytes of shared memory that can exist unseen.
    pub fn check(&mut self, now: Moment, cgroup: Option<&RunCgroup>, shared: u64) -> Option<Stop> {
        self.shared = shared;
        let due = self.next_sample.is_some_and(|at| now >= at);
        if due {
            self.next_sample = Some(now.after(SAMPLE));
        }
        // An answer that is there is taken at once.
        let asked = self.exact.as_ref().is_some_and(Exact::is_asked);
        if (due && self.memory_exceeded(now)) || (asked && !due && self.looked(now)) {
            return Some(Stop::Limit(LimitKind::Memory));
        }
        if due && self.too_many_tasks() {
            return Some(Stop::Limit(LimitKind::Pids));
        }
        if let Some(limit) = self.cpu_limit.filter(|_| self.next_cpu.is_some_and(|at| now >= at)) {
            let (user, system) = self.cpu(cgroup);
            let used = user + system;
            if used >= limit {
                return Some(Stop::Limit(LimitKind::CpuTime));
            }
            self.next_cpu = Some(self.earliest(now, limit.saturating_sub(used)));
        }
        None
    }

    /// Whether what samples see came nearer to the limit since it was asked before.
    pub fn came_near(&mut self) -> bool {
        std::mem::take(&mut self.near)
    }

    /// CPU time, user and system, memory and tasks, now.
    pub fn spent(&mut self, cgroup: Option<&RunCgroup>) -> ((Duration, Duration), Option<u64>, Option<u64>) {
        let held = cgroup.and_then(|cgroup| cgroup.held().ok().flatten());
        let pids = cgroup.and_then(|cgroup| cgroup.pids().ok().flatten());
        let cpu = self.cpu(cgroup);
        let found = (held.is_none() || pids.is_none()).then(|| self.sample());
        (cpu, held.or(found.map(|found| found.memory)), pids.or(found.map(|found| found.tasks)))
    }

    /// A last sample before the processes are killed.
    pub fn last_look(&mut self, cgroup: Option<&RunCgroup>) {
        if cgroup.is_none() {
            self.sample();
        }
    }

    /// The highest of each that samples saw.
    pub fn seen(&self) -> Sample {
        self.seen
    }

    /// When so much CPU time can be used up at the earliest, with every CPU busy.
    fn earliest(&self, now: Moment, left: Duration) -> Moment {
        now.after((left / self.cpus).max(SHORTEST))
    }

    /// User and system.
    fn cpu(&mut self, cgroup: Option<&RunCgroup>) -> (Duration, Duration) {
        match cgroup.map(RunCgroup::cpu) {
            Some(Ok((user, system))) if !(user + system).is_zero() => (user, system),
            _ => {
                let found = self.sample();
                (found.user, found.system)
            }
        }
    }

    fn memory_exceeded(&mut self, now: Moment) -> bool {
        let Some(limit) = self.memory_limit else { return false };
        let found = self.sample();
        let rough = found.memory.saturating_add(self.unseen().saturating_sub(found.shared));
        // Pages that forked processes share were counted for each of them, and shared ones that are swapped out not at all: ask exactly.
        match self.exact.as_mut().filter(|_| rough > limit || swap_in_use()).map(|exact| exact.look(now)) {
            Some(Looked::NotYet) => false,
            Some(Looked::Holds { own, shared }) => self.holds(own, shared),
            None | Some(Looked::Cannot) => self.over(rough),
        }
    }

    /// Whether a sample saw more tasks than there may be.
    fn too_many_tasks(&mut self) -> bool {
        let Some(limit) = self.tasks_limit else { return false };
        if self.memory_limit.is_none() {
            self.sample();
        }
        self.seen.tasks > limit
    }

    /// Whether an answer that the exact look has by now shows more than the limit.
    fn looked(&mut self, now: Moment) -> bool {
        match self.exact.as_mut().map(|exact| exact.look(now)) {
            Some(Looked::Holds { own, shared }) => self.holds(own, shared),
            // Without an answer the next sample decides.
            _ => false,
        }
    }

    fn holds(&mut self, own: u64, shared: u64) -> bool {
        self.over(own.saturating_add(shared.max(self.unseen())).saturating_add(self.waiting()))
    }

    fn over(&mut self, held: u64) -> bool {
        self.seen.memory = self.seen.memory.max(held);
        self.memory_limit.is_some_and(|limit| held > limit)
    }

    /// The most that shared memory can hold: what was asked for, and not more than all that the host has of it.
    fn unseen(&self) -> u64 {
        if self.shared > 0 { self.shared.min(host_shared()) } else { 0 }
    }

    /// What waits in sockets.
    fn waiting(&self) -> u64 {
        if self.socket > 0 { self.socket.saturating_mul(sockets(self.init)) } else { 0 }
    }

    /// A sample, its memory with what waits in sockets. More than the limit is not seen by that alone: it may be counted twice.
    fn sample(&mut self) -> Sample {
        let mut found = sample(self.init);
        found.memory = found.memory.saturating_add(self.waiting());
        if self.step.is_some_and(|step| found.memory >= step) {
            (self.step, self.near) = (self.memory_limit.and_then(|limit| next_step(limit, found.memory)), true);
        }
        self.seen = Sample {
            memory: if self.memory_limit.is_some_and(|limit| found.memory > limit) {
                self.seen.memory
            } else {
                self.seen.memory.max(found.memory)
            },
            shared: 0,
            tasks: self.seen.tasks.max(found.tasks),
            user: self.seen.user.max(found.user),
            system: self.seen.system.max(found.system),
            files: self.seen.files.max(found.files),
        };
        found
    }
}

fn send_buffer() -> u64 {
    fs::read_to_string("/proc/sys/net/core/wmem_default").ok().and_then(|text| text.trim().parse().ok()).unwrap_or(SEND_BUFFER)
}
