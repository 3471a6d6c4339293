//! v1: whose memory limit was met, by eventfds on the run's cgroup and on those above it.
//!
//! Always holds: the kernel counts an eventfd up when memory runs out in its cgroup or in one above it, and tells those above first; so what a level counted
//! more than the next above it was its own.
//!
//! `memory.failcnt` would be no proof: it counts what could still be reclaimed, and not (seen on 6.18) what fails where memory and swap are bounded as one.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::eventfd::{EfdFlags, EventFd};
use remand_plan::evidence::MemoryLevel;

use super::above::{SLACK, level, upwards};
use super::directory::Directory;
use super::error::CgroupError;

/// The run's cgroup, and those above it, nearest first, as far as this process may watch them.
#[derive(Debug)]
pub(super) struct Watches {
    run: Watch,
    above: Vec<(String, Watch)>,
}

#[derive(Debug)]
struct Watch {
    event: EventFd,
    counted: AtomicU64,
}

impl Watches {
    pub(super) fn new(run: &Directory, parent: Option<&str>) -> Result<Self, CgroupError> {
        // The run's first: what comes in between is another's, and then counts too little for the run and not too much.
        let watched = |path: &str| Some((path.to_owned(), Watch::new(&Directory::open(path).ok()?).ok()?));
        Ok(Self { run: Watch::new(run)?, above: parent.into_iter().flat_map(upwards).map_while(watched).collect() })
    }

    pub(super) fn event(&self) -> BorrowedFd<'_> {
        self.run.event.as_fd()
    }

    /// How often the run's own limit was met, and the levels above whose was. Makes the eventfds quiet.
    pub(super) fn met(&self) -> (u64, Vec<MemoryLevel>) {
        // From the run upwards, so that nothing that was told above is missed there.
        let run = self.run.count();
        let counts: Vec<u64> = self.above.iter().map(|(_, watch)| watch.count()).collect();
        let nearest = counts.first().copied().unwrap_or(0);
        let next = counts.iter().copied().skip(1).chain([0]);
        let own = self.above.iter().zip(counts.iter().copied().zip(next)).filter(|(_, (count, next))| count > next);
        let files = ["memory.max_usage_in_bytes", "memory.usage_in_bytes"];
        let levels = own.map(|((path, _), _)| level(path, "memory.limit_in_bytes", files));
        // The topmost also counts what ran out above it, where nothing can be seen: then it is not full itself.
        (run.saturating_sub(nearest), levels.filter(|level| level.seen.saturating_add(SLACK) >= level.allowed).collect())
    }
}

impl Watch {
    fn new(memory: &Directory) -> Result<Self, CgroupError> {
        let failed = |errno: Errno| CgroupError { attempt: "make an eventfd for", path: "memory.oom_control".into(), source: errno.into() };
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map_err(failed)?;
        let control = memory.open_file("memory.oom_control", OFlag::O_RDONLY)?;
        let (event_number, control_number) = (event.as_fd().as_raw_fd(), control.as_raw_fd());
        memory.write("cgroup.event_control", format_args!("{event_number} {control_number}"))?;
        Ok(Self { event, counted: AtomicU64::new(0) })
    }

    fn count(&self) -> u64 {
        // "Nothing there" is fine.
        let new = self.event.read().unwrap_or(0);
        self.counted.fetch_add(new, Ordering::Relaxed).saturating_add(new)
    }
}
