//! One look at the machine.
//!
//! Always holds: looking changes nothing outside of child processes and cgroups of its own, which are gone when it returns.

mod blocker;
mod cgroup;
mod holes;
mod ids;
mod kernel;
mod landlock;
mod look;
mod mounts;
mod namespaces;
pub mod peer;
mod room;
mod seccomp;
mod warnings;

pub use self::cgroup::group::{Group, Level};
use self::look::{missing, proc_mounted, read};
use caps::{CapSet, Capability};
use nix::errno::Errno;
use nix::sys::resource::Resource;
use nix::unistd::geteuid;
use remand_plan::HostFacts;
use remand_plan::host::{CgroupFacts, Fact};
use remand_syscalls::Arch;

use crate::cgroup::Together;
use crate::failure::Failure;
use crate::sys::{glibc, owner, probe};

/// Whether the mount of a path can be shown with its owner's ids as the run's.
#[must_use]
pub fn mappable(path: &str, owner: (u32, u32)) -> Fact {
    // Any id does to ask, but those that mean "no id".
    match owner::mappable(path, owner, 1) {
        Ok(()) => Fact::Available,
        Err(error) => missing(
            format!("{path}: its mount cannot be shown with other ids: {error}"),
            "Use a file system with id-mapped mounts (ext4, xfs, btrfs; tmpfs since Linux 6.3).",
        ),
    }
}

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What costs next to nothing: version, ids, capabilities, cgroups, ABI numbers. Namespaces are taken to be available; a start that fails shows otherwise.
    Quick,
    /// Each namespace, a `/proc` mount, a seccomp listener and a cgroup are tried, who refuses is found out, and weak settings are named.
    Full,
}

/// Looks at the machine.
#[must_use]
pub fn observe(depth: Depth) -> HostFacts {
    let mountinfo = read("/proc/self/mountinfo");
    let (uid_map, gid_map) = (read("/proc/self/uid_map"), read("/proc/self/gid_map"));
    let kernel = kernel::running();
    let ids = ids::look(&uid_map, &gid_map);
    let (landlock_abi, landlock) = landlock::fact(probe::landlock_abi());
    let mut facts = HostFacts {
        kernel_version: (kernel.version.0, kernel.version.1),
        kernel: kernel.release,
        arch: Arch::HERE,
        uid: ids.uid,
        gid: ids.gid,
        // What cannot be asked is taken for no group.
        groups: nix::unistd::getgroups().unwrap_or_default().into_iter().map(nix::unistd::Gid::as_raw).collect(),
        privileged: ids.privileged,
        run_ids: ids.pool.end - ids.pool.start,
        first_run_id: ids.pool.start,
        ids_alone: ids::alone(),
        namespaces: namespaces::assumed(),
        cgroup: cgroup::facts(&read("/proc/self/cgroup"), &mountinfo),
        landlock_abi,
        landlock,
        seccomp: seccomp::quick(),
        proc_mount: Fact::Available,
        descriptors: room::limit(Resource::RLIMIT_NOFILE).0,
        stack: room::limit(Resource::RLIMIT_STACK).1,
        cpus: cpus(),
        glibc: glibc::version(),
        warnings: Vec::new(),
    };
    if depth == Depth::Full {
        let around = surroundings(&mountinfo, ids::mapped(&uid_map, &gid_map));
        (facts.namespaces, facts.proc_mount) = namespaces::tried((!ids.privileged).then_some((ids.uid, ids.gid)), &around);
        if facts.seccomp.available() {
            facts.seccomp = seccomp::tried();
        }
        cgroup::tried(&mut facts.cgroup);
        facts.warnings = warnings::look(kernel.version);
    }
    facts
}

/// CPUs that are online; what cannot be asked counts as one.
fn cpus() -> u32 {
    let count = nix::unistd::sysconf(nix::unistd::SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1)
}

/// Looks only for whether runs have ids of their own here, as `remand_plan::own_ids` tells of all facts.
#[must_use]
pub fn own_ids() -> bool {
    ids::look(&read("/proc/self/uid_map"), &read("/proc/self/gid_map")).privileged
}

/// Looks for cgroups only.
#[must_use]
pub fn cgroups() -> CgroupFacts {
    cgroup::facts(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))
}

/// The cgroups whose memory this process and a run without a memory cgroup of its own share, as they are now.
pub(crate) fn together() -> Option<Together> {
    let (own, v1) = cgroup::memory(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))?;
    Some(Together::look(&own, v1))
}

/// The facts of a host without any, for a run that is to make none.
#[must_use]
pub fn without_cgroups() -> CgroupFacts {
    cgroup::facts("", "")
}

/// What is left of a host's cgroups when one refused at a start.
pub(crate) fn refused_cgroups(why: &str, exposed: Option<String>) -> CgroupFacts {
    cgroup::refused(why, exposed)
}

/// Why a start failed at this step, found out by looking at what is around this process, and what to do; nothing where no cause is in sight.
#[must_use]
pub fn explain(failure: &Failure) -> Option<String> {
    cause(failure)?.lack().map(|(blocker, remedy)| format!("{blocker}: {remedy}"))
}

/// What the host turned out not to have, by the step of a start that failed.
pub(crate) fn lack(failure: &Failure) -> Fact {
    cause(failure).unwrap_or_else(|| missing(failure.object.clone(), "see the kernel's log (dmesg, audit) for what it denied"))
}

fn cause(failure: &Failure) -> Option<Fact> {
    let mountinfo = read("/proc/self/mountinfo");
    let around = surroundings(&mountinfo, ids::mapped(&read("/proc/self/uid_map"), &read("/proc/self/gid_map")));
    blocker::step(failure.step, failure.errno, &around)
}

fn surroundings(mountinfo: &str, mapped: bool) -> blocker::Surroundings {
    let number = |path: &str| read(path).trim().parse().ok();
    let holds = |capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false);
    let limits = ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"];
    let proc_mounted = proc_mounted();
    let filtered = read("/proc/self/status").lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2"));
    blocker::Surroundings {
        root: geteuid().is_root(),
        // Without a /proc nobody can say; that there is none is told then.
        mapped: mapped || !proc_mounted,
        chroot: chroot(mountinfo),
        admin: holds(Capability::CAP_SYS_ADMIN),
        setfcap: holds(Capability::CAP_SETFCAP),
        userns_clone: number("/proc/sys/kernel/unprivileged_userns_clone"),
        apparmor: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        profile: profile(&read("/proc/self/attr/apparmor/current"), &read("/proc/self/attr/current")),
        modules: modules(),
        limits: limits.into_iter().filter_map(|name| Some((name, number(&format!("/proc/sys/user/max_{name}_namespaces"))?))).collect(),
        file_size: room::limit(Resource::RLIMIT_FSIZE).0,
        proc_covers: mounts::beneath(mountinfo, "/proc/"),
        proc_mounted,
        proc_foreign: proc_foreign(),
        refused: if filtered { refused() } else { Vec::new() },
        room: room::Room::here(),
    }
}

/// The calls of a start that the filter on this process refuses; of those that cannot be tried, all.
fn refused() -> Vec<&'static str> {
    let no_landlock = matches!(probe::landlock_abi(), Err(Errno::ENOSYS | Errno::EOPNOTSUPP));
    let asked = probe::CALLS.iter().filter(|call| !(no_landlock && call.name.starts_with("landlock")));
    asked.filter(|call| !matches!(probe::attempt(&probe::Probe::Call(call)), Ok(Ok(())))).map(|call| call.name).collect()
}

/// Whether `/proc` is another PID namespace's, which knows this process by another number or not at all.
pub(crate) fn proc_foreign() -> bool {
    let own = nix::unistd::getpid().to_string();
    proc_mounted() && std::fs::read_link("/proc/self").map_or(true, |this| this.as_os_str() != own.as_str())
}

/// The AppArmor profile or SELinux context that confines this process, if one does.
fn profile(apparmor: &str, current: &str) -> Option<String> {
    let name = [apparmor, current].into_iter().map(|text| text.trim_end_matches(['\n', '\0'])).find(|text| !text.is_empty())?;
    (!name.starts_with("unconfined")).then(|| name.to_owned())
}

/// Security modules here that can refuse a user namespace or a mount to a process without a filter; `None` where nothing tells.
fn modules() -> Option<Vec<&'static str>> {
    let list = read("/sys/kernel/security/lsm");
    let there = |path: &str| std::fs::exists(path).unwrap_or(false);
    let listed = |name: &str| list.trim().split(',').any(|listed| listed == name);
    let selinux = listed("selinux") || there("/sys/fs/selinux/enforce");
    let apparmor = listed("apparmor") || read("/sys/module/apparmor/parameters/enabled").trim() == "Y";
    let others = ["bpf", "smack", "tomoyo"].map(|name| (name, listed(name)));
    let all = [("selinux", selinux), ("apparmor", apparmor)].into_iter().chain(others);
    there("/sys/kernel").then(|| all.filter(|(_, here)| *here).map(|(name, _)| name).collect())
}

/// Whether this process's root directory is another than its mount namespace's: no mount at all, or not where that namespace begins.
fn chroot(mountinfo: &str) -> bool {
    if !mounts::has_root(mountinfo) && !mountinfo.is_empty() {
        return true;
    }
    let Ok(root) = probe::root() else { return false };
    matches!(probe::attempt(&probe::Probe::Root(root)), Ok(Err(failure)) if failure.errno == libc::EXDEV)
}

#[cfg(test)]
mod tests;
