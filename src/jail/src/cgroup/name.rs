//! Names of cgroup directories: who made one, and what it is for.
//!
//! Always holds: no other living process takes a name that is given here.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::unistd::Pid;

pub(super) const FORKSERVER: &str = "forkserver";
pub(super) const SUPERVISOR: &str = "supervisor";
pub(super) const RUN: &str = "run-";

/// Whether a directory in a supervisor's own has a name that is given here.
pub(super) fn is_leaf(name: &str) -> bool {
    name == FORKSERVER || name == SUPERVISOR || name.starts_with(RUN)
}

const PREFIX: &str = "remand-";

/// A name that no other living process takes: `remand-PID-PIDNAMESPACE-NUMBER`. The namespace tells whether PID means anything here.
pub(super) fn own_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("{PREFIX}{}-{}-{}", std::process::id(), pid_namespace(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn pid_namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    static NAMESPACE: OnceLock<u64> = OnceLock::new();
    *NAMESPACE.get_or_init(|| std::fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino()))
}

/// Who made a directory of this name.
pub(super) fn maker(name: &str) -> Option<(Pid, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let pid: i32 = parts.next()?.parse().ok().filter(|pid| *pid > 0)?;
    let namespace = parts.next()?.parse().ok()?;
    let _: u64 = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some((Pid::from_raw(pid), namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_are_known() {
        let ours = own_name();
        assert_ne!(ours, own_name());
        assert_eq!(maker(&ours), Some((Pid::this(), pid_namespace())));
        for other in [
            "remand-",
            "remand-1",
            "remand-1-2",
            "remand-0-2-3",
            "remand--1-2-3",
            "remand-1-2-3-4",
            "remand-x-2-3",
            "other-1-2-3",
            "remand-1-2-x",
        ] {
            assert_eq!(maker(other), None, "{other}");
        }
    }
}
