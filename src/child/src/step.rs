//! Every step of a start, so that a failure is (step, index, errno) and never a sentence made up afterwards.
//!
//! Always holds: the list is closed; a number that is not on it decodes to nothing.

/// The kernel's answer to a system call that failed, positive.
pub type Errno = i32;

macro_rules! steps {
    ($($variant:ident),* $(,)?) => {
        /// A step on the way to exec.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Step { $($variant),* }

        impl Step {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The step that travelled as this number.
            #[must_use]
            pub fn from_number(number: u64) -> Option<Self> {
                Self::ALL.get(usize::try_from(number).ok()?).copied()
            }
        }
    };
}

steps! {
    Forkserver, OomScore, UserNamespace, IdMap, MountNamespace, IpcNamespace,
    UtsNamespace, NetworkNamespace, Loopback, Root, Pivot,
    CloneInit, InitSignals, RunMounts, Files, Terminal, CloneExecutor, Init,
    CgroupJoin, CgroupNamespace, Signals, Session, Keyring, Fd, Rlimit, Groups, Gid, Uid,
    Capabilities, Dumpable, NoNewPrivs, Landlock, Seccomp, Listener,
    Chdir, Execve,
}

/// Numbers of [`Step::RunMounts`]: what init does for each mount of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RunMount {
    NewTmp,
    AttachTmp,
    PlacesInTmp,
    NewProc,
    AttachProc,
    CloseProc,
    NewTerminals,
    AttachTerminals,
}

/// Number of [`Step::Root`] that is no entry's: the root itself.
pub const THE_ROOT: u32 = u32::MAX;

/// Number of [`Step::Landlock`] of the first rule; 0 is the ruleset.
pub const FIRST_RULE: usize = 1;

/// A step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub step: Step,
    /// Which of several: root entry, descriptor, limit, capability, Landlock rule.
    pub index: u32,
    /// The kernel's answer.
    pub errno: Errno,
}

/// Puts a step's name to a kernel's answer.
pub trait At<T> {
    /// This step, the only one of its kind.
    ///
    /// # Errors
    /// The kernel's answer with the step's name.
    fn at(self, step: Step) -> Result<T, Failure>;

    /// This step, number `index` of its kind.
    ///
    /// # Errors
    /// The kernel's answer with the step's name and number.
    fn at_index(self, step: Step, index: usize) -> Result<T, Failure>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, step: Step) -> Result<T, Failure> {
        self.at_index(step, 0)
    }

    fn at_index(self, step: Step, index: usize) -> Result<T, Failure> {
        self.map_err(|errno| Failure { step, index: u32::try_from(index).unwrap_or(u32::MAX), errno })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_survives_the_wire() {
        for (number, step) in Step::ALL.iter().enumerate() {
            assert_eq!(Step::from_number(number as u64), Some(*step));
            assert_eq!(*step as usize, number);
        }
        assert_eq!(Step::from_number(Step::ALL.len() as u64), None);
        assert_eq!(Step::from_number(u64::MAX), None);
    }
}
