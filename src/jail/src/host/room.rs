//! Limits that this process was started with, where a start meets them.
//!
//! Always holds: a limit is named only where it is small enough to be the reason.

use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use remand_plan::host::Fact;
use remand_plan::step::Step;

use super::look::missing;

/// Processes of a start: forkserver, init, executor, and one that looks at the host.
const PROCESSES: u64 = 4;
/// CPython and its libraries start with less of each, but not with much less.
const PYTHON: u64 = 32 << 20;
const PYTHON_STACK: u64 = 256 << 10;

/// What is left of the limits.
#[derive(Clone, Debug)]
pub(super) struct Room {
    /// RLIMIT_NOFILE.
    pub(super) descriptors: u64,
    /// RLIMIT_NPROC, and the tasks that its user has.
    pub(super) processes: (u64, u64),
    /// RLIMIT_DATA.
    pub(super) data: u64,
    /// RLIMIT_STACK.
    pub(super) stack: u64,
    /// RLIMIT_AS.
    pub(super) address_space: u64,
}

impl Default for Room {
    /// No limits.
    fn default() -> Self {
        Self { descriptors: u64::MAX, processes: (u64::MAX, 0), data: u64::MAX, stack: u64::MAX, address_space: u64::MAX }
    }
}

impl Room {
    /// This process's.
    pub(super) fn here() -> Self {
        let processes = limit(Resource::RLIMIT_NPROC).0;
        Self {
            descriptors: limit(Resource::RLIMIT_NOFILE).0,
            processes: (processes, if processes == u64::MAX { 0 } else { tasks() }),
            data: limit(Resource::RLIMIT_DATA).1,
            stack: limit(Resource::RLIMIT_STACK).1,
            address_space: limit(Resource::RLIMIT_AS).1,
        }
    }

    /// The limit that a step met.
    pub(super) fn explain(&self, step: Step, errno: i32) -> Option<Fact> {
        let (most, used) = self.processes;
        match (step, Errno::from_raw(errno)) {
            (_, Errno::EMFILE) | (Step::Fd, Errno::EINVAL) => {
                Some(small("RLIMIT_NOFILE, ulimit -n", self.descriptors, "descriptors", "ulimit -n 1024"))
            }
            (_, Errno::ENFILE) => Some(missing("the host has no file descriptors left (ENFILE)", "raise the sysctl fs.file-max")),
            (Step::Forkserver | Step::CloneInit | Step::CloneExecutor, Errno::EAGAIN) if used.saturating_add(PROCESSES) > most => {
                Some(missing(
                    format!("the limit on this user's processes (RLIMIT_NPROC, ulimit -u) is {most}, and {used} are there (EAGAIN)"),
                    "raise it: ulimit -u 1024, or end some",
                ))
            }
            (_, Errno::ENOMEM) | (Step::Ready, _) => self.memory(step == Step::Ready),
            _ => None,
        }
    }

    /// The limit that leaves an interpreter too little memory.
    fn memory(&self, python: bool) -> Option<Fact> {
        if python && self.stack < PYTHON_STACK {
            Some(small("RLIMIT_STACK, ulimit -s", self.stack, "bytes", "ulimit -s 8192"))
        } else if self.data < PYTHON {
            Some(small("RLIMIT_DATA, ulimit -d", self.data, "bytes", "ulimit -d unlimited"))
        } else if self.address_space < PYTHON {
            Some(small("RLIMIT_AS, ulimit -v", self.address_space, "bytes", "ulimit -v unlimited"))
        } else {
            None
        }
    }
}

fn small(limit: &str, value: u64, unit: &str, cure: &str) -> Fact {
    missing(format!("the limit that remand was started with ({limit}) is {value} {unit}, too few for a start"), format!("raise it: {cure}"))
}

/// Soft and hard.
pub(super) fn limit(resource: Resource) -> (u64, u64) {
    // Asking for a limit of one's own fails for nobody.
    getrlimit(resource).unwrap_or((u64::MAX, u64::MAX))
}

/// Tasks of this process's user, as far as `/proc` shows them.
fn tasks() -> u64 {
    let user = nix::unistd::getuid().as_raw();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = processes.filter(|process| process.metadata().is_ok_and(|found| found.uid() == user));
    own.map(|process| std::fs::read_dir(process.path().join("task")).into_iter().flatten().count() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_where_it_is_met_and_not_where_it_is_wide() {
        let tight = Room { descriptors: 20, processes: (5, 4), data: 1 << 20, stack: 24 << 10, address_space: 1 << 20 };
        let said = |room: &Room, step, errno| match room.explain(step, errno) {
            Some(Fact::Missing { blocker, .. }) => blocker,
            _ => String::new(),
        };
        for (step, errno, part) in [
            (Step::Ids, libc::EMFILE, "(RLIMIT_NOFILE, ulimit -n) is 20 descriptors"),
            (Step::Fd, libc::EINVAL, "RLIMIT_NOFILE"),
            (Step::CloneInit, libc::EAGAIN, "ulimit -u) is 5, and 4 are there"),
            (Step::Ready, 0, "RLIMIT_STACK"),
            (Step::Root, libc::ENOMEM, "RLIMIT_DATA"),
        ] {
            assert!(said(&tight, step, errno).contains(part), "{step}");
            let wide = Room::default();
            assert!(errno == libc::EMFILE || errno == libc::EINVAL || said(&wide, step, errno).is_empty(), "{step}");
        }
        assert!(said(&Room { stack: u64::MAX, ..tight.clone() }, Step::Ready, 0).contains("RLIMIT_DATA"));
        assert!(said(&Room { stack: u64::MAX, data: u64::MAX, ..tight }, Step::Ready, 0).contains("RLIMIT_AS"));
    }
}
