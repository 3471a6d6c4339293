//! cgroup v1: one directory per run and hierarchy in use, beneath this process's own cgroup, so that its limits hold for the run too.
//!
//! Always holds: limits stand before anything can join.

use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::Duration;

use nix::fcntl::OFlag;
use remand_plan::plan::CgroupLimits;

use super::counters::Counters;
use super::directory::{Directory, OwnedCgroup, keyed};
use super::emptying::{self, Files};
use super::error::CgroupError;
use super::journal::{self, Journal};
use super::near::{Threshold, next_step};
use super::oom::Watches;
use super::{limits, stale};

const MEMORY: Files = Files {
    usage: "memory.usage_in_bytes",
    kernel: Some("memory.kmem.usage_in_bytes"),
    cache: "cache",
    bound: "memory.limit_in_bytes",
    empty: "memory.force_empty",
};

/// This process's own cgroup in each hierarchy.
#[derive(Debug)]
pub(super) struct Parents {
    members: Vec<Member<Directory>>,
    journal: OnceLock<Option<Journal>>,
}

/// A directory, and the controllers of the hierarchy that it is in.
#[derive(Debug)]
struct Member<D> {
    controllers: Vec<String>,
    directory: D,
}

impl<D> Member<D> {
    fn carries(&self, controller: &str) -> bool {
        self.controllers.iter().any(|known| known == controller)
    }
}

impl Parents {
    pub(super) fn open(paths: &BTreeMap<String, String>) -> Result<Self, CgroupError> {
        let mut members: Vec<(&String, Member<Directory>)> = Vec::new();
        for (controller, path) in paths {
            // `cpu` and `cpuacct` often share one hierarchy.
            match members.iter_mut().find(|(known, _)| *known == path) {
                Some((_, member)) => member.controllers.push(controller.clone()),
                None => {
                    members.push((path, Member { controllers: vec![controller.clone()], directory: Directory::open(path)? }));
                }
            }
        }
        Ok(Self { members: members.into_iter().map(|(_, member)| member).collect(), journal: OnceLock::new() })
    }

    /// Goes on record, and removes what dead supervisors left, here and elsewhere.
    pub(super) fn sweep(&self) {
        self.journal.get_or_init(|| Journal::begin(&self.members.iter().map(|member| member.directory.path()).collect::<Vec<_>>()));
        self.members.iter().for_each(|member| stale::sweep(member.directory.path()));
        journal::sweep();
    }

    pub(super) fn create(&self, limits: &CgroupLimits) -> Result<Run, CgroupError> {
        let wanted = |controller: &String| match controller.as_str() {
            "memory" => limits.use_memory,
            "pids" => limits.use_pids,
            "cpuacct" => limits.use_cpu,
            "cpu" => limits.use_cpu && limits.cpus.is_some(),
            _ => false,
        };
        let mut members = Vec::with_capacity(self.members.len());
        for member in self.members.iter().filter(|member| member.controllers.iter().any(wanted)) {
            let controllers = member.controllers.iter().filter(|controller| wanted(controller)).cloned().collect();
            members.push(Member { controllers, directory: member.directory.make_own()? });
        }
        let above = self.members.iter().find(|member| member.carries("memory")).map(|member| member.directory.path());
        Run::limit(members, limits, above)
    }
}

/// The highest `cpu.shares` that the kernel takes.
const MOST_SHARES: u32 = 262_144;

/// A run's directories.
#[derive(Debug)]
pub(super) struct Run {
    // Before the directories: what a descriptor holds open is let go first.
    memory: Option<Watches>,
    near: Threshold,
    /// Bytes.
    limit: Option<u64>,
    bounds_swap: bool,
    tasks: Vec<OwnedFd>,
    members: Vec<Member<OwnedCgroup>>,
}

impl Run {
    fn limit(members: Vec<Member<OwnedCgroup>>, limits: &CgroupLimits, above: Option<&str>) -> Result<Self, CgroupError> {
        let (tasks, limit) = (Vec::with_capacity(members.len()), limits.memory.filter(|_| limits.use_memory));
        let mut run = Self { memory: None, near: Threshold::default(), limit, bounds_swap: false, tasks, members };
        if let Some(memory) = run.members.iter().find(|member| member.carries("memory")).map(|member| &member.directory) {
            if let Some(bytes) = limits.memory {
                memory.write("memory.limit_in_bytes", bytes)?;
                // Memory and swap together may not exceed what memory alone may: no swap. It can't be set below the limit, so it comes second.
                run.bounds_swap = memory.write_if_there("memory.memsw.limit_in_bytes", bytes)?;
            }
            run.memory = Some(Watches::new(memory, above)?);
        }
        if let (Some(pids), Some(count)) = (run.of("pids"), limits.pids) {
            pids.write("pids.max", limits::with_init(count))?;
        }
        if let (Some(cpu), Some(thousandths)) = (run.of("cpu"), limits.cpus) {
            let (quota, period) = limits::bandwidth(thousandths);
            // The period first: a quota of the default period could be refused as too large a share of the parent's.
            cpu.write("cpu.cfs_period_us", period)?;
            cpu.write("cpu.cfs_quota_us", quota)?;
        }
        for member in &run.members {
            run.tasks.push(member.directory.open_file("tasks", OFlag::O_WRONLY)?);
        }
        Ok(run)
    }

    fn of(&self, controller: &str) -> Option<&OwnedCgroup> {
        self.members.iter().find(|member| member.carries(controller)).map(|member| &member.directory)
    }

    pub(super) fn tasks(&self) -> &[OwnedFd] {
        &self.tasks
    }

    pub(super) fn memory_event(&self) -> Option<BorrowedFd<'_>> {
        self.memory.as_ref().map(Watches::event)
    }

    pub(super) fn near_event(&self) -> Option<BorrowedFd<'_>> {
        self.near.event()
    }

    /// At the next step above what is held.
    pub(super) fn tell_near(&mut self, held: u64) {
        let memory = self.members.iter().find(|member| member.carries("memory")).map(|member| &*member.directory);
        if let Some((memory, limit)) = memory.zip(self.limit) {
            self.near.set(memory, next_step(limit, held));
        }
    }

    pub(super) fn came_near(&mut self) -> bool {
        let came = self.near.event().is_some();
        let held = self.of("memory").and_then(|memory| memory.number("memory.usage_in_bytes").ok());
        self.tell_near(held.unwrap_or(u64::MAX));
        came
    }

    /// What is killed needs a processor to die: no quota keeps it away, and what else is busy here comes after it.
    pub(super) fn hasten(&self) -> Result<(), CgroupError> {
        let Some(cpu) = self.of("cpu") else { return Ok(()) };
        cpu.write("cpu.cfs_quota_us", -1)?;
        cpu.write("cpu.shares", MOST_SHARES)
    }

    pub(super) fn bounds_swap(&self) -> bool {
        self.bounds_swap
    }

    pub(super) fn cpu(&self) -> Result<(Duration, Duration), CgroupError> {
        let Some(cpuacct) = self.of("cpuacct") else { return Ok((Duration::ZERO, Duration::ZERO)) };
        let total = cpuacct.number("cpuacct.usage")?;
        let (user, system) = split(total, cpuacct.number("cpuacct.usage_user")?, cpuacct.number("cpuacct.usage_sys")?);
        Ok((Duration::from_nanos(user), Duration::from_nanos(system)))
    }

    pub(super) fn held(&self) -> Result<Option<u64>, CgroupError> {
        let Some(memory) = self.of("memory") else { return Ok(None) };
        Ok(Some(memory.keyed("memory.stat", "rss")? + memory.keyed("memory.stat", "shmem")?))
    }

    pub(super) fn pids(&self) -> Result<Option<u64>, CgroupError> {
        self.of("pids").map(|pids| pids.number("pids.current").map(|now| now.saturating_sub(limits::INIT))).transpose()
    }

    pub(super) fn counters(&self) -> Result<Counters, CgroupError> {
        let (cpu_user, cpu_system) = self.cpu()?;
        let mut counters = Counters { cpu_user, cpu_system, ..Counters::default() };
        if let Some(memory) = self.of("memory") {
            // Where memory and swap are bounded as one, that is what met the limit.
            let peak = if self.bounds_swap { "memory.memsw.max_usage_in_bytes" } else { "memory.max_usage_in_bytes" };
            counters.memory_peak = Some(memory.number(peak)?);
            // Since Linux 4.13; before that the eventfd is all there is.
            counters.oom_kills = keyed(&memory.read("memory.oom_control")?, "oom_kill").unwrap_or(0);
            if let Some(watches) = &self.memory {
                let (own, above) = watches.met();
                counters.memory_met = own;
                if counters.oom_kills > 0 && own == 0 {
                    counters.memory_above = above;
                }
            }
        }
        if let Some(pids) = self.of("pids") {
            counters.pids_peak = pids.number_if_there("pids.peak")?.map(|peak| peak.saturating_sub(limits::INIT));
            counters.pids_denied = pids.keyed("pids.events", "max")?;
        }
        Ok(counters)
    }

    pub(super) fn cached(&self) -> Option<u64> {
        emptying::cached(self.of("memory")?, &MEMORY)
    }

    /// Empties and removes; bytes that could not be freed.
    pub(super) fn remove(self) -> Result<u64, CgroupError> {
        let mut first = self.of("memory").map_or(Ok(0), |memory| emptying::empty(memory, &MEMORY));
        drop((self.memory, self.near, self.tasks));
        // Each is tried, so that one that refuses leaves the others no excuse.
        for member in self.members {
            let removed = member.directory.remove();
            first = first.and_then(|left| removed.map(|()| left));
        }
        first
    }
}

/// Splits an exact total by the user and system parts, which are counted in clock ticks and may both be 0 for a short run.
fn split(total: u64, user: u64, system: u64) -> (u64, u64) {
    let share = u128::from(total) * u128::from(system) / (u128::from(user) + u128::from(system)).max(1);
    let system = u64::try_from(share).unwrap_or(total).min(total);
    (total - system, system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_split_by_ticks() {
        assert_eq!(split(1000, 0, 0), (1000, 0));
        assert_eq!(split(1000, 3, 1), (750, 250));
        assert_eq!(split(1000, 0, 7), (0, 1000));
        assert_eq!(split(u64::MAX, 0, u64::MAX), (0, u64::MAX));
        assert_eq!(split(u64::MAX, u64::MAX, u64::MAX), (u64::MAX / 2 + 1, u64::MAX / 2));
    }
}
