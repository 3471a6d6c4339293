//! Whether this process has rights that whoever started it does not have: by a set-user-id or set-group-id bit, or by capabilities of its file.
//!
//! Always holds: pure over what the kernel says of this process. AT_SECURE is not asked: transitions of SELinux and AppArmor set it too.

use caps::{CapSet, CapsHashSet};
use nix::unistd::{getresgid, getresuid};

/// Real, effective and saved.
type Ids = [u32; 3];

/// What was gained at the start, for people; nothing where nothing was.
///
/// # Errors
/// The kernel does not say.
pub fn gained() -> Result<Option<String>, String> {
    let told = |error: &dyn std::fmt::Display| format!("cannot see which rights this process has: {error}");
    let (users, groups) = (getresuid().map_err(|error| told(&error))?, getresgid().map_err(|error| told(&error))?);
    let users = [users.real, users.effective, users.saved].map(nix::unistd::Uid::as_raw);
    let groups = [groups.real, groups.effective, groups.saved].map(nix::unistd::Gid::as_raw);
    let permitted = caps::read(None, CapSet::Permitted).map_err(|error| told(&error))?;
    // A kernel without ambient capabilities (before 4.3) has none of them.
    let ambient = caps::read(None, CapSet::Ambient).unwrap_or_default();
    Ok(judge(users, groups, &permitted, &ambient))
}

/// Without uid 0, execve gives no permitted capability that is not ambient, unless the file carries it.
fn judge(users: Ids, groups: Ids, permitted: &CapsHashSet, ambient: &CapsHashSet) -> Option<String> {
    let differ = |kind: &str, [real, effective, saved]: Ids| {
        let same = real == effective && effective == saved;
        (!same).then(|| format!("it was started by {kind} {real} and acts as {kind} {effective} (saved: {saved}), by a set-{kind}-id bit"))
    };
    let by_file = || {
        let mut gained: Vec<_> = permitted.difference(ambient).map(ToString::to_string).collect();
        gained.sort();
        (users[0] != 0 && !gained.is_empty()).then(|| format!("its file gives user {} capabilities: {}", users[0], gained.join(", ")))
    };
    differ("user", users).or_else(|| differ("group", groups)).or_else(by_file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use caps::Capability::{CAP_CHOWN, CAP_SYS_ADMIN};

    fn set(capabilities: &[caps::Capability]) -> CapsHashSet {
        capabilities.iter().copied().collect()
    }

    #[test]
    fn ids_that_differ_in_any_place() {
        let none = set(&[]);
        for users in [[1000, 0, 0], [0, 1000, 1000], [1000, 1000, 0], [1000, 0, 1000], [0, 0, 1000]] {
            assert!(judge(users, [5; 3], &none, &none).is_some_and(|why| why.contains("set-user-id")), "{users:?}");
            assert!(judge([5; 3], users, &none, &none).is_some_and(|why| why.contains("set-group-id")), "{users:?}");
        }
        assert_eq!(judge([1000; 3], [0; 3], &none, &none), None);
    }

    #[test]
    fn capabilities_that_no_caller_gave() {
        let (chown, both) = (set(&[CAP_CHOWN]), set(&[CAP_CHOWN, CAP_SYS_ADMIN]));
        assert_eq!(judge([1000; 3], [5; 3], &chown, &set(&[])).as_deref(), Some("its file gives user 1000 capabilities: CAP_CHOWN"));
        assert!(judge([1000; 3], [5; 3], &both, &chown).is_some_and(|why| why.ends_with(": CAP_SYS_ADMIN")));
        assert_eq!(judge([1000; 3], [5; 3], &both, &both), None, "ambient ones are the caller's own");
        assert_eq!(judge([0; 3], [0; 3], &both, &set(&[])), None, "root has them by its uid, in a user namespace too");
    }

    #[test]
    fn tests_have_gained_nothing() {
        assert_eq!(gained(), Ok(None));
    }
}
