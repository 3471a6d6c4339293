//! What a caller asks for, and what it is given while a run goes on.

use std::borrow::Cow;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use remand_plan::artifacts::Patterns;
use remand_plan::frames::Shown;
use remand_plan::output::{Channel, Piece};
use remand_plan::workspace::Workspace;

use remand_plan::{HostFacts, Plan};
use serde_json::value::RawValue;

use super::input::Feed;
use crate::sys::terminal::Size;

/// One run as decided.
pub struct Launch<'a> {
    /// What is to be done.
    pub plan: Arc<Plan>,
    /// The host that the plan was made for.
    pub host: Arc<HostFacts>,
    /// What the run is given to do.
    pub job: Job<'a>,
    /// The plan for what the host turned out to be; `None` if the policy cannot do with less.
    pub with_less: WithLess<'a>,
}

/// What one run is given to do.
#[derive(Default)]
pub struct Job<'a> {
    /// The run's id, of those that [`super::run_id`] makes. None: one of its own.
    pub id: Option<String>,
    /// The encoded job of an executor; empty for a plain program.
    pub bytes: Cow<'a, [u8]>,
    /// It is code that is a program.
    pub program: bool,
    /// What it finds in its `/workspace`.
    pub workspace: Workspace,
    /// Which files of that are wanted when it is over.
    pub artifacts: Option<Patterns>,
    /// How many items it is called for, one by one.
    pub items: Option<u64>,
    /// Where its standard input comes from. None: it has ended.
    pub input: Option<Feed>,
}

/// Makes another plan of a plan, for what the host turned out to be.
pub type WithLess<'a> = Box<dyn Fn(&Plan, &HostFacts) -> Option<Plan> + Send + 'a>;

/// Something that a run said, within its limits. Hostile.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// Nothing yet: user code can begin. The run's id.
    Begun(&'a str),
    /// Output, as it came.
    Output(Piece<'a>),
    /// So many bytes of a channel's output were dropped. What comes of it then is the last.
    Dropped(Channel, u64),
    /// Something that a program shows.
    Shown(&'a Shown),
    /// The value of one item, by the item's number.
    Item(u64, &'a RawValue),
}

/// Takes what a run says as it comes, with the microseconds since user code could begin, and gives back at once: while it takes, no limit is looked at.
pub type Sink<'a> = Box<dyn FnMut(Said<'_>, u64) + Send + 'a>;

/// What a caller does once user code can have begun.
pub type Begun<'a> = Box<dyn FnOnce() + Send + 'a>;

/// What a run has spent until now.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Since its code began.
    pub wall: Duration,
    /// User and system.
    pub cpu: (Duration, Duration),
    /// Bytes that no file of a disk backs; `None` where nothing counts them.
    pub memory: Option<u64>,
    /// Processes and threads; `None` where nothing counts them.
    pub pids: Option<u64>,
    /// Bytes that it printed and wrote to its streams.
    pub printed: u64,
}

/// Is told how a run goes, twice a second after its first; gives back at once.
pub type Watcher<'a> = Box<dyn FnMut(Progress) + Send + 'a>;

/// A caller's terminal, whose size that of the run has.
pub struct Screen<'a> {
    /// Readable: it may be another.
    pub changed: BorrowedFd<'a>,
    /// Takes note of that; how large it is now.
    pub size: Box<dyn FnMut() -> Size + Send + 'a>,
}

/// What a caller can do while the run goes on.
#[derive(Default)]
pub struct Caller<'a> {
    /// Readable: the run is to be cancelled.
    pub cancel: Option<BorrowedFd<'a>>,
    /// Gets what the run says.
    pub sink: Option<Sink<'a>>,
    /// Called once nothing of the start is done any more.
    pub begun: Option<Begun<'a>>,
    /// Is told how it goes.
    pub watcher: Option<Watcher<'a>>,
    /// What a run that has a terminal follows in size.
    pub screen: Option<Screen<'a>>,
}
