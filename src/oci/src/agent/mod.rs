//! `remand oci agent`: the seccomp agent of containers, which is told the calls that their policies refuse.
//!
//! Always holds: a call is answered with an error and nothing else: never let through, never carried out. What a container can cost is bounded: its lines, and
//! the calls that are answered before the others' turn. Where the agent is gone, the kernel itself answers ENOSYS.

pub mod attach;
mod error;
pub mod ledger;
mod log;
mod socket;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_engine::{Engine, Identity, beside, notify};
use remand_syscalls::Arch;
use serde_json::Value;

use self::attach::Attach;
pub use self::error::AgentError;
use self::ledger::{Ledger, Seen, metrics};
use self::log::{Log, publish};

/// Calls of one container that are answered before the others' turn.
const TURN: usize = 64;
/// Most containers and processes of `exec` at once; a further one's refused calls are answered ENOSYS by the kernel.
const MOST: usize = 4096;
/// Most runtimes that have connected and not said everything.
const WAITING: usize = 64;

/// Where an agent listens, and where it writes.
#[derive(Clone, Debug)]
pub struct Places {
    /// Its socket.
    pub socket: PathBuf,
    /// The log; standard output without one.
    pub log: Option<PathBuf>,
    /// A file for metrics in the text format of Prometheus.
    pub metrics: Option<PathBuf>,
}

/// Answers until `stop` is readable. `say` is told what is wrong with single runtimes.
///
/// # Errors
/// It could not begin, or cannot go on.
pub fn serve(places: &Places, stop: BorrowedFd<'_>, say: impl Fn(&str)) -> Result<(), AgentError> {
    let unwritten = |path: &Path| {
        let path = path.to_owned();
        move |error| AgentError::Unwritten { path, error }
    };
    let log = Log::open(places.log.as_deref()).map_err(unwritten(places.log.as_deref().unwrap_or(Path::new("standard output"))))?;
    let socket = socket::Bound::bind(&places.socket)?;
    let mut agent = Agent {
        arch: Arch::HERE,
        log,
        waiting: Vec::new(),
        followed: Vec::new(),
        ledgers: BTreeMap::new(),
        total: BTreeMap::new(),
        changed: true,
        said: false,
    };
    loop {
        if let (Some(path), true) = (&places.metrics, agent.changed) {
            agent.changed = false;
            let written = publish(path, &metrics(&agent.total, agent.ledgers.len()));
            agent.tell(written, &say);
        }
        let ready = agent.wait(&socket.listener, stop).map_err(AgentError::Wait)?;
        if ready.stop {
            return Ok(());
        }
        let written = agent.answer(&ready.listeners);
        agent.tell(written, &say);
        agent.hear(&ready.streams, &say);
        if ready.socket {
            agent.accept(&socket.listener, &say);
        }
    }
}

/// A filter's listener, and whose it is.
struct Followed {
    listener: OwnedFd,
    container: String,
}

/// A runtime that has connected.
struct Waiting {
    stream: UnixStream,
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
}

/// How the turn of a listener ended.
enum Turn {
    Done,
    /// All was answered, and something could not be written down.
    Unwritten(io::Error),
    /// It is none, or none any more.
    NoListener,
}

/// What there is to do.
struct Ready {
    stop: bool,
    socket: bool,
    streams: Vec<bool>,
    /// Calls wait; every process under the filter is gone.
    listeners: Vec<(bool, bool)>,
}

struct Agent {
    arch: Arch,
    log: Log,
    waiting: Vec<Waiting>,
    followed: Vec<Followed>,
    ledgers: BTreeMap<String, Ledger>,
    total: BTreeMap<(String, String), u64>,
    changed: bool,
    /// It was said that something cannot be written.
    said: bool,
}

impl Agent {
    /// A full disk keeps no call from its answer; it is said once, until something can be written again.
    fn tell(&mut self, written: io::Result<()>, say: &impl Fn(&str)) {
        match written {
            Ok(()) => self.said = false,
            Err(error) if !self.said => {
                self.said = true;
                say(&format!("cannot write down what was refused: {error}"));
            }
            Err(_) => {}
        }
    }

    fn wait(&self, socket: &UnixListener, stop: BorrowedFd<'_>) -> Result<Ready, Errno> {
        let mut fds = vec![PollFd::new(stop, PollFlags::POLLIN), PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.waiting.iter().map(|one| PollFd::new(one.stream.as_fd(), PollFlags::POLLIN)));
        fds.extend(self.followed.iter().map(|one| PollFd::new(one.listener.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
        let events: Vec<_> = fds.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty())).collect();
        let (first, rest) = events.split_at(2);
        let (streams, listeners) = rest.split_at(self.waiting.len());
        let any = |events: &PollFlags| !events.is_empty();
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        Ok(Ready {
            stop: first.first().is_some_and(any),
            socket: first.last().is_some_and(any),
            streams: streams.iter().map(any).collect(),
            listeners: listeners.iter().map(|events| (events.contains(PollFlags::POLLIN), events.intersects(gone))).collect(),
        })
    }

    /// Answers what waits, each container in its turn, and forgets those that are gone.
    fn answer(&mut self, ready: &[(bool, bool)]) -> io::Result<()> {
        let mut written = Ok(());
        let mut over = Vec::new();
        for (at, (waits, gone)) in ready.iter().enumerate() {
            let turn = if *waits { self.turn(at) } else { Turn::Done };
            over.push(matches!(turn, Turn::NoListener) || (*gone && !waits));
            if let Turn::Unwritten(error) = turn {
                written = Err(error);
            }
        }
        let mut gone = over.into_iter();
        let before = self.followed.len();
        self.followed.retain(|_| !gone.next().unwrap_or(false));
        if self.followed.len() < before {
            self.ledgers.retain(|container, _| self.followed.iter().any(|one| one.container == *container));
            self.changed = true;
        }
        written
    }

    fn turn(&mut self, at: usize) -> Turn {
        let mut turn = Turn::Done;
        for _ in 0..TURN {
            let Some(followed) = self.followed.get(at) else { return turn };
            let listener = followed.listener.as_fd();
            let mut waits = [PollFd::new(listener, PollFlags::POLLIN)];
            // Receiving would wait.
            if poll(&mut waits, PollTimeout::ZERO) != Ok(1) || waits[0].revents().is_none_or(|events| !events.contains(PollFlags::POLLIN)) {
                return turn;
            }
            let call = match notify::receive(listener) {
                Ok(Some(call)) => call,
                Ok(None) => return turn,
                Err(_) => return Turn::NoListener,
            };
            let Some(ledger) = self.ledgers.get_mut(&followed.container) else { return Turn::NoListener };
            let (index, errno) = ledger.count(&Seen { arch: call.arch, number: call.number, args: call.args });
            // Whoever was killed meanwhile needs no answer.
            let _ = notify::deny(listener, call.id, errno);
            ledger.add_to(&mut self.total, index);
            self.changed = true;
            match self.log.note(ledger, index) {
                Ok(false) => {}
                Ok(true) => {
                    let noted = followed.container.clone();
                    self.ledgers.iter_mut().filter(|(container, _)| **container != noted).for_each(|(_, ledger)| ledger.forget_places());
                }
                Err(error) => turn = Turn::Unwritten(error),
            }
        }
        turn
    }

    fn accept(&mut self, socket: &UnixListener, say: &impl Fn(&str)) {
        let Ok((stream, _)) = socket.accept() else { return };
        let own = Identity::own().user();
        match Identity::of_peer(&stream) {
            Ok(peer) if [0, own].contains(&peer.user()) && self.waiting.len() < WAITING => {
                self.waiting.push(Waiting { stream, bytes: Vec::new(), fds: Vec::new() });
            }
            Ok(peer) => say(&format!("a connection of user {} is not taken", peer.user())),
            Err(error) => say(&format!("a connection is not taken: {error}")),
        }
    }

    /// Reads on from each runtime that has something to say.
    fn hear(&mut self, ready: &[bool], say: &impl Fn(&str)) {
        let waiting = std::mem::take(&mut self.waiting);
        for (mut one, ready) in waiting.into_iter().zip(ready) {
            match if *ready { one.hear() } else { Ok(None) } {
                Ok(None) => self.waiting.push(one),
                Ok(Some(attach)) => self.follow(&attach, one.fds, say),
                // Whoever only looks whether an agent is there says nothing.
                Err(_) if one.bytes.is_empty() => {}
                Err(why) => say(&format!("a runtime said something else than whom to answer for: {why}")),
            }
        }
    }

    fn follow(&mut self, attach: &Attach, fds: Vec<OwnedFd>, say: &impl Fn(&str)) {
        let Some(listener) = fds.into_iter().nth(attach.listener) else {
            return say(&format!("container {}: no listener came with its state", attach.container));
        };
        if self.followed.len() >= MOST {
            return say(&format!("container {}: more than {MOST} are answered for; its refused calls do not exist", attach.container));
        }
        let policy = Engine::from_environment().policy(&attach.policy, &Value::Null);
        let rules = policy.map(|effective| effective.policy().syscalls.rules.clone()).ok();
        let new = || Ledger::new(attach.container.clone(), attach.policy.clone(), rules, self.arch);
        self.ledgers.entry(attach.container.clone()).or_insert_with(new);
        self.followed.push(Followed { listener, container: attach.container.clone() });
        self.changed = true;
    }
}

impl Waiting {
    /// What came; `None`: more is to come.
    fn hear(&mut self) -> Result<Option<Attach>, String> {
        let mut bytes = [0; 4096];
        match beside::receive(self.stream.as_fd(), &mut bytes) {
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno.desc().to_owned()),
            Ok((0, _)) => Err("it ended too early".to_owned()),
            Ok((count, fds)) => {
                self.bytes.extend(bytes.iter().take(count));
                self.fds.extend(fds);
                if self.fds.len() > 16 { Err("too many descriptors".to_owned()) } else { attach::read(&self.bytes) }
            }
        }
    }
}
