//! Cgroups of runs, v1 and v2.
//!
//! Always holds: only directories that this process made are written to or removed, and empty ones of dead supervisors (the one exception is a v2 parent's
//! `cgroup.subtree_control`);
//! every refused file is named with the kernel's answer; what was made is removed on drop.
//!
//! The files are driven directly, and not by cgroups-rs: its `Cgroup::new` writes `cgroup.subtree_control` from the root down, over its owners' heads, and
//! drops the errors; it knows v2 only at `/sys/fs/cgroup`; it gives no descriptor of a directory, which `CLONE_INTO_CGROUP` takes. Versions 0.4 and 0.5 also
//! force a D-Bus client (zbus) on whoever links them; 0.3.4 does not.

mod above;
mod control;
mod counters;
mod directory;
mod emptying;
mod error;
mod journal;
mod limits;
mod name;
mod near;
mod oom;
mod stale;
mod v1;
mod v2;

pub(crate) use above::Together;
pub use counters::Counters;
pub use error::CgroupError;
pub(crate) use near::next_step;
pub(crate) use stale::has_groups;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};
use remand_plan::host::{CgroupFacts, CgroupVersion};
use remand_plan::plan::CgroupLimits;

/// The cgroups of one supervisor: on v2 a parent of its own, in which a forkserver and runs sit. Removed on drop, after the runs.
#[derive(Debug)]
pub struct Cgroups(Hierarchy<v1::Parents, v2::Parent>);

/// Bytes of memory that `memory.stat` may still count when they are free, for two seconds: a reader has the kernel sum up only what is more than 64 pages for
/// each CPU, and each CPU keeps up to as many to itself; the rest is summed up every two seconds (mm/memcontrol.c, since Linux 5.16).
#[must_use]
pub fn counted_late() -> u64 {
    let of = |what| sysconf(what).ok().flatten().and_then(|number| u64::try_from(number).ok());
    let pages = of(SysconfVar::_NPROCESSORS_ONLN).unwrap_or(1).saturating_mul(2 * 64);
    pages.saturating_mul(of(SysconfVar::PAGE_SIZE).unwrap_or(4096))
}

/// The cgroup of one run. Removed on drop, once empty.
#[derive(Debug)]
pub struct RunCgroup(Hierarchy<v1::Run, v2::Run>);

#[derive(Debug)]
enum Hierarchy<A, B> {
    V1(A),
    V2(B),
}

/// How a process gets into the run's cgroup without the wait for an RCU grace period that writing a process id to `cgroup.procs` costs.
#[derive(Debug)]
pub enum Join<'a> {
    /// v1: the `tasks` file of each hierarchy, open for writing; init writes `0` to each. A lone thread that moves itself takes no global lock.
    Tasks(&'a [OwnedFd]),
    /// v2: the directory, for `CLONE_INTO_CGROUP`.
    Into(BorrowedFd<'a>),
}

impl Cgroups {
    /// Makes the supervisor's own parent. `owner` is the host uid of forkservers (inside: 0) where that is not this process's own: it gets the right to
    /// start processes in the runs' cgroups (v2 checks `CLONE_INTO_CGROUP` against the files' owner).
    ///
    /// # Errors
    /// The file that refused; where the facts say that there are no cgroups to use, that.
    pub fn new(facts: &CgroupFacts, owner: Option<u32>) -> Result<Self, CgroupError> {
        match facts.version {
            CgroupVersion::V1 => v1::Parents::open(&facts.v1).map(|parents| Self(Hierarchy::V1(parents))),
            CgroupVersion::V2 => v2::Parent::make(facts, owner).map(|parent| Self(Hierarchy::V2(parent))),
            CgroupVersion::None => Err(CgroupError {
                attempt: "make a cgroup in",
                path: "a host without usable cgroups".into(),
                source: io::ErrorKind::Unsupported.into(),
            }),
        }
    }

    /// v2: the directory that a forkserver is to be started in (`CLONE_INTO_CGROUP`), so that it and the runs have this parent as nearest ancestor. v1: none.
    #[must_use]
    pub fn forkserver(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            Hierarchy::V1(_) => None,
            Hierarchy::V2(parent) => parent.forkserver(),
        }
    }

    /// Removes what supervisors that were killed left behind. For a moment at which nobody waits for it.
    pub fn sweep(&self) {
        match &self.0 {
            Hierarchy::V1(parents) => parents.sweep(),
            Hierarchy::V2(parent) => parent.sweep(),
        }
    }

    /// Makes a run's cgroup with its limits set.
    ///
    /// # Errors
    /// The file that refused; nothing is left then.
    pub fn create(&self, limits: &CgroupLimits) -> Result<RunCgroup, CgroupError> {
        match &self.0 {
            Hierarchy::V1(parents) => parents.create(limits).map(|run| RunCgroup(Hierarchy::V1(run))),
            Hierarchy::V2(parent) => parent.create(limits).map(|run| RunCgroup(Hierarchy::V2(run))),
        }
    }
}

impl RunCgroup {
    /// How to get in.
    #[must_use]
    pub fn join(&self) -> Join<'_> {
        match &self.0 {
            Hierarchy::V1(run) => Join::Tasks(run.tasks()),
            Hierarchy::V2(run) => Join::Into(run.directory()),
        }
    }

    /// Readable (POLLIN on v1's eventfd, POLLPRI on v2's `memory.events`) when the memory limit has killed, or is about to. [`Self::counters`] makes it
    /// quiet again. On v2 it also wakes when the limit was only met (`max`), so the counters decide.
    #[must_use]
    pub fn memory_event(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            Hierarchy::V1(run) => run.memory_event(),
            Hierarchy::V2(run) => run.memory_event(),
        }
    }

    /// From now on tells when what the run holds comes near its memory limit, as far as the kernel does: see [`Self::came_near`].
    pub fn tell_near(&mut self) {
        match &mut self.0 {
            Hierarchy::V1(run) => run.tell_near(0),
            Hierarchy::V2(run) => run.tell_near(0),
        }
    }

    /// Readable when that is so. v2: [`Self::memory_event`] is.
    #[must_use]
    pub fn near_event(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            Hierarchy::V1(run) => run.near_event(),
            Hierarchy::V2(_) => None,
        }
    }

    /// Whether it came nearer since it was asked before. What is watched for it is another afterwards.
    pub fn came_near(&mut self) -> bool {
        match &mut self.0 {
            Hierarchy::V1(run) => run.came_near(),
            Hierarchy::V2(run) => run.came_near(),
        }
    }

    /// Whether what the run has swapped out is within its memory limit.
    #[must_use]
    pub fn bounds_swap(&self) -> bool {
        match &self.0 {
            Hierarchy::V1(run) => run.bounds_swap(),
            Hierarchy::V2(run) => run.bounds_swap(),
        }
    }

    /// User and system CPU so far.
    ///
    /// # Errors
    /// The file that could not be read.
    pub fn cpu(&self) -> Result<(Duration, Duration), CgroupError> {
        match &self.0 {
            Hierarchy::V1(run) => run.cpu(),
            Hierarchy::V2(run) => run.cpu(),
        }
    }

    /// Lets everything inside die at once: the CPU quota is lifted and the weight raised, since a killed process needs time on a CPU to die and would wait for
    /// its share. v2: and
    /// kills it by `cgroup.kill` (Linux 5.14). v1 has no such thing; the PID namespace does it there.
    ///
    /// # Errors
    /// The file that refused.
    pub fn kill(&self) -> Result<(), CgroupError> {
        match &self.0 {
            Hierarchy::V1(run) => run.hasten(),
            Hierarchy::V2(run) => run.kill(),
        }
    }

    /// Lifts the CPU quota alone.
    ///
    /// # Errors
    /// The file that refused.
    pub fn hasten(&self) -> Result<(), CgroupError> {
        match &self.0 {
            Hierarchy::V1(run) => run.hasten(),
            Hierarchy::V2(run) => run.hasten(),
        }
    }

    /// Bytes of memory that no file of a disk backs; `None` where no memory controller counts them. See [`counted_late`].
    ///
    /// # Errors
    /// The file that could not be read.
    pub fn held(&self) -> Result<Option<u64>, CgroupError> {
        match &self.0 {
            Hierarchy::V1(run) => run.held(),
            Hierarchy::V2(run) => run.held(),
        }
    }

    /// Tasks, now; `None` where no pids controller counts them.
    ///
    /// # Errors
    /// The file that could not be read.
    pub fn pids(&self) -> Result<Option<u64>, CgroupError> {
        match &self.0 {
            Hierarchy::V1(run) => run.pids(),
            Hierarchy::V2(run) => run.pids(),
        }
    }

    /// All counters.
    ///
    /// # Errors
    /// The file that could not be read.
    pub fn counters(&self) -> Result<Counters, CgroupError> {
        match &self.0 {
            Hierarchy::V1(run) => run.counters(),
            Hierarchy::V2(run) => run.counters(),
        }
    }

    /// Bytes of page cache that it is charged for, as far as the kernel has counted.
    #[must_use]
    pub fn cached(&self) -> Option<u64> {
        match &self.0 {
            Hierarchy::V1(run) => run.cached(),
            Hierarchy::V2(run) => run.cached(),
        }
    }

    /// Empties it of memory and removes it; the run's processes are gone. Bytes that are still held by somebody.
    ///
    /// # Errors
    /// The directory that could not be removed.
    pub fn remove(self) -> Result<u64, CgroupError> {
        match self.0 {
            Hierarchy::V1(run) => run.remove(),
            Hierarchy::V2(run) => run.remove(),
        }
    }
}
