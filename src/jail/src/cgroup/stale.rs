//! Directories that a supervisor left because it was killed: found by their name, at the next start.
//!
//! Always holds: one is removed only if its maker is gone from this very PID namespace; the kernel refuses to remove one with processes in it.

use nix::errno::Errno;
use nix::sys::signal::kill;

use super::control;
use super::directory::{Directory, directories};
use super::name::{is_leaf, maker, pid_namespace};

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
        for leaf in directories(&left).iter().filter(|leaf| is_leaf(leaf)) {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods)]
mod tests {
    use super::super::name::own_name;
    use super::*;

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
