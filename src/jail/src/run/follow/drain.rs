//! The end of a run: what is left in its pipes, and when it ended.
//!
//! Always holds: no wait without an end. The last process is gone, so what the pipes hold is finite; but descriptors in flight in sockets of the run's own,
//! which take a policy that grants them, hold a pipe open until the kernel's collector of such sockets has come by.

use nix::poll::{PollFd, PollFlags, poll};
use remand_child::sys::now;
use remand_plan::evidence::{InFlight, Stop};
use remand_plan::limit::LimitKind;

use super::{Follower, Source};

/// Nanoseconds for the pipes to end after the last process did.
const DRAIN: u64 = 1_000_000_000;
/// Milliseconds between two looks at what memory is held.
const LOOK: u8 = 5;
/// What can still say something then.
const LAST: [Source; 4] = [Source::Result, Source::Stdout, Source::Stderr, Source::Report];

impl Follower<'_, '_> {
    /// Reads what is left in the pipes, up to their ends of file.
    pub(super) fn drain(&mut self) {
        let end = now().saturating_add(DRAIN);
        self.open.retain(|source| LAST.contains(source) || *source == Source::Cancel);
        self.denials.close();
        while self.pipes() > 0 {
            // What is there already is read in any case; not what somebody outside of the run goes on to write, who was handed the other end.
            let late = self.stopped == Some(Stop::Cancelled) || now() >= end;
            match self.wait(Some(if late { 0 } else { end })) {
                Ok(ready) if late && (ready.is_empty() || now() >= end.saturating_add(DRAIN)) => return,
                Ok(ready) => ready.into_iter().for_each(|source| self.handle(source)),
                Err(errno) => return self.fail(format!("poll: {}", errno.desc())),
            }
        }
    }

    /// What has not come to its end of file.
    fn pipes(&self) -> usize {
        self.open.iter().filter(|source| LAST.contains(source)).count()
    }

    /// What is held by descriptors in flight, where the run could make some: sockets in flight in each other outlive their processes,
    /// with all that went along, until the kernel's collector comes by. It is waited for, and what it leaves is told.
    pub(super) fn in_flight(&self) -> Option<InFlight> {
        let granted = remand_syscalls::granted(&self.ask.plan.rules).unwrap_or_default();
        if !self.ask.plan.filter.is_empty() && !["sendmsg", "sendmmsg"].iter().any(|call| granted.contains_key(call)) {
            return None;
        }
        let end = now().saturating_add(DRAIN);
        let held = || self.launched.cgroup.as_ref().and_then(|cgroup| cgroup.held().ok().flatten());
        let mut bytes = held();
        while bytes.is_some_and(|bytes| bytes > 0) && now() < end && self.stopped != Some(Stop::Cancelled) {
            // There is no event for it.
            let mut cancel: Vec<_> = self.caller.cancel.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
            if poll(&mut cancel, LOOK).is_ok_and(|ready| ready > 0) {
                break;
            }
            bytes = held();
        }
        Some(InFlight { bytes, pipes: self.pipes() })
    }

    /// Microseconds from `ready` to the end of the last process, by the run's own account of that where it has one: this process may have been stopped.
    /// A run that outlived its wall time is over it, seen in time or not.
    pub(super) fn wall(&mut self) -> u64 {
        let Some(ready) = self.ready else { return 0 };
        let wall = self.ended.map_or_else(now, |ended| ended.at).saturating_sub(ready) / 1000;
        if self.ask.plan.wall_time.is_some_and(|limit| wall > limit) {
            self.stopped.get_or_insert(Stop::Limit(LimitKind::WallTime));
        }
        wall
    }
}
