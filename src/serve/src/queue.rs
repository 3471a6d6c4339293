//! Which run begins next, and which is not even queued: fair between tenants, and between the labels of one, bounded in all.
//!
//! Always holds: no clock and no I/O; a tenant that has waited longest for a turn has the next, and within it the label that has; no tenant has more at once, or
//! waiting, than its quota says, no label more than its part of that, and all of them together no more than the whole; what is refused is refused at once.

mod allowance;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use remand_engine::Moment;
use remand_policy::units::{Bytes, Span};

use allowance::Allowance;

/// What one tenant may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Runs at once.
    pub concurrent: usize,
    /// Runs that wait.
    pub queued: usize,
    /// Runs begun per minute; 0: as many as there is room for.
    pub rate: u32,
    /// Microseconds of CPU per minute; 0: as many as its runs take.
    pub cpu: u64,
    /// Bytes that the runs that go on at once may take by their limits; 0: as many as these say.
    pub memory: u64,
    /// Runs of one label at once, and that wait; 0 at once: as many as the tenant may.
    pub label: (usize, usize),
}

/// Whose run it is, and what it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The part of the tenant's own that it belongs to.
    pub label: &'a str,
    /// Bytes that its limits let it take.
    pub memory: u64,
}

/// Why a run is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// Its tenant has as many waiting as it may.
    #[error("this tenant has {0} runs waiting, which is its quota")]
    Tenant(usize),
    /// Its label has as many waiting as it may.
    #[error("this label has {0} runs waiting, which is its part of the quota")]
    Label(usize),
    /// There are too many in all.
    #[error("{0} runs are waiting, which is all that this daemon keeps")]
    Whole(usize),
    /// Its tenant has asked for too many in this minute.
    #[error("this tenant has had the {0} runs that it may have in a minute")]
    Rate(u32, u64),
    /// Its tenant's runs have taken too much CPU in this minute.
    #[error("this tenant's runs have had the {} of CPU that they may have in a minute", Span(*.0))]
    Cpu(u64, u64),
    /// The run alone could take more memory than its tenant may have at once.
    #[error("its limits.memory is more than the {} that this tenant may have at once", Bytes(*.0))]
    Memory(u64),
}

impl Overload {
    /// Seconds after which it may be different; none where it never will.
    #[must_use]
    pub fn after(&self) -> Option<u64> {
        match self {
            Self::Tenant(_) | Self::Label(_) | Self::Whole(_) => Some(1),
            Self::Rate(_, after) | Self::Cpu(_, after) => Some(*after),
            Self::Memory(_) => None,
        }
    }
}

/// A run that waits.
#[derive(Debug)]
struct Waiting {
    run: String,
    memory: u64,
}

/// The runs of one label.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    running: usize,
    /// When it last had a turn, in turns.
    turn: u64,
}

/// A tenant's runs.
#[derive(Debug, Default)]
struct Tenant {
    /// By label; only those that have some.
    lanes: BTreeMap<String, Lane>,
    waiting: usize,
    running: usize,
    /// Bytes that those that go on may take.
    memory: u64,
    turn: u64,
    rate: Option<Allowance>,
    cpu: Option<Allowance>,
}

/// All runs that wait, by their ids.
#[derive(Debug)]
pub struct Queue {
    concurrent: usize,
    queued: usize,
    tenants: BTreeMap<String, Tenant>,
    running: usize,
    waiting: usize,
    turns: u64,
}

impl Queue {
    /// So many runs at once in all, and so many that wait.
    #[must_use]
    pub fn new(concurrent: usize, queued: usize) -> Self {
        Self { concurrent, queued, tenants: BTreeMap::new(), running: 0, waiting: 0, turns: 0 }
    }

    /// Other bounds, from now on.
    pub fn bound(&mut self, concurrent: usize, queued: usize) {
        (self.concurrent, self.queued) = (concurrent, queued);
    }

    /// Whether a run would be taken now.
    ///
    /// # Errors
    /// It would not.
    pub fn room(&mut self, share: Share<'_>, quota: Quota, now: Moment) -> Result<(), Overload> {
        if quota.memory > 0 && share.memory > quota.memory {
            return Err(Overload::Memory(quota.memory));
        }
        let whole = self.waiting >= self.queued && self.running >= self.concurrent || self.waiting >= self.queued.max(1);
        let Some(own) = self.tenants.get_mut(share.tenant) else {
            return if whole { Err(Overload::Whole(self.waiting)) } else { Ok(()) };
        };
        // What can begin at once does not wait.
        if own.waiting >= quota.queued && own.running + own.waiting >= quota.concurrent {
            return Err(Overload::Tenant(own.waiting));
        }
        if let Some(lane) = own.lanes.get(share.label).filter(|_| quota.label.0 > 0)
            && lane.waiting.len() >= quota.label.1
            && lane.running + lane.waiting.len() >= quota.label.0
        {
            return Err(Overload::Label(lane.waiting.len()));
        }
        if whole {
            return Err(Overload::Whole(self.waiting));
        }
        let micros = |number: u64| Duration::from_micros(number).as_secs_f64();
        if let Some(after) = own.cpu.as_mut().filter(|_| quota.cpu > 0).and_then(|cpu| cpu.lacks(0.0, micros(quota.cpu), now)) {
            return Err(Overload::Cpu(quota.cpu, after));
        }
        match own.rate.as_mut().filter(|_| quota.rate > 0).and_then(|rate| rate.lacks(1.0, quota.rate.into(), now)) {
            Some(after) => Err(Overload::Rate(quota.rate, after)),
            None => Ok(()),
        }
    }

    /// Takes a run, if there is room for it to wait, or to begin.
    ///
    /// # Errors
    /// There is none.
    pub fn offer(&mut self, share: Share<'_>, quota: Quota, run: &str, now: Moment) -> Result<(), Overload> {
        self.room(share, quota, now)?;
        let own = self.tenants.entry(share.tenant.to_owned()).or_default();
        if quota.rate > 0 {
            own.rate.get_or_insert_with(|| Allowance::whole(quota.rate.into(), now)).take(1.0, quota.rate.into(), now);
        }
        let lane = own.lanes.entry(share.label.to_owned()).or_default();
        lane.waiting.push_back(Waiting { run: run.to_owned(), memory: share.memory });
        own.waiting += 1;
        self.waiting += 1;
        Ok(())
    }

    /// The run that begins now, if one can; by `quota` of its tenant.
    pub fn next(&mut self, quota: impl Fn(&str) -> Quota) -> Option<String> {
        if self.running >= self.concurrent {
            return None;
        }
        let ready = self.tenants.iter_mut().filter_map(|(name, tenant)| {
            let label = tenant.ready(quota(name))?;
            Some((tenant, label))
        });
        let (tenant, label) = ready.min_by_key(|(tenant, _)| tenant.turn)?;
        let lane = tenant.lanes.get_mut(&label)?;
        let Waiting { run, memory } = lane.waiting.pop_front()?;
        self.turns += 1;
        (lane.turn, tenant.turn) = (self.turns, self.turns);
        lane.running += 1;
        tenant.running += 1;
        tenant.waiting -= 1;
        tenant.memory = tenant.memory.saturating_add(memory);
        self.running += 1;
        self.waiting -= 1;
        Some(run)
    }

    /// A run that had begun is over, after so much CPU; by the quota of its tenant.
    pub fn ended(&mut self, share: Share<'_>, cpu: Duration, quota: Quota, now: Moment) {
        let Some(own) = self.tenants.get_mut(share.tenant) else { return };
        own.running = own.running.saturating_sub(1);
        own.memory = own.memory.saturating_sub(share.memory);
        self.running = self.running.saturating_sub(1);
        if let Some(lane) = own.lanes.get_mut(share.label) {
            lane.running = lane.running.saturating_sub(1);
        }
        own.forget_idle(share.label);
        if quota.cpu > 0 {
            let whole = Duration::from_micros(quota.cpu).as_secs_f64();
            own.cpu.get_or_insert_with(|| Allowance::whole(whole, now)).take(cpu.as_secs_f64(), whole, now);
        }
    }

    /// A run that waits is wanted no longer; whether it did wait.
    pub fn withdraw(&mut self, share: Share<'_>, run: &str) -> bool {
        let Some(own) = self.tenants.get_mut(share.tenant) else { return false };
        let Some(lane) = own.lanes.get_mut(share.label) else { return false };
        let before = lane.waiting.len();
        lane.waiting.retain(|waiting| waiting.run != run);
        let found = before - lane.waiting.len();
        own.waiting -= found;
        self.waiting -= found;
        own.forget_idle(share.label);
        found > 0
    }

    /// Forgets tenants that have nothing here and whose allowances have come back.
    pub fn tidy(&mut self, now: Moment) {
        let whole = |allowance: &Option<Allowance>| allowance.as_ref().is_none_or(|allowance| allowance.is_whole(now));
        self.tenants.retain(|_, tenant| !tenant.lanes.is_empty() || !whole(&tenant.rate) || !whole(&tenant.cpu));
    }

    /// How many run, and how many wait.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.running, self.waiting)
    }
}

impl Tenant {
    /// The label whose run is the next of this tenant, if one can begin.
    fn ready(&self, quota: Quota) -> Option<String> {
        if self.running >= quota.concurrent {
            return None;
        }
        let fits = |waiting: &Waiting| quota.memory == 0 || self.memory.saturating_add(waiting.memory) <= quota.memory;
        let may = |lane: &Lane| (quota.label.0 == 0 || lane.running < quota.label.0) && lane.waiting.front().is_some_and(fits);
        self.lanes.iter().filter(|(_, lane)| may(lane)).min_by_key(|(_, lane)| lane.turn).map(|(label, _)| label.clone())
    }

    fn forget_idle(&mut self, label: &str) {
        if self.lanes.get(label).is_some_and(|lane| lane.running == 0 && lane.waiting.is_empty()) {
            self.lanes.remove(label);
        }
    }
}
