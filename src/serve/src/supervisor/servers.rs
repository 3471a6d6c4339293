//! Forkservers that are kept, so that a run does not pay for the set-up of one: for each tenant and policy, as it is on this host now.
//!
//! Always holds: runs of two tenants share none; there are no more than [`SERVERS`], and each goes when nothing was made by it for a while, or when its policy is
//! looked at anew.

use std::sync::Arc;

use remand_engine::{Forkserver, Moment, Prepared};

use crate::limits::{SERVER_IDLE, SERVER_PATIENCE, SERVER_RUNS, SERVERS};
use crate::protocol::Chosen;

/// What a forkserver is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Whose runs.
    pub tenant: String,
    /// Under what.
    pub chosen: Chosen,
}

/// One that is kept.
#[derive(Debug)]
pub struct Kept {
    /// Itself. None: there can be none for this.
    pub server: Option<Forkserver>,
    /// Whose and what.
    pub purpose: Purpose,
    /// The policy as it is on this host.
    pub prepared: Arc<Prepared>,
    /// Runs that wait for it to serve. None: it serves.
    pub waiting: Option<Vec<String>>,
    /// Runs that it made and that go on.
    pub runs: u32,
    /// When it was begun.
    begun: Moment,
    /// When it was last wanted.
    wanted: Moment,
    number: u64,
}

impl Kept {
    /// Whether it does not come to serve.
    pub fn is_stuck(&self, now: Moment) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| !waiting.is_empty()) && now.since(self.begun) > SERVER_PATIENCE
    }

    /// Whether nobody wanted it for a while.
    pub fn is_idle(&self, now: Moment) -> bool {
        self.runs == 0 && self.waiting.as_ref().is_none_or(Vec::is_empty) && now.since(self.wanted) > SERVER_IDLE
    }
}

/// What becomes of a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Way {
    /// This one makes it.
    By(u64),
    /// It waits for one that sets itself up.
    Waits,
    /// It has a forkserver of its own.
    Own,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Servers {
    kept: Vec<Kept>,
}

impl Servers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// One by its number.
    pub fn get(&mut self, number: u64) -> Option<&mut Kept> {
        self.kept.iter_mut().find(|kept| kept.number == number)
    }

    /// The way of a run, if there is one for its purpose; it is counted there.
    pub fn way(&mut self, purpose: &Purpose, prepared: &Arc<Prepared>, run: &str, now: Moment) -> Option<Way> {
        let kept = self.kept.iter_mut().find(|kept| kept.purpose == *purpose && Arc::ptr_eq(&kept.prepared, prepared))?;
        kept.wanted = now;
        if kept.server.is_none() || kept.runs >= prepared.most_together(SERVER_RUNS) {
            return Some(Way::Own);
        }
        kept.runs += 1;
        Some(match &mut kept.waiting {
            Some(waiting) => {
                waiting.push(run.to_owned());
                Way::Waits
            }
            None => Way::By(kept.number),
        })
    }

    /// Keeps one that sets itself up, or remembers that there can be none. Gives back those that make way.
    pub fn keep(&mut self, number: u64, purpose: Purpose, prepared: Arc<Prepared>, server: Option<Forkserver>, now: Moment) -> Vec<Kept> {
        let mut gone = self.take(|kept| kept.purpose == purpose);
        if self.kept.len() >= SERVERS {
            let oldest = self.kept.iter().map(|kept| (kept.wanted, kept.number)).min();
            gone.extend(self.take(|kept| Some(kept.number) == oldest.map(|(_, number)| number)));
        }
        self.kept.push(Kept { server, purpose, prepared, waiting: Some(Vec::new()), runs: 0, begun: now, wanted: now, number });
        gone
    }

    /// Takes out those that are so.
    pub fn take(&mut self, is: impl Fn(&Kept) -> bool) -> Vec<Kept> {
        let (gone, kept) = std::mem::take(&mut self.kept).into_iter().partition(is);
        self.kept = kept;
        gone
    }

    /// A run that one made is over.
    pub fn ended(&mut self, number: u64) {
        if let Some(kept) = self.get(number) {
            kept.runs = kept.runs.saturating_sub(1);
        }
    }
}
