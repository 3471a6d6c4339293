//! Bytes with descriptors beside them, from a stream of somebody else's protocol.
//!
//! Always holds: a received descriptor is owned as soon as it is here and closed on exec; more than there is room for are closed by the kernel.

use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

/// Most descriptors of one message.
const MOST: usize = 8;

/// What waits, without waiting for more: how many bytes, 0 at the end, and the descriptors.
///
/// # Errors
/// The kernel's answer.
pub fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let mut space = nix::cmsg_space!([i32; MOST]);
    let mut parts = [IoSliceMut::new(bytes)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut found = Vec::new();
    for control in message.cmsgs()? {
        let ControlMessageOwned::ScmRights(numbers) = control else { continue };
        found.extend(numbers.into_iter().map(|number| {
            // SAFETY: the kernel has just put this descriptor into our table for this message, and nobody else knows of it.
            unsafe { OwnedFd::from_raw_fd(number) }
        }));
    }
    Ok((message.bytes, found))
}
