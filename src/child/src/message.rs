//! What the processes of one start say to each other: fixed-size messages over sequenced-packet sockets, with descriptors beside them.
//!
//! Always holds: a message is 12 words of 64 bits; anything else decodes to `None`. Only this crate's code sends on these sockets: the executor process
//! loses its end by close-on-exec.

use crate::step::{Errno, Failure, Step};

/// Words of one message.
pub const WORDS: usize = 12;
/// Bytes of one message.
pub const SIZE: usize = WORDS * 8;
/// Most descriptors beside one message.
pub const MAX_FDS: usize = 12;

/// From forkserver, init and executor process to the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A step failed; the sender is gone after this.
    Failed(Failure),
    /// Forkserver: in its user namespace, waiting for the id maps.
    WantsIds,
    /// Forkserver: the root stands, runs can be asked for.
    Serving(Serving),
    /// Forkserver, on the run's own socket: init was made; its pidfd comes along. Init may have spoken before.
    Init {
        /// Process id as the supervisor sees it.
        pid: u64,
    },
    /// Init, where it was asked: the run's mounts stand, and the directory of `/workspace` comes along, as it is before any code of the run.
    Workspace,
    /// Init, where the run has a terminal: it stands, and its two ends come along, the supervisor's first.
    Terminal,
    /// Executor process: everything is in force, execve comes next; the seccomp listener, if there is a filter, comes along.
    Executing(Executing),
    /// Init: the executor ended, and every other process of the run is gone.
    Ended(Ended),
}

/// What only the set-up of a forkserver could tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Serving {
    /// No user namespace can be made inside, whatever the seccomp filter says: `user.max_user_namespaces` is 0 there.
    pub nested_userns_disabled: bool,
    /// What the kernel said to a name of the run's own; 0 where it has one or no namespace for it.
    pub host_name: Errno,
    /// What the kernel said to runs being the first to go where memory runs out on the whole host; 0 where they are.
    pub oom_score: Errno,
}

/// When the steps of a start were done; nanoseconds on the monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Executing {
    /// Init began: its namespaces were made.
    pub init: u64,
    /// The run's mounts stood.
    pub mounted: u64,
    /// The executor process began.
    pub executor: u64,
    /// It is where its cgroups want it, with its descriptors, limits, ids and no capabilities. The last time that it can tell: a filter may refuse the clock.
    pub confined: u64,
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
    /// Processes that were left, and not ended themselves, when the executor had ended.
    pub left: u64,
    /// When the last of them was gone; nanoseconds on the monotonic clock.
    pub at: u64,
}

/// From the supervisor to forkserver and init.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To the forkserver: the id maps are written.
    IdsMapped,
    /// To the forkserver: make a run with the descriptors that come along, in the order of [`crate::spec::RunFds`].
    Run(Run),
    /// To init: ask the executor where it is, by a signal.
    AskWhere,
}

/// One run as ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// User and group id of the run, inside.
    pub id: u32,
    /// Files for its `/workspace` come along, see [`crate::files`].
    pub files: bool,
    /// Its `/workspace` is to be handed over, to be read when the run is gone.
    pub workspace: bool,
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
            Self::Serving(s) => {
                put(&[3, s.nested_userns_disabled.into(), s.host_name.unsigned_abs().into(), s.oom_score.unsigned_abs().into()])
            }
            Self::Init { pid } => put(&[4, pid]),
            Self::Executing(e) => put(&[5, e.init, e.mounted, e.executor, e.confined]),
            Self::Workspace => put(&[7]),
            Self::Terminal => put(&[8]),
            Self::Ended(e) => put(&[6, e.status, e.user, e.system, e.resident, e.tmp.0, e.tmp.1, e.inodes.0, e.inodes.1, e.left, e.at]),
        }
        words
    }

    /// Reads a message; `None` if it is none.
    #[must_use]
    pub fn from_words(words: &[u64; WORDS]) -> Option<Self> {
        let [kind, a, b, c, d, e, f, g, h, i, j, ..] = *words;
        Some(match kind {
            1 => Self::Failed(Failure { step: Step::from_number(a)?, index: u32::try_from(b).ok()?, errno: i32::try_from(c).ok()? }),
            2 => Self::WantsIds,
            3 => Self::Serving(Serving {
                nested_userns_disabled: a == 1,
                host_name: i32::try_from(b).ok()?,
                oom_score: i32::try_from(c).ok()?,
            }),
            4 => Self::Init { pid: a },
            5 => Self::Executing(Executing { init: a, mounted: b, executor: c, confined: d }),
            6 => Self::Ended(Ended { status: a, user: b, system: c, resident: d, tmp: (e, f), inodes: (g, h), left: i, at: j }),
            7 => Self::Workspace,
            8 => Self::Terminal,
            _ => return None,
        })
    }
}

impl Order {
    /// The message's words.
    #[must_use]
    pub fn words(self) -> [u64; WORDS] {
        let mut words = [0; WORDS];
        match self {
            Self::IdsMapped => words[0] = 1,
            Self::Run(run) => [words[0], words[1], words[2], words[3]] = [2, run.id.into(), run.files.into(), run.workspace.into()],
            Self::AskWhere => words[0] = 3,
        }
        words
    }

    /// Reads a message; `None` if it is none.
    #[must_use]
    pub fn from_words(words: &[u64; WORDS]) -> Option<Self> {
        Some(match *words {
            [1, ..] => Self::IdsMapped,
            [2, id, files, workspace, ..] => Self::Run(Run { id: u32::try_from(id).ok()?, files: files == 1, workspace: workspace == 1 }),
            [3, ..] => Self::AskWhere,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_orders_survive_the_wire() {
        let ended = Ended { status: 1, user: 2, system: 3, resident: 4, tmp: (5, 6), inodes: (7, 8), left: 9, at: 10 };
        for report in [
            Report::Failed(Failure { step: Step::Landlock, index: 3, errno: 22 }),
            Report::WantsIds,
            Report::Serving(Serving { nested_userns_disabled: true, host_name: 1, oom_score: 30 }),
            Report::Init { pid: 7 },
            Report::Executing(Executing { init: 1, mounted: 2, executor: 3, confined: 4 }),
            Report::Ended(ended),
            Report::Workspace,
            Report::Terminal,
        ] {
            assert_eq!(Report::from_words(&report.words()), Some(report));
        }
        let run = |files, workspace| Order::Run(Run { id: 1001, files, workspace });
        for order in [Order::IdsMapped, run(false, true), run(true, false), Order::AskWhere] {
            assert_eq!(Order::from_words(&order.words()), Some(order));
        }
        assert_eq!(Report::from_words(&[0; WORDS]), None);
        assert_eq!(Order::from_words(&[9; WORDS]), None);
    }
}
