//! Questions to the kernel that no library asks: a try in a child process, and version queries that fail on purpose.
//!
//! Always holds: what a probe changes, it changes in a child that is reaped before the answer is given.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::time::TimeSpec;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, pipe2, read, setpgid};
use remand_child::step::{At, Failure, Step};
use remand_child::sys;

use crate::moment::{Moment, START_LIMIT};

/// The libc crate lacks it.
const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
const NEW_PID: u64 = libc::CLONE_NEWPID as u64;
const CHILD_SIGNAL: u64 = libc::SIGCHLD as u64;

/// Something to try in a child process.
#[derive(Clone, Copy, Debug)]
pub enum Probe<'a> {
    /// A namespace, made in a new user namespace where maps are given.
    Namespace {
        /// The new user namespace's.
        maps: Option<&'a Maps>,
        /// `CLONE_NEW*`; 0 for the user namespace alone.
        flag: i32,
        /// Its name.
        step: Step,
    },
    /// A fresh `/proc` in new user, mount and PID namespaces.
    Proc {
        /// The new user namespace's.
        maps: Option<&'a Maps>,
    },
    /// Whether the root directory, seen as [`root`] before, is the mount namespace's: EXDEV where not, EPERM where this process may not know.
    Root(Identity),
    /// A seccomp filter that allows everything, with a listener.
    Listener,
    /// One of [`CALLS`], asked for nothing: whether it is refused before it looks at what it is asked for.
    Call(&'static Call),
}

/// A system call that a start makes, with arguments by which the kernel refuses it as a mistake, before it reads or changes anything.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    number: libc::c_long,
    arguments: [usize; 5],
}

const NO: usize = usize::MAX;

/// Those that a start asks of the host ([`remand_syscalls::NEEDED_OF_HOST`]). By what they are refused for: no size, flags that there are not, no descriptor, no address.
pub static CALLS: [Call; 13] = [
    Call { name: "clone3", number: libc::SYS_clone3, arguments: [0; 5] },
    Call { name: "unshare", number: libc::SYS_unshare, arguments: [1, 0, 0, 0, 0] },
    Call { name: "mount_setattr", number: libc::SYS_mount_setattr, arguments: [NO, 0, NO, 0, 0] },
    Call { name: "fsopen", number: libc::SYS_fsopen, arguments: [0; 5] },
    Call { name: "fsconfig", number: libc::SYS_fsconfig, arguments: [NO, 0, 0, 0, 0] },
    Call { name: "fsmount", number: libc::SYS_fsmount, arguments: [NO, NO, 0, 0, 0] },
    Call { name: "move_mount", number: libc::SYS_move_mount, arguments: [NO, 0, NO, 0, NO] },
    Call { name: "open_tree", number: libc::SYS_open_tree, arguments: [NO, 0, NO, 0, 0] },
    Call { name: "pivot_root", number: libc::SYS_pivot_root, arguments: [0; 5] },
    Call { name: "umount2", number: libc::SYS_umount2, arguments: [0, NO, 0, 0, 0] },
    Call { name: "landlock_create_ruleset", number: libc::SYS_landlock_create_ruleset, arguments: [0, 0, NO, 0, 0] },
    Call { name: "landlock_add_rule", number: libc::SYS_landlock_add_rule, arguments: [NO, 0, 0, NO, 0] },
    Call { name: "landlock_restrict_self", number: libc::SYS_landlock_restrict_self, arguments: [NO, NO, 0, 0, 0] },
];

/// Texts for `uid_map` and `gid_map`: `inside outside count`. Without text, none is written.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Maps {
    pub uid: String,
    pub gid: String,
}

/// Tries it; the inner result is what the kernel said.
///
/// # Errors
/// No child could be made, or it was killed before it could answer.
pub fn attempt(probe: &Probe<'_>) -> io::Result<Result<(), Failure>> {
    in_group_until(Moment::now().after(START_LIMIT), || match *probe {
        Probe::Namespace { maps, flag, step } => {
            enter(maps).and_then(|()| if flag == libc::CLONE_NEWPID { born_inside().at(step) } else { sys::unshare(flag).at(step) })
        }
        Probe::Proc { maps } => enter(maps).and_then(|()| fresh_proc()),
        Probe::Root(before) => enter_again(before),
        Probe::Listener => listen(),
        Probe::Call(call) => refused(call),
    })
}

/// With all rights that the call can ask for, as far as they are to be had: what is refused then is refused by a filter, or is not there.
fn refused(call: &Call) -> Result<(), Failure> {
    let _ = sys::unshare(libc::CLONE_NEWUSER);
    let _ = sys::unshare(libc::CLONE_NEWNS);
    let _ = sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    let [a, b, c, d, e] = call.arguments;
    // SAFETY: no size, flag, descriptor or address among the arguments is one that the kernel goes on with.
    match Errno::result(unsafe { libc::syscall(call.number, a, b, c, d, e) }) {
        Err(refused @ (Errno::EPERM | Errno::EACCES | Errno::ENOSYS)) => Err(refused as i32).at(Step::Seccomp),
        _ => Ok(()),
    }
}

fn enter(maps: Option<&Maps>) -> Result<(), Failure> {
    let Some(maps) = maps else { return Ok(()) };
    sys::unshare(libc::CLONE_NEWUSER).at(Step::UserNamespace)?;
    let text = |path, text: &str| {
        sys::openat(sys::CWD, path, libc::O_WRONLY | libc::O_CLOEXEC, 0).and_then(|file| sys::write(file, text.as_bytes()))
    };
    if maps.uid.is_empty() {
        return Ok(());
    }
    text(c"/proc/self/setgroups", "deny").at_index(Step::IdMap, 0)?;
    text(c"/proc/self/uid_map", &maps.uid).at_index(Step::IdMap, 1)?;
    text(c"/proc/self/gid_map", &maps.gid).at_index(Step::IdMap, 2)
}

/// As inits are made: by `clone3`, which some filters hide though they let `unshare` pass.
fn born_inside() -> Result<(), i32> {
    let clone = sys::Clone { flags: NEW_PID, exit_signal: CHILD_SIGNAL, cgroup: None };
    sys::clone(clone, || sys::exit(0))?;
    sys::wait(0).map(drop)
}

/// As a run's init does it. The first process after `unshare` is the one that is in the PID namespace.
fn fresh_proc() -> Result<(), Failure> {
    sys::unshare(libc::CLONE_NEWNS).at(Step::MountNamespace)?;
    sys::unshare(libc::CLONE_NEWPID).at(Step::CloneInit)?;
    let options = [(c"hidepid", c"ptraceable"), (c"subset", c"pid")];
    let attributes = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    let inner = in_child(|| sys::new_mount(c"proc", &options, attributes).at(Step::RunMounts).map(drop));
    inner.unwrap_or_else(|error| Err(error.raw_os_error().unwrap_or(libc::EIO)).at(Step::CloneInit))
}

/// A directory: its mount, and its number there.
pub type Identity = (u64, u64);

/// The root directory of this process.
///
/// # Errors
/// The kernel's answer; ENOSYS before Linux 5.8.
pub fn root() -> Result<Identity, Errno> {
    // SAFETY: integers, for which zero is a value.
    let mut stat: libc::statx = unsafe { zeroed() };
    // SAFETY: a string with its NUL; the kernel writes one `struct statx`.
    let answer = unsafe { libc::statx(libc::AT_FDCWD, c"/".as_ptr(), 0, libc::STATX_MNT_ID | libc::STATX_INO, &raw mut stat) };
    Errno::result(answer)?;
    if stat.stx_mask & libc::STATX_MNT_ID == 0 { Err(Errno::ENOSYS) } else { Ok((stat.stx_mnt_id, stat.stx_ino)) }
}

/// Who enters a mount namespace, be it their own, stands at its root.
fn enter_again(before: Identity) -> Result<(), Failure> {
    let this = getpid().as_raw();
    // SAFETY: integers only.
    let own = unsafe { libc::syscall(libc::SYS_pidfd_open, this, 0) };
    let own = Errno::result(own).and_then(|fd| i32::try_from(fd).map_err(|_| Errno::EBADF)).map_err(|errno| errno as i32).at(Step::Root)?;
    // SAFETY: integers only.
    let entered = unsafe { libc::setns(own, libc::CLONE_NEWNS) };
    Errno::result(entered).map_err(|errno| errno as i32).at(Step::Root)?;
    match root() {
        Ok(now) if now != before => Err(libc::EXDEV).at(Step::Root),
        _ => Ok(()),
    }
}

fn listen() -> Result<(), Failure> {
    let allow = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
    sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).at(Step::NoNewPrivs)?;
    sys::seccomp(&[allow], libc::SECCOMP_FILTER_FLAG_NEW_LISTENER).at(Step::Seccomp).map(drop)
}

/// Runs `probe` in a child process: a copy of one thread, in which a probe only borrows and makes system calls.
fn in_child(probe: impl FnOnce() -> Result<(), Failure>) -> io::Result<Result<(), Failure>> {
    in_child_until(Moment::now().after(START_LIMIT), probe)
}

/// The same in a process group of its own, so that whatever it starts goes with it.
fn in_group_until(until: Moment, probe: impl FnOnce() -> Result<(), Failure>) -> io::Result<Result<(), Failure>> {
    in_child_until(until, || {
        let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0)); // refused to no process that has just begun
        probe()
    })
}

/// A child that has not answered by then (somebody may have stopped it) is killed.
fn in_child_until(until: Moment, probe: impl FnOnce() -> Result<(), Failure>) -> io::Result<Result<(), Failure>> {
    let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: the probes above allocate nothing and take no lock: they call `remand_child::sys`, this function, and then `exit_group`.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let answer = match probe() {
                Ok(()) => [0, 0],
                Err(failure) => [u8::try_from(failure.step as usize).unwrap_or(u8::MAX), u8::try_from(failure.errno).unwrap_or(u8::MAX)],
            };
            sys::exit(i32::from(sys::write(to.as_raw_fd(), &answer).is_err()))
        }
        ForkResult::Parent { child } => {
            drop(to);
            let answer = answered(from.as_fd(), until).and_then(|()| answer(from));
            if answer.is_err() {
                // It is not reaped yet, so the number is still its own. Without a group it has started nobody.
                let _ = killpg(child, Signal::SIGKILL).or_else(|_| kill(child, Signal::SIGKILL));
            }
            waitpid(child, None)?;
            answer
        }
    }
}

/// Waits for an answer or an end of file. Allocates nothing, as a child asks too.
fn answered(from: BorrowedFd<'_>, until: Moment) -> io::Result<()> {
    loop {
        let left = until.since(Moment::now());
        match ppoll(&mut [PollFd::new(from, PollFlags::POLLIN)], Some(TimeSpec::from(left)), None) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Err(Errno::EINTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

fn answer(from: impl AsFd) -> io::Result<Result<(), Failure>> {
    let mut answer = [0; 2];
    match (read(&from, &mut answer)?, answer) {
        (2, [_, 0]) => Ok(Ok(())),
        (2, [step, errno]) => {
            let step = Step::from_number(u64::from(step)).ok_or(io::ErrorKind::InvalidData)?;
            Ok(Err(Failure { step, index: 0, errno: i32::from(errno) }))
        }
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The Landlock ABI. The `landlock` library keeps its own query private.
///
/// # Errors
/// ENOSYS: not in this kernel, or kept from us by a seccomp filter. EOPNOTSUPP: not among the security modules that were turned on at boot.
pub fn landlock_abi() -> Result<u32, Errno> {
    let no_attributes = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the kernel takes a null pointer of size 0 and only returns a number.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, no_attributes, 0usize, LANDLOCK_CREATE_RULESET_VERSION) };
    Errno::result(abi).map(|abi| u32::try_from(abi).unwrap_or(0))
}

/// Whether seccomp filters may answer with `action`.
///
/// # Errors
/// EOPNOTSUPP: not with this. EINVAL, ENOSYS: no filters at all.
pub fn seccomp_action(action: u32) -> Result<(), Errno> {
    // SAFETY: the kernel reads one u32, which lives until the call returns.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0u32, std::ptr::from_ref(&action)) };
    Errno::result(answer).map(drop)
}

/// Whether a notified call waits through signals that do not kill (Linux 5.19). The kernel is asked to read a filter at address 0, which it does after it
/// looked at the flags.
#[must_use]
pub fn seccomp_waits_through_signals() -> bool {
    let no_program = std::ptr::null::<libc::sock_fprog>();
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    // SAFETY: the kernel refuses to read a null pointer; nothing is installed.
    let answer = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, no_program) };
    Errno::result(answer) == Err(Errno::EFAULT)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn all_calls_of_a_start_can_be_asked_for() {
        assert_eq!(CALLS.each_ref().map(|call| call.name), remand_syscalls::NEEDED_OF_HOST);
        // Some are refused with a reason of their own to processes without rights; none is missing.
        let missing = |call: &'static Call| matches!(attempt(&Probe::Call(call)), Ok(Err(failure)) if failure.errno == libc::ENOSYS);
        assert!(!CALLS.iter().filter(|call| !call.name.starts_with("landlock")).any(missing));
    }

    /// Two processes are stopped, one of which the other waits for; neither is left.
    #[test]
    fn a_stopped_child_is_waited_for_no_longer_than_said() {
        let (gone, held) = nix::unistd::pipe().unwrap();
        let stop = || nix::sys::signal::raise(Signal::SIGSTOP).map_err(|errno| errno as i32).at(Step::Root);
        let soon = Moment::now().after(Duration::from_millis(100));
        let nested = in_group_until(soon, || in_child(stop).unwrap_or(Ok(())));
        assert_eq!(nested.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(in_child_until(soon, stop).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(held);
        assert_eq!(read(&gone, &mut [0; 1]), Ok(0), "nobody has the other end any more");
        assert_eq!(in_child(|| Ok(())).unwrap(), Ok(()), "the control");
    }
}
