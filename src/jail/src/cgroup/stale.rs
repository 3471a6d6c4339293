//! Directories that a supervisor left because it was killed: found by their name, at the next start.
//!
//! Always holds: one is removed only if its maker is gone from this very PID namespace; the kernel refuses to remove one with processes in it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::control;
use super::directory::Directory;

const PREFIX: &str = "remand-";

/// A name that no other living process takes: `remand-PID-PIDNAMESPACE-NUMBER`. The namespace tells whether PID means anything here.
pub(super) fn own_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("{PREFIX}{}-{}-{}", std::process::id(), pid_namespace(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn pid_namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    static NAMESPACE: OnceLock<u64> = OnceLock::new();
    *NAMESPACE.get_or_init(|| std::fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino()))
}

/// Removes what was left in a directory. What can't be removed stays: it harms nobody, and a later start tries again.
pub(super) fn sweep(parent: &str) {
    let dead =
        |name: &str| maker(name).is_some_and(|(pid, namespace)| namespace == pid_namespace() && kill(pid, None) == Err(Errno::ESRCH));
    remove(parent, dead);
}

/// Removes what a supervisor that is known to be dead left in a directory, given a name that it made; whether nothing of it is left there.
pub(super) fn sweep_of(parent: &str, name: &str) -> bool {
    let Some((prefix, _)) = name.rsplit_once('-').filter(|_| maker(name).is_some()) else { return true };
    remove(parent, |name| maker(name).is_some() && name.rsplit_once('-').is_some_and(|(theirs, _)| theirs == prefix))
}

fn remove(parent: &str, dead: impl Fn(&str) -> bool) -> bool {
    let mut clean = true;
    for name in directories(parent).iter().filter(|name| dead(name)) {
        let left = format!("{parent}/{name}");
        for leaf in directories(&left).iter().filter(|leaf| super::v2::is_leaf(leaf)) {
            let _ = std::fs::remove_dir(format!("{left}/{leaf}"));
        }
        clean &= std::fs::remove_dir(left).is_ok();
    }
    if let Ok(parent) = Directory::open(parent) {
        control::give_back(&parent, None, "");
    }
    clean
}

/// Whether there are cgroups beneath that are not ours.
pub(crate) fn has_groups(parent: &str) -> bool {
    directories(parent).iter().any(|name| maker(name).is_none())
}

/// Names of the directories in one. Cgroup file systems count them in the link count, which is a hundred times cheaper to ask for than a listing.
pub(super) fn directories(parent: &str) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata(parent).is_ok_and(|found| found.nlink() == 2) {
        return Vec::new();
    }
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
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
#[allow(clippy::unwrap_used, clippy::disallowed_methods)]
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

    #[test]
    fn the_dead_are_swept_and_the_living_are_not() {
        let parent = std::env::temp_dir().join(own_name());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let namespace = pid_namespace();
        let make = |name: String| std::fs::create_dir_all(parent.join(name)).unwrap();
        make(format!("remand-{dead}-{namespace}-0/run-3"));
        make(format!("remand-{dead}-{namespace}-1/not-ours"));
        make(format!("remand-{dead}-{}-2", namespace + 1));
        make(format!("remand-{}-{namespace}-3", std::process::id()));
        make("remand-notes".into());
        let parent_name = parent.to_str().unwrap();
        sweep(parent_name);
        let mut left = directories(parent_name);
        left.sort();
        let kept = [
            format!("remand-{dead}-{namespace}-1"),
            format!("remand-{dead}-{}-2", namespace + 1),
            format!("remand-{}-{namespace}-3", std::process::id()),
        ];
        let mut expected: Vec<String> = kept.into_iter().chain(["remand-notes".into()]).collect();
        expected.sort();
        assert_eq!(left, expected);
        std::fs::remove_dir_all(parent).unwrap();
    }
}
