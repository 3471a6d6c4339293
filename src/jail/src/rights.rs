//! The rights of this process: whether it has some that whoever started it does not have (by a set-user-id or set-group-id bit, or by capabilities of its file),
//! and how a thread of it gives them up.
//!
//! Always holds: what was gained is pure over what the kernel says of this process. AT_SECURE is not asked: transitions of SELinux and AppArmor set it too.

use std::io;
use std::thread;

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setfsgid, setfsuid};

use crate::sys::groups::set_groups;

/// Real, effective and saved.
type Ids = [u32; 3];

/// What was gained at the start, for people; nothing where nothing was.
///
/// # Errors
/// The kernel does not say.
pub fn gained() -> Result<Option<String>, String> {
    let told = |error: &dyn std::fmt::Display| format!("cannot see which rights this process has: {error}");
    let (users, groups) = (getresuid().map_err(|error| told(&error))?, getresgid().map_err(|error| told(&error))?);
    let users = [users.real, users.effective, users.saved].map(Uid::as_raw);
    let groups = [groups.real, groups.effective, groups.saved].map(Gid::as_raw);
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

/// What following a run to its end takes, where runs have host ids of their own: signals to them, their memory, descriptors and locks looked at, their files read
/// ahead and their cgroups removed; and what a later start would map ids with.
const FOR_THE_END: [Capability; 5] =
    [Capability::CAP_KILL, Capability::CAP_SYS_PTRACE, Capability::CAP_DAC_OVERRIDE, Capability::CAP_SETUID, Capability::CAP_SETGID];
/// What looking at the memory of a run's processes takes.
pub(crate) const FOR_LOOKS: [Capability; 1] = [Capability::CAP_SYS_PTRACE];

/// Gives up, for this thread, every capability that following a run to its end does not take. For a process that makes no other run: what a hostile run wrote is
/// decoded without the rest. What is gone cannot be had again.
///
/// # Errors
/// The kernel's answer.
pub fn keep_for_the_end() -> Result<(), CapsError> {
    keep(&FOR_THE_END)
}

/// Gives up, for this thread, every capability.
///
/// # Errors
/// The kernel's answer.
pub fn keep_none() -> Result<(), CapsError> {
    keep(&[])
}

/// Does something in a thread whose files are opened, made and owned as by this user, who is not root.
///
/// # Errors
/// The kernel's answer.
pub fn as_user<T: Send>(user: Uid, group: Gid, groups: &[Gid], act: impl FnOnce() -> T + Send) -> io::Result<T> {
    let with_rights = || {
        set_groups(groups)?;
        setfsgid(group);
        setfsuid(user);
        // They answer what was before; nothing else tells whether it was done.
        if setfsgid(group) != group || setfsuid(user) != user {
            return Err(Errno::EPERM.into());
        }
        Ok(act())
    };
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, with_rights)?.join() {
        Ok(done) => done,
        Err(_) => Err(io::Error::other("the thread ended")),
    })
}

/// Gives up, for this thread, every capability but these.
pub(crate) fn keep(wanted: &[Capability]) -> Result<(), CapsError> {
    let permitted = caps::read(None, CapSet::Permitted)?;
    let kept = wanted.iter().copied().filter(|wanted| permitted.contains(wanted)).collect();
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Capability::{CAP_CHOWN, CAP_SYS_ADMIN};

    fn set(capabilities: &[Capability]) -> CapsHashSet {
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
