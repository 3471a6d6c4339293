//! User namespaces that nobody lives in: they only say which ids the files of a mount are shown with.
//!
//! Always holds: the process that makes one is reaped before it is handed out; it ends with this process too, since it waits for a pipe to close.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use remand_child::sys::{self, Clone};

use super::process::Child;

/// A namespace in which what `owner` (user and group id) owns on disk belongs to `run`, and nothing else to anybody.
///
/// # Errors
/// The kernel's answer.
pub fn namespace(owner: (u32, u32), run: u32) -> io::Result<OwnedFd> {
    let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
    let flags = u64::from(libc::CLONE_NEWUSER.unsigned_abs());
    let made = sys::clone(Clone { flags, exit_signal: 0, cgroup: None }, || {
        // Its own copy of the end that is written would keep the pipe open.
        let _ = sys::close(to.as_raw_fd());
        let _ = sys::read(from.as_raw_fd(), &mut [0]);
        sys::exit(0)
    });
    let made = made.map_err(io::Error::from_raw_os_error)?;
    // SAFETY: clone3 has just made this descriptor for us.
    let child = Child::adopted(made.pid, unsafe { OwnedFd::from_raw_fd(made.pidfd) });
    for (file, id) in [("uid_map", owner.0), ("gid_map", owner.1)] {
        fs::write(format!("/proc/{}/{file}", child.pid()), format!("{id} {run} 1\n"))?;
    }
    File::open(format!("/proc/{}/ns/user", child.pid())).map(OwnedFd::from)
}

/// Whether the mounts at a path can be shown with other ids.
///
/// # Errors
/// The kernel's answer.
pub fn mappable(path: &str, owner: (u32, u32), run: u32) -> io::Result<()> {
    let namespace = namespace(owner, run)?;
    let path = CString::new(path)?;
    // SAFETY: both calls have just made their descriptor for us.
    let owned = |fd: Result<i32, i32>| fd.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).map_err(io::Error::from_raw_os_error);
    let place = owned(sys::open_place(&path))?;
    let mount = owned(sys::clone_mount(place.as_raw_fd(), c""))?;
    sys::map_owners(mount.as_raw_fd(), namespace.as_raw_fd()).map_err(io::Error::from_raw_os_error)
}
