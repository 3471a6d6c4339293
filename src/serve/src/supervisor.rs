//! The supervisor: owns the socket, knows who calls, makes the runs, decides who may what.
//!
//! Always holds: one thread, which waits in one place and for nobody in particular (what takes a while has a thread of its own, [`preparing`]); everything that a
//! front says goes through one table, and a front that says anything else is ended with what is its; who calls is what the kernel said when the connection was
//! taken, and nothing that came over it.

mod asked;
mod audit;
mod beginning;
mod containers;
mod door;
mod events;
mod kept;
mod lives;
mod metrics;
mod place;
mod policies;
mod preparing;
mod process;
mod record;
mod servers;
mod start;
mod submit;
mod turns;

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use remand_engine::host::peer::Home;
use remand_engine::host::{Depth, observe};
use remand_engine::{Held, Moment};
use serde_json::json;

use crate::client::Owner;
use crate::config::Config;
use crate::log::{Form, Log};
use crate::protocol::Tell;
use crate::queue::Queue;
use audit::Audit;
use containers::Containers;
use metrics::Metrics;
use place::Bound;
pub use place::found;
use policies::Store;
use preparing::Preparing;
use process::Front;
use record::{Keyed, Record, State};
use servers::Servers;
use start::kernel;

pub use start::{Places, ServeError, configured};

/// What a descriptor of the loop is: the kind in the upper two bits, a number in the others.
const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
const PREPARED: u64 = 2;
const FRONT: u64 = 1 << 62;
const RUN: u64 = 2 << 62;
const SERVER: u64 = 3 << 62;
const LOWER: u64 = (1 << 62) - 1;

/// See the module.
struct Supervisor<'s> {
    epoll: Epoll,
    bound: Option<Bound>,
    signals: Held,
    log: Log<'s>,
    metrics: Metrics,
    audit: Audit,
    places: Places,
    config: Config,
    /// What is wrong with the configuration that was to come after it.
    wrong: Option<String>,
    /// The id of the first front, counted down from here; with privilege.
    first_front: Option<u32>,
    policies: Store,
    preparing: Preparing,
    servers: Servers,
    fronts: BTreeMap<u64, Front>,
    /// The front of each client and tenant.
    front_of: BTreeMap<(Owner, String), u64>,
    /// What counts as the host.
    home: Home,
    containers: Containers,
    runs: BTreeMap<String, Record>,
    /// Those that go on, by the number that they are followed by.
    followed: BTreeMap<u64, String>,
    queue: Queue,
    /// The runs of idempotency keys: by owner, label and key.
    keys: BTreeMap<Keyed, String>,
    last: u64,
    /// Refused connections, whose answer may not be read yet.
    refused: VecDeque<UnixStream>,
    /// When one was last told in the log.
    told_refusal: Option<Moment>,
    /// Since when no connection is taken, for want of descriptors.
    deaf: Option<Moment>,
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
    start::raise_descriptors();
    let path = places.socket.clone().unwrap_or_else(place::usual);
    let bound = Bound::listen(&path).map_err(|why| ServeError::Socket { path: path.clone(), why })?;
    start::keep_to_itself().map_err(kernel("descriptors that were left open"))?;
    let signals = Held::all_that_end(&[]).map_err(kernel("holding signals back"))?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(kernel("epoll"))?;
    let preparing = Preparing::new().map_err(kernel("eventfd"))?;
    let wait = |data| EpollEvent::new(EpollFlags::EPOLLIN, data);
    epoll.add(&bound.listener, wait(LISTENER)).map_err(kernel("epoll"))?;
    epoll.add(&signals, wait(SIGNALS)).map_err(kernel("epoll"))?;
    epoll.add(&preparing, wait(PREPARED)).map_err(kernel("epoll"))?;
    let host = observe(Depth::Quick);
    let log = Log::new(form, say);
    let home = Home::look().map_err(|error| ServeError::Namespaces { error })?;
    let alone = (!host.privileged).then_some("no privilege: fronts and runs have this user's id, and it alone is served");
    let weaker: Vec<&str> = alone.into_iter().chain(home.narrower.as_deref()).collect();
    let weaker = (!weaker.is_empty()).then(|| weaker.join("; "));
    log.say("serving", json!({ "socket": path.to_string_lossy(), "configuration": file.map(|file| file.to_string_lossy().into_owned()), "weaker": weaker }));
    let mut supervisor = Supervisor {
        epoll,
        bound: Some(bound),
        signals,
        log,
        metrics: Metrics::default(),
        audit: Audit::open(config.audit.as_ref()),
        places: places.clone(),
        queue: Queue::new(config.runs, config.queue),
        config,
        wrong: None,
        first_front: host.privileged.then(|| host.first_run_id.saturating_sub(1)),
        policies: Store::default(),
        preparing,
        servers: Servers::default(),
        keys: BTreeMap::new(),
        deaf: None,
        fronts: BTreeMap::new(),
        front_of: BTreeMap::new(),
        home,
        containers: Containers::default(),
        runs: BTreeMap::new(),
        followed: BTreeMap::new(),
        last: 0,
        refused: VecDeque::new(),
        told_refusal: None,
        ending: None,
        quiet: None,
    };
    supervisor.tell_trouble();
    start::notify("READY=1");
    supervisor.work()
}

impl Supervisor<'_> {
    fn work(&mut self) -> Result<(), ServeError> {
        let mut ready = [EpollEvent::empty(); 64];
        while !self.is_over() {
            // Those that wait for a time wait for no more than a second.
            let timeout = if self.waits_for_time() { EpollTimeout::from(1000u16) } else { EpollTimeout::NONE };
            let count = match self.epoll.wait(&mut ready, timeout) {
                Err(Errno::EINTR) => 0,
                waited => waited.map_err(kernel("epoll"))?,
            };
            for event in ready.iter().take(count) {
                let number = event.data() & LOWER;
                match (event.data() & !LOWER, number) {
                    (FRONT, _) => self.hear(number),
                    (RUN, _) => self.advance(number),
                    (SERVER, _) => self.hear_server(number),
                    (_, SIGNALS) => self.signalled(),
                    (_, PREPARED) => self.take_prepared(),
                    _ => self.accept(),
                }
            }
            self.begin_runs();
            self.pass_time(Moment::now());
        }
        start::notify("STOPPING=1");
        self.log.say("ended", json!({}));
        Ok(())
    }

    /// One that nothing else of this process has, or ever had.
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Tells a front something; one that cannot be told is ended.
    fn tell(&mut self, number: u64, call: u64, tell: &Tell, beside: Option<OwnedFd>) {
        let Some(front) = self.fronts.get_mut(&number) else { return };
        if let Tell::Problem(problem) = tell {
            self.metrics.refused(problem.status);
        }
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
        self.log.say("front ended", front.client.told(json!({ "pid": front.pid(), "why": why })));
        for open in front.open.values() {
            self.let_go(number, open);
        }
    }

    fn running(&self) -> impl Iterator<Item = (&String, &Record)> {
        self.runs.iter().filter(|(_, record)| matches!(record.state, State::Preparing(..) | State::Running(..)))
    }
}
