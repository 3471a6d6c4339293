//! The events of one run, kept for whoever reads them at a pace of their own.
//!
//! Always holds: what is kept is bounded; where it was too much the oldest go, and a reader sees it by the numbers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use remand_engine::{Sink, Telling};

use crate::limits::EVENTS;
use crate::protocol::INLINE;

/// See the module.
#[derive(Debug, Default)]
pub struct Events {
    /// Number of the first that is kept.
    first: u64,
    lines: VecDeque<String>,
    bytes: usize,
    over: bool,
}

/// What a reader gets at once.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// Number of the first.
    pub first: u64,
    /// Nothing will come after these.
    pub over: bool,
    /// The lines, each with its end.
    pub lines: String,
}

impl Events {
    /// Adds one.
    pub fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > EVENTS && self.lines.len() > 1 {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
            self.first += 1;
        }
    }

    /// Nothing will come any more.
    pub fn end(&mut self) {
        self.over = true;
    }

    /// Bytes that are kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// From this number on, as much as goes in a packet, or one that does not; none where there is nothing yet.
    pub fn from(&self, number: u64) -> Option<Batch> {
        let first = number.max(self.first);
        let skip = usize::try_from(first - self.first).unwrap_or(usize::MAX);
        let (mut lines, mut taken) = (String::new(), 0);
        for line in self.lines.iter().skip(skip) {
            if taken > 0 && lines.len() + line.len() + 1 > INLINE {
                break;
            }
            lines.push_str(line);
            lines.push('\n');
            taken += 1;
        }
        let over = self.over && skip.saturating_add(taken) >= self.lines.len();
        (taken > 0 || over).then_some(Batch { first, over, lines })
    }
}

/// Shared with the run that makes them.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Events>>);

impl Shared {
    /// The events.
    pub fn get(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What takes them from a run.
    pub fn sink(&self, mut telling: Telling) -> Sink<'static> {
        let events = self.clone();
        Box::new(move |said, us| telling.line(said, us).into_iter().for_each(|line| events.get().push(line)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let mut events = Events::default();
        assert_eq!(events.from(0), None);
        events.push("a".into());
        events.push("b".into());
        assert_eq!(events.from(0), Some(Batch { first: 0, over: false, lines: "a\nb\n".into() }));
        assert_eq!(events.from(2), None);
        events.push("c".into());
        events.end();
        assert_eq!(events.from(2), Some(Batch { first: 2, over: true, lines: "c\n".into() }));
        assert_eq!(events.from(u64::MAX).map(|batch| (batch.over, batch.lines)), Some((true, String::new())));
    }

    #[test]
    fn what_is_too_much_goes_from_the_front() {
        let mut events = Events::default();
        for _ in 0..EVENTS / 1000 + 10 {
            events.push("x".repeat(1000));
        }
        assert!(events.bytes() <= EVENTS && events.first >= 10);
        let batch = events.from(0).unwrap();
        assert!(batch.first == events.first && !batch.over && batch.lines.len() <= INLINE);
        events.push("y".repeat(2 * EVENTS));
        assert_eq!(events.lines.len(), 1, "one is always kept");
    }
}
