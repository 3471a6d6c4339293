//! What an administrator can do about a step that failed.
//!
//! Always holds: a pure function of the step, its number and the kernel's answer; every step has a sentence, known causes have a remedy.

use crate::step::Step;

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const E2BIG: i32 = 7;
const ENOEXEC: i32 = 8;
const EAGAIN: i32 = 11;
const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const EINVAL: i32 = 22;
const EMFILE: i32 = 24;
const EFBIG: i32 = 27;
const ENOSPC: i32 = 28;
const ENOSYS: i32 = 38;
const ELOOP: i32 = 40;
const ESTALE: i32 = 116;
const EUSERS: i32 = 87;

const USER_NAMESPACES: &str = "unprivileged user namespaces are refused here. Debian: sysctl kernel.unprivileged_userns_clone=1. Ubuntu 23.10 and later: sysctl \
     kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that grants userns. Docker: its seccomp profile refuses unshare; run remand outside, or \
     with a profile that allows it. Or run remand as root. `remand doctor` tells which it is";
const APPARMOR: &str = "the user namespace was made without capabilities inside, as AppArmor does on Ubuntu 23.10 and later: sysctl \
     kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that grants userns";
const NAMESPACE_COUNT: &str = "the host's count of namespaces is used up or zero: raise the sysctls user.max_user_namespaces, user.max_mnt_namespaces, \
     user.max_pid_namespaces and their like";
const TASKS: &str = "no more processes could be made: the user's limit (ulimit -u), the pids limit of the surrounding cgroup or container, or kernel.pid_max";

/// What to do about a failed step. `index` counts entries of the step's kind from 0; `errno` is the kernel's answer, 0 if it gave none.
#[must_use]
pub fn hint(step: Step, index: u32, errno: i32) -> String {
    match (step, errno) {
        (Step::UserNamespace, EPERM | EACCES) => USER_NAMESPACES.to_owned(),
        (
            Step::MountNamespace | Step::IpcNamespace | Step::UtsNamespace | Step::NetworkNamespace | Step::CgroupNamespace,
            EPERM | EACCES,
        ) => APPARMOR.to_owned(),
        (step, ENOSPC | EUSERS) if step.makes_namespace() || step == Step::CloneInit => NAMESPACE_COUNT.to_owned(),
        (step, ENOSYS | EINVAL) if step.makes_namespace() => format!("this kernel was built without the namespace that {step} makes"),
        (Step::IdMap, EPERM | EACCES) => {
            format!("the id maps were refused. As an ordinary user only one's own id can be mapped. {APPARMOR}")
        }
        (Step::Forkserver | Step::CloneInit | Step::CloneExecutor, EAGAIN) => TASKS.to_owned(),
        (Step::Forkserver | Step::CloneInit | Step::CloneExecutor, EPERM) => {
            "clone was refused: a container's seccomp profile or too few capabilities".to_owned()
        }
        (_, ENOMEM) => {
            "the kernel or the run's cgroup had no memory for this step: limits.memory may be too small to start an interpreter".to_owned()
        }
        (_, EMFILE) => "the supervisor is out of file descriptors: raise ulimit -n".to_owned(),
        (Step::Fd, EINVAL) => "descriptors are first moved to 64 and above: raise ulimit -n".to_owned(),
        (Step::Root, EFBIG) => "the root's files are larger than ulimit -f lets remand write".to_owned(),
        (Step::Root, ENOENT) => format!(
            "entry {index} of the root (a filesystem.mounts source, or a file of the interpreter) is gone: a package was changed; run again"
        ),
        (Step::Root, ESTALE) => {
            "the file was replaced while the run was started; run it again, and if it happens again, find out who replaces it".to_owned()
        }
        (Step::Root, EACCES) => {
            format!("entry {index} of the root cannot be reached by this user: check the mode of every directory above it")
        }
        (Step::Root, ELOOP) => format!("entry {index} of the root has a symlink in its path; name the real path in filesystem.mounts"),
        (Step::Root | Step::Pivot | Step::RunMounts, EPERM) => {
            format!("mount {index} was refused, and no filter, profile or limit in sight explains it: see the kernel's log (dmesg, audit)")
        }
        (Step::Files, ENOSPC) => "what the run is given does not fit into its /workspace: filesystem.tmp.size and inodes".to_owned(),
        (Step::Files, EFBIG) => "what the run is given is larger than ulimit -f lets remand write".to_owned(),
        (Step::Rlimit, EPERM) => format!("limit {index} is above the hard limit that remand was started with"),
        (Step::Rlimit, EINVAL) => format!("limit {index} is one that this kernel does not know, or its soft value is above its hard value"),
        (Step::Landlock, ENOSYS) => "this kernel has no Landlock: 5.13 or later, with landlock in the boot parameter lsm=".to_owned(),
        (Step::Landlock, E2BIG | EINVAL) => "this kernel's Landlock is older than the plan took it for: landlock.minimum_abi".to_owned(),
        (Step::Seccomp | Step::Listener, EINVAL | ENOSYS) => {
            "this kernel has no seccomp filter with user notification: 5.0 or later, CONFIG_SECCOMP_FILTER".to_owned()
        }
        (Step::Uid | Step::Gid | Step::Groups, EPERM | EINVAL) => "an id of the run is not mapped in its user namespace".to_owned(),
        (Step::Execve, ENOENT) => {
            "the program, or the loader that it names, is not in the run's root: the interpreter has moved since it was looked at"
                .to_owned()
        }
        (Step::Execve, EACCES) => "the program may not be executed in the run: mode, a mount without exec, or a Landlock rule".to_owned(),
        (Step::Execve, ENOEXEC) => "the program is no executable of this machine's kind (a script needs its interpreter named)".to_owned(),
        (Step::Execve, E2BIG) => "arguments and environment are too large".to_owned(),
        (Step::Chdir, ENOENT) => "the working directory is not in the run's root".to_owned(),
        (_, 0) => "`remand doctor` shows what this host can do".to_owned(),
        _ => format!("step {step} (number {index}) was answered with error {errno}; `remand doctor` shows what this host can do"),
    }
}
