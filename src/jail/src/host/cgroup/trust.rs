//! Who may write to a cgroup: whoever may moves its processes out of their limits, stops or ends them.
//!
//! Always holds: only root and the user of this process are trusted; a group of theirs is not, since it may have other members.

use std::os::unix::fs::MetadataExt;

use nix::unistd::geteuid;

use super::place::Place;

/// The directory, and what moves, stops or ends those inside, by both versions' names. What is not there gives nobody a right.
const FILES: [&str; 8] =
    ["", "/cgroup.procs", "/cgroup.threads", "/tasks", "/cgroup.subtree_control", "/cgroup.freeze", "/cgroup.kill", "/freezer.state"];

/// Who else may write to a process's cgroup or one above it, if anybody.
pub(super) fn foreign(place: &Place) -> Option<String> {
    let user = geteuid().as_raw();
    place.chain().iter().find_map(|directory| others(directory, user))
}

/// Who else may write to this cgroup, if anybody.
pub(super) fn others(directory: &str, user: u32) -> Option<String> {
    FILES.iter().find_map(|file| {
        let path = format!("{directory}{file}");
        let found = std::fs::symlink_metadata(&path).ok()?;
        let who = stranger(found.uid(), found.gid(), found.mode(), user)?;
        Some(format!("{path} can be written to by {who}"))
    })
}

fn stranger(owner: u32, group: u32, mode: u32, user: u32) -> Option<String> {
    match owner {
        owner if owner != 0 && owner != user => Some(format!("uid {owner}")),
        _ if mode & 0o002 != 0 => Some("everybody".into()),
        _ if mode & 0o020 != 0 => Some(format!("members of the group {group}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_this_user_are_trusted() {
        for (owner, mode, user, stranger_is) in [
            (0, 0o755, 0, None),
            (0, 0o755, 1000, None),
            (1000, 0o755, 1000, None),
            (1000, 0o755, 0, Some("uid 1000")),
            (1000, 0o400, 0, Some("uid 1000")), // an owner changes the mode
            (65534, 0o755, 1000, Some("uid 65534")),
            (0, 0o775, 0, Some("members of the group 7")),
            (0, 0o757, 1000, Some("everybody")),
            (1000, 0o664, 1000, Some("members of the group 7")),
        ] {
            assert_eq!(stranger(owner, 7, mode, user).as_deref(), stranger_is, "{owner} {mode:o} {user}");
        }
    }
}
