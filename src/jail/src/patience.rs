//! Waiting for another process of ours: with an end, and only as long as the caller wants the run.
//!
//! Always holds: nothing here waits for a process that may be stopped (SIGSTOP, a debugger) without both.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::{TimeSpec, TimeValLike};
use remand_child::sys::now;

/// Nanoseconds that each part of a start gets: the making of a run, and the way to its `ready`. Far above what a loaded host needs, far below what anyone
/// waits.
pub const START_LIMIT: u64 = 30_000_000_000;

/// Until when to wait, and what ends the wait before.
#[derive(Clone, Copy, Debug)]
pub struct Patience<'a> {
    until: u64,
    cancel: Option<BorrowedFd<'a>>,
}

/// Why something is not waited for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Impatience {
    Late,
    Cancelled,
    Kernel(Errno),
}

impl<'a> Patience<'a> {
    /// From now on. `cancel`: readable when the caller no longer wants the run.
    pub fn begin(cancel: Option<BorrowedFd<'a>>) -> Self {
        Self { until: now().saturating_add(START_LIMIT), cancel }
    }

    /// Waits until there is something to read, or an end of file.
    ///
    /// # Errors
    /// See [`Impatience`].
    pub fn readable(&self, fd: BorrowedFd<'_>) -> Result<(), Impatience> {
        loop {
            let mut fds: Vec<_> = self.cancel.into_iter().chain([fd]).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            let left = i64::try_from(self.until.saturating_sub(now())).unwrap_or(i64::MAX);
            match ppoll(&mut fds, Some(TimeSpec::nanoseconds(left)), None) {
                Ok(0) => return Err(Impatience::Late),
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(Impatience::Kernel(errno)),
                Ok(_) => {}
            }
            let ready = |at: Option<&PollFd<'_>>| at.is_some_and(|fd| fd.any().unwrap_or(true));
            return if self.cancel.is_some() && ready(fds.first()) { Err(Impatience::Cancelled) } else { Ok(()) };
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use nix::unistd::{pipe, write};
    use std::os::fd::AsFd;

    #[test]
    fn a_wait_ends_by_what_is_awaited_by_the_caller_or_by_time() {
        let (silent, _writer) = pipe().unwrap();
        let (cancel, asks) = pipe().unwrap();
        let over = Patience { until: now(), cancel: Some(cancel.as_fd()) };
        assert_eq!(over.readable(silent.as_fd()), Err(Impatience::Late));
        let (gone, _) = pipe().unwrap();
        assert_eq!(Patience::begin(Some(cancel.as_fd())).readable(gone.as_fd()), Ok(()), "an end of file");
        write(&asks, b"x").unwrap();
        assert_eq!(Patience::begin(Some(cancel.as_fd())).readable(silent.as_fd()), Err(Impatience::Cancelled));
        assert_eq!(Patience::begin(Some(cancel.as_fd())).readable(gone.as_fd()), Err(Impatience::Cancelled), "first of all");
    }
}
