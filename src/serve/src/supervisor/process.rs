//! A front from the supervisor's side: its process, the packets to it, what it has asked.
//!
//! Always holds: it is bound to one client from before it exists to its end; what is said to it waits for nobody, and while it does not take what it is told,
//! nothing of it is heard; it is killed and waited for with this value.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::sys::epoll::EpollFlags;
use remand_engine::Moment;
pub use remand_front::peer::Fault;
use remand_front::peer::Peer;

use crate::client::{Client, Owner};
use crate::front::WORD;
use crate::limits::CALLS;
use crate::protocol::{Ask, Tell};
use crate::wire;

/// What a call that goes on is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// A run that lives as long as the call.
    Run(String),
    /// Somebody who waits for the outcome of a run that does not.
    Waiter(String),
    /// Somebody who waits for a run's events.
    Reader(String),
}

/// A front.
#[derive(Debug)]
pub struct Front {
    child: Child,
    peer: Peer,
    /// Whom it serves.
    pub client: Client,
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
    /// What it is waited for by.
    pub armed: EpollFlags,
}

impl Front {
    /// Starts one. `id`: the user id that it is to take on.
    pub fn start(client: Client, tenant: String, index: u32, id: Option<u32>) -> io::Result<Self> {
        let (socket, theirs) = wire::pair()?;
        // For people who look at processes.
        let whose = match client.owner() {
            Owner::User(user) => format!("user={user}"),
            Owner::Container(number) => format!("container={number}"),
        };
        let child = Command::new("/proc/self/exe")
            .arg0("remand")
            .args([WORD, &id.map_or_else(|| "-".to_owned(), |id| id.to_string()), &whose])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            child,
            peer: Peer::new(socket),
            client,
            tenant,
            index,
            connections: 0,
            idle: None,
            open: BTreeMap::new(),
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
        self.peer.tell(tell.packet(call), beside)
    }

    /// Goes on telling.
    pub fn flush(&mut self) -> Result<(), Fault> {
        self.peer.flush()
    }

    /// What it is to be waited for by.
    pub fn wanted(&self) -> EpollFlags {
        if self.peer.is_behind() { EpollFlags::EPOLLOUT } else { EpollFlags::EPOLLIN }
    }

    /// What it asks next; none where nothing waits, or it is not heard.
    pub fn heard(&mut self) -> Result<Option<(u64, Ask, Option<OwnedFd>)>, Fault> {
        let Some((packet, mut beside)) = self.peer.heard()? else { return Ok(None) };
        let (call, ask) = Ask::read(packet).map_err(|_| "it said what is in no table".to_owned())?;
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
        self.peer.as_fd()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill(); // no error if it has ended
        let _ = self.child.wait();
    }
}
