//! Which run begins next, and which is not even queued: fair between tenants, bounded in all.
//!
//! Always holds: no clock and no I/O; a tenant that has waited longest for a turn has the next; no tenant has more runs at once, or more of them waiting, than its
//! quota says, and all of them together no more than the whole; what is refused is refused at once.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use remand_engine::Moment;

/// What one tenant may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Runs at once.
    pub concurrent: usize,
    /// Runs that wait.
    pub queued: usize,
    /// Runs begun per minute; 0: as many as there is room for.
    pub rate: u32,
}

/// Why a run is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// Its tenant has as many waiting as it may.
    #[error("this tenant has {0} runs waiting, which is its quota")]
    Tenant(usize),
    /// There are too many in all.
    #[error("{0} runs are waiting, which is all that this daemon keeps")]
    Whole(usize),
    /// Its tenant has asked for too many in this minute.
    #[error("this tenant has had the {0} runs that it may have in a minute")]
    Rate(u32),
}

/// A tenant's runs.
#[derive(Debug, Default)]
struct Tenant {
    waiting: VecDeque<String>,
    running: usize,
    /// When it last had a turn, in turns.
    turn: u64,
    /// Runs that its rate leaves, and when that was counted.
    credit: Option<(f64, Moment)>,
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

    /// Takes a run, if there is room for it to wait, or to begin.
    ///
    /// # Errors
    /// There is none.
    pub fn offer(&mut self, tenant: &str, quota: Quota, run: &str, now: Moment) -> Result<(), Overload> {
        let whole = self.waiting >= self.queued && self.running >= self.concurrent;
        let (waiting, queued) = (self.waiting, self.queued);
        let own = self.tenants.entry(tenant.to_owned()).or_default();
        // What can begin at once does not wait.
        if own.waiting.len() >= quota.queued && own.running + own.waiting.len() >= quota.concurrent {
            return Err(Overload::Tenant(own.waiting.len()));
        }
        if whole || waiting >= queued.max(1) {
            return Err(Overload::Whole(waiting));
        }
        if !own.pay(quota.rate, now) {
            return Err(Overload::Rate(quota.rate));
        }
        own.waiting.push_back(run.to_owned());
        self.waiting += 1;
        Ok(())
    }

    /// The run that begins now, if one can; by `quota` of its tenant.
    pub fn next(&mut self, quota: impl Fn(&str) -> Quota) -> Option<String> {
        if self.running >= self.concurrent {
            return None;
        }
        let ready = self.tenants.iter_mut().filter(|(name, tenant)| !tenant.waiting.is_empty() && tenant.running < quota(name).concurrent);
        let (_, tenant) = ready.min_by_key(|(_, tenant)| tenant.turn)?;
        let run = tenant.waiting.pop_front()?;
        self.turns += 1;
        tenant.turn = self.turns;
        tenant.running += 1;
        self.running += 1;
        self.waiting -= 1;
        Some(run)
    }

    /// A run that had begun is over.
    pub fn ended(&mut self, tenant: &str) {
        let Some(own) = self.tenants.get_mut(tenant) else { return };
        own.running = own.running.saturating_sub(1);
        self.running = self.running.saturating_sub(1);
    }

    /// A run that waits is wanted no longer; whether it did wait.
    pub fn withdraw(&mut self, tenant: &str, run: &str) -> bool {
        let Some(own) = self.tenants.get_mut(tenant) else { return false };
        let before = own.waiting.len();
        own.waiting.retain(|waiting| waiting != run);
        let found = own.waiting.len() < before;
        self.waiting -= usize::from(found);
        found
    }

    /// Forgets tenants that have nothing here and whose rate has come back.
    pub fn tidy(&mut self, now: Moment) {
        let idle = |tenant: &Tenant| tenant.running == 0 && tenant.waiting.is_empty();
        let whole = |tenant: &Tenant| tenant.credit.is_none_or(|(_, at)| now.since(at) > Duration::from_secs(60));
        self.tenants.retain(|_, tenant| !idle(tenant) || !whole(tenant));
    }

    /// How many run, and how many wait.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.running, self.waiting)
    }
}

impl Tenant {
    /// Takes one run off what the rate leaves; whether there was one.
    fn pay(&mut self, rate: u32, now: Moment) -> bool {
        if rate == 0 {
            return true;
        }
        let whole = f64::from(rate);
        let (left, at) = self.credit.unwrap_or((whole, now));
        let left = (left + now.since(at).as_secs_f64() * whole / 60.0).min(whole);
        let paid = left >= 1.0;
        self.credit = Some((if paid { left - 1.0 } else { left }, now));
        paid
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { concurrent: 2, queued: 3, rate: 0 };

    fn at(seconds: u64) -> Moment {
        Moment::told(seconds * 1_000_000_000)
    }

    #[test]
    fn tenants_take_turns_however_many_runs_one_has() {
        let mut queue = Queue::new(1, 100);
        for number in 0..3 {
            queue.offer("greedy", QUOTA, &format!("g{number}"), at(0)).unwrap();
        }
        queue.offer("late", QUOTA, "l0", at(0)).unwrap();
        let mut order = Vec::new();
        while let Some(run) = queue.next(|_| QUOTA) {
            queue.ended(if run.starts_with('g') { "greedy" } else { "late" });
            order.push(run);
        }
        assert_eq!(order, ["g0", "l0", "g1", "g2"]);
        assert_eq!(queue.counts(), (0, 0));
    }

    #[test]
    fn a_quota_bounds_what_runs_and_what_waits() {
        let mut queue = Queue::new(10, 100);
        let quota = Quota { concurrent: 1, queued: 2, rate: 0 };
        let offer = |queue: &mut Queue, run: &str| queue.offer("a", quota, run, at(0));
        offer(&mut queue, "1").unwrap();
        assert_eq!(queue.next(|_| quota).as_deref(), Some("1"));
        assert_eq!(queue.next(|_| quota), None);
        offer(&mut queue, "2").unwrap();
        offer(&mut queue, "3").unwrap();
        assert_eq!(queue.next(|_| quota), None);
        assert_eq!(offer(&mut queue, "4"), Err(Overload::Tenant(2)));
        queue.offer("b", quota, "5", at(0)).unwrap();
        assert_eq!(queue.next(|_| quota).as_deref(), Some("5"), "another is not held up");
        assert!(queue.withdraw("a", "2") && !queue.withdraw("a", "2"));
        queue.ended("a");
        assert_eq!(queue.next(|_| quota).as_deref(), Some("3"));
        assert_eq!(queue.counts(), (2, 0));
    }

    #[test]
    fn what_cannot_wait_can_still_begin() {
        let mut queue = Queue::new(10, 100);
        let quota = Quota { concurrent: 1, queued: 0, rate: 0 };
        queue.offer("a", quota, "1", at(0)).unwrap();
        assert_eq!(queue.offer("a", quota, "2", at(0)), Err(Overload::Tenant(1)));
        assert_eq!(queue.next(|_| quota).as_deref(), Some("1"));
        assert_eq!(queue.offer("a", quota, "2", at(0)), Err(Overload::Tenant(0)));
    }

    #[test]
    fn all_together_are_bounded() {
        let mut queue = Queue::new(1, 2);
        for run in ["1", "2"] {
            queue.offer(run, QUOTA, run, at(0)).unwrap();
        }
        assert_eq!(queue.offer("3", QUOTA, "3", at(0)), Err(Overload::Whole(2)));
        queue.next(|_| QUOTA).unwrap();
        queue.offer("3", QUOTA, "3", at(0)).unwrap();
        assert_eq!(queue.next(|_| QUOTA), None, "one at once");
    }

    #[test]
    fn a_rate_comes_back_with_time() {
        let mut queue = Queue::new(10, 100);
        let quota = Quota { concurrent: 9, queued: 9, rate: 2 };
        let mut offer = |seconds| queue.offer("a", quota, "r", at(seconds));
        assert_eq!([offer(0), offer(0), offer(0), offer(29)], [Ok(()), Ok(()), Err(Overload::Rate(2)), Err(Overload::Rate(2))]);
        assert_eq!([offer(30), offer(30)], [Ok(()), Err(Overload::Rate(2))]);
        queue.withdraw("a", "r");
        queue.tidy(at(40));
        assert_eq!(queue.tenants.len(), 1, "what it has used is remembered");
        queue.tidy(at(100));
        assert!(queue.tenants.is_empty());
    }
}
