//! A front's way to its supervisor.
//!
//! Always holds: saying something waits for nobody; packets go and come in order.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use crate::wire;

/// The way.
#[derive(Debug)]
pub struct Way {
    socket: AsyncFd<OwnedFd>,
    waiting: RefCell<VecDeque<(Vec<u8>, Option<OwnedFd>)>>,
    news: Notify,
}

impl Way {
    /// By this socket.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        // Its successor is unsafe, for what does not own its descriptor; this does.
        #[allow(deprecated)]
        let socket = AsyncFd::new(socket)?;
        Ok(Self { socket, waiting: RefCell::default(), news: Notify::new() })
    }

    /// Says something, as soon as [`Self::send`] gets to it.
    pub fn put(&self, packet: Vec<u8>, beside: Option<OwnedFd>) {
        self.waiting.borrow_mut().push_back((packet, beside));
        self.news.notify_one();
    }

    /// Sends what is to be sent, for ever.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub async fn send(&self) -> io::Result<()> {
        loop {
            let Some((packet, beside)) = self.waiting.borrow_mut().pop_front() else {
                self.news.notified().await;
                continue;
            };
            let beside = beside.as_ref().map(AsFd::as_fd);
            loop {
                let mut ready = self.socket.writable().await?;
                if let Ok(sent) = ready.try_io(|socket| wire::send(socket.get_ref().as_fd(), &packet, beside).map_err(io::Error::from)) {
                    sent?;
                    break;
                }
            }
        }
    }

    /// The next packet, with what is beside it; `buffer`: room for it. Nothing is lost if this is dropped before it is ready.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub async fn next<'b>(&self, buffer: &'b mut Vec<u8>) -> io::Result<(&'b [u8], Vec<OwnedFd>)> {
        loop {
            let mut ready = self.socket.readable().await?;
            let received = ready.try_io(|socket| wire::receive(socket.get_ref().as_fd(), buffer).map_err(io::Error::from));
            let Ok(received) = received else { continue };
            let (length, beside) = received?.ok_or(io::ErrorKind::UnexpectedEof)?;
            return Ok((buffer.get(..length).unwrap_or_default(), beside));
        }
    }
}
