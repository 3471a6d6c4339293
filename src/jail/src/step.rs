//! The child's steps as those of an outcome.

use remand_child::step::Step as Child;
use remand_plan::step::Step;

macro_rules! same {
    ($step:expr, $($name:ident)*) => { match $step { $(Child::$name => Step::$name),* } };
}

/// The step of the same name.
#[must_use]
pub const fn of(step: Child) -> Step {
    same!(step,
        Forkserver OomScore UserNamespace IdMap MountNamespace IpcNamespace UtsNamespace NetworkNamespace Loopback Root Pivot CloneInit InitSignals RunMounts
        Files Terminal CloneExecutor Init CgroupJoin CgroupNamespace Signals Session Keyring Fd Rlimit Groups Gid Uid Capabilities Dumpable NoNewPrivs Landlock Seccomp
        Listener Chdir Execve
    )
}
