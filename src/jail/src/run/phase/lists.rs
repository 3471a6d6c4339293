//! The closed lists of a run's course: where it is, what is watched, what happens, what is done.

use std::time::Duration;

use remand_plan::evidence::Stop;

use crate::moment::Moment;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is being made, and user code cannot have begun.
    Starting(Start),
    /// User code can have begun, and its clock runs.
    Running,
    /// It was stopped, or it ended by itself.
    Ending(End),
    /// There is nothing left of it to wait for.
    Gone,
}

/// What a start waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The forkserver that is its own, to serve.
    Forkserver,
    /// Its init, to be made.
    Init,
    /// Its program: the `ready` frame; for a plain program, exec.
    Ready,
}

/// What an end waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The code's word of where it is. Why it ends is decided, and it goes on meanwhile.
    Word,
    /// The death of its processes, which were killed.
    Processes,
    /// The ends of file of its pipes. The last process is gone, so what they hold is finite; but descriptors in flight in sockets of the run's own, which take a
    /// policy that grants them, hold a pipe open until the kernel's collector of such sockets has come by.
    Pipes,
    /// The same collector, where these could hold memory.
    Memory,
}

/// Something that is watched. In the order in which it is handled: denied calls first, since the more a call waits, the likelier a signal takes it back unheard;
/// then as a run says it, a result before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Source {
    Denial,
    /// What the forkserver says, as long as it is the run's own.
    Forkserver,
    Result,
    Stdout,
    Stderr,
    /// Where the code is, as it says.
    Stacks,
    Report,
    Init,
    /// Its memory comes near its limit.
    Near,
    Memory,
    /// The answer of the exact look at memory.
    Look,
    /// The end of the forkserver that was the run's own.
    Leaving,
    Job,
    /// What the caller has for standard input.
    Feed,
    /// Room in the run's standard input.
    Input,
    /// The time of the next deadline.
    Time,
}

impl Source {
    /// All, in order.
    pub const ALL: [Self; 16] = [
        Self::Denial,
        Self::Forkserver,
        Self::Result,
        Self::Stdout,
        Self::Stderr,
        Self::Stacks,
        Self::Report,
        Self::Init,
        Self::Near,
        Self::Memory,
        Self::Look,
        Self::Leaving,
        Self::Job,
        Self::Feed,
        Self::Input,
        Self::Time,
    ];
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The forkserver serves.
    Served,
    /// The init is there.
    Made,
    /// It cannot be made.
    Unmade,
    /// All steps up to exec are done.
    Executing,
    /// User code can begin.
    Ready,
    /// The run is to end, for this.
    Stop(Stop),
    /// The code says where it is.
    Told,
    /// What it holds comes near the memory limit. Should it be killed for that, it can say nothing any more.
    Near,
    /// A pipe is at its end of file, or is read no further.
    Closed(Source),
    /// The own forkserver has ended.
    Left,
    /// The job is handed over.
    Given,
    /// Init told when the last process was gone.
    Accounted(Moment),
    /// The last process is gone.
    Died,
    /// So many bytes are held by descriptors in flight, if anything counts them.
    Held(Option<u64>),
    /// All that was there was handled; whether there was anything.
    Round(bool),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the forkserver for the run.
    Order,
    /// Watch what a run says and what can end it.
    Follow,
    /// Watch this too.
    Watch(Source),
    /// Watch this no longer.
    Forget(Source),
    /// Start the meters.
    Meter,
    /// Look at what the meters show.
    Look,
    /// Let it have a processor: the answer takes time on one.
    Hasten,
    /// Ask the code where it is.
    AskWhere,
    /// Kill its processes.
    Kill,
    /// Watch nothing but the pipes; no call waits for an answer any more.
    Drain,
    /// Look at what memory is held.
    Weigh,
    /// End the forkserver that is its own, and what it may have made.
    Abandon,
}

/// What a run's course depends on.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// It is a plain program, which says nothing when it is ready.
    pub program: bool,
    /// It can say where it is.
    pub tells: bool,
    /// It has a forkserver of its own, which ends when the run is made. The job waits for that: without a pids cgroup its place counts among the run's.
    pub own_server: bool,
    /// What user code gets.
    pub wall: Option<Duration>,
    /// Descriptors in flight can hold what it held.
    pub in_flight: bool,
    /// Bytes that may be counted for a while after they were given back.
    pub counted_late: u64,
}
