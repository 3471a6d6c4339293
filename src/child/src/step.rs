//! Names for every step of a start, so that a failure is (step, index, errno) and never a sentence made up afterwards.
//!
//! Always holds: the list is closed; a number that is not on it decodes to nothing.

/// The kernel's answer to a system call that failed, positive.
pub type Errno = i32;

macro_rules! steps {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// A step on the way to exec.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Step { $($variant),* }

        impl Step {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name that outcomes and hints use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The step that travelled as this number.
            #[must_use]
            pub fn from_number(number: u64) -> Option<Self> {
                Self::ALL.get(usize::try_from(number).ok()?).copied()
            }
        }
    };
}

steps! {
    Forkserver "forkserver", OomScore "oom_score", UserNamespace "user_namespace", IdMap "id_map", MountNamespace "mount_namespace", IpcNamespace "ipc_namespace",
    UtsNamespace "uts_namespace", NetworkNamespace "network_namespace", Loopback "loopback", Root "root", Pivot "pivot",
    CloneInit "clone_init", InitSignals "init_signals", RunMounts "run_mounts", CloneExecutor "clone_executor", Init "init",
    CgroupJoin "cgroup_join", CgroupNamespace "cgroup_namespace", Signals "signals", Session "session", Keyring "keyring", Fd "fd", Rlimit "rlimit", Groups "groups", Gid "gid", Uid "uid",
    Capabilities "capabilities", Dumpable "dumpable", NoNewPrivs "no_new_privs", Landlock "landlock", Seccomp "seccomp", Listener "listener",
    Chdir "chdir", Execve "execve",
}

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
