//! Messages with descriptors, on this side of the sockets that `remand-child` speaks on.
//!
//! Always holds: a received descriptor is owned as soon as it is here, so that none is lost on a way out.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use remand_child::message::{MAX_FDS, Order, Report, WORDS};
use remand_child::sys;

/// What came: a report with its descriptors.
#[derive(Debug)]
pub struct Received {
    /// The report.
    pub report: Report,
    /// Descriptors beside it, close-on-exec.
    pub fds: Vec<OwnedFd>,
}

/// Waits for a report; `None` at end of file.
///
/// # Errors
/// The kernel's answer; EBADMSG for what is no report.
pub fn receive(socket: BorrowedFd<'_>) -> Result<Option<Received>, Errno> {
    let (mut words, mut fds) = ([0; WORDS], [-1; MAX_FDS]);
    let Some(count) = sys::receive(socket.as_raw_fd(), &mut words, &mut fds).map_err(Errno::from_raw)? else { return Ok(None) };
    let fds = fds
        .iter()
        .take(count)
        .map(|&fd| {
            // SAFETY: the kernel has just put this descriptor into our table for this message, and nobody else knows of it.
            unsafe { OwnedFd::from_raw_fd(fd) }
        })
        .collect();
    Report::from_words(&words).map(|report| Some(Received { report, fds })).ok_or(Errno::EBADMSG)
}

/// Sends an order.
///
/// # Errors
/// The kernel's answer; EPIPE when the other side is gone.
pub fn send(socket: BorrowedFd<'_>, order: Order, fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let mut raw = [-1; MAX_FDS];
    let slots = raw.get_mut(..fds.len()).ok_or(Errno::EINVAL)?;
    slots.iter_mut().zip(fds).for_each(|(slot, fd)| *slot = fd.as_raw_fd());
    sys::send(socket.as_raw_fd(), &order.words(), slots).map_err(Errno::from_raw)
}
