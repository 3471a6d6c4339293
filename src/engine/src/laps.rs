//! What the steps before a run cost, in the same list as the jail's.

use std::time::Instant;

use remand_plan::outcome::Timing;
use remand_plan::step::Step;

/// A clock that is read after each step.
#[derive(Debug)]
pub struct Laps {
    last: Instant,
    steps: Vec<Timing>,
}

impl Laps {
    /// Starts with the first step.
    #[must_use]
    pub fn start() -> Self {
        Self { last: Instant::now(), steps: Vec::new() }
    }

    /// This step is done.
    pub fn lap(&mut self, step: Step) {
        let now = Instant::now();
        let us = now.duration_since(self.last).as_micros().try_into().unwrap_or(u64::MAX);
        self.steps.push(Timing { step, us });
        self.last = now;
    }

    /// Puts these steps before those of the run.
    pub fn before(self, timing: &mut Vec<Timing>) {
        timing.splice(0..0, self.steps);
    }
}
