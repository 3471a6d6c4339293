//! The broker's protocol from this runner's side, without input or output: what comes, and what is done about it.
//!
//! | stage | begins with | offers | an accepted offer |
//! |---|---|---|---|
//! | apart | the start, a lost connection | none | - |
//! | connected | a connection | none | is refused |
//! | registered | `broker:runnerregistered` | topped up | becomes a task, if there is room |
//! | draining | `broker:drain` | none | is refused |
//! | stopping | a signal, no work for too long | none | is refused |
//!
//! A task waits for its settings, runs, and is over; or is to end sooner, and is over. Whatever its state, it has one slot, and gives it back.
//!
//! Always holds: each event is answered at once; offers and tasks together are never more than there are slots; no task waits for ever; after stopping nothing
//! begins, and the end comes within the grace time.

mod tasks;

use std::time::Duration;

use remand_engine::Moment;

use crate::ids::{id, jitter};
use crate::incoming::{Incoming, Unread};
use crate::outgoing;
use crate::settings::Level;
use crate::task::Task;
use tasks::{Entry, Progress, Slots};

/// How often time passes.
pub const TICK: Duration = Duration::from_millis(250);
/// Milliseconds for which an offer stands, but for what is added by chance, so that not all end at once.
const VALID: u64 = 5000;
/// See [`VALID`].
const JITTER: u64 = 500;
/// How much longer it is honoured: messages are under way for a while.
const LATENCY: Duration = Duration::from_millis(100);
/// How long an accepted task waits for its settings: the broker gives its requester two seconds.
const SETTINGS: Duration = Duration::from_secs(30);

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'e> {
    /// There is a connection.
    Opened,
    /// The broker says something.
    Message(&'e str),
    /// Time has passed.
    Tick,
    /// A task is over, and these are its messages.
    Over(u64, Vec<String>),
    /// The connection is gone.
    Lost,
    /// A signal to end came.
    Stop(&'e str),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Say this to the broker.
    Send(String),
    /// Begin a task, under this number.
    Start(u64, Box<Task>),
    /// End one.
    Cancel(u64),
    /// Log a line.
    Log(Level, String),
    /// Leave the broker, and end with this status.
    End(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Apart,
    Connected,
    Registered,
    Draining,
    /// Since then, and whether for a signal.
    Stopping(Moment, bool),
    Ended,
}

/// See the module.
#[derive(Debug)]
pub struct Machine {
    stage: Stage,
    slots: Slots,
    idle: Option<Duration>,
    grace: Duration,
    /// Since when nothing has happened.
    quiet: Option<Moment>,
    status: u8,
}

impl Machine {
    /// One with so many slots, that ends after `idle` without work, and within `grace` after a signal.
    #[must_use]
    pub fn new(slots: usize, idle: Option<Duration>, grace: Duration) -> Self {
        Self { stage: Stage::Apart, slots: Slots::new(slots), idle, grace, quiet: None, status: 0 }
    }

    /// Something happens.
    pub fn on(&mut self, event: Event<'_>, now: Moment) -> Vec<Action> {
        let mut to = Vec::new();
        match event {
            _ if self.stage == Stage::Ended => {}
            Event::Opened => self.opened(&mut to),
            Event::Message(text) => self.message(text, now, &mut to),
            Event::Tick => self.tick(now, &mut to),
            Event::Over(number, messages) => self.over(number, messages, now, &mut to),
            Event::Lost => self.lost(&mut to),
            Event::Stop(signal) => self.stop(signal, now, &mut to),
        }
        self.end_if_done(&mut to);
        to
    }

    fn opened(&mut self, to: &mut Vec<Action>) {
        if self.stage == Stage::Apart {
            self.stage = Stage::Connected;
            log(to, Level::Info, "Connected to broker");
        }
    }

    fn message(&mut self, text: &str, now: Moment, to: &mut Vec<Action>) {
        match Incoming::read(text) {
            Ok(Incoming::InfoRequest) => send(to, outgoing::info()),
            Ok(Incoming::Registered) => self.registered(now, to),
            Ok(Incoming::OfferAccept { task, offer }) => self.accept(&task, &offer, now, to),
            Ok(Incoming::Settings(task)) => self.settings(task, to),
            Ok(Incoming::Cancel { task }) => self.cancel(&task, now, to),
            Ok(Incoming::RpcResponse) => {}
            Ok(Incoming::Drain) => self.drain(to),
            Err(unread) => self.unread(&unread, now, to),
        }
    }

    fn registered(&mut self, now: Moment, to: &mut Vec<Action>) {
        log(to, Level::Info, "Registered with broker");
        if matches!(self.stage, Stage::Apart | Stage::Connected) {
            self.stage = Stage::Registered;
        }
        self.quiet = Some(now);
        self.offer(now, to);
    }

    /// As many offers as there are free slots.
    fn offer(&mut self, now: Moment, to: &mut Vec<Action>) {
        self.slots.expire(now);
        if self.stage != Stage::Registered {
            return;
        }
        for _ in 0..self.slots.free() {
            let (offer, valid) = (id(), VALID + jitter(JITTER));
            send(to, outgoing::offer(&offer, valid));
            self.slots.offered(offer, now.after(Duration::from_millis(valid) + LATENCY));
        }
    }

    fn accept(&mut self, task: &str, offer: &str, now: Moment, to: &mut Vec<Action>) {
        self.slots.expire(now);
        let reason = match self.stage {
            Stage::Draining => Some("Runner is draining and takes no more tasks"),
            Stage::Registered if !self.slots.takes(offer) => Some("Offer expired - not accepted within validity window"),
            Stage::Registered if self.slots.is_full() => Some("No open task slots - runner already at capacity"),
            Stage::Registered if self.slots.find(task).is_some() => Some("The runner has this task already"),
            Stage::Registered => None,
            Stage::Apart | Stage::Connected => Some("Offer expired - not accepted within validity window"),
            Stage::Stopping(..) | Stage::Ended => Some("Runner is shutting down and takes no more tasks"),
        };
        if let Some(reason) = reason {
            return send(to, outgoing::rejected(task, reason));
        }
        self.slots.take(offer, task, now);
        self.quiet = Some(now);
        send(to, outgoing::accepted(task));
        log(to, Level::Info, &format!("Accepted task {task}"));
    }

    fn settings(&mut self, task: Box<Task>, to: &mut Vec<Action>) {
        match self.slots.find(&task.id) {
            None => log(to, Level::Error, &missing(&task.id)),
            Some((number, entry)) if matches!(entry.progress, Progress::Waiting(_)) => {
                entry.progress = Progress::Running;
                to.push(Action::Start(number, task));
            }
            Some((_, entry)) => {
                let status = entry.progress.name();
                log(to, Level::Warning, &format!("Received settings for task but it is already {status}. Discarding message."));
            }
        }
    }

    fn cancel(&mut self, task: &str, now: Moment, to: &mut Vec<Action>) {
        let Some((number, entry)) = self.slots.find(task) else {
            return log(to, Level::Warning, &format!("Received cancel for unknown task: {task}. Discarding message."));
        };
        match entry.progress {
            Progress::Waiting(_) => {
                self.slots.give_back(number);
                log(to, Level::Info, &format!("Cancelled task {task} (waiting for settings)"));
                self.offer(now, to);
            }
            Progress::Running => {
                entry.progress = Progress::Aborting;
                to.push(Action::Cancel(number));
            }
            Progress::Aborting => {}
        }
    }

    fn drain(&mut self, to: &mut Vec<Action>) {
        if matches!(self.stage, Stage::Connected | Stage::Registered) {
            self.stage = Stage::Draining;
            log(to, Level::Info, "Received drain signal, stopped accepting new tasks");
        }
        self.slots.withdraw();
    }

    /// Whoever waits for a task whose settings cannot be read is told, and its slot is free.
    fn unread(&mut self, unread: &Unread, now: Moment, to: &mut Vec<Action>) {
        log(to, Level::Error, &format!("Error handling message: {}", unread.why));
        let Some(task) = &unread.task else { return };
        let waits = self.slots.find(task).filter(|(_, entry)| matches!(entry.progress, Progress::Waiting(_)));
        if let Some((number, _)) = waits {
            self.slots.give_back(number);
            send(to, outgoing::error(task, &unread.why));
            self.offer(now, to);
        }
    }

    fn over(&mut self, number: u64, messages: Vec<String>, now: Moment, to: &mut Vec<Action>) {
        let Some(Entry { task, .. }) = self.slots.give_back(number) else { return };
        // Nobody waits any more for what was begun on a connection that is gone.
        if task.is_some() {
            to.extend(messages.into_iter().map(Action::Send));
        }
        self.quiet = Some(now);
        self.offer(now, to);
    }

    /// The broker fails all tasks of a runner that is gone.
    fn lost(&mut self, to: &mut Vec<Action>) {
        to.extend(self.slots.forget().into_iter().map(Action::Cancel));
        self.quiet = None;
        if !matches!(self.stage, Stage::Stopping(..)) {
            self.stage = Stage::Apart;
        }
    }

    fn stop(&mut self, signal: &str, now: Moment, to: &mut Vec<Action>) {
        match self.stage {
            Stage::Stopping(_, true) => {
                log(to, Level::Warning, &format!("Received {signal} signal again, forcing exit..."));
                self.status = 1;
                to.push(Action::End(1));
                self.stage = Stage::Ended;
            }
            _ => {
                log(to, Level::Info, &format!("Received {signal} signal, starting shutdown..."));
                self.begin_to_stop(now, true, to);
            }
        }
    }

    /// Tasks that wait for their settings will not run.
    fn begin_to_stop(&mut self, now: Moment, signal: bool, to: &mut Vec<Action>) {
        self.stage = Stage::Stopping(now, signal);
        self.slots.withdraw();
        for task in self.slots.give_back_waiting(|_| true) {
            send(to, outgoing::error(&task, "Runner is shutting down"));
        }
    }

    fn tick(&mut self, now: Moment, to: &mut Vec<Action>) {
        for task in self.slots.give_back_waiting(|since| now.since(since) > SETTINGS) {
            let why = format!("Task settings did not come within {} seconds", SETTINGS.as_secs());
            log(to, Level::Warning, &format!("{why}: task {task} is given up"));
            send(to, outgoing::error(&task, &why));
        }
        if let Stage::Stopping(since, _) = self.stage {
            return self.tick_of_stopping(now.since(since), to);
        }
        let idle = self.idle.zip(self.quiet).is_some_and(|(idle, quiet)| now.since(quiet) >= idle);
        if idle && self.slots.is_empty() {
            log(to, Level::Info, "Reached idle timeout, starting shutdown...");
            return self.begin_to_stop(now, false, to);
        }
        self.offer(now, to);
    }

    /// What still runs is ended soon enough to be told of within the grace time.
    fn tick_of_stopping(&mut self, waited: Duration, to: &mut Vec<Action>) {
        let reserve = (self.grace / 4).min(Duration::from_secs(1));
        if waited >= self.grace {
            to.push(Action::End(1));
            self.stage = Stage::Ended;
        } else if waited >= self.grace.saturating_sub(reserve) && self.status == 0 {
            let text = format!("Shutdown timed out after {}s, forcing exit...", self.grace.as_secs());
            log(to, Level::Warning, &text);
            self.status = 1;
            to.extend(self.slots.abort().into_iter().map(Action::Cancel));
        }
    }

    fn end_if_done(&mut self, to: &mut Vec<Action>) {
        if matches!(self.stage, Stage::Stopping(..)) && self.slots.is_empty() {
            to.push(Action::End(self.status));
            self.stage = Stage::Ended;
        }
    }
}

fn missing(task: &str) -> String {
    format!("Failed to find task {task}. This is likely an internal error.")
}

fn send(to: &mut Vec<Action>, message: String) {
    to.push(Action::Send(message));
}

fn log(to: &mut Vec<Action>, level: Level, line: &str) {
    to.push(Action::Log(level, line.to_owned()));
}

#[cfg(test)]
mod tests;
