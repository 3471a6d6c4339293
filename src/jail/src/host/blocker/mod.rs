//! Who refuses: a kernel's answer and what surrounds this process, turned into a blocker and its remedy.
//!
//! Always holds: pure; the answer is in the blocker; the first reason that explains the answer alone is the one that is named.

use nix::errno::Errno;
use remand_child::step::{Failure, Step as Child};
use remand_plan::host::Fact;
use remand_plan::step::Step;

use super::look::missing;
use super::room::Room;
use crate::step;

/// A kind of namespace.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// In `user.max_*_namespaces`.
    pub(super) limit: &'static str,
    /// `CLONE_NEW*`.
    pub(super) flag: i32,
    pub(super) step: Child,
    /// The kernel's build option.
    pub(super) option: &'static str,
}

/// What can stand in the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// Its user is root, as it sees itself.
    pub(super) root: bool,
    /// This process's own ids are mapped in its user namespace.
    pub(super) mapped: bool,
    /// Its root directory is not its mount namespace's.
    pub(super) chroot: bool,
    /// Calls of a start that a seccomp filter on it refuses.
    pub(super) refused: Vec<&'static str>,
    /// CAP_SYS_ADMIN, which lifts the sysctl below.
    pub(super) admin: bool,
    /// CAP_SETFCAP, without which root may not map itself into a user namespace (Linux 5.12).
    pub(super) setfcap: bool,
    /// `kernel.unprivileged_userns_clone` (Debian's); absent elsewhere.
    pub(super) userns_clone: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu's).
    pub(super) apparmor: Option<u64>,
    /// The security module's profile that confines it.
    pub(super) profile: Option<String>,
    /// Security modules that can refuse more than the usual rights do; `None`: nothing tells.
    pub(super) modules: Option<Vec<&'static str>>,
    /// RLIMIT_FSIZE, bytes.
    pub(super) file_size: u64,
    /// `user.max_*_namespaces` by name, in this user namespace.
    pub(super) limits: Vec<(&'static str, u64)>,
    /// Mounts that cover parts of `/proc`.
    pub(super) proc_covers: Vec<String>,
    /// A `/proc` is mounted at all.
    pub(super) proc_mounted: bool,
    /// It is another PID namespace's.
    pub(super) proc_foreign: bool,
    /// What the limits leave.
    pub(super) room: Room,
}

impl Surroundings {
    /// Whether a filter has a part in it.
    fn refuses(&self) -> bool {
        !self.refused.is_empty()
    }
}

pub(super) const USER: Kind = Kind { name: "user", limit: "user", flag: 0, step: Child::UserNamespace, option: "CONFIG_USER_NS" };
pub(super) const MOUNT: Kind =
    Kind { name: "mount", limit: "mnt", flag: libc::CLONE_NEWNS, step: Child::MountNamespace, option: "CONFIG_NAMESPACES" };
pub(super) const PID: Kind = Kind { name: "PID", limit: "pid", flag: libc::CLONE_NEWPID, step: Child::CloneInit, option: "CONFIG_PID_NS" };
pub(super) const IPC: Kind =
    Kind { name: "IPC", limit: "ipc", flag: libc::CLONE_NEWIPC, step: Child::IpcNamespace, option: "CONFIG_IPC_NS" };
pub(super) const UTS: Kind =
    Kind { name: "UTS", limit: "uts", flag: libc::CLONE_NEWUTS, step: Child::UtsNamespace, option: "CONFIG_UTS_NS" };
pub(super) const NETWORK: Kind =
    Kind { name: "network", limit: "net", flag: libc::CLONE_NEWNET, step: Child::NetworkNamespace, option: "CONFIG_NET_NS" };
pub(super) const CGROUP: Kind =
    Kind { name: "cgroup", limit: "cgroup", flag: libc::CLONE_NEWCGROUP, step: Child::CgroupNamespace, option: "CONFIG_CGROUPS" };
const KINDS: [Kind; 7] = [USER, MOUNT, PID, IPC, UTS, NETWORK, CGROUP];

const CHROOT_REMEDY: &str =
    "start remand outside of it, or let whoever made it use pivot_root instead of chroot (bwrap, systemd-nspawn and containers do)";
const SETFCAP_REMEDY: &str = "leave root its capabilities (SYS_ADMIN, SETUID, SETGID, CHOWN, KILL, DAC_OVERRIDE; or SETFCAP alone), or start remand as an ordinary user; in a container, \
     --cap-add SETFCAP or --user 1000, Kubernetes: runAsUser: 1000";

/// A seccomp filter refuses `what`. All that it refuses of a start is told, since what is allowed alone meets the next refusal.
fn filter(what: &str, errno: Errno, around: &Surroundings) -> Fact {
    let unmapped = if around.root && !around.setfcap { format!("; and {SETFCAP_REMEDY}") } else { String::new() };
    missing(
        format!("a seccomp filter, as container runtimes install it, refuses {what} ({errno:?})"),
        format!(
            "let it allow {}: docker or podman run --security-opt seccomp=FILE, Kubernetes: securityContext.seccompProfile, with a profile from `remand policy \
             export --as host-profile`, or seccomp=unconfined; systemd-nspawn --system-call-filter=\"{}\"{unmapped}",
            around.refused.join(", "),
            around.refused.join(" ")
        ),
    )
}

const UNMASK: &str =
    "docker run --security-opt systempaths=unconfined, podman run --security-opt unmask=ALL, Kubernetes: procMount: Unmasked";

/// A start writes to files of its own processes there, and finds its cgroup by it.
pub(super) fn no_proc() -> Fact {
    missing("there is no /proc here, which a start needs", "mount one: mount -t proc proc /proc")
}

fn read_only_proc() -> Fact {
    missing(
        "/proc is mounted read-only here, and a start writes to files of its own processes (EROFS)",
        format!("mount -o remount,bind,rw /proc, or mount another one there; in a container, {UNMASK}"),
    )
}

/// A start writes to files of its processes there by their numbers.
pub(super) fn foreign_proc() -> Fact {
    missing(
        "/proc is another PID namespace's, where processes of this one have other numbers, and a start writes to files of its own processes",
        "mount this namespace's own: mount -t proc proc /proc (unshare: --mount-proc)",
    )
}

/// Two that are met one after the other, so that nobody mends the first to meet the second.
fn both(first: Fact, second: Fact) -> Fact {
    match (first, second) {
        (Fact::Missing { blocker, remedy }, Fact::Missing { blocker: then, remedy: cure }) => {
            missing(format!("{blocker}; besides, {then}"), format!("{remedy}; and {cure}"))
        }
        (first, _) => first,
    }
}

/// Privileged starts keep locks on the ids that they use in a directory there.
fn run_directory(answer: Errno) -> Option<Fact> {
    let cause = match answer {
        Errno::EROFS => "is mounted read-only",
        Errno::ENOENT | Errno::ENOTDIR => "is no directory",
        Errno::ENOSPC | Errno::EDQUOT => "is full",
        Errno::EACCES | Errno::EPERM => "cannot be written",
        _ => return None,
    };
    let blocker = format!("/run {cause} ({answer:?}), and a privileged start keeps the locks on its ids in /run/remand");
    Some(missing(
        blocker,
        "mount a tmpfs there (mount -t tmpfs -o mode=755 tmpfs /run; in a container, --tmpfs /run, Kubernetes: an emptyDir at /run), or start remand as an ordinary user",
    ))
}

/// Why a namespace could not be made.
pub(super) fn namespace(kind: &Kind, failure: &Failure, around: &Surroundings) -> Fact {
    let errno = Errno::from_raw(failure.errno);
    // A user namespace comes first in each try.
    let user = failure.step == Child::UserNamespace;
    match errno {
        Errno::ENOSPC | Errno::EUSERS => exhausted(kind, errno, around),
        Errno::ENOSYS if around.refuses() => filter(&format!("{} namespaces", kind.name), errno, around),
        Errno::EINVAL | Errno::ENOSYS if failure.step == kind.step => missing(
            format!("the kernel was built without {} namespaces ({errno:?})", kind.name),
            format!("boot a kernel with {}=y", kind.option),
        ),
        Errno::ENOENT if failure.step == Child::IdMap => no_proc(),
        Errno::EROFS if failure.step == Child::IdMap => read_only_proc(),
        Errno::EPERM | Errno::EACCES if user => user_refused(errno, around),
        Errno::EPERM | Errno::EACCES => inside_refused(kind, failure.step, errno, around),
        _ => missing(
            format!("a {} namespace was refused at {} ({errno:?})", kind.name, step::of(failure.step)),
            "see the kernel's log (dmesg)",
        ),
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
        missing(format!("this process is in a chroot, where no user namespace can be made ({errno:?})"), CHROOT_REMEDY)
    } else if around.refuses() {
        filter("user namespaces", errno, around)
    } else if around.apparmor == Some(1) && !around.admin {
        apparmor(&format!("refuses user namespaces ({errno:?})"))
    } else if errno == Errno::EPERM && around.modules.as_ref().is_some_and(Vec::is_empty) {
        // The kernel has no other reason left.
        missing(
            "this process is in a chroot, where no user namespace can be made (EPERM; there is no filter, sysctl or security module that refuses it)",
            CHROOT_REMEDY,
        )
    } else {
        module_refused("user namespaces", errno, around)
    }
}

/// The user namespace stands, but what it should have made possible was refused.
fn inside_refused(kind: &Kind, step: Child, errno: Errno, around: &Surroundings) -> Fact {
    if around.apparmor == Some(1) && !around.admin {
        apparmor(&format!("lets user namespaces be made but gives no capabilities in them ({errno:?} at {})", step::of(step)))
    } else if around.refuses() {
        filter(&format!("{} namespaces", kind.name), errno, around)
    } else if step == Child::IdMap && around.root && !around.setfcap {
        missing(format!("root without CAP_SETFCAP may not map its own id into a user namespace ({errno:?})"), SETFCAP_REMEDY)
    } else if step == Child::IdMap {
        module_refused("the id map of a user namespace", errno, around)
    } else {
        module_refused(&format!("{} namespaces", kind.name), errno, around)
    }
}

/// What is left once filters, sysctls, chroots and capabilities are ruled out.
fn module_refused(what: &str, errno: Errno, around: &Surroundings) -> Fact {
    let log = "see the kernel's log (dmesg, audit) for what it denied";
    match (&around.profile, around.modules.as_deref()) {
        (Some(profile), _) => missing(
            format!("the security profile {profile:?} of this process refuses {what} ({errno:?})"),
            format!(
                "let the profile allow it (AppArmor: rules `userns,`, `mount,`, `umount,`, `pivot_root,` and `capability,`, none of them denied; in a container, --security-opt \
                 apparmor=PROFILE with one from `remand policy export --as apparmor`), or start remand unconfined; {log}"
            ),
        ),
        (None, Some(modules)) if !modules.is_empty() => {
            missing(format!("a security module ({}) refuses {what} ({errno:?})", modules.join(", ")), log)
        }
        (None, None) => missing(
            format!("a security module, or a chroot, refuses {what} ({errno:?})"),
            "mount /sys, which tells which; start remand outside of a chroot",
        ),
        (None, Some(_)) => {
            missing(format!("{what} are refused ({errno:?}), and no filter, limit or security module in sight explains it"), log)
        }
    }
}

/// Why a start failed at a step, and what to do; nothing where the surroundings have no part in it.
pub(super) fn step(step: Step, errno: i32, around: &Surroundings) -> Option<Fact> {
    let answer = Errno::from_raw(errno);
    let refused = matches!(answer, Errno::EPERM | Errno::EACCES);
    if let Some(limit) = around.room.explain(step, errno) {
        return Some(limit);
    }
    if !around.proc_mounted && matches!(step, Step::OomScore | Step::IdMap | Step::Forkserver) && answer == Errno::ENOENT {
        return Some(no_proc());
    }
    if matches!(step, Step::OomScore | Step::IdMap | Step::Forkserver) && answer == Errno::EROFS {
        return Some(read_only_proc());
    }
    if around.proc_foreign && matches!(step, Step::OomScore | Step::IdMap) {
        return Some(foreign_proc());
    }
    if let Some(kind) = KINDS.iter().find(|kind| step::of(kind.step) == step) {
        // Processes are counted too.
        let explained = refused || matches!(answer, Errno::ENOSPC | Errno::EUSERS | Errno::EINVAL | Errno::ENOSYS);
        return explained.then(|| namespace(kind, &Failure { step: kind.step, index: 0, errno }, around));
    }
    match step {
        // The filter is met after it.
        Step::Ids if around.refuses() => Some(both(run_directory(answer)?, filter("calls of a start", Errno::EPERM, around))),
        Step::Ids => run_directory(answer),
        Step::IdMap if refused => Some(namespace(&USER, &Failure { step: Child::IdMap, index: 0, errno }, around)),
        Step::Forkserver if around.refuses() && (refused || answer == Errno::ENOSYS) => {
            Some(filter("clone3, by which runs are made", answer, around))
        }
        Step::Root if answer == Errno::EFBIG => Some(missing(
            format!(
                "the limit on file sizes (RLIMIT_FSIZE, ulimit -f) is {} bytes, too few for the root's own files (EFBIG)",
                around.file_size
            ),
            "raise it to 1 MiB at least: ulimit -f 1024",
        )),
        Step::Landlock if (refused || answer == Errno::ENOSYS) && around.refuses() => Some(filter("Landlock", answer, around)),
        Step::RunMounts if refused && !around.proc_covers.is_empty() => Some(proc(errno, around)),
        Step::Root | Step::Pivot | Step::RunMounts if answer == Errno::ENOSYS || refused => mount(answer, around),
        _ => None,
    }
}

/// A mount was refused. Without a cause in sight it may be the mode of a directory.
fn mount(errno: Errno, around: &Surroundings) -> Option<Fact> {
    match errno {
        Errno::ENOSYS if around.refuses() => Some(filter("mounts or pivot_root", errno, around)),
        Errno::ENOSYS => Some(missing("the kernel has not the calls that mount (ENOSYS)", "boot Linux 5.12 or later")),
        _ if around.profile.is_some() => Some(module_refused("mounts or pivot_root", errno, around)),
        _ if around.apparmor == Some(1) && !around.admin => Some(apparmor(&format!("refuses mounts ({errno:?})"))),
        _ if around.refuses() => Some(filter("mounts or pivot_root", errno, around)),
        _ => None,
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
        Errno::ENOSYS if around.refuses() => filter("mounts", errno, around),
        Errno::ENOSYS => missing("the kernel has no fsopen (ENOSYS)", "boot Linux 5.8 or later"),
        Errno::EINVAL => missing("the kernel's /proc can't be restricted to processes (EINVAL)", "boot Linux 5.8 or later"),
        Errno::EPERM | Errno::EACCES if !around.proc_covers.is_empty() => missing(
            format!("parts of this /proc are covered ({}), so no fresh one may show them ({errno:?})", around.proc_covers.join(", ")),
            format!("take away what covers it (umount), or mount a whole one at /proc; in a container, {UNMASK}"),
        ),
        Errno::EPERM | Errno::EACCES if !around.proc_mounted => {
            missing(format!("no /proc is mounted here, so no fresh one may be ({errno:?})"), "mount a whole one at /proc first")
        }
        Errno::EPERM | Errno::EACCES if around.apparmor == Some(1) && !around.admin => apparmor(&format!("refuses the mount ({errno:?})")),
        Errno::EPERM | Errno::EACCES if around.refuses() => filter("mounts", errno, around),
        Errno::EPERM | Errno::EACCES => module_refused("a fresh /proc", errno, around),
        _ => missing(format!("a fresh /proc was refused ({errno:?})"), "see the kernel's log (dmesg)"),
    }
}

#[cfg(test)]
mod tests;
