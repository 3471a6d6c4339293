//! Points in time on the monotonic clock, which a supervisor shares with the processes it makes.
//!
//! Always holds: a moment is compared with moments and a length of time is a `Duration`, so that no number is taken for another's unit.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use remand_child::sys;

/// What each part of a start gets: the making of a run, and the way to its `ready`. Far above what a loaded host needs, far below what anyone waits.
pub const START_LIMIT: Duration = Duration::from_secs(30);

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// This one.
    #[must_use]
    pub fn now() -> Self {
        Self(sys::now())
    }

    /// The one that a process of ours told, in nanoseconds.
    #[must_use]
    pub const fn told(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// How long it is after `earlier`; nothing if it is before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// So long after this one; the last that there is, if that is beyond it.
    #[must_use]
    pub fn after(self, length: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// As timers take it.
    #[must_use]
    pub fn timespec(self) -> TimeSpec {
        // Nothing would turn a timer off.
        Duration::from_nanos(self.0.max(1)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_neither_wrap_nor_go_below_nothing() {
        let (early, late) = (Moment::told(5), Moment::told(8));
        assert_eq!((late.since(early), early.since(late)), (Duration::from_nanos(3), Duration::ZERO));
        assert_eq!(early.after(Duration::from_nanos(3)), late);
        assert_eq!(late.after(Duration::MAX), Moment::told(u64::MAX));
    }
}
