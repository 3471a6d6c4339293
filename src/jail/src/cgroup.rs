//! Cgroups of runs, v1 and v2.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use remand_policy::host::CgroupFacts;
use remand_policy::plan::CgroupLimits;

/// An attempt on a cgroup file that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {attempt} {path}: {source}")]
#[allow(missing_docs)]
pub struct CgroupError {
    pub attempt: &'static str,
    pub path: String,
    pub source: io::Error,
}

/// The cgroups of one supervisor: a parent of its own, in which a forkserver and runs sit. Removed on drop.
#[derive(Debug)]
pub struct Cgroups;

/// The cgroup of one run. Removed on drop, once empty.
#[derive(Debug)]
pub struct RunCgroup;

/// How a process gets into the run's cgroup without the wait for an RCU grace period that writing a process id to `cgroup.procs` costs.
#[derive(Debug)]
pub enum Join<'a> {
    /// v1: the `tasks` file of each hierarchy, open for writing; the executor process writes `0` to each. A lone thread that moves itself takes no global lock.
    Tasks(&'a [OwnedFd]),
    /// v2: the directory, for `CLONE_INTO_CGROUP`.
    Into(BorrowedFd<'a>),
}

/// Counters of a run's cgroup. Microseconds and bytes; `None`: this kernel does not count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counters {
    pub cpu_user: u64,
    pub cpu_system: u64,
    pub memory_peak: Option<u64>,
    pub oom_kills: u64,
    pub pids_peak: Option<u64>,
    pub pids_denied: u64,
}

impl Cgroups {
    /// Makes the supervisor's own parent. `owner` is the host uid of forkservers (inside: 0) where that is not this process's own: it gets the right to
    /// start processes in the runs' cgroups (v2 checks `CLONE_INTO_CGROUP` against the files' owner).
    ///
    /// # Errors
    /// The file that refused.
    pub fn new(facts: &CgroupFacts, owner: Option<u32>) -> Result<Self, CgroupError> {
        let _ = (facts, owner);
        unimplemented!()
    }

    /// v2: the directory that a forkserver is to be started in (`CLONE_INTO_CGROUP`), so that it and the runs have this parent as nearest ancestor. v1: none.
    #[must_use]
    pub fn forkserver(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Makes a run's cgroup with its limits set.
    ///
    /// # Errors
    /// The file that refused; nothing is left then.
    pub fn create(&self, limits: &CgroupLimits) -> Result<RunCgroup, CgroupError> {
        let _ = limits;
        unimplemented!()
    }
}

impl RunCgroup {
    /// How to get in.
    #[must_use]
    pub fn join(&self) -> Join<'_> {
        unimplemented!()
    }

    /// Readable (POLLIN on v1's eventfd, POLLPRI on v2's `memory.events`) when the memory limit has killed, or is about to.
    #[must_use]
    pub fn memory_event(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// User and system CPU so far, microseconds.
    ///
    /// # Errors
    /// The file that could not be read.
    pub fn cpu(&self) -> Result<(u64, u64), CgroupError> {
        unimplemented!()
    }

    /// v2: kills everything inside by `cgroup.kill`. v1 has no such thing; the PID namespace does it there.
    ///
    /// # Errors
    /// The file that refused.
    pub fn kill(&self) -> Result<(), CgroupError> {
        unimplemented!()
    }

    /// All counters.
    ///
    /// # Errors
    /// The file that could not be read.
    pub fn counters(&self) -> Result<Counters, CgroupError> {
        unimplemented!()
    }

    /// Removes it; the run's processes are gone.
    ///
    /// # Errors
    /// The directory that could not be removed.
    pub fn remove(self) -> Result<(), CgroupError> {
        unimplemented!()
    }
}
