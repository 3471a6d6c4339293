//! A front from its supervisor's side: the packets to it and from it.
//!
//! Always holds: what is said to it waits for nobody; while it does not take what it is told, nothing of it is heard.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use crate::wire;

/// Why a front is ended.
pub type Fault = String;

/// What came, with what is beside it.
pub type Packet<'p> = (&'p [u8], Vec<OwnedFd>);

/// See the module.
#[derive(Debug)]
pub struct Peer {
    socket: OwnedFd,
    waiting: VecDeque<(Vec<u8>, Option<OwnedFd>)>,
    buffer: Vec<u8>,
}

impl Peer {
    /// By this socket.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket, waiting: VecDeque::new(), buffer: Vec::new() }
    }

    /// Tells it something, now or as soon as it takes it.
    ///
    /// # Errors
    /// It does not hear.
    pub fn tell(&mut self, packet: Vec<u8>, beside: Option<OwnedFd>) -> Result<(), Fault> {
        self.waiting.push_back((packet, beside));
        self.flush()
    }

    /// Goes on telling.
    ///
    /// # Errors
    /// It does not hear.
    pub fn flush(&mut self) -> Result<(), Fault> {
        while let Some((packet, beside)) = self.waiting.front() {
            match wire::send(self.socket.as_fd(), packet, beside.as_ref().map(AsFd::as_fd)) {
                Ok(()) => drop(self.waiting.pop_front()),
                // Of descriptors under way there are only so many.
                Err(Errno::EAGAIN | Errno::ETOOMANYREFS | Errno::ENOBUFS) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(format!("it does not hear: {errno}")),
            }
        }
        Ok(())
    }

    /// There is something that it has not taken yet.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The packet that it sent next, with what is beside it; none where nothing waits, or it is not heard.
    ///
    /// # Errors
    /// It has ended, or cannot be heard.
    pub fn heard(&mut self) -> Result<Option<Packet<'_>>, Fault> {
        if self.is_behind() {
            return Ok(None);
        }
        match wire::receive(self.socket.as_fd(), &mut self.buffer) {
            Ok(Some((length, beside))) => Ok(Some((self.buffer.get(..length).unwrap_or_default(), beside))),
            Ok(None) => Err("it has ended".to_owned()),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(errno) => Err(format!("it cannot be heard: {errno}")),
        }
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
