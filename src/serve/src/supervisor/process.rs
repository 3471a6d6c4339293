//! A front from the supervisor's side: its process, the packets to it, what it has asked.
//!
//! Always holds: it is bound to one identity from before it exists to its end; what is said to it waits for nobody, and while it does not take what it is told,
//! nothing of it is heard; it is killed and waited for with this value.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use remand_engine::{Identity, Moment};

use crate::config::User;
use crate::front::WORD;
use crate::limits::CALLS;
use crate::protocol::{Ask, Tell};
use crate::wire;

/// What a call that goes on is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// A run that lives as long as the call.
    Run(String),
    /// Somebody who waits for a run's events.
    Reader(String),
}

/// A front.
#[derive(Debug)]
pub struct Front {
    child: Child,
    socket: OwnedFd,
    /// Whom it serves.
    pub identity: Identity,
    /// The same as this machine's files know it.
    pub user: User,
    /// The tenant, when it was made.
    pub tenant: String,
    /// Which of the ids of fronts it has.
    pub index: u32,
    /// How many connections it has.
    pub connections: usize,
    /// Since when it has none.
    pub idle: Option<Moment>,
    /// What goes on.
    pub open: BTreeMap<u64, Open>,
    waiting: VecDeque<(Vec<u8>, Option<OwnedFd>)>,
    buffer: Vec<u8>,
    /// What it is waited for by.
    pub armed: EpollFlags,
}

/// Why a front is ended.
pub type Fault = String;

impl Front {
    /// Starts one. `id`: the user id that it is to take on.
    pub fn start(identity: Identity, user: User, tenant: String, index: u32, id: Option<u32>) -> io::Result<Self> {
        let (socket, theirs) = wire::pair()?;
        let child = Command::new("/proc/self/exe")
            .arg0("remand")
            .args([WORD, &id.map_or_else(|| "-".to_owned(), |id| id.to_string()), &format!("user={}", identity.user())])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            child,
            socket,
            identity,
            user,
            tenant,
            index,
            connections: 0,
            idle: None,
            open: BTreeMap::new(),
            waiting: VecDeque::new(),
            buffer: Vec::new(),
            armed: EpollFlags::EPOLLIN,
        })
    }

    /// Its process, for people.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it something, now or as soon as it takes it.
    pub fn tell(&mut self, call: u64, tell: &Tell, beside: Option<OwnedFd>) -> Result<(), Fault> {
        debug_assert_eq!(tell.descriptors(), usize::from(beside.is_some()));
        self.waiting.push_back((tell.packet(call), beside));
        self.flush()
    }

    /// Goes on telling.
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

    /// What it is to be waited for by.
    pub fn wanted(&self) -> EpollFlags {
        if self.waiting.is_empty() { EpollFlags::EPOLLIN } else { EpollFlags::EPOLLOUT }
    }

    /// What it asks next; none where nothing waits, or it is not heard.
    pub fn heard(&mut self) -> Result<Option<(u64, Ask, Option<OwnedFd>)>, Fault> {
        if !self.waiting.is_empty() {
            return Ok(None);
        }
        let (length, mut beside) = match wire::receive(self.socket.as_fd(), &mut self.buffer) {
            Ok(Some(received)) => received,
            Ok(None) => return Err("it has ended".to_owned()),
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(format!("it cannot be heard: {errno}")),
        };
        let said = Ask::read(self.buffer.get(..length).unwrap_or_default());
        let (call, ask) = said.map_err(|_| "it said what is in no table".to_owned())?;
        if beside.len() != ask.descriptors() {
            return Err(format!("it sent {} descriptors beside {ask:?}", beside.len()));
        }
        Ok(Some((call, ask, beside.pop())))
    }

    /// Notes that a call goes on.
    pub fn opens(&mut self, call: u64, open: Open) -> Result<(), Fault> {
        if self.open.len() >= CALLS {
            return Err("it has too many calls".to_owned());
        }
        // What goes on under the number stays there: it has to be let go.
        if self.open.contains_key(&call) {
            return Err("it gave two calls one number".to_owned());
        }
        self.open.insert(call, open);
        Ok(())
    }
}

impl AsFd for Front {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill(); // no error if it has ended
        let _ = self.child.wait();
    }
}
