//! What the processes of one start say to each other: fixed-size messages over sequenced-packet sockets, with descriptors beside them.
//!
//! Always holds: a message is 12 words of 64 bits; anything else decodes to `None`. Only this crate's code sends on these sockets: the executor process
//! loses its end by close-on-exec.

use crate::step::{Failure, Step};

/// Words of one message.
pub const WORDS: usize = 12;
/// Bytes of one message.
pub const SIZE: usize = WORDS * 8;
/// Most descriptors beside one message.
pub const MAX_FDS: usize = 7;

/// From forkserver, init and executor process to the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A step failed; the sender is gone after this.
    Failed(Failure),
    /// Forkserver: in its user namespace, waiting for the id maps.
    WantsIds,
    /// Forkserver: the root stands, runs can be asked for.
    Serving,
    /// Forkserver: init was made; its pidfd comes along.
    Init {
        /// Process id as the supervisor sees it.
        pid: u64,
    },
    /// Executor process: made. The socket's credentials give its process id.
    Executor {
        /// When init began, after its namespaces were made; nanoseconds on the monotonic clock.
        init_began: u64,
        /// When the run's mounts stood.
        mounted: u64,
        /// When the executor process began.
        began: u64,
    },
    /// Executor process: everything is in force, execve comes next; the seccomp listener comes along.
    Executing {
        /// When, nanoseconds on the monotonic clock.
        at: u64,
    },
    /// Init: the executor ended, and every other process of the run is gone.
    Ended(Ended),
}

/// How a run's processes ended, as init saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The executor's status as from `wait4`.
    pub status: u64,
    /// User CPU of all processes, microseconds.
    pub user: u64,
    /// System CPU of all processes, microseconds.
    pub system: u64,
    /// Largest resident set of one process, KiB.
    pub resident: u64,
    /// Bytes of `/tmp` in all, and used.
    pub tmp: (u64, u64),
    /// Inodes of `/tmp` in all, and used.
    pub inodes: (u64, u64),
    /// When, nanoseconds on the monotonic clock.
    pub at: u64,
}

/// From the supervisor to forkserver and init.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To the forkserver: the id maps are written.
    IdsMapped,
    /// To the forkserver: make a run with the descriptors that come along, in [`crate::spec::RunFds`] order.
    Run,
    /// To init: the executor sits where it belongs; it may be reaped.
    Attached,
    /// To init: kill everything, then report.
    Kill,
}

impl Report {
    /// The message's words.
    #[must_use]
    pub fn words(&self) -> [u64; WORDS] {
        let mut words = [0; WORDS];
        let mut put = |values: &[u64]| values.iter().zip(&mut words).for_each(|(value, word)| *word = *value);
        match *self {
            Self::Failed(failure) => put(&[1, failure.step as u64, failure.index.into(), failure.errno.unsigned_abs().into()]),
            Self::WantsIds => put(&[2]),
            Self::Serving => put(&[3]),
            Self::Init { pid } => put(&[4, pid]),
            Self::Executor { init_began, mounted, began } => put(&[5, init_began, mounted, began]),
            Self::Executing { at } => put(&[6, at]),
            Self::Ended(e) => put(&[7, e.status, e.user, e.system, e.resident, e.tmp.0, e.tmp.1, e.inodes.0, e.inodes.1, e.at]),
        }
        words
    }

    /// Reads a message; `None` if it is none.
    #[must_use]
    pub fn from_words(words: &[u64; WORDS]) -> Option<Self> {
        let [kind, a, b, c, d, e, f, g, h, i, ..] = *words;
        Some(match kind {
            1 => Self::Failed(Failure { step: Step::from_number(a)?, index: u32::try_from(b).ok()?, errno: i32::try_from(c).ok()? }),
            2 => Self::WantsIds,
            3 => Self::Serving,
            4 => Self::Init { pid: a },
            5 => Self::Executor { init_began: a, mounted: b, began: c },
            6 => Self::Executing { at: a },
            7 => Self::Ended(Ended { status: a, user: b, system: c, resident: d, tmp: (e, f), inodes: (g, h), at: i }),
            _ => return None,
        })
    }
}

impl Order {
    /// The message's words.
    #[must_use]
    pub fn words(self) -> [u64; WORDS] {
        let mut words = [0; WORDS];
        words[0] = match self {
            Self::IdsMapped => 1,
            Self::Run => 2,
            Self::Attached => 3,
            Self::Kill => 4,
        };
        words
    }

    /// Reads a message; `None` if it is none.
    #[must_use]
    pub fn from_words(words: &[u64; WORDS]) -> Option<Self> {
        Some(match words[0] {
            1 => Self::IdsMapped,
            2 => Self::Run,
            3 => Self::Attached,
            4 => Self::Kill,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_orders_survive_the_wire() {
        let ended = Ended { status: 1, user: 2, system: 3, resident: 4, tmp: (5, 6), inodes: (7, 8), at: 9 };
        for report in [
            Report::Failed(Failure { step: Step::Landlock, index: 3, errno: 22 }),
            Report::WantsIds,
            Report::Serving,
            Report::Init { pid: 7 },
            Report::Executor { init_began: 1, mounted: 2, began: 3 },
            Report::Executing { at: 4 },
            Report::Ended(ended),
        ] {
            assert_eq!(Report::from_words(&report.words()), Some(report));
        }
        for order in [Order::IdsMapped, Order::Run, Order::Attached, Order::Kill] {
            assert_eq!(Order::from_words(&order.words()), Some(order));
        }
        assert_eq!(Report::from_words(&[0; WORDS]), None);
        assert_eq!(Order::from_words(&[9; WORDS]), None);
    }
}
