//! A front's way to the supervisor: calls, and what is told of each.
//!
//! Always holds: a call that is dropped before its last answer is forgotten by the supervisor too, which ends a run that was its; what the supervisor tells of a
//! call that is gone is thrown away.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use nix::errno::Errno;
use remand_front::way::Way;
use tokio::sync::mpsc;

use crate::memory;
use crate::protocol::{Ask, Long, Tell};

/// Largest document of the supervisor that is read.
const LARGEST: u64 = 1 << 30;

/// What the supervisor said of a call, with the text that was beside it.
pub type Told = (Tell, Option<OwnedFd>);

/// The way.
#[derive(Debug)]
pub struct Link {
    way: Way,
    last: Cell<u64>,
    calls: RefCell<HashMap<u64, mpsc::UnboundedSender<Told>>>,
}

/// A call.
#[derive(Debug)]
pub struct Call {
    number: u64,
    told: mpsc::UnboundedReceiver<Told>,
    over: bool,
    link: Rc<Link>,
}

impl Link {
    /// By this socket.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn new(socket: OwnedFd) -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self { way: Way::new(socket)?, last: Cell::new(0), calls: RefCell::default() }))
    }

    /// Asks.
    pub fn call(self: &Rc<Self>, ask: &Ask, beside: Option<OwnedFd>) -> Call {
        let number = self.last.get() + 1;
        self.last.set(number);
        let (to, told) = mpsc::unbounded_channel();
        self.calls.borrow_mut().insert(number, to);
        self.way.put(ask.packet(number), beside);
        Call { number, told, over: false, link: Rc::clone(self) }
    }

    /// Says something that is no call.
    pub fn say(&self, ask: &Ask) {
        self.way.put(ask.packet(0), None);
    }

    /// Sends what is to be sent, for ever.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub async fn send(&self) -> io::Result<()> {
        self.way.send().await
    }

    /// Takes what is told, until something comes that belongs to no call: a connection, or that no more will come.
    ///
    /// # Errors
    /// The supervisor is gone, or said what is in no table.
    pub async fn next(&self) -> io::Result<(Tell, Option<OwnedFd>)> {
        let mut buffer = Vec::new();
        loop {
            let (packet, mut beside) = self.way.next(&mut buffer).await?;
            let (call, tell) = Tell::read(packet).map_err(io::Error::other)?;
            if beside.len() != tell.descriptors() {
                return Err(Errno::EBADMSG.into());
            }
            if matches!(tell, Tell::Connection | Tell::Drain) {
                return Ok((tell, beside.pop()));
            }
            if let Some(to) = self.calls.borrow().get(&call) {
                // The receiver is gone only together with its place in the table.
                let _ = to.send((tell, beside.pop()));
            }
        }
    }
}

impl Call {
    /// What is told next. `last`: nothing follows it.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub async fn next(&mut self, last: impl FnOnce(&Tell) -> bool) -> io::Result<Told> {
        let told = self.told.recv().await.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.over = matches!(told.0, Tell::Problem(_)) || last(&told.0);
        Ok(told)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.link.calls.borrow_mut().remove(&self.number);
        if !self.over {
            self.link.way.put(Ask::Forget.packet(self.number), None);
        }
    }
}

/// A text, wherever it is.
///
/// # Errors
/// It is beside, and is none.
pub fn text(long: Long, beside: Option<OwnedFd>) -> io::Result<Vec<u8>> {
    match (long, beside) {
        (Long::Here(text), None) => Ok(text.into_bytes()),
        (Long::Beside(length), Some(memory)) => {
            let text = memory::read(memory, LARGEST)?;
            if text.len() as u64 == length { Ok(text) } else { Err(Errno::EBADMSG.into()) }
        }
        _ => Err(Errno::EBADMSG.into()),
    }
}
