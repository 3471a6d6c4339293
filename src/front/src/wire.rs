//! Packets between a front and its supervisor on their way, each with the descriptors beside it.
//!
//! Always holds: nothing here waits; a packet arrives whole or not at all; a descriptor that came is owned at once.

use std::io::IoSlice;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use remand_engine::beside;

/// Largest packet. A socket buffer of the usual size takes one.
pub const PACKET: usize = 128 << 10;

/// Both ends of a way for packets, closed on exec.
///
/// # Errors
/// The kernel's answer.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
}

/// Sends one.
///
/// # Errors
/// The kernel's answer: `EAGAIN` where there is no room.
pub fn send(socket: BorrowedFd<'_>, packet: &[u8], beside: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
    let numbers: Vec<_> = beside.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let control = rights.get(..usize::from(beside.is_some())).unwrap_or_default();
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(packet)], control, flags, None).map(drop)
}

/// Receives one; `None` at the end.
///
/// # Errors
/// The kernel's answer: `EAGAIN` where none waits, `EMSGSIZE` for a longer one than there are.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> Result<Option<(usize, Vec<OwnedFd>)>, Errno> {
    buffer.resize(PACKET + 1, 0);
    match beside::receive(socket, buffer)? {
        (0, _) => Ok(None),
        (length, _) if length > PACKET => Err(Errno::EMSGSIZE),
        received => Ok(Some(received)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_packet_arrives_whole_with_what_is_beside_it() {
        let (one, other) = pair().unwrap();
        let mut buffer = Vec::new();
        assert_eq!(receive(other.as_fd(), &mut buffer).unwrap_err(), Errno::EAGAIN);
        send(one.as_fd(), b"first", None).unwrap();
        send(one.as_fd(), &vec![7; PACKET], Some(one.as_fd())).unwrap();
        send(one.as_fd(), &vec![7; PACKET + 9], None).unwrap();
        let (length, fds) = receive(other.as_fd(), &mut buffer).unwrap().unwrap();
        assert_eq!((buffer.get(..length), fds.len()), (Some(b"first".as_slice()), 0));
        let (length, fds) = receive(other.as_fd(), &mut buffer).unwrap().unwrap();
        assert_eq!((length, fds.len()), (PACKET, 1));
        assert_eq!(receive(other.as_fd(), &mut buffer).unwrap_err(), Errno::EMSGSIZE);
        drop((one, fds));
        assert!(receive(other.as_fd(), &mut buffer).unwrap().is_none());
    }
}
