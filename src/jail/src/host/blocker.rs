//! Who refuses: a kernel's answer and what surrounds this process, turned into a blocker and its remedy.
//!
//! Always holds: pure; the answer is in the blocker; the first reason that explains the answer alone is the one that is named.

use nix::errno::Errno;
use remand_child::step::{Failure, Step};
use remand_policy::host::Fact;

use super::missing;

/// A kind of namespace.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// In `user.max_*_namespaces`.
    pub(super) limit: &'static str,
    /// `CLONE_NEW*`.
    pub(super) flag: i32,
    pub(super) step: Step,
    /// The kernel's build option.
    pub(super) option: &'static str,
}

/// What can stand in the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// This process's own ids are mapped in its user namespace.
    pub(super) mapped: bool,
    /// Its root directory is not its mount namespace's.
    pub(super) chroot: bool,
    /// A seccomp filter is on it.
    pub(super) filtered: bool,
    /// CAP_SYS_ADMIN, which lifts the sysctl below.
    pub(super) admin: bool,
    /// `kernel.unprivileged_userns_clone` (Debian's); absent elsewhere.
    pub(super) userns_clone: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu's).
    pub(super) apparmor: Option<u64>,
    /// `user.max_*_namespaces` by name, in this user namespace.
    pub(super) limits: Vec<(&'static str, u64)>,
    /// Mounts that cover parts of `/proc`.
    pub(super) proc_covers: Vec<String>,
    /// A `/proc` is mounted at all.
    pub(super) proc_mounted: bool,
}

const SECCOMP_REMEDY: &str = "let the container's seccomp profile allow unshare, clone, clone3 and mount calls: docker or podman run \
     --security-opt seccomp=unconfined (or a profile that allows them); Kubernetes: securityContext.seccompProfile";

/// Why a namespace could not be made.
pub(super) fn namespace(kind: &Kind, failure: &Failure, around: &Surroundings) -> Fact {
    let errno = Errno::from_raw(failure.errno);
    // A user namespace comes first in each try.
    let user = failure.step == Step::UserNamespace;
    match errno {
        Errno::ENOSPC | Errno::EUSERS => exhausted(kind, errno, around),
        Errno::ENOSYS if around.filtered => {
            missing(format!("a seccomp filter hides the call that makes {} namespaces ({errno:?})", kind.name), SECCOMP_REMEDY)
        }
        Errno::EINVAL | Errno::ENOSYS if failure.step == kind.step => missing(
            format!("the kernel was built without {} namespaces ({errno:?})", kind.name),
            format!("boot a kernel with {}=y", kind.option),
        ),
        Errno::ENOENT if failure.step == Step::IdMap => {
            missing("there is no /proc here to write id maps through (ENOENT)", "mount one at /proc")
        }
        Errno::EPERM | Errno::EACCES if user => user_refused(errno, around),
        Errno::EPERM | Errno::EACCES => inside_refused(kind, failure.step, errno, around),
        _ => {
            missing(format!("a {} namespace was refused at {} ({errno:?})", kind.name, failure.step.name()), "see the kernel's log (dmesg)")
        }
    }
}

fn exhausted(kind: &Kind, errno: Errno, around: &Surroundings) -> Fact {
    let limit = around.limits.iter().find(|(name, _)| *name == kind.limit).map(|(_, limit)| *limit);
    let sysctl = format!("user.max_{}_namespaces", kind.limit);
    match limit {
        Some(0) => missing(format!("{sysctl} = 0 ({errno:?})"), format!("sysctl {sysctl}=10000")),
        Some(limit) => missing(
            format!("all {} namespaces are in use: {sysctl} = {limit} here, or less in a user namespace above ({errno:?})", kind.name),
            format!("raise {sysctl} here and above; user namespaces nest 32 deep at most"),
        ),
        None => missing(format!("all {} namespaces are in use ({errno:?})", kind.name), format!("raise {sysctl}")),
    }
}

/// `unshare(CLONE_NEWUSER)` itself was refused.
fn user_refused(errno: Errno, around: &Surroundings) -> Fact {
    if around.userns_clone == Some(0) && !around.admin {
        missing(format!("kernel.unprivileged_userns_clone = 0 ({errno:?})"), "sysctl kernel.unprivileged_userns_clone=1, or run as root")
    } else if !around.mapped {
        missing(
            format!("this process's own user or group has no id in its user namespace ({errno:?})"),
            "start it as an id that /proc/self/uid_map and gid_map have",
        )
    } else if around.chroot {
        missing(
            format!("this process is in a chroot, where no user namespace can be made ({errno:?})"),
            "use pivot_root instead of chroot, or start it outside",
        )
    } else if around.filtered {
        missing(format!("a seccomp filter, as container runtimes install it, refuses user namespaces ({errno:?})"), SECCOMP_REMEDY)
    } else if around.apparmor == Some(1) && !around.admin {
        apparmor(&format!("refuses user namespaces ({errno:?})"))
    } else {
        missing(
            format!("a security module refuses user namespaces ({errno:?})"),
            "see the kernel's log (dmesg, audit) for the module that denied userns_create",
        )
    }
}

/// The user namespace stands, but what it should have made possible was refused.
fn inside_refused(kind: &Kind, step: Step, errno: Errno, around: &Surroundings) -> Fact {
    if around.apparmor == Some(1) && !around.admin {
        apparmor(&format!("lets user namespaces be made but gives no capabilities in them ({errno:?} at {})", step.name()))
    } else if around.filtered {
        missing(format!("a seccomp filter, as container runtimes install it, refuses {} namespaces ({errno:?})", kind.name), SECCOMP_REMEDY)
    } else if step == Step::IdMap {
        missing(
            format!("the id map of a user namespace was refused ({errno:?})"),
            "see the kernel's log for the security module that denied it",
        )
    } else {
        missing(
            format!("{} namespaces are refused ({errno:?})", kind.name),
            "run as root, or let user namespaces be made; see the kernel's log for a security module",
        )
    }
}

fn apparmor(what: &str) -> Fact {
    missing(
        format!("AppArmor (kernel.apparmor_restrict_unprivileged_userns = 1) {what}"),
        "give remand an AppArmor profile with `userns,`, or sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    )
}

/// Why a fresh `/proc` could not be mounted, though the namespaces for it could be made.
pub(super) fn proc(errno: i32, around: &Surroundings) -> Fact {
    let errno = Errno::from_raw(errno);
    match errno {
        Errno::ENOSYS if around.filtered => missing("a seccomp filter hides fsopen (ENOSYS)", SECCOMP_REMEDY),
        Errno::ENOSYS => missing("the kernel has no fsopen (ENOSYS)", "boot Linux 5.8 or later"),
        Errno::EINVAL => missing("the kernel's /proc can't be restricted to processes (EINVAL)", "boot Linux 5.8 or later"),
        Errno::EPERM | Errno::EACCES if !around.proc_covers.is_empty() => missing(
            format!("parts of this /proc are covered ({}), so no fresh one may show them ({errno:?})", around.proc_covers.join(", ")),
            "docker run --security-opt systempaths=unconfined, podman run --security-opt unmask=ALL, Kubernetes: procMount: Unmasked",
        ),
        Errno::EPERM | Errno::EACCES if !around.proc_mounted => {
            missing(format!("no /proc is mounted here, so no fresh one may be ({errno:?})"), "mount a whole one at /proc first")
        }
        Errno::EPERM | Errno::EACCES if around.apparmor == Some(1) && !around.admin => apparmor(&format!("refuses the mount ({errno:?})")),
        Errno::EPERM | Errno::EACCES if around.filtered => missing(format!("a seccomp filter refuses mounts ({errno:?})"), SECCOMP_REMEDY),
        _ => missing(format!("a fresh /proc was refused ({errno:?})"), "see the kernel's log for a security module"),
    }
}

#[cfg(test)]
#[path = "blocker_tests.rs"]
mod tests;
