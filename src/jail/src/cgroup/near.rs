//! Notice that what a run holds comes near its memory limit, while it can still say where it is: who is killed for memory cannot.
//!
//! Always holds: it comes at most once at each of three steps; nobody waits for it; where the kernel refuses it there is none, and nothing else changes.
//!
//! v1: a threshold of the memory controller. To set one takes the kernel an RCU grace period (8 ms were seen), which is left to a thread. v2: `memory.high`,
//! which is lifted as soon as it is passed, since the kernel slows down who is over it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use nix::fcntl::OFlag;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::write;

use super::directory::Directory;
use crate::rights::keep_none;

/// What is left of a limit at each step: one part in so many.
const LEFT: [u64; 3] = [8, 16, 32];
/// What can be allocated until a step is set: one part of the limit in so many.
const MEANWHILE: u64 = 64;
/// Stack of a thread that makes one call.
const STACK: usize = 64 << 10;

/// The next step to a limit for who holds so much, in bytes.
pub fn next_step(limit: u64, held: u64) -> Option<u64> {
    let above = held.saturating_add(limit / MEANWHILE);
    LEFT.into_iter().map(|left| limit - limit / left).find(|step| *step > above)
}

/// v1: a threshold, and the threads that set it and those before it.
#[derive(Debug, Default)]
pub(super) struct Threshold {
    event: Option<Arc<EventFd>>,
    threads: Vec<JoinHandle<()>>,
}

impl Threshold {
    /// Sets it, in place of the one before, if there is one more.
    pub(super) fn set(&mut self, memory: &Directory, bytes: Option<u64>) {
        let set = bytes.and_then(|bytes| begin(memory, bytes));
        let (event, thread) = set.unzip();
        self.event = event;
        self.threads.extend(thread);
    }

    /// Readable when it is passed.
    pub(super) fn event(&self) -> Option<BorrowedFd<'_>> {
        self.event.as_ref().map(|event| event.as_fd())
    }
}

impl Drop for Threshold {
    fn drop(&mut self) {
        // A directory with such a call in it is not removed before the call has ended.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

fn begin(memory: &Directory, bytes: u64) -> Option<(Arc<EventFd>, JoinHandle<()>)> {
    let event = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).ok()?);
    let usage = memory.open_file("memory.usage_in_bytes", OFlag::O_RDONLY).ok()?;
    let control = memory.open_file("cgroup.event_control", OFlag::O_WRONLY).ok()?;
    let told = Arc::clone(&event);
    let set = move || {
        let line = format!("{} {} {bytes}", told.as_fd().as_raw_fd(), usage.as_raw_fd());
        // A thread that cannot give anything up does nothing.
        let _ = keep_none().is_ok() && write(&control, line.as_bytes()).is_ok();
    };
    let thread = Builder::new().name("memory threshold".into()).stack_size(STACK).spawn(set).ok()?;
    Some((event, thread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_above_what_is_held() {
        let steps = [0, 50, 86, 87, 93, 95, 96, 100, u64::MAX].map(|held| next_step(6400, held.saturating_mul(64)).map(|step| step / 64));
        assert_eq!(steps, [Some(87), Some(87), Some(93), Some(93), Some(96), Some(96), None, None, None]);
        assert_eq!(next_step(0, 0), None);
        assert!(next_step(u64::MAX, 0).is_some());
    }
}
