//! The executor process from its first instruction to execve: everything that confines it, in the one order that the kernel allows.
//!
//! Always holds: a step that fails ends the process after its report; nothing but [`Report::Executing`] says that all are done.

use crate::message::{Executing, Report};
use crate::spec::{Landlock, RunFds, RunSpec};
use crate::step::{At, FIRST_RULE, Failure, Step};
use crate::sys::{self, Fd};
use crate::terminal;

/// Where the report socket is from the moment the standard descriptors are in place until `execve` closes it.
const REPORT_FD: Fd = 6;
pub(crate) const PROC_ATTRIBUTES: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;

/// Linux 5.19: a notified call is not restarted by signals once the supervisor has taken it.
pub const WAIT_KILLABLE: u64 = libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
/// Landlock rights that files can have too: execute, write, read, truncate, ioctl on a device.
const FILE_RIGHTS: u64 = 0b111 | 1 << 14 | 1 << 15;

/// Confines this process and becomes the program.
pub fn main(run: &RunSpec<'_>, id: u32, fds: &RunFds, timing: Executing) -> ! {
    let mut report = fds.report;
    let result = confine(run, id, fds, timing, &mut report);
    if let Err(failure) = result {
        let _ = sys::send_with_key(report, &Report::Failed(failure).words(), &[], run.key);
    }
    sys::exit(1)
}

fn confine(run: &RunSpec<'_>, id: u32, fds: &RunFds, mut timing: Executing, report: &mut Fd) -> Result<(), Failure> {
    timing.executor = sys::now();
    if run.namespaces.cgroup {
        sys::unshare(libc::CLONE_NEWCGROUP).at(Step::CgroupNamespace)?; // rooted in the run's cgroups, where init is
    }
    sys::block_signals(0).at(Step::Signals)?;
    // A terminal of the caller's, should one be left, is no longer this process's.
    sys::setsid().at(Step::Session)?;
    leave_keyring()?;
    place_fds(fds)?;
    *report = REPORT_FD;
    if run.tty {
        terminal::take_control()?;
    }
    set_rlimits(run)?;
    sys::umask(0o022).at(Step::Fd)?;
    change_ids(run, id)?;
    drop_capabilities()?;
    sys::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0).at(Step::Dumpable)?;
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).at(Step::NoNewPrivs)?;
    sys::chdir(run.cwd).at(Step::Chdir)?;
    timing.confined = sys::now();
    if let Some(landlock) = &run.landlock {
        restrict(landlock)?; // after all mounts: a restricted process can make none
    }
    // Last: what follows is only what every filter lets through, the send with the key, for until the listener is there nobody answers.
    let listener = filter(run)?;
    let executing = Report::Executing(timing).words();
    sys::send_with_key(REPORT_FD, &executing, listener.as_slice(), run.key).at(Step::Listener)?;
    Err(Failure { step: Step::Execve, index: 0, errno: sys::execve(run.path, run.argv, run.envp) })
}

/// Keyrings belong to a user, not to a namespace: without this the run would hold the caller's session keyring.
fn leave_keyring() -> Result<(), Failure> {
    match sys::keyctl(libc::KEYCTL_JOIN_SESSION_KEYRING, 0) {
        // A kernel without keyrings, or a container's filter that takes them away: nothing is inherited that could be used.
        Err(libc::ENOSYS | libc::EPERM) => Ok(()),
        answer => answer.at(Step::Keyring),
    }
}

/// Puts the descriptors at 0 to 5 and the report socket at 6, and closes all others.
fn place_fds(fds: &RunFds) -> Result<(), Failure> {
    let mut from = [-1; 7];
    // Out of the way first, since the numbers that came may be among the numbers wanted.
    for (index, &fd) in fds.std.iter().chain([&fds.report]).enumerate() {
        from[index] = sys::duplicate(fd, 64).at_index(Step::Fd, index)?;
    }
    for (to, &fd) in from.iter().enumerate() {
        let to = Fd::try_from(to).unwrap_or(-1);
        sys::dup3(fd, to, if to == REPORT_FD { libc::O_CLOEXEC } else { 0 }).at_index(Step::Fd, 7)?;
    }
    sys::close_range(REPORT_FD.unsigned_abs() + 1, u32::MAX).at_index(Step::Fd, 8)
}

fn set_rlimits(run: &RunSpec<'_>) -> Result<(), Failure> {
    for (index, &(resource, soft, hard)) in run.rlimits.iter().enumerate() {
        sys::set_rlimit(resource, soft, hard).at_index(Step::Rlimit, index)?;
    }
    Ok(())
}

fn change_ids(run: &RunSpec<'_>, id: u32) -> Result<(), Failure> {
    if run.drop_groups {
        sys::clear_groups().at(Step::Groups)?;
    }
    sys::setresgid(id, id, id).at(Step::Gid)?;
    sys::setresuid(id, id, id).at(Step::Uid)
}

/// Effective, permitted, inheritable, ambient; the bounding set is empty since the forkserver began.
fn drop_capabilities() -> Result<(), Failure> {
    sys::prctl(libc::PR_CAP_AMBIENT, u64::from(libc::PR_CAP_AMBIENT_CLEAR_ALL.unsigned_abs()), 0, 0, 0)
        .at_index(Step::Capabilities, 101)?;
    sys::clear_capabilities().at_index(Step::Capabilities, 102)
}

fn restrict(landlock: &Landlock<'_>) -> Result<(), Failure> {
    let ruleset = sys::landlock_ruleset(landlock.handled_fs, landlock.handled_net, landlock.scoped).at(Step::Landlock)?;
    for (index, &(path, rights)) in landlock.rules.iter().enumerate() {
        let place = sys::openat(sys::CWD, path, libc::O_PATH, 0).at_index(Step::Landlock, FIRST_RULE + index)?;
        let mask = if sys::is_directory(place).at_index(Step::Landlock, FIRST_RULE + index)? { u64::MAX } else { FILE_RIGHTS };
        sys::landlock_allow(ruleset, place, rights & mask).at_index(Step::Landlock, FIRST_RULE + index)?;
        sys::close(place).at_index(Step::Landlock, FIRST_RULE + index)?;
    }
    sys::landlock_restrict_self(ruleset, 0).at(Step::Landlock)?;
    sys::close(ruleset).at(Step::Landlock)
}

fn filter(run: &RunSpec<'_>) -> Result<Option<Fd>, Failure> {
    if run.filter.is_empty() {
        return Ok(None);
    }
    sys::seccomp(run.filter, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | run.filter_flags).map(Some).at(Step::Seccomp)
}
