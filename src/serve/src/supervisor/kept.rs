//! What is kept of runs: their events for whoever reads them, the results of those that live on by themselves.
//!
//! Always holds: what is kept of results is bounded for each tenant and in all, the oldest of whoever has most going first; a run that is forgotten has no key,
//! no reader and no waiter any more.

use std::collections::BTreeMap;

use super::Supervisor;
use super::asked::long;
use super::record::{Record, State};
use crate::limits::{KEPT, KEPT_BYTES, KEPT_IN_ALL};
use crate::protocol::{Problem, Tell, Then};

/// Whether a run is over, and its result kept.
fn is_kept(record: &Record) -> bool {
    record.then == Then::Detach && matches!(record.state, State::Over(_))
}

impl Supervisor<'_> {
    /// Forgets the oldest results of a tenant that has too many.
    pub(super) fn keep_within(&mut self, tenant: &str) {
        let over = self.runs.iter().filter(|(_, record)| record.tenant == tenant && record.then == Then::Detach);
        let mut over: Vec<_> = over
            .filter(|(_, record)| matches!(record.state, State::Over(_)))
            .map(|(run, record)| (record.number, run.clone(), record.size()))
            .collect();
        over.sort_unstable_by(|one, other| other.cmp(one));
        let mut bytes = 0;
        for (place, (_, run, size)) in over.into_iter().enumerate() {
            bytes += size;
            // The newest is kept, however large.
            if place > 0 && (place >= KEPT || bytes > KEPT_BYTES) {
                self.forget(&run);
            }
        }
    }

    /// Forgets the oldest results of whoever has most, while there are too many in all.
    pub(super) fn keep_all_within(&mut self) {
        loop {
            let mut bytes = BTreeMap::<&str, usize>::new();
            for record in self.runs.values().filter(|record| is_kept(record)) {
                *bytes.entry(&record.tenant).or_default() += record.size();
            }
            let most = bytes.iter().max_by_key(|(_, bytes)| **bytes).map(|(tenant, _)| *tenant);
            let theirs = self.runs.iter().filter(|(_, record)| is_kept(record) && Some(record.tenant.as_str()) == most);
            match theirs.min_by_key(|(_, record)| record.number).map(|(run, _)| run.clone()) {
                Some(run) if bytes.values().sum::<usize>() > KEPT_IN_ALL => self.forget(&run),
                _ => return,
            }
        }
    }

    /// A run is known no longer, nor is its key.
    pub(super) fn forget(&mut self, run: &str) {
        let Some(record) = self.runs.remove(run) else { return };
        record.keyed().into_iter().for_each(|keyed| drop(self.keys.remove(&keyed)));
        for (number, call, _) in record.readers {
            if let Some(front) = self.fronts.get_mut(&number) {
                front.open.remove(&call);
            }
            let detail = "the run was forgotten".to_owned();
            self.tell(number, call, &Tell::Problem(Problem { status: 404, exit_status: 2, detail, ..Problem::default() }), None);
        }
    }

    /// Answers those who wait for events, if there are some for them.
    pub(super) fn tell_readers(&mut self, run: &str) {
        let Some(record) = self.runs.get_mut(run) else { return };
        if record.readers.is_empty() {
            return;
        }
        let mut told = Vec::new();
        let events = record.events.get();
        record.readers.retain(|(number, call, from)| match events.from(*from) {
            Some(batch) => {
                told.push((*number, *call, batch));
                false
            }
            None => true,
        });
        drop(events);
        for (number, call, batch) in told {
            if let Some(front) = self.fronts.get_mut(&number) {
                front.open.remove(&call);
            }
            match long(batch.lines) {
                Ok((lines, beside)) => self.tell(number, call, &Tell::Events { first: batch.first, over: batch.over, lines }, beside),
                Err(problem) => self.tell(number, call, &Tell::Problem(problem), None),
            }
        }
    }
}
