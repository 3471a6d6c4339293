//! The listener of a seccomp filter: receives notifications of denied calls and answers them.
//!
//! Always holds: nothing here decides. Who answers keeps to this: in a normal run the one call that is let through is the `execve` that makes the executor
//! process the program, before any code of the run exists; beside it, calls are let through that are only counted, by their registers. While learning, calls are let through that the filter of a normal run allows by their registers,
//! which nobody can change while the call waits; memory of the run is read for the record only, and decides nothing.

use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::from_mut;

use nix::errno::Errno;

/// The libc crate has it wider than the field that it is for.
#[allow(clippy::cast_possible_truncation)]
const CONTINUE: u32 = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;

/// A call that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Notification {
    /// Names it towards the kernel.
    pub id: u64,
    /// The calling thread, as this process numbers it; 0 if it cannot.
    pub pid: u32,
    /// Instruction set (`AUDIT_ARCH_*`) of the calling convention.
    pub arch: u32,
    /// System call number of that one.
    pub number: u32,
    /// The six argument registers.
    pub args: [u64; 6],
}

/// Takes the next notification; `None` if the caller was killed meanwhile.
///
/// # Errors
/// The kernel's answer.
pub fn receive(listener: BorrowedFd<'_>) -> Result<Option<Notification>, Errno> {
    // SAFETY: plain integers, for which zero is a value (and the kernel insists on it).
    let mut notification: libc::seccomp_notif = unsafe { zeroed() };
    // SAFETY: the kernel writes one `struct seccomp_notif`. It may be longer there than here only by fields at its end that this request number, which
    // carries the size, does not ask for.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, from_mut(&mut notification)) };
    match Errno::result(result) {
        Ok(_) => Ok(Some(Notification {
            id: notification.id,
            arch: notification.data.arch,
            number: notification.data.nr.cast_unsigned(),
            args: notification.data.args,
            pid: notification.pid,
        })),
        Err(Errno::ENOENT | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Answers with an error number.
///
/// # Errors
/// The kernel's answer. A caller that was killed meanwhile is no error.
pub fn deny(listener: BorrowedFd<'_>, id: u64, errno: i32) -> Result<(), Errno> {
    respond(listener, libc::seccomp_notif_resp { id, val: 0, error: -errno, flags: 0 })
}

/// Answers that the call has succeeded, with 0.
///
/// # Errors
/// The kernel's answer. A caller that was killed meanwhile is no error.
pub fn done(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    respond(listener, libc::seccomp_notif_resp { id, val: 0, error: 0, flags: 0 })
}

/// Lets the call through. See the module's text for when.
///
/// # Errors
/// The kernel's answer. A caller that was killed meanwhile is no error.
pub fn continue_syscall(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    respond(listener, libc::seccomp_notif_resp { id, val: 0, error: 0, flags: CONTINUE })
}

/// Whether the caller still waits for its answer: so long its process id is its own.
pub fn waits(listener: BorrowedFd<'_>, mut id: u64) -> bool {
    // SAFETY: the kernel reads one 64-bit number.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, from_mut(&mut id)) };
    result == 0
}

fn respond(listener: BorrowedFd<'_>, mut response: libc::seccomp_notif_resp) -> Result<(), Errno> {
    const { assert!(size_of::<libc::seccomp_notif_resp>() == 24) };
    // SAFETY: the kernel reads one `struct seccomp_notif_resp`.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, from_mut(&mut response)) };
    match Errno::result(result) {
        Ok(_) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}
