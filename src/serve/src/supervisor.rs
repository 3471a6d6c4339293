//! The supervisor: owns the socket, knows who calls, makes the runs, decides who may what.
//!
//! Always holds: one thread, which waits in one place and for nobody in particular; everything that a front says goes through one table, and a front that says
//! anything else is ended with what is its; who calls is what the kernel said when the connection was taken, and nothing that came over it.

mod asked;
mod events;
mod lives;
mod place;
mod policies;
mod process;
mod record;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use remand_engine::host::{Depth, observe};
use remand_engine::trust::{Distrust, open_if_there};
use remand_engine::{Held, Identity, Moment, close_on_exec};
use remand_policy::source::{LARGEST, Source};
use remand_policy::text::Problem as Wrong;
use serde_json::json;

use crate::config::{self, Config, User};
use crate::limits::{CONNECTIONS, FRONT_IDLE, FRONTS, GRACE};
use crate::log::{Form, Log};
use crate::protocol::Tell;
use crate::queue::Queue;
use place::Bound;
use policies::Store;
use process::Front;
use record::{Record, State};

/// Where things are.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The socket; else the usual one.
    pub socket: Option<PathBuf>,
    /// The configuration; else the usual one, if it is there.
    pub config: Option<PathBuf>,
    /// Without a configuration: everybody may run something.
    pub everybody: bool,
}

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration cannot be trusted or opened.
    #[error("the configuration {}: {}", path.display(), distrust.of(path))]
    Distrusted {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        distrust: Distrust,
    },
    /// It is not there, or cannot be read.
    #[error("the configuration {}: {why}", path.display())]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It is not understood.
    #[error("the configuration: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Wrong {
        /// Its text.
        text: Source,
        /// Every problem.
        problems: Vec<Wrong>,
    },
    /// There is no socket.
    #[error("the socket {}: {why}", path.display())]
    Socket {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The kernel refuses something.
    #[error("{what}: {errno}")]
    Kernel {
        /// What.
        what: &'static str,
        /// Its answer.
        errno: Errno,
    },
}

fn kernel(what: &'static str) -> impl FnOnce(Errno) -> ServeError {
    move |errno| ServeError::Kernel { what, errno }
}

fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The configuration, as it is used; with its file, if there is one.
///
/// # Errors
/// It cannot be used.
pub fn configured(places: &Places) -> Result<(Config, Option<PathBuf>), ServeError> {
    let path = places.config.clone().unwrap_or_else(|| config::FILE.into());
    let unreadable = |why: String| ServeError::Unreadable { path: path.clone(), why };
    let opened = open_if_there(&path).map_err(|distrust| ServeError::Distrusted { path: path.clone(), distrust })?;
    let Some(file) = opened else {
        if places.config.is_some() {
            return Err(unreadable("there is no such file".to_owned()));
        }
        return Ok((Config::without_file(geteuid().as_raw(), processors(), places.everybody), None));
    };
    let mut text = Vec::new();
    let length = file.take(LARGEST as u64 + 1).read_to_end(&mut text).map_err(|error| unreadable(error.to_string()))?;
    if length > LARGEST {
        return Err(unreadable(format!("larger than {LARGEST} bytes")));
    }
    let source = Source { file: path.to_string_lossy().into_owned(), text: text.into() };
    match config::read(&source, processors()) {
        Ok(config) => Ok((config, Some(path))),
        Err(problems) => Err(ServeError::Wrong { text: source, problems }),
    }
}

/// What a descriptor of the loop is: the kind in the upper half, a number in the lower.
const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
const FRONT: u64 = 1 << 32;
const RUN: u64 = 2 << 32;
const LOWER: u64 = (1 << 32) - 1;

/// See the module.
struct Supervisor<'s> {
    epoll: Epoll,
    bound: Option<Bound>,
    signals: Held,
    log: Log<'s>,
    places: Places,
    config: Config,
    /// What is wrong with the configuration that was to come after it.
    wrong: Option<String>,
    /// The id of the first front, counted down from here; with privilege.
    first_front: Option<u32>,
    policies: Store,
    fronts: BTreeMap<u64, Front>,
    /// The front of each user and tenant.
    front_of: BTreeMap<(u32, String), u64>,
    runs: BTreeMap<String, Record>,
    /// Those that go on, by the number that they are followed by.
    followed: BTreeMap<u64, String>,
    queue: Queue,
    last: u64,
    /// Refused connections, whose answer may not be read yet.
    refused: VecDeque<UnixStream>,
    /// When one was last told in the log.
    told_refusal: Option<Moment>,
    /// When it began to end.
    ending: Option<Moment>,
    /// Nothing goes on any more, since then.
    quiet: Option<Moment>,
}

/// Serves until a signal ends it.
///
/// # Errors
/// It cannot begin, or the kernel refuses what it lives from.
pub fn serve(places: &Places, form: Form, say: impl Fn(&str)) -> Result<(), ServeError> {
    let (config, file) = configured(places)?;
    raise_descriptors();
    let path = places.socket.clone().unwrap_or_else(place::usual);
    let bound = Bound::listen(&path).map_err(|why| ServeError::Socket { path: path.clone(), why })?;
    keep_to_itself().map_err(kernel("descriptors that were left open"))?;
    let signals = Held::all_that_end(&[]).map_err(kernel("holding signals back"))?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(kernel("epoll"))?;
    let wait = |data| EpollEvent::new(EpollFlags::EPOLLIN, data);
    epoll.add(&bound.listener, wait(LISTENER)).and_then(|()| epoll.add(&signals, wait(SIGNALS))).map_err(kernel("epoll"))?;
    let host = observe(Depth::Quick);
    let log = Log::new(form, say);
    let weaker = (!host.privileged).then_some("no privilege: fronts and runs have this user's id, and it alone is served");
    log.say("serving", json!({ "socket": path.to_string_lossy(), "configuration": file.map(|file| file.to_string_lossy().into_owned()), "weaker": weaker }));
    let mut supervisor = Supervisor {
        epoll,
        bound: Some(bound),
        signals,
        log,
        places: places.clone(),
        queue: Queue::new(config.runs, config.queue),
        config,
        wrong: None,
        first_front: host.privileged.then(|| host.first_run_id.saturating_sub(1)),
        policies: Store::default(),
        fronts: BTreeMap::new(),
        front_of: BTreeMap::new(),
        runs: BTreeMap::new(),
        followed: BTreeMap::new(),
        last: 0,
        refused: VecDeque::new(),
        told_refusal: None,
        ending: None,
        quiet: None,
    };
    notify("READY=1");
    supervisor.work()
}

/// What whoever started this left open is no front's: the socket of a service manager above all.
fn keep_to_itself() -> Result<(), Errno> {
    let open = fs::read_dir("/proc/self/fd").map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    let numbers: Vec<i32> = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The directory's own is gone by now.
    numbers.into_iter().filter(|number| *number > 2).try_for_each(|number| match close_on_exec(number) {
        Err(Errno::EBADF) => Ok(()),
        done => done,
    })
}

/// A run needs some forty, a front one.
fn raise_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(65536).max(soft), hard); // what is there then is what there is
    }
}

/// Whether the kernel says this user of everybody whom this process's user namespace does not know.
fn nameless(user: u32) -> bool {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let whole = |map: &str| map.split_whitespace().any(|count| count == "4294967295");
    read("/proc/sys/kernel/overflowuid").trim().parse() == Ok(user) && !whole(&read("/proc/self/uid_map"))
}

/// Tells whoever started this as a service.
fn notify(state: &str) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&name),
    };
    // Who does not listen misses it.
    let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(state.as_bytes(), &address?));
}

impl Supervisor<'_> {
    fn work(&mut self) -> Result<(), ServeError> {
        let mut ready = [EpollEvent::empty(); 64];
        while !self.is_over() {
            // Those that wait for a time wait for no more than a second.
            let idle = self.ending.is_none() && self.fronts.is_empty() && self.refused.is_empty();
            let timeout = if idle { EpollTimeout::NONE } else { EpollTimeout::from(1000u16) };
            let count = match self.epoll.wait(&mut ready, timeout) {
                Err(Errno::EINTR) => 0,
                waited => waited.map_err(kernel("epoll"))?,
            };
            for event in ready.iter().take(count) {
                let number = event.data() & LOWER;
                match event.data() & !LOWER {
                    FRONT => self.hear(number),
                    RUN => self.advance(number),
                    _ if event.data() == SIGNALS => self.signalled(),
                    _ => self.accept(),
                }
            }
            self.begin_runs();
            self.pass_time(Moment::now());
        }
        notify("STOPPING=1");
        self.log.say("ended", json!({}));
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.last = (self.last + 1) & LOWER;
        self.last
    }

    fn signalled(&mut self) {
        while let Some(number) = self.signals.came() {
            match Signal::try_from(number) {
                Ok(Signal::SIGHUP) => self.reload(),
                _ if self.ending.is_none() => self.begin_ending(),
                _ => self.cancel_all(),
            }
        }
    }

    /// The old configuration stays where the new one is none.
    fn reload(&mut self) {
        self.policies.forget();
        match configured(&self.places) {
            Ok((config, _)) => {
                self.queue.bound(config.runs, config.queue);
                self.config = config;
                self.wrong = None;
                self.log.say("reloaded", json!({}));
            }
            Err(error) => {
                self.log.say("kept", json!({ "configuration": error.to_string() }));
                self.wrong = Some(error.to_string());
            }
        }
        // Whose tenant has changed gets another front.
        let moved = |front: &Front| self.config.tenant(&front.user).map(|(name, _)| name).as_ref() != Some(&front.tenant);
        let moved: Vec<u64> = self.fronts.iter().filter(|(_, front)| moved(front)).map(|(number, _)| *number).collect();
        for number in moved {
            self.front_of.retain(|_, front| *front != number);
            self.tell(number, 0, &Tell::Drain, None);
        }
    }

    fn begin_ending(&mut self) {
        self.ending = Some(Moment::now());
        self.log.say("ending", json!({ "grace_s": GRACE.as_secs() }));
        if let Some(bound) = self.bound.take() {
            let _ = self.epoll.delete(&bound.listener); // it goes in any case
        }
        for number in self.fronts.keys().copied().collect::<Vec<_>>() {
            self.tell(number, 0, &Tell::Drain, None);
        }
        self.end_queued();
    }

    fn is_over(&self) -> bool {
        let lingering = self.fronts.values().any(|front| front.connections > 0);
        self.ending.is_some() && self.quiet.is_some_and(|since| !lingering || Moment::now().since(since) > Duration::from_secs(5))
    }

    /// What is due by now.
    fn pass_time(&mut self, now: Moment) {
        let idle = |front: &Front| front.idle.is_some_and(|since| now.since(since) > FRONT_IDLE);
        let idle: Vec<u64> = self.fronts.iter().filter(|(_, front)| idle(front)).map(|(number, _)| *number).collect();
        for number in idle {
            self.end_front(number, "idle");
        }
        self.queue.tidy(now);
        self.refused.retain_mut(|stream| !matches!(stream.read(&mut [0; 512]), Ok(0)));
        if self.ending.is_some_and(|since| now.since(since) > GRACE) {
            self.cancel_all();
        }
        if self.ending.is_some() && self.followed.is_empty() {
            self.quiet.get_or_insert(now);
        }
    }

    /// Takes connections, each to the front of whoever made it.
    fn accept(&mut self) {
        for _ in 0..64 {
            let Some(bound) = &self.bound else { return };
            let Ok((stream, _)) = bound.listener.accept() else { return };
            if let Err((status, why)) = self.admit(&stream) {
                // One line a second: whoever is refused can come again and again.
                let now = Moment::now();
                if self.told_refusal.is_none_or(|told| now.since(told) >= Duration::from_secs(1)) {
                    self.told_refusal = Some(now);
                    self.log.say("refused", json!({ "status": status, "why": why }));
                }
                self.refuse(stream, status, &why);
                continue;
            }
        }
    }

    /// Hands a connection to its front, which is started if there is none.
    fn admit(&mut self, stream: &UnixStream) -> Result<(), (&'static str, String)> {
        const FORBIDDEN: &str = "403 Forbidden";
        const BUSY: &str = "503 Service Unavailable";
        let internal = |error: &dyn std::fmt::Display| (BUSY, error.to_string());
        let identity = Identity::of_peer(stream).map_err(|error| internal(&error))?;
        let who = identity.user();
        if identity.user() != geteuid().as_raw() && self.first_front.is_none() {
            return Err((FORBIDDEN, format!("user {who}: without privilege this daemon serves its own user alone")));
        }
        if nameless(who) {
            return Err((FORBIDDEN, format!("user {who} is whoever this daemon's user namespace does not know")));
        }
        let [passwd, group] = ["/etc/passwd", "/etc/group"].map(|file| fs::read_to_string(file).unwrap_or_default());
        let user = User::of(who, identity.group(), &passwd, &group);
        let (tenant, _) = self.config.tenant(&user).ok_or_else(|| (FORBIDDEN, format!("user {who} is in no tenant of this daemon")))?;
        stream.set_nonblocking(true).map_err(|error| internal(&error))?;
        let copy = stream.try_clone().map_err(|error| internal(&error))?;
        let number = match self.front_of.get(&(who, tenant.clone())) {
            Some(number) => *number,
            None => self.start_front(identity, user, tenant).map_err(|why| (BUSY, why))?,
        };
        let Some(front) = self.fronts.get_mut(&number) else { return Err((BUSY, "its front has ended".to_owned())) };
        if front.connections >= CONNECTIONS {
            return Err((BUSY, format!("user {who} has {CONNECTIONS} connections, which is all that one may have")));
        }
        front.connections += 1;
        front.idle = None;
        self.tell(number, 0, &Tell::Connection, Some(OwnedFd::from(copy)));
        Ok(())
    }

    fn start_front(&mut self, identity: Identity, user: User, tenant: String) -> Result<u64, String> {
        if self.fronts.len() >= FRONTS {
            return Err(format!("{FRONTS} users are connected, which is all that this daemon serves at once"));
        }
        let taken: Vec<u32> = self.fronts.values().map(|front| front.index).collect();
        let index = (0..).find(|index| !taken.contains(index)).unwrap_or_default();
        let id = self.first_front.map(|first| first - index);
        let front = Front::start(identity, user, tenant.clone(), index, id).map_err(|error| format!("cannot start a front: {error}"))?;
        let number = self.number();
        let added = self.epoll.add(&front, EpollEvent::new(front.armed, FRONT | number));
        added.map_err(|errno| format!("cannot follow a front: {errno}"))?;
        self.log.say("front", json!({ "user": identity.user(), "tenant": tenant, "pid": front.pid(), "id": id }));
        self.fronts.insert(number, front);
        self.front_of.insert((identity.user(), tenant), number);
        Ok(number)
    }

    /// Says in fixed words why a connection is not taken. Nothing of it is read, but its end.
    fn refuse(&mut self, mut stream: UnixStream, status: &str, why: &str) {
        let code = status.split(' ').next().unwrap_or_default();
        let title = status.split_once(' ').map_or("", |(_, title)| title);
        let number: u16 = code.parse().unwrap_or(503);
        let body = json!({ "type": "about:blank", "title": title, "status": number, "detail": why, "exit_status": 10 }).to_string();
        let retry = if number == 503 { "Retry-After: 1\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n{retry}Connection: close\r\n\r\n",
            body.len()
        );
        // What does not go into the socket at once is not worth waiting for.
        let _ = stream.set_nonblocking(true).and_then(|()| stream.write_all((head + &body).as_bytes()));
        let _ = stream.shutdown(Shutdown::Write);
        self.refused.push_back(stream);
        if self.refused.len() > 64 {
            self.refused.pop_front();
        }
    }

    /// Tells a front something; one that cannot be told is ended.
    fn tell(&mut self, number: u64, call: u64, tell: &Tell, beside: Option<OwnedFd>) {
        let Some(front) = self.fronts.get_mut(&number) else { return };
        match front.tell(call, tell, beside) {
            Ok(()) => self.rearm(number),
            Err(fault) => self.end_front(number, &fault),
        }
    }

    fn rearm(&mut self, number: u64) {
        let Some(front) = self.fronts.get_mut(&number) else { return };
        let wanted = front.wanted();
        if wanted == front.armed {
            return;
        }
        front.armed = wanted;
        let mut event = EpollEvent::new(wanted, FRONT | number);
        if let Err(errno) = self.epoll.modify(&*front, &mut event) {
            self.end_front(number, &format!("it cannot be followed: {errno}"));
        }
    }

    /// Ends a front and all that was its.
    fn end_front(&mut self, number: u64, why: &str) {
        let Some(front) = self.fronts.remove(&number) else { return };
        let _ = self.epoll.delete(&front); // it goes in any case
        self.front_of.retain(|_, of| *of != number);
        self.log.say("front ended", json!({ "user": front.user.id, "pid": front.pid(), "why": why }));
        for open in front.open.values() {
            self.let_go(number, open);
        }
    }

    fn running(&self) -> impl Iterator<Item = (&String, &Record)> {
        self.runs.iter().filter(|(_, record)| matches!(record.state, State::Running(..)))
    }
}
