//! A descriptor that whoever started this process left open for it, by its number.
//!
//! Always holds: what is handed out is a copy, so that nobody else's is closed; one of this process's own is not handed out: each of those is closed by an exec,
//! and what came through one cannot be.

use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;

/// A copy of it.
///
/// # Errors
/// `EBADF`: there is none, or it is this process's own.
pub fn inherited(number: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: integers only.
    let flags = Errno::result(unsafe { libc::fcntl(number, libc::F_GETFD) })?;
    if flags & libc::FD_CLOEXEC != 0 {
        return Err(Errno::EBADF);
    }
    // SAFETY: integers only.
    let copy = Errno::result(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Keeps what was left open for this process from those that it starts.
///
/// # Errors
/// `EBADF`: there is none.
pub fn close_on_exec(number: i32) -> Result<(), Errno> {
    // SAFETY: integers only.
    Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) }).map(drop)
}
