//! The slots of a runner: offers that stand, and tasks.
//!
//! Always holds: both together are never more than there are slots; a task's number is used once.

use std::collections::BTreeMap;

use remand_engine::Moment;

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Accepted then; its settings are to come.
    Waiting(Moment),
    /// Its run goes on.
    Running,
    /// It is to end.
    Aborting,
}

impl Progress {
    /// As n8n's own runner calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting_for_settings",
            Self::Running => "running",
            Self::Aborting => "aborting",
        }
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The broker's name for it; none once nobody waits for it any more.
    pub task: Option<String>,
    /// How far it is.
    pub progress: Progress,
}

/// See the module.
#[derive(Debug)]
pub struct Slots {
    count: usize,
    /// Each with the time at which it no longer stands.
    offers: BTreeMap<String, Moment>,
    tasks: BTreeMap<u64, Entry>,
    last: u64,
}

impl Slots {
    pub fn new(count: usize) -> Self {
        Self { count, offers: BTreeMap::new(), tasks: BTreeMap::new(), last: 0 }
    }

    pub fn free(&self) -> usize {
        self.count.saturating_sub(self.offers.len() + self.tasks.len())
    }

    pub fn is_full(&self) -> bool {
        self.tasks.len() >= self.count
    }

    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub fn offered(&mut self, offer: String, until: Moment) {
        self.offers.insert(offer, until);
    }

    pub fn expire(&mut self, now: Moment) {
        self.offers.retain(|_, until| *until >= now);
    }

    /// No offer stands any more.
    pub fn withdraw(&mut self) {
        self.offers.clear();
    }

    /// Whether an offer of this name stands.
    pub fn takes(&self, offer: &str) -> bool {
        self.offers.contains_key(offer)
    }

    /// An offer becomes a task.
    pub fn take(&mut self, offer: &str, task: &str, now: Moment) {
        self.offers.remove(offer);
        self.last += 1;
        self.tasks.insert(self.last, Entry { task: Some(task.to_owned()), progress: Progress::Waiting(now) });
    }

    /// The task of this name.
    pub fn find(&mut self, task: &str) -> Option<(u64, &mut Entry)> {
        self.tasks.iter_mut().find(|(_, entry)| entry.task.as_deref() == Some(task)).map(|(number, entry)| (*number, entry))
    }

    /// A task is gone.
    pub fn give_back(&mut self, number: u64) -> Option<Entry> {
        self.tasks.remove(&number)
    }

    /// Tasks are gone that have waited for their settings since such a time; their names.
    pub fn give_back_waiting(&mut self, since: impl Fn(Moment) -> bool) -> Vec<String> {
        let waits = |entry: &Entry| matches!(entry.progress, Progress::Waiting(from) if since(from));
        let gone: Vec<_> = self.tasks.iter().filter(|(_, entry)| waits(entry)).map(|(number, _)| *number).collect();
        gone.into_iter().filter_map(|number| self.tasks.remove(&number)?.task).collect()
    }

    /// All that run are to end; their numbers.
    pub fn abort(&mut self) -> Vec<u64> {
        let running = self.tasks.iter_mut().filter(|(_, entry)| entry.progress == Progress::Running);
        let ended = running.map(|(number, entry)| {
            entry.progress = Progress::Aborting;
            *number
        });
        ended.collect()
    }

    /// Nobody waits for any of them; those that run are to end, and keep their slots until they have.
    pub fn forget(&mut self) -> Vec<u64> {
        self.offers.clear();
        self.tasks.retain(|_, entry| !matches!(entry.progress, Progress::Waiting(_)));
        self.tasks.values_mut().for_each(|entry| entry.task = None);
        self.abort()
    }
}
