//! What changes for all: signals, a new configuration, the end, what is due with time.

use std::io::Read;
use std::time::Duration;

use nix::sys::signal::Signal;
use remand_engine::Moment;
use serde_json::json;

use super::Supervisor;
use super::audit::Audit;
use super::process::Front;
use super::start::configured;
use crate::limits::{FRONT_IDLE, GRACE};
use crate::protocol::Tell;

impl Supervisor<'_> {
    pub(super) fn signalled(&mut self) {
        while let Some(number) = self.signals.came() {
            match Signal::try_from(number) {
                Ok(Signal::SIGHUP) => self.reload(),
                _ if self.ending.is_none() => self.begin_ending(),
                _ => self.cancel_all(),
            }
        }
    }

    /// The old configuration stays where the new one is none.
    fn reload(&mut self) {
        self.policies.forget();
        self.end_servers(|_| true);
        match configured(&self.places) {
            Ok((config, _)) => {
                self.queue.bound(config.runs, config.queue);
                self.config = config;
                self.wrong = None;
                self.log.say("reloaded", json!({}));
            }
            Err(error) => {
                self.log.say("kept", json!({ "configuration": error.to_string() }));
                self.wrong = Some(error.to_string());
            }
        }
        self.audit = Audit::open(self.config.audit.as_ref());
        self.tell_trouble();
        // Whose tenant has changed gets another front.
        let moved = |front: &Front| self.config.tenant(&front.client).map(|(name, _)| name).as_ref() != Some(&front.tenant);
        let moved: Vec<u64> = self.fronts.iter().filter(|(_, front)| moved(front)).map(|(number, _)| *number).collect();
        for number in moved {
            self.front_of.retain(|_, front| *front != number);
            self.tell(number, 0, &Tell::Drain, None);
        }
    }

    /// What keeps runs from being written down.
    pub(super) fn tell_trouble(&self) {
        if let Some((file, why)) = self.audit.trouble() {
            self.log.say("unaudited", json!({ "file": file, "why": why }));
        }
    }

    fn begin_ending(&mut self) {
        self.ending = Some(Moment::now());
        self.log.say("ending", json!({ "grace_s": GRACE.as_secs() }));
        if let Some(bound) = self.bound.take() {
            let _ = self.epoll.delete(&bound.listener); // it goes in any case
        }
        for number in self.fronts.keys().copied().collect::<Vec<_>>() {
            self.tell(number, 0, &Tell::Drain, None);
        }
        self.end_queued();
    }

    /// Whether something becomes due by time alone.
    pub(super) fn waits_for_time(&self) -> bool {
        let idle =
            self.ending.is_none() && self.deaf.is_none() && self.fronts.is_empty() && self.refused.is_empty() && self.servers.is_empty();
        !idle || self.has_containers()
    }

    pub(super) fn is_over(&self) -> bool {
        let lingering = self.fronts.values().any(|front| front.connections > 0);
        self.ending.is_some() && self.quiet.is_some_and(|since| !lingering || Moment::now().since(since) > Duration::from_secs(5))
    }

    /// What is due by now.
    pub(super) fn pass_time(&mut self, now: Moment) {
        let idle = |front: &Front| front.idle.is_some_and(|since| now.since(since) > FRONT_IDLE);
        let idle: Vec<u64> = self.fronts.iter().filter(|(_, front)| idle(front)).map(|(number, _)| *number).collect();
        for number in idle {
            self.end_front(number, "idle");
        }
        self.end_containers(now);
        self.hear_again(now);
        self.end_servers(|server| server.is_idle(now) || server.is_stuck(now));
        self.queue.tidy(now);
        self.refused.retain_mut(|stream| !matches!(stream.read(&mut [0; 512]), Ok(0)));
        if self.ending.is_some_and(|since| now.since(since) > GRACE) {
            self.cancel_all();
        }
        if self.ending.is_some() && self.running().next().is_none() {
            self.quiet.get_or_insert(now);
        }
    }
}
