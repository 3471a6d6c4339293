//! cgroup v2: `remand-*` beneath a parent that lets us, holding a leaf for the forkserver and one per run.
//!
//! Always holds: limits stand before anything can be started inside; no process sits in the parent, so controllers can be on beneath it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::uio::pread;
use remand_policy::host::CgroupFacts;
use remand_policy::plan::CgroupLimits;

use super::directory::{Directory, Made, keyed};
use super::{CgroupError, Counters, stale};

const SUBTREE: &str = "cgroup.subtree_control";
/// Moving or starting a process needs the right to write this file of the target and of the nearest common ancestor.
const PROCS: &str = "cgroup.procs";

const FORKSERVER: &str = "forkserver";
const SUPERVISOR: &str = "supervisor";
const RUN: &str = "run-";

/// Whether a directory in a supervisor's own has a name that is given here.
pub(super) fn is_leaf(name: &str) -> bool {
    name == FORKSERVER || name == SUPERVISOR || name.starts_with(RUN)
}

/// The supervisor's own directory. Fields drop in order: leaves first.
#[derive(Debug)]
pub(super) struct Parent {
    forkserver: Made,
    _aside: Option<Aside>,
    directory: Made,
    owner: Option<u32>,
    next: AtomicU64,
}

impl Parent {
    pub(super) fn make(facts: &CgroupFacts, owner: Option<u32>) -> Result<Self, CgroupError> {
        let above = Directory::open(&facts.parent)?;
        let usable = [("memory", &facts.memory), ("pids", &facts.pids), ("cpu", &facts.cpu)];
        let controllers: Vec<&str> = usable.into_iter().filter(|(_, fact)| fact.available()).map(|(name, _)| name).collect();
        stale::sweep_sometimes(&facts.parent);
        let directory = above.make_own()?;
        let aside = match enable(&above, &controllers) {
            Err(error) if error.source.raw_os_error() == Some(Errno::EBUSY as i32) => Some(Aside::step(above, &directory, &controllers)?),
            done => done.map(|()| None)?,
        };
        enable(&directory, &controllers)?;
        let forkserver = directory.make(FORKSERVER)?;
        if let Some(owner) = owner {
            // The forkserver starts runs from its leaf into theirs: this is their nearest common ancestor. Its own leaf needs nothing.
            directory.give(PROCS, owner)?;
        }
        Ok(Self { forkserver, _aside: aside, directory, owner, next: AtomicU64::new(0) })
    }

    pub(super) fn forkserver(&self) -> BorrowedFd<'_> {
        self.forkserver.fd()
    }

    pub(super) fn create(&self, limits: &CgroupLimits) -> Result<Run, CgroupError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let leaf = self.directory.make(&format!("{RUN}{number}"))?;
        if limits.use_memory {
            if let Some(bytes) = limits.memory {
                leaf.write("memory.max", bytes)?;
                // Absent where the kernel was built or started without swap accounting.
                leaf.write_if_there("memory.swap.max", 0)?;
            }
            // All of the run dies, not whatever process is the largest.
            leaf.write("memory.oom.group", 1)?;
        }
        if let (true, Some(count)) = (limits.use_pids, limits.pids) {
            leaf.write("pids.max", count)?;
        }
        if let (true, Some(thousandths)) = (limits.use_cpu, limits.cpus) {
            let (quota, period) = super::bandwidth(thousandths);
            leaf.write("cpu.max", format_args!("{quota} {period}"))?;
        }
        if let Some(owner) = self.owner {
            leaf.give(PROCS, owner)?;
        }
        Run::watch(leaf, limits)
    }
}

/// This process in a leaf of its own directory. No process may sit where controllers are turned on beneath; in a delegated cgroup that is where it is born.
#[derive(Debug)]
struct Aside {
    above: Directory,
    undo: Vec<(String, String)>,
    leaf: Option<Made>,
}

impl Aside {
    /// Only this process is moved: others in there mean that the cgroup was not delegated to us alone, and are left where they are.
    fn step(above: Directory, directory: &Directory, controllers: &[&str]) -> Result<Self, CgroupError> {
        let leaf = directory.make(SUPERVISOR)?;
        leaf.write(PROCS, 0)?;
        let off = controllers.iter().map(|name| format!("-{name}")).collect::<Vec<_>>().join(" ");
        let undo = vec![(format!("{}/{SUBTREE}", directory.path()), off.clone()), (format!("{}/{SUBTREE}", above.path()), off)];
        // From here on, drop undoes it.
        let aside = Self { above, undo, leaf: Some(leaf) };
        enable(&aside.above, controllers)?;
        Ok(aside)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Each can fail if somebody else came in meanwhile; then the directory stays, with this process in it, and a later start sweeps it.
        for (file, off) in &self.undo {
            let _ = std::fs::write(file, off);
        }
        let _ = self.above.write(PROCS, 0);
        drop(self.leaf.take());
    }
}

/// Turns on what is not on yet: the parent belongs to others too, so nothing is written that need not be.
fn enable(directory: &Directory, controllers: &[&str]) -> Result<(), CgroupError> {
    let on = directory.read(SUBTREE)?;
    let missing: Vec<String> =
        controllers.iter().filter(|name| !on.split_whitespace().any(|known| known == **name)).map(|name| format!("+{name}")).collect();
    if missing.is_empty() { Ok(()) } else { directory.write(SUBTREE, missing.join(" ")) }
}

/// A run's leaf.
#[derive(Debug)]
pub(super) struct Run {
    memory_events: Option<OwnedFd>,
    pids: bool,
    leaf: Made,
}

impl Run {
    fn watch(leaf: Made, limits: &CgroupLimits) -> Result<Self, CgroupError> {
        let memory_events = if limits.use_memory { Some(leaf.open_file("memory.events", OFlag::O_RDONLY)?) } else { None };
        let run = Self { memory_events, pids: limits.use_pids, leaf };
        // A file that was never read polls as changed.
        run.oom_kills()?;
        Ok(run)
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.leaf.fd()
    }

    pub(super) fn memory_event(&self) -> Option<BorrowedFd<'_>> {
        self.memory_events.as_ref().map(AsFd::as_fd)
    }

    /// Through the descriptor that is polled: reading it is what makes it quiet.
    fn oom_kills(&self) -> Result<u64, CgroupError> {
        let Some(file) = &self.memory_events else { return Ok(0) };
        let mut bytes = [0; 512];
        let length = pread(file, &mut bytes, 0).map_err(|errno| CgroupError {
            attempt: "read",
            path: "memory.events of a run's cgroup".into(),
            source: errno.into(),
        })?;
        let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
        keyed(&text, "oom_kill").ok_or_else(|| self.leaf.unexpected("memory.events", &text))
    }

    /// Counted in every cgroup, with or without the cpu controller.
    pub(super) fn cpu(&self) -> Result<(u64, u64), CgroupError> {
        let text = self.leaf.read("cpu.stat")?;
        match (keyed(&text, "user_usec"), keyed(&text, "system_usec")) {
            (Some(user), Some(system)) => Ok((user, system)),
            _ => Err(self.leaf.unexpected("cpu.stat", &text)),
        }
    }

    pub(super) fn kill(&self) -> Result<(), CgroupError> {
        match self.leaf.write("cgroup.kill", 1) {
            // Before Linux 5.14 the end of the PID namespace does it, as on v1.
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(()),
            answer => answer,
        }
    }

    pub(super) fn counters(&self) -> Result<Counters, CgroupError> {
        let (cpu_user, cpu_system) = self.cpu()?;
        let mut counters = Counters { cpu_user, cpu_system, oom_kills: self.oom_kills()?, ..Counters::default() };
        if self.memory_events.is_some() {
            // Since Linux 5.19.
            counters.memory_peak = self.leaf.number_if_there("memory.peak")?;
        }
        if self.pids {
            // Since Linux 6.1.
            counters.pids_peak = self.leaf.number_if_there("pids.peak")?;
            counters.pids_denied = self.leaf.keyed("pids.events", "max")?;
        }
        Ok(counters)
    }

    pub(super) fn remove(self) -> Result<(), CgroupError> {
        self.leaf.remove()
    }
}
