//! One descriptor for all that a run can say and all that can end it, its next deadline included.
//!
//! Always holds: it is readable as long as something is there that was not handled; what is watched is taken out before it is closed, since another process
//! of ours can have a copy of it.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::timer::{Expiration, TimerSetTimeFlags};
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};

use super::phase::Source;
use crate::moment::Moment;

/// What is watched.
#[derive(Debug)]
pub struct Watch {
    all: Epoll,
    time: TimerFd,
    /// What the timer is set to.
    until: Option<Moment>,
    watched: Vec<Source>,
}

impl Watch {
    /// Nothing yet.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn new() -> Result<Self, Errno> {
        let all = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let time = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        all.add(&time, event(Source::Time, EpollFlags::EPOLLIN))?;
        Ok(Self { all, time, until: None, watched: Vec::new() })
    }

    /// Watches for this.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn add(&mut self, source: Source, fd: BorrowedFd<'_>, what: EpollFlags) -> Result<(), Errno> {
        self.all.add(fd, event(source, what))?;
        self.watched.push(source);
        Ok(())
    }

    /// Watches for something else; for nothing, that is for hang-ups alone.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn change(&self, source: Source, fd: BorrowedFd<'_>, what: EpollFlags) -> Result<(), Errno> {
        self.all.modify(fd, &mut event(source, what))
    }

    /// Watches this no longer, if it was watched.
    pub fn forget(&mut self, source: Source, fd: BorrowedFd<'_>) {
        if self.watched.contains(&source) {
            // Can fail only for what is not watched.
            let _ = self.all.delete(fd);
            self.watched.retain(|&watched| watched != source);
        }
    }

    /// What is there, in the order in which it is to be handled; and whether it hung up. Waits for nothing.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn ready(&mut self) -> Result<Vec<(Source, bool)>, Errno> {
        let mut events = [EpollEvent::empty(); Source::ALL.len()];
        let count = match self.all.wait(&mut events, EpollTimeout::ZERO) {
            Err(Errno::EINTR) => 0,
            answer => answer?,
        };
        let source = |event: &EpollEvent| {
            let source = usize::try_from(event.data()).ok().and_then(|number| Source::ALL.get(number))?;
            Some((*source, event.events().contains(EpollFlags::EPOLLHUP)))
        };
        let mut ready: Vec<_> = events.iter().take(count).filter_map(source).collect();
        ready.sort_unstable();
        if ready.iter().any(|(source, _)| *source == Source::Time) {
            // What has passed is not set any more, so that the same moment is set anew.
            self.until(None)?;
        }
        Ok(ready)
    }

    /// Sets the deadline.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn until(&mut self, deadline: Option<Moment>) -> Result<(), Errno> {
        if self.until == deadline {
            return Ok(());
        }
        self.until = deadline;
        match deadline {
            Some(at) => self.time.set(Expiration::OneShot(at.timespec()), TimerSetTimeFlags::TFD_TIMER_ABSTIME),
            None => self.time.unset(),
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.all.0.as_fd()
    }
}

fn event(source: Source, what: EpollFlags) -> EpollEvent {
    EpollEvent::new(what, source as u64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::unistd::{pipe, write};

    use super::*;

    fn waits(watch: &Watch, timeout: PollTimeout) -> bool {
        poll(&mut [PollFd::new(watch.as_fd(), PollFlags::POLLIN)], timeout).unwrap() == 0
    }

    #[test]
    fn one_descriptor_tells_of_all_and_of_the_time() {
        let mut watch = Watch::new().unwrap();
        assert!(waits(&watch, PollTimeout::ZERO) && watch.ready().unwrap().is_empty());
        let ((output, writes), (report, _)) = (pipe().unwrap(), pipe().unwrap());
        watch.add(Source::Report, report.as_fd(), EpollFlags::EPOLLIN).unwrap();
        watch.add(Source::Stdout, output.as_fd(), EpollFlags::EPOLLIN).unwrap();
        write(&writes, b"x").unwrap();
        assert!(!waits(&watch, PollTimeout::ZERO));
        assert_eq!(watch.ready().unwrap(), [(Source::Stdout, false), (Source::Report, true)], "in order");
        watch.change(Source::Stdout, output.as_fd(), EpollFlags::empty()).unwrap();
        watch.forget(Source::Report, report.as_fd());
        watch.forget(Source::Report, report.as_fd());
        assert!(waits(&watch, PollTimeout::ZERO));
        let passed = Moment::now();
        for _ in 0..2 {
            watch.until(Some(passed)).unwrap();
            assert!(!waits(&watch, PollTimeout::NONE));
            assert_eq!(watch.ready().unwrap(), [(Source::Time, false)], "set anew, it comes anew");
        }
        watch.until(Some(passed.after(Duration::from_secs(1000)))).unwrap();
        watch.until(None).unwrap();
        assert!(waits(&watch, PollTimeout::ZERO) && watch.ready().unwrap().is_empty());
    }
}
