//! Another process's descriptors: a copy of one, whether one is the same open file as ours, and what a file is without asking its file system anew.
//!
//! Always holds: a process is named by its number here; whoever calls checks afterwards that the number was still that process's.

use std::ffi::CString;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::from_mut;

use nix::errno::Errno;
use nix::sys::stat::makedev;
use remand_plan::files::FileId;

/// The libc crate lacks it.
const KCMP_FILE: i32 = 0;

/// Bytes that wait in a pipe.
#[must_use]
pub fn waiting(pipe: &OwnedFd) -> u64 {
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is open, and the kernel writes one int.
    let answer = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, from_mut(&mut count)) };
    if answer < 0 { 0 } else { u64::try_from(count).unwrap_or(0) }
}

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Which it is.
    pub id: FileId,
    /// `S_IF*`.
    pub kind: u32,
    /// Bytes.
    pub size: i64,
}

/// What a path leads to, or (an empty path) a descriptor, by what the kernel has in memory: a network file system is not asked, and cannot keep us waiting.
///
/// # Errors
/// The kernel's answer.
pub fn facts(directory: Option<BorrowedFd<'_>>, path: &str) -> Result<Facts, Errno> {
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    let flags = libc::AT_STATX_DONT_SYNC | libc::AT_EMPTY_PATH | libc::AT_NO_AUTOMOUNT;
    let directory = directory.map_or(libc::AT_FDCWD, |fd| fd.as_raw_fd());
    // SAFETY: plain integers, for which zero is a value.
    let mut found: libc::statx = unsafe { zeroed() };
    // SAFETY: the path lives through the call and is only read; the kernel writes one `struct statx`.
    let result = unsafe { libc::statx(directory, path.as_ptr(), flags, libc::STATX_BASIC_STATS, from_mut(&mut found)) };
    Errno::result(result)?;
    Ok(Facts {
        id: FileId { device: makedev(found.stx_dev_major.into(), found.stx_dev_minor.into()), inode: found.stx_ino },
        kind: u32::from(found.stx_mode) & libc::S_IFMT,
        size: i64::try_from(found.stx_size).unwrap_or(i64::MAX),
    })
}

/// A descriptor of this process for the same open file as descriptor `fd` of another's thread (Linux 5.6; by its first thread before 6.9).
///
/// # Errors
/// `EBADF`: it has none there. Otherwise the kernel's answer.
pub fn copy((process, thread): (u32, u32), fd: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: integers only. O_EXCL is PIDFD_THREAD.
    let by_thread = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, thread, libc::O_EXCL) });
    let pidfd = match by_thread {
        // SAFETY: integers only.
        Err(Errno::EINVAL) => Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) })?,
        answer => answer?,
    };
    // SAFETY: the kernel has just made this descriptor for us.
    let pidfd = unsafe { OwnedFd::from_raw_fd(i32::try_from(pidfd).map_err(|_| Errno::EBADF)?) };
    // SAFETY: integers only.
    let copied = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0) })?;
    // SAFETY: the kernel has just made this descriptor for us, close-on-exec.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(copied).map_err(|_| Errno::EBADF)?) })
}

/// `flock`, without waiting.
///
/// # Errors
/// `EAGAIN`: somebody else's lock is in the way. Otherwise the kernel's answer.
pub fn flock(fd: BorrowedFd<'_>, operation: i32) -> Result<(), Errno> {
    // SAFETY: integers only.
    Errno::result(unsafe { libc::flock(fd.as_raw_fd(), operation | libc::LOCK_NB) }).map(drop)
}

/// Whether descriptor `fd` of a process is the same open file as ours. A process that is gone, or a number that is not open, is not.
///
/// # Errors
/// The kernel's answer where it cannot say.
pub fn same(process: u32, fd: i32, ours: BorrowedFd<'_>) -> Result<bool, Errno> {
    let me = std::process::id();
    // SAFETY: integers only.
    match Errno::result(unsafe { libc::syscall(libc::SYS_kcmp, process, me, KCMP_FILE, fd, ours.as_raw_fd()) }) {
        Ok(order) => Ok(order == 0),
        Err(Errno::ESRCH | Errno::EBADF) => Ok(false),
        Err(errno) => Err(errno),
    }
}
