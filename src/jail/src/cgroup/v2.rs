//! cgroup v2: `remand-*` beneath a parent that lets us, holding a leaf for the forkserver and one per run.
//!
//! Always holds: limits stand before anything can be started inside; no process sits in the parent, so controllers can be on beneath it.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::uio::pread;
use remand_plan::host::{CgroupFacts, Surrounding};
use remand_plan::plan::CgroupLimits;

use super::above::Above;
use super::counters::Counters;
use super::directory::{Directory, OwnedCgroup, keyed};
use super::emptying::{self, Files};
use super::error::CgroupError;
use super::journal::{self, Journal};
use super::name::{FORKSERVER, RUN, SUPERVISOR};
use super::near::next_step;
use super::{control, limits, stale};

/// Moving or starting a process needs the right to write this file of the target and of the nearest common ancestor.
const PROCS: &str = "cgroup.procs";

/// `memory.reclaim` is there since Linux 5.19; `memory.high` alone leaves what lies ready on other CPUs.
const MEMORY: Files = Files { usage: "memory.current", kernel: None, cache: "file", bound: HIGH, empty: "memory.reclaim" };

const HIGH: &str = "memory.high";
const WEIGHT: &str = "cpu.weight";
/// The highest that the kernel takes.
const MOST_WEIGHT: u32 = 10_000;

/// The supervisor's own directory. Fields drop in order: leaves first.
#[derive(Debug)]
pub(super) struct Parent {
    forkserver: Option<OwnedCgroup>,
    /// This process, where it was alone in the directory above: no process may sit where controllers are turned on beneath.
    aside: Option<OwnedCgroup>,
    directory: OwnedCgroup,
    above: Directory,
    /// Where this process came from.
    home: String,
    owner: Option<u32>,
    next: AtomicU64,
    journal: OnceLock<Option<Journal>>,
}

impl Parent {
    pub(super) fn make(facts: &CgroupFacts, owner: Option<u32>) -> Result<Self, CgroupError> {
        let above = Directory::open(&facts.parent)?;
        let directory = above.make_own()?;
        let (home, next) = (facts.own.clone(), AtomicU64::new(0));
        // From here on, drop undoes what was done.
        let mut parent = Self { forkserver: None, aside: None, directory, above, home, owner, next, journal: OnceLock::new() };
        let usable = [("memory", &facts.memory), ("pids", &facts.pids), ("cpu", &facts.cpu)];
        let usable: Vec<&str> = usable.into_iter().filter(|(_, fact)| fact.available()).map(|(name, _)| name).collect();
        let copied: Vec<&Surrounding> = facts.surrounding.iter().filter(|limit| limit.copied.available()).collect();
        let wanted = usable.iter().copied().chain(copied.iter().filter_map(|limit| limit.file.split('.').next()));
        parent.enable(&wanted.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(), &usable)?;
        for limit in copied {
            // One line at a time, as the kernel takes them. Files that a kernel may lack are those of swap, which it then does not limit either.
            for line in limit.value.lines() {
                parent.directory.write_if_there(&limit.file, line)?;
            }
        }
        parent.forkserver = Some(parent.directory.make(FORKSERVER)?);
        if let Some(owner) = owner {
            // The forkserver starts runs from its leaf into theirs: this is their nearest common ancestor. Its own leaf needs nothing.
            parent.directory.give(PROCS, owner)?;
        }
        Ok(parent)
    }

    /// Turns controllers on above, stepping aside if this process alone is in the way, and beneath.
    fn enable(&mut self, wanted: &[&str], usable: &[&str]) -> Result<(), CgroupError> {
        match control::borrow(&self.above, wanted) {
            Err(error) if error.source.raw_os_error() == Some(Errno::EBUSY as i32) => {
                // Only this process is moved: others in there mean that the cgroup was not delegated to us alone, and are left where they are.
                let leaf = self.directory.make(SUPERVISOR)?;
                // First: from a kill in there on, nobody else can be put where this process was.
                self.record();
                leaf.write(PROCS, 0)?;
                self.aside = Some(leaf);
                control::borrow(&self.above, wanted)?;
            }
            done => done?,
        }
        control::enable(&self.directory, usable)
    }

    /// Goes on record, and removes what dead supervisors left, here and elsewhere.
    pub(super) fn sweep(&self) {
        self.record();
        stale::sweep(self.above.path());
        journal::sweep();
    }

    fn record(&self) {
        self.journal.get_or_init(|| Journal::begin(&[self.above.path()]));
    }

    pub(super) fn forkserver(&self) -> Option<BorrowedFd<'_>> {
        self.forkserver.as_ref().map(|leaf| leaf.fd())
    }

    pub(super) fn create(&self, limits: &CgroupLimits) -> Result<Run, CgroupError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let leaf = self.directory.make(&format!("{RUN}{number}"))?;
        let mut bounds_swap = false;
        if limits.use_memory {
            if let Some(bytes) = limits.memory {
                leaf.write("memory.max", bytes)?;
                // Absent where the kernel was built or started without swap accounting.
                bounds_swap = leaf.write_if_there("memory.swap.max", 0)?;
            }
            // All of the run dies, not whatever process is the largest.
            leaf.write("memory.oom.group", 1)?;
        }
        if let (true, Some(count)) = (limits.use_pids, limits.pids) {
            leaf.write("pids.max", limits::with_init(count))?;
        }
        if let (true, Some(thousandths)) = (limits.use_cpu, limits.cpus) {
            let (quota, period) = limits::bandwidth(thousandths);
            leaf.write("cpu.max", format_args!("{quota} {period}"))?;
        }
        if let Some(owner) = self.owner {
            leaf.give(PROCS, owner)?;
        }
        Run::watch(leaf, limits, self.directory.path(), bounds_swap)
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        drop(self.forkserver.take());
        if control::borrowed(&self.above) {
            // The last to leave gives back, also what was turned on for those who were killed.
            self.sweep();
            control::disable(&self.directory);
            let own = self.directory.path().rsplit('/').next();
            control::give_back(&self.above, own, &self.home);
        }
        if let Some(mut leaf) = self.aside.take() {
            // Refused where controllers are still on: this process then ends where it is, and what is left empty is swept.
            if self.above.write(PROCS, 0).is_err() {
                leaf.leave();
                self.directory.leave();
                self.journal.get_mut().into_iter().flatten().for_each(Journal::stay);
            }
        }
    }
}

/// A run's leaf.
#[derive(Debug)]
pub(super) struct Run {
    memory: Option<Memory>,
    bounds_swap: bool,
    pids: bool,
    /// A CPU quota is in force.
    quota: bool,
    /// The supervisor's own directory.
    parent: Directory,
    leaf: OwnedCgroup,
}

#[derive(Debug)]
struct Memory {
    events: OwnedFd,
    above: Above,
    /// Bytes.
    limit: Option<u64>,
    /// How often it was over `memory.high`.
    high: u64,
}

impl Memory {
    /// `memory.events`, through the descriptor that is polled: reading it is what makes it quiet.
    fn text(&self) -> Result<String, CgroupError> {
        let mut bytes = [0; 512];
        let length = pread(&self.events, &mut bytes, 0).map_err(|errno| CgroupError {
            attempt: "read",
            path: "memory.events of a run's cgroup".into(),
            source: errno.into(),
        })?;
        Ok(String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned())
    }
}

impl Run {
    fn watch(leaf: OwnedCgroup, limits: &CgroupLimits, parent: &str, bounds_swap: bool) -> Result<Self, CgroupError> {
        let memory = if limits.use_memory {
            Some(Memory {
                events: leaf.open_file("memory.events", OFlag::O_RDONLY)?,
                above: Above::look(parent),
                limit: limits.memory,
                high: 0,
            })
        } else {
            None
        };
        let quota = limits.use_cpu && limits.cpus.is_some();
        let run = Self { memory, bounds_swap, pids: limits.use_pids, quota, parent: Directory::open(parent)?, leaf };
        // A file that was never read polls as changed.
        run.memory_counters(&mut Counters::default())?;
        Ok(run)
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.leaf.fd()
    }

    pub(super) fn memory_event(&self) -> Option<BorrowedFd<'_>> {
        self.memory.as_ref().map(|memory| memory.events.as_fd())
    }

    /// At the next step above what is held; none is the kernel's own beginning. What is held may have grown beyond it meanwhile: then the kernel tries to free
    /// that much, a few times, before it answers.
    pub(super) fn tell_near(&self, held: u64) {
        let Some(limit) = self.memory.as_ref().and_then(|memory| memory.limit) else { return };
        let step = next_step(limit, held).map_or("max".to_owned(), |step| step.to_string());
        // Without it nobody is told.
        let _ = self.leaf.write(HIGH, step);
    }

    pub(super) fn came_near(&mut self) -> bool {
        let Some(memory) = &mut self.memory else { return false };
        let high = memory.text().ok().and_then(|text| keyed(&text, "high")).unwrap_or(memory.high);
        let came = std::mem::replace(&mut memory.high, high) < high;
        if came {
            self.tell_near(self.leaf.number(MEMORY.usage).unwrap_or(u64::MAX));
        }
        came
    }

    fn memory_counters(&self, counters: &mut Counters) -> Result<(), CgroupError> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let text = memory.text()?;
        let (Some(met), Some(kills)) = (keyed(&text, "oom"), keyed(&text, "oom_kill")) else {
            return Err(self.leaf.unexpected("memory.events", &text));
        };
        (counters.memory_met, counters.oom_kills) = (met, kills);
        if kills > 0 && met == 0 {
            counters.memory_above = memory.above.met();
        }
        // Since Linux 5.19.
        counters.memory_peak = self.leaf.number_if_there("memory.peak")?;
        Ok(())
    }

    pub(super) fn bounds_swap(&self) -> bool {
        self.bounds_swap
    }

    /// Counted in every cgroup, with or without the cpu controller.
    pub(super) fn cpu(&self) -> Result<(Duration, Duration), CgroupError> {
        let text = self.leaf.read("cpu.stat")?;
        match (keyed(&text, "user_usec"), keyed(&text, "system_usec")) {
            (Some(user), Some(system)) => Ok((Duration::from_micros(user), Duration::from_micros(system))),
            _ => Err(self.leaf.unexpected("cpu.stat", &text)),
        }
    }

    /// What is killed needs a processor to die: no quota keeps it away, and what else is busy here comes after it, beside the supervisor's own directory too.
    pub(super) fn hasten(&self) -> Result<(), CgroupError> {
        if self.quota {
            self.leaf.write("cpu.max", "max")?;
            self.leaf.write_if_there(WEIGHT, MOST_WEIGHT)?;
            self.parent.write_if_there(WEIGHT, MOST_WEIGHT)?;
        }
        Ok(())
    }

    pub(super) fn kill(&self) -> Result<(), CgroupError> {
        self.hasten()?;
        match self.leaf.write("cgroup.kill", 1) {
            // Before Linux 5.14 the end of the PID namespace does it, as on v1.
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(()),
            answer => answer,
        }
    }

    pub(super) fn held(&self) -> Result<Option<u64>, CgroupError> {
        if self.memory.is_none() {
            return Ok(None);
        }
        Ok(Some(self.leaf.keyed("memory.stat", "anon")? + self.leaf.keyed("memory.stat", "shmem")?))
    }

    pub(super) fn pids(&self) -> Result<Option<u64>, CgroupError> {
        self.pids.then(|| self.leaf.number("pids.current").map(|now| now.saturating_sub(limits::INIT))).transpose()
    }

    pub(super) fn counters(&self) -> Result<Counters, CgroupError> {
        let (cpu_user, cpu_system) = self.cpu()?;
        let mut counters = Counters { cpu_user, cpu_system, ..Counters::default() };
        self.memory_counters(&mut counters)?;
        if self.pids {
            // Since Linux 6.1.
            counters.pids_peak = self.leaf.number_if_there("pids.peak")?.map(|peak| peak.saturating_sub(limits::INIT));
            // The local file is as old as the distinction (Linux 6.11): before it, `max` counts what any cgroup above refused, too.
            let local = self.leaf.keyed_if_there("pids.events.local", "max")?;
            counters.pids_denied = local.map_or_else(|| self.leaf.keyed("pids.events", "max"), Ok)?;
        }
        Ok(counters)
    }

    pub(super) fn cached(&self) -> Option<u64> {
        self.memory.as_ref().and_then(|_| emptying::cached(&self.leaf, &MEMORY))
    }

    /// Empties and removes; bytes that could not be freed.
    pub(super) fn remove(self) -> Result<u64, CgroupError> {
        let left = if self.memory.is_some() { emptying::empty(&self.leaf, &MEMORY) } else { Ok(0) };
        let usual = if self.quota { self.parent.write_if_there(WEIGHT, 100).map(drop) } else { Ok(()) };
        let removed = self.leaf.remove().and(usual);
        left.and_then(|left| removed.map(|()| left))
    }
}
