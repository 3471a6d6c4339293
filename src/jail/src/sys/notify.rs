//! The listener of a seccomp filter: receives notifications of denied calls and answers them.
//!
//! Always holds: a call is never let through after a look at its arguments; the one call that is let through at all is the `execve` that makes the
//! executor process the program, before any code of the run exists.

use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::from_mut;

use nix::errno::Errno;

const CONTINUE: u32 = 1;

/// A call that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Notification {
    /// Names it towards the kernel.
    pub id: u64,
    /// System call number of the native calling convention: the filter itself ends all others.
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
        Ok(_) => Ok(Some(Notification { id: notification.id, number: notification.data.nr.cast_unsigned(), args: notification.data.args })),
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

/// Lets the call through. Only for the first `execve`: see the module's text.
///
/// # Errors
/// The kernel's answer. A caller that was killed meanwhile is no error.
pub fn let_through(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    respond(listener, libc::seccomp_notif_resp { id, val: 0, error: 0, flags: CONTINUE })
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
