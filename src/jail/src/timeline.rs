//! What each step of a run cost.
//!
//! Always holds: steps follow each other without gaps, on the monotonic clock, so that their sum is the whole; each is there once, whatever a run repeats.

use remand_child::message::Executing;
use remand_plan::outcome::{Timing, microseconds};
use remand_plan::step::Step;

use crate::moment::Moment;

/// Steps so far.
#[derive(Debug)]
pub struct Timeline {
    steps: Vec<Timing>,
    last: Moment,
}

impl Timeline {
    /// Begins now.
    pub fn begin() -> Self {
        Self { steps: Vec::with_capacity(16), last: Moment::now() }
    }

    /// The step that ends now.
    pub fn mark(&mut self, step: Step) {
        self.mark_at(step, Moment::now());
    }

    /// The step that ended then.
    pub fn mark_at(&mut self, step: Step, at: Moment) {
        if self.steps.iter().any(|known| known.step == step) {
            return;
        }
        self.steps.push(Timing { step, us: microseconds(at.since(self.last)) });
        self.last = at.max(self.last);
    }

    /// The steps that the run's own processes timed, and the last, which ends with their report.
    pub fn mark_executing(&mut self, at: &Executing) {
        for (step, at) in [
            (Step::CloneInit, Moment::told(at.init)),
            (Step::RunMounts, Moment::told(at.mounted)),
            (Step::CloneExecutor, Moment::told(at.executor)),
            (Step::Confine, Moment::told(at.confined)),
            (Step::LandlockSeccomp, Moment::now()),
        ] {
            self.mark_at(step, at);
        }
    }

    /// All steps.
    pub fn finish(self) -> Vec<Timing> {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_there_once() {
        let mut timeline = Timeline::begin();
        (0..1000).for_each(|_| timeline.mark(Step::Code));
        timeline.mark(Step::Teardown);
        let steps: Vec<_> = timeline.finish().into_iter().map(|timing| timing.step).collect();
        assert_eq!(steps, [Step::Code, Step::Teardown]);
    }
}
