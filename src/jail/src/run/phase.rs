//! The course of a run, as a machine without input, output or a clock: what happened goes in, what is to be done comes out.
//!
//! ```text
//! Starting(Forkserver) -> Starting(Init) -> Starting(Ready) -> Running -> Ending(Processes) -> Ending(Pipes) -> Ending(Memory) -> Gone
//! ```
//!
//! A run of a forkserver that serves already begins with its init; one that nobody stops goes from `Running` to its pipes; memory is waited for only where
//! descriptors in flight can hold some. A pool's run will wait between `Starting(Ready)` and `Running`, for its job, with no clock running.
//!
//! Always holds: no phase is waited in without an end, but for the kernel's killing; the first reason to stop stays; what was made is undone or ended by an
//! action; after `Gone` nothing is done.

mod lists;

use std::time::Duration;

use remand_plan::evidence::Stop;
use remand_plan::limit::LimitKind;

use crate::moment::{Moment, START_LIMIT};

pub use lists::{Action, Course, End, Event, Phase, Source, Start};

/// For the pipes to end after the last process did, and then for memory that descriptors in flight hold.
const DRAIN: Duration = Duration::from_secs(1);
/// For memory that may be counted only: twice the time in which the kernel sums up what it has counted.
const SUMMED: Duration = Duration::from_secs(4);
/// Between two looks at what memory is held.
const LOOK: Duration = Duration::from_millis(5);

/// For the code to say where it is, once it is decided that its time is over; and from its last word on.
const ASKED: Duration = Duration::from_millis(20);
const QUIET: Duration = Duration::from_millis(2);

/// What still says something after the last process is gone.
const PIPES: [Source; 5] = [Source::Result, Source::Stdout, Source::Stderr, Source::Stacks, Source::Report];

/// The machine.
#[derive(Debug)]
pub struct Machine {
    course: Course,
    phase: Phase,
    launched: Moment,
    /// When the phase is waited in no longer.
    until: Option<Moment>,
    /// When memory is looked at next.
    look: Moment,
    /// Pipes that have not ended.
    pipes: Vec<Source>,
    ready: Option<Moment>,
    ended: Option<Moment>,
    stopped: Option<Stop>,
    /// What it waited for when it was given up.
    gave_up: Option<Start>,
    wall: Duration,
    held: Option<u64>,
}

impl Machine {
    /// A run that begins now.
    pub fn begin(course: Course, now: Moment) -> Self {
        let phase = Phase::Starting(if course.own_server { Start::Forkserver } else { Start::Init });
        let (until, pipes) = (Some(now.after(START_LIMIT)), PIPES.to_vec());
        let (ready, ended, stopped, gave_up) = (None, None, None, None);
        Self { course, phase, launched: now, until, look: now, pipes, ready, ended, stopped, gave_up, wall: Duration::ZERO, held: None }
    }

    /// Where it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The first reason to stop it.
    pub fn stopped(&self) -> Option<Stop> {
        self.stopped
    }

    /// What it waited for, if it was never made.
    pub fn gave_up(&self) -> Option<Start> {
        self.gave_up
    }

    /// Whether a pipe has not come to its end.
    pub fn is_open(&self, pipe: Source) -> bool {
        self.pipes.contains(&pipe)
    }

    /// User code can have begun.
    pub fn is_ready(&self) -> bool {
        self.ready.is_some()
    }

    /// Since `ready`.
    pub fn since_ready(&self, now: Moment) -> Duration {
        self.ready.map_or(Duration::ZERO, |ready| now.since(ready))
    }

    /// From `ready` to the end of the last process; all of it since the launch, which is more, where `ready` was not read before that end.
    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// What descriptors in flight still hold where they can: bytes, if anything counts them, and pipes.
    pub fn held(&self) -> Option<(Option<u64>, usize)> {
        self.course.in_flight.then_some((self.held, self.pipes.len()))
    }

    /// The limits of a run that goes on are looked at.
    pub fn is_limited(&self) -> bool {
        matches!(self.phase, Phase::Starting(Start::Ready) | Phase::Running)
    }

    /// When there is something to do without anything happening.
    pub fn deadline(&self) -> Option<Moment> {
        match self.phase {
            // What is there already is read in any case; not what somebody outside of the run goes on to write, who was handed the other end.
            Phase::Ending(End::Pipes) if self.stopped == Some(Stop::Cancelled) => Some(self.look),
            Phase::Ending(End::Memory) => Some(self.look),
            _ => self.until,
        }
    }

    /// What comes of an event.
    pub fn on(&mut self, event: Event, now: Moment) -> Vec<Action> {
        match self.phase {
            Phase::Starting(Start::Forkserver | Start::Init) => self.on_making(event, now),
            Phase::Starting(Start::Ready) | Phase::Running | Phase::Ending(End::Word | End::Processes) => self.on_living(event, now),
            Phase::Ending(End::Pipes) => self.on_draining(event, now),
            Phase::Ending(End::Memory) => self.on_weighing(event, now),
            Phase::Gone => Vec::new(),
        }
    }

    fn on_making(&mut self, event: Event, now: Moment) -> Vec<Action> {
        match event {
            Event::Served if self.phase == Phase::Starting(Start::Forkserver) => {
                self.phase = Phase::Starting(Start::Init);
                vec![Action::Order]
            }
            Event::Made if self.phase == Phase::Starting(Start::Init) && self.stopped.is_some() => {
                self.go(Phase::Ending(End::Processes), None);
                vec![Action::Follow, Action::Kill]
            }
            Event::Made if self.phase == Phase::Starting(Start::Init) => {
                self.go(Phase::Starting(Start::Ready), Some(now.after(START_LIMIT)));
                vec![Action::Follow]
            }
            // A forkserver that others need too is not ended for it: what it makes is.
            Event::Stop(why) if !self.course.own_server => {
                self.stopped.get_or_insert(why);
                Vec::new()
            }
            Event::Stop(why) => {
                self.stopped = Some(why);
                self.give_up()
            }
            Event::Unmade => self.give_up(),
            Event::Round(_) if self.is_late(now) => self.give_up(),
            _ => Vec::new(),
        }
    }

    fn on_living(&mut self, event: Event, now: Moment) -> Vec<Action> {
        match event {
            Event::Executing => {
                let mut actions = vec![Action::Watch(Source::Denial)];
                actions.push(Action::Watch(if self.course.own_server { Source::Leaving } else { Source::Job }));
                actions.extend(self.course.program.then(|| self.begin_clock(now)).flatten());
                actions
            }
            Event::Ready => self.begin_clock(now).into_iter().collect(),
            Event::Left => vec![Action::Forget(Source::Leaving), Action::Watch(Source::Job)],
            Event::Given => vec![Action::Forget(Source::Job)],
            Event::Told if self.phase == Phase::Ending(End::Word) => {
                let quiet = now.after(QUIET);
                self.until = self.until.map(|until| until.min(quiet));
                Vec::new()
            }
            Event::Near if self.phase == Phase::Running && self.course.tells => vec![Action::AskWhere],
            Event::Closed(pipe) => self.close(pipe),
            Event::Accounted(at) => self.account(at),
            Event::Stop(Stop::Cancelled | Stop::Internal) if self.phase == Phase::Ending(End::Word) => self.kill(),
            Event::Stop(why) => self.stop(why, now),
            Event::Died => {
                self.go(Phase::Ending(End::Pipes), Some(now.after(DRAIN)));
                let mut actions = vec![Action::Drain];
                actions.extend(self.pipes.is_empty().then(|| self.drained(now)).into_iter().flatten());
                actions
            }
            // A run that has ended kept its limits, even if the supervisor was too busy to see it in time: this comes last in a round.
            Event::Round(_) if self.phase == Phase::Ending(End::Processes) => Vec::new(),
            Event::Round(_) if self.phase == Phase::Ending(End::Word) => {
                if self.is_late(now) {
                    self.kill()
                } else {
                    Vec::new()
                }
            }
            Event::Round(_) if self.is_late(now) => {
                self.stop(if self.is_ready() { Stop::Limit(LimitKind::WallTime) } else { never_ready() }, now)
            }
            Event::Round(_) => vec![Action::Look],
            _ => Vec::new(),
        }
    }

    fn on_draining(&mut self, event: Event, now: Moment) -> Vec<Action> {
        match event {
            // Said before the end, and read after it.
            Event::Ready => self.begin_clock(now).map(|_| Vec::new()).unwrap_or_default(),
            Event::Executing if self.course.program => self.begin_clock(now).map(|_| Vec::new()).unwrap_or_default(),
            Event::Accounted(at) => self.account(at),
            Event::Stop(why) => {
                self.stopped.get_or_insert(why);
                self.look = now;
                Vec::new()
            }
            Event::Closed(pipe) => {
                let mut actions = self.close(pipe);
                actions.extend(self.pipes.is_empty().then(|| self.drained(now)).into_iter().flatten());
                actions
            }
            Event::Round(any) => {
                let late = self.stopped == Some(Stop::Cancelled) || self.is_late(now);
                let never = self.until.is_some_and(|until| now >= until.after(DRAIN));
                if late && (!any || never) { self.drained(now) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    fn on_weighing(&mut self, event: Event, now: Moment) -> Vec<Action> {
        match event {
            Event::Held(bytes) => {
                self.held = bytes;
                self.look = now.after(LOOK);
                let longest = if bytes.is_some_and(|bytes| bytes <= self.course.counted_late) { SUMMED } else { DRAIN };
                let late = self.until.is_none_or(|until| until.since(now) <= SUMMED - longest);
                // There is no event for it.
                if bytes.is_none_or(|bytes| bytes == 0) || late || self.stopped == Some(Stop::Cancelled) {
                    self.go(Phase::Gone, None);
                }
                Vec::new()
            }
            Event::Round(_) if now >= self.look => vec![Action::Weigh],
            // The code has ended in its own way by now.
            Event::Stop(_) => {
                self.go(Phase::Gone, None);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// User code can begin; it does so once.
    fn begin_clock(&mut self, now: Moment) -> Option<Action> {
        if self.ready.is_some() {
            return None;
        }
        self.ready = Some(now);
        if self.phase == Phase::Starting(Start::Ready) {
            self.go(Phase::Running, self.course.wall.map(|wall| now.after(wall)));
        }
        Some(Action::Meter)
    }

    fn stop(&mut self, why: Stop, now: Moment) -> Vec<Action> {
        if self.stopped.is_some() {
            return Vec::new();
        }
        self.stopped = Some(why);
        let asks = matches!(why, Stop::Limit(LimitKind::WallTime | LimitKind::CpuTime) | Stop::ResultClosed);
        if asks && self.course.tells && self.phase == Phase::Running {
            self.go(Phase::Ending(End::Word), Some(now.after(ASKED)));
            return vec![Action::Hasten, Action::AskWhere];
        }
        self.kill()
    }

    fn kill(&mut self) -> Vec<Action> {
        self.go(Phase::Ending(End::Processes), None);
        vec![Action::Kill]
    }

    fn close(&mut self, pipe: Source) -> Vec<Action> {
        self.pipes.retain(|&open| open != pipe);
        vec![Action::Forget(pipe)]
    }

    fn account(&mut self, at: Moment) -> Vec<Action> {
        self.ended = Some(at);
        Vec::new()
    }

    /// No pipe is read any more. By init's account of the end where there is one: this process may have been stopped. A run that outlived its wall time is over
    /// it, seen in time or not.
    fn drained(&mut self, now: Moment) -> Vec<Action> {
        let ended = self.ended.unwrap_or(now);
        self.wall = self.ready.map_or(Duration::ZERO, |ready| ended.since(ready));
        if self.course.wall.is_some_and(|limit| self.wall > limit) {
            self.stopped.get_or_insert(Stop::Limit(LimitKind::WallTime));
        }
        if self.ready.is_some_and(|ready| ready >= ended) {
            self.wall = ended.since(self.launched);
        }
        if self.course.in_flight {
            self.go(Phase::Ending(End::Memory), Some(now.after(SUMMED)));
            return vec![Action::Weigh];
        }
        self.go(Phase::Gone, None);
        Vec::new()
    }

    fn give_up(&mut self) -> Vec<Action> {
        self.gave_up = if let Phase::Starting(start) = self.phase { Some(start) } else { None };
        self.go(Phase::Gone, None);
        vec![Action::Abandon]
    }

    fn go(&mut self, phase: Phase, until: Option<Moment>) {
        (self.phase, self.until) = (phase, until);
    }

    fn is_late(&self, now: Moment) -> bool {
        self.until.is_some_and(|until| now >= until)
    }
}

fn never_ready() -> Stop {
    Stop::NeverReady(START_LIMIT)
}

#[cfg(test)]
mod tests;
