//! Processes by pidfd: made, signalled, waited for.
//!
//! Always holds: a process is named by its pidfd, never by a number that may have gone to another.

use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{from_mut, null_mut};
use std::time::Duration;

use nix::errno::Errno;
use remand_child::forkserver;
use remand_child::spec::Spec;

/// A child of this process that is waited for when it goes out of scope: killed first, if it has not ended.
#[derive(Debug)]
pub struct Child {
    pid: u32,
    pidfd: OwnedFd,
    ended: Option<Usage>,
}

/// What a child and all that it waited for have used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User CPU.
    pub user: Duration,
    /// System CPU.
    pub system: Duration,
    /// Largest resident set of one process, bytes.
    pub resident: u64,
}

impl Child {
    /// Makes a forkserver.
    ///
    /// # Errors
    /// The kernel's answer to `clone3`.
    pub fn forkserver(spec: &Spec<'_>, cgroup: Option<BorrowedFd<'_>>) -> Result<Self, Errno> {
        let made = forkserver::start(spec, cgroup.map(|fd| fd.as_raw_fd())).map_err(Errno::from_raw)?;
        // SAFETY: clone3 has just made this descriptor for us.
        let pidfd = unsafe { OwnedFd::from_raw_fd(made.pidfd) };
        Ok(Self { pid: made.pid, pidfd, ended: None })
    }

    /// Takes over a child that a forkserver made in our name (`CLONE_PARENT`).
    #[must_use]
    pub fn adopted(pid: u32, pidfd: OwnedFd) -> Self {
        Self { pid, pidfd, ended: None }
    }

    /// Its process id; not another's as long as this value lives.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Kills it; an init takes its whole PID namespace along. No error if it has ended.
    pub fn kill(&self) {
        // SAFETY: integers and a null pointer. It can fail only for a child that has ended.
        let _ =
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.pidfd.as_raw_fd(), libc::SIGKILL, null_mut::<libc::siginfo_t>(), 0) };
    }

    /// Waits for its end: for an init, until the last process of its PID namespace is gone.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn wait(&mut self) -> Result<Usage, Errno> {
        if let Some(usage) = self.ended {
            return Ok(usage);
        }
        // SAFETY: plain integers and a union of them, for which zero is a value.
        let mut info: libc::siginfo_t = unsafe { zeroed() };
        // SAFETY: as above.
        let mut usage: libc::rusage = unsafe { zeroed() };
        loop {
            // SAFETY: the kernel writes one `siginfo_t` and one `struct rusage`. The raw call, since libc's has no place for the usage.
            let result = unsafe {
                libc::syscall(
                    libc::SYS_waitid,
                    libc::P_PIDFD,
                    self.pidfd.as_raw_fd(),
                    from_mut(&mut info),
                    libc::WEXITED | libc::__WALL,
                    from_mut(&mut usage),
                )
            };
            match Errno::result(result) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
                Ok(_) => break,
            }
        }
        let length = |time: libc::timeval| Duration::from_micros(time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_usec.unsigned_abs());
        let usage = Usage { user: length(usage.ru_utime), system: length(usage.ru_stime), resident: usage.ru_maxrss.unsigned_abs() * 1024 };
        self.ended = Some(usage);
        Ok(usage)
    }
}

/// Whether two tasks have one memory: as one process's threads do, and a child of `vfork` with its parent. Of ending ones, which have none, it says so too.
///
/// # Errors
/// The kernel's answer where it cannot say.
pub fn same_memory(one: u32, other: u32) -> Result<bool, Errno> {
    const KCMP_VM: i32 = 1;
    // SAFETY: integers only.
    Errno::result(unsafe { libc::syscall(libc::SYS_kcmp, one, other, KCMP_VM, 0, 0) }).map(|order| order == 0)
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.kill();
            let _ = self.wait();
        }
    }
}
