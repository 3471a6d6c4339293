//! Connections of a run to Unix sockets, made by the supervisor in the kernel's place where files that are shown to the run could be sockets of the host's: a
//! read-only mount keeps nobody from connecting, and older kernels' Landlock does not either.
//!
//! Always holds: what is connected to is a socket in the run's own `/tmp` and `/workspace`, looked up once and connected to as that very file, or an abstract name
//! of the network namespace that the run has alone. Nothing is waited for longer than the kernel's shortest wait, whatever the run does to its socket meanwhile.
//!
//! What differs from the kernel's own: whoever accepts sees the supervisor at the other end (a run cannot ask); a socket that has no room for another connection
//! answers EAGAIN, also where the caller would wait; a relative name may lead through no link.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::socket::{self, UnixAddr, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::locks::caller;
use crate::sys::file;
use crate::sys::notify::{self, Notification};

/// `sizeof(struct sockaddr_un)`, and of its first field.
const LARGEST: usize = 110;
const FAMILY: usize = 2;
/// As that field has it.
const AF_UNIX: u16 = 1;

/// Answers a call of `connect`.
///
/// # Errors
/// The kernel's, to an answer.
pub fn connect(listener: BorrowedFd<'_>, notification: &Notification) -> Result<(), Errno> {
    match attempt(listener, notification) {
        Ok(()) => notify::done(listener, notification.id),
        Err(errno) => notify::deny(listener, notification.id, errno as i32),
    }
}

fn attempt(listener: BorrowedFd<'_>, notification: &Notification) -> Result<(), Errno> {
    let thread = notification.pid;
    #[allow(clippy::cast_possible_truncation)] // the kernel takes ints
    let (fd, length) = ((notification.args[0] as u32).cast_signed(), (notification.args[2] as u32).cast_signed());
    let process = caller::process(thread).ok_or(Errno::ESRCH)?;
    let look = file::facts(None, &format!("/proc/{thread}/fd/{fd}")).map_err(|_| Errno::EBADF)?;
    if look.kind != libc::S_IFSOCK {
        return Err(Errno::ENOTSOCK);
    }
    let name = named(thread, notification.args[1], usize::try_from(length).map_err(|_| Errno::EINVAL)?)?;
    let target = match name.first() {
        None => return Err(Errno::EINVAL),
        Some(0) => None,
        Some(_) => Some(found(thread, &name)?),
    };
    let socket = file::copy((process, thread), fd)?;
    if socket::getsockname::<UnixAddr>(socket.as_raw_fd()).is_err() {
        return Err(Errno::EAFNOSUPPORT);
    }
    // All that was read and opened is the caller's only if it still waits.
    if !notify::waits(listener, notification.id) {
        return Err(Errno::ESRCH);
    }
    let address = match &target {
        Some(target) => UnixAddr::new(format!("/proc/self/fd/{}", target.as_raw_fd()).as_str())?,
        None => UnixAddr::new_abstract(name.get(1..).unwrap_or_default())?,
    };
    at_once(&socket, &address)
}

/// The name that a call gives: what is behind the address's family.
fn named(thread: u32, address: u64, length: usize) -> Result<Vec<u8>, Errno> {
    if !(FAMILY..=LARGEST).contains(&length) {
        return Err(Errno::EINVAL);
    }
    let mut bytes = vec![0; length];
    caller::memory(thread)?.read_exact_at(&mut bytes, address).map_err(|_| Errno::EFAULT)?;
    let name = bytes.split_off(FAMILY);
    if bytes != AF_UNIX.to_ne_bytes() {
        return Err(Errno::EAFNOSUPPORT);
    }
    Ok(name)
}

/// The socket that a path leads to, as the caller sees paths.
fn found(thread: u32, name: &[u8]) -> Result<OwnedFd, Errno> {
    let path = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let (start, within) =
        if path.first() == Some(&b'/') { ("root", ResolveFlag::RESOLVE_IN_ROOT) } else { ("cwd", ResolveFlag::RESOLVE_NO_SYMLINKS) };
    let start = File::options()
        .read(true)
        .custom_flags((OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC).bits())
        .open(format!("/proc/{thread}/{start}"))
        .map_err(|error| error.raw_os_error().map_or(Errno::EACCES, Errno::from_raw))?;
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(within | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let target = openat2(start.as_fd(), path, how)?;
    if !caller::is_own(thread, &target) {
        return Err(Errno::EACCES);
    }
    let kind = file::facts(Some(target.as_fd()), "")?.kind;
    if kind == libc::S_IFSOCK { Ok(target) } else { Err(Errno::ECONNREFUSED) }
}

/// Connects without waiting: by a limit of time on the socket, which no call that is granted changes, and not by a flag, which any of the run's does.
fn at_once(socket: &OwnedFd, address: &UnixAddr) -> Result<(), Errno> {
    setsockopt(socket, sockopt::SendTimeout, &TimeVal::microseconds(1))?;
    let connected = socket::connect(socket.as_raw_fd(), address);
    setsockopt(socket, sockopt::SendTimeout, &TimeVal::microseconds(0))?;
    connected
}
