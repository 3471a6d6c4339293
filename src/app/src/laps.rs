//! What the command's own steps cost, in the same list as the jail's.

use std::fmt::Write as _;
use std::time::Instant;

use remand_plan::outcome::Timing;
use remand_plan::step::Step;

/// A clock that is read after each step.
pub struct Laps {
    last: Instant,
    steps: Vec<Timing>,
}

impl Laps {
    /// Starts with the first step.
    pub fn start() -> Self {
        Self { last: Instant::now(), steps: Vec::new() }
    }

    /// This step is done.
    pub fn lap(&mut self, step: Step) {
        let now = Instant::now();
        self.push(step, now);
        self.last = now;
    }

    fn push(&mut self, step: Step, now: Instant) {
        let us = now.duration_since(self.last).as_micros().try_into().unwrap_or(u64::MAX);
        self.steps.push(Timing { step, us });
    }

    /// Puts these steps before those of the run.
    pub fn before(self, timing: &mut Vec<Timing>) {
        timing.splice(0..0, self.steps);
    }
}

/// The steps as a table.
pub fn table(timing: &[Timing]) -> String {
    let mut text = String::new();
    for Timing { step, us } in timing {
        let _ = writeln!(text, "{us:>9} µs  {step}");
    }
    text
}
