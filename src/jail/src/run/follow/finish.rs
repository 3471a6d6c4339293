//! What an attempt leaves when it is over: what was seen, or why there was nothing to see.

use remand_plan::evidence::{InFlight, Stop};
use remand_plan::step::Step;

use super::Attempt;
use crate::failure::{Failure, Unmade};
use crate::moment::START_LIMIT;
use crate::run::parts::Server;
use crate::run::phase::Start;
use crate::run::seen::Seen;
use crate::sys::process::Usage;
use crate::timeline::Timeline;

impl Attempt {
    /// What there was to see, with the parts; or why it was not made.
    pub fn finish(mut self) -> (Result<Seen, Unmade>, Timeline) {
        let Some(mut living) = self.living.take() else { return (Err(self.why_unmade()), self.timeline) };
        self.timeline.mark(Step::Namespaces);
        let usage = living.init.wait().unwrap_or_else(|errno| {
            self.trouble.get_or_insert(format!("waiting for init: {}", errno.desc()));
            Usage::default()
        });
        let counters = self.parts.cgroup.as_ref().map(|cgroup| cgroup.counters()).transpose().unwrap_or_else(|error| {
            self.trouble.get_or_insert(error.to_string());
            None
        });
        let (received, unfinished) = self.decoder.finish();
        let (violations, violations_truncated, lookups) = living.denials.finish();
        let seen = Seen {
            failure: self.failure,
            executing: self.executing,
            ended: self.ended,
            stopped: self.machine.stopped(),
            trouble: self.trouble,
            artifacts: self.artifacts,
            received,
            frame_error: self.frame_error.or(unfinished),
            given: self.input.given(),
            log: self.log,
            stacks: self.stacks,
            displays: self.displays,
            asked: self.asked,
            violations,
            violations_truncated,
            lookups,
            wall: self.machine.wall(),
            in_flight: self.machine.held().map(|(bytes, pipes)| InFlight { bytes, pipes }),
            usage,
            counters,
            sampled: living.meter.seen(),
            parts: self.parts,
        };
        (Ok(seen), self.timeline)
    }

    fn why_unmade(&mut self) -> Unmade {
        let step = if self.machine.gave_up() == Some(Start::Forkserver) { Step::Forkserver } else { Step::CloneInit };
        match (self.failure.take(), self.trouble.take()) {
            _ if self.machine.stopped() == Some(Stop::Cancelled) => Unmade::Cancelled(step),
            (Some(failure), _) => Unmade::Failed(failure),
            (None, Some(trouble)) => Unmade::Failed(Failure::new(step, trouble)),
            (None, None) => Unmade::Failed(Failure::new(step, self.silent())),
        }
    }

    fn silent(&self) -> String {
        let process = match &self.parts.server {
            Some(Server::Serves(server)) => format!(" (process {})", server.pid()),
            _ => String::new(),
        };
        format!(
            "the forkserver{process} said nothing for {} s: it was stopped (SIGSTOP, a debugger, a frozen cgroup), or the host is far too busy",
            START_LIMIT.as_secs()
        )
    }
}
