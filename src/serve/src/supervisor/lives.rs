//! The lives of runs: followed to their end, answered once, ended when nobody wants them.
//!
//! Always holds: a run whose front or connection is gone is cancelled; one that is over is answered once, and gives its turn back once.

use std::time::Duration;

use remand_engine::{Moment, Outcome, telling};
use remand_plan::event::{self, Event};
use remand_plan::verdict::Verdict;
use remand_policy::text::terminal::one_line;
use serde_json::json;

use super::Supervisor;
use super::process::Open;
use super::record::{Ending, State};
use crate::client::Owner;
use crate::protocol::{Problem, Then};

impl Supervisor<'_> {
    /// Lets a run do what it has to do.
    pub(super) fn advance(&mut self, number: u64) {
        let Some(run) = self.followed.get(&number).cloned() else { return };
        let Some(record) = self.runs.get_mut(&run) else { return };
        let State::Running(handle) = &mut record.state else { return };
        if handle.advance(Moment::now()) {
            return self.tell_readers(&run);
        }
        let _ = self.epoll.delete(&**handle); // it goes in any case
        self.followed.remove(&number);
        if let State::Running(handle) = record.take_state() {
            let (outcome, _) = handle.outcome();
            self.finish(&run, outcome);
        }
    }

    /// A run that had begun has an outcome.
    pub(super) fn finish(&mut self, run: &str, outcome: Outcome) {
        let cpu = outcome.usage.cpu_ms;
        self.give_turn_back(run, Duration::from_micros(cpu.user.0.saturating_add(cpu.system.0)));
        let ending = self.ending_of(run, outcome);
        self.answer(run, ending);
    }

    /// What an outcome is for whoever waits for it; logged.
    fn ending_of(&mut self, run: &str, mut outcome: Outcome) -> Ending {
        if outcome.run.is_empty() {
            outcome.run = run.to_owned();
        }
        self.metrics.over(&outcome);
        let Some(record) = self.runs.get(run) else { return Ending::Problem(Problem::default()) };
        if let Err(why) = self.audit.over(run, record, &outcome) {
            self.log.say("unaudited", json!({ "run": run, "why": why }));
        }
        let usage = &outcome.usage;
        self.log.say(
            "run",
            record.client.told(json!({
                "run": run, "tenant": record.tenant, "for": record.label, "policy": record.policy.name, "hash": record.policy.hash,
                "verdict": outcome.verdict.kind(), "usage": usage,
            })),
        );
        if let Some(line) = telling::line(&Event::Outcome { outcome: &outcome }).filter(|_| record.then != Then::Wait) {
            record.events.get().push(line);
        }
        let text = serde_json::to_string(&outcome).map(|text| one_line(&text).into_owned());
        let none = |error: serde_json::Error| Problem { status: 500, exit_status: 11, detail: error.to_string(), ..Problem::default() };
        text.map_or_else(|error| Ending::Problem(none(error)), |text| Ending::Outcome(text, outcome.verdict.kind()))
    }

    /// A run that had its turn is over without an outcome.
    pub(super) fn end(&mut self, run: &str, ending: Ending) {
        self.give_turn_back(run, Duration::ZERO);
        self.answer(run, ending);
    }

    /// A run that had its turn has it no longer.
    fn give_turn_back(&mut self, run: &str, cpu: Duration) {
        let Some(record) = self.runs.get_mut(run) else { return };
        self.queue.ended(record.share(), cpu, self.config.quota(&record.tenant), Moment::now());
        record.server.take().into_iter().for_each(|number| self.servers.ended(number));
    }

    /// A run is over: whoever waits for it is told.
    fn answer(&mut self, run: &str, ending: Ending) {
        let Some(record) = self.runs.get_mut(run) else { return };
        if let (Ending::Problem(problem), true) = (&ending, record.then != Then::Wait) {
            let told = event::Problem { detail: &problem.detail, hint: problem.hint.as_deref(), exit_status: problem.exit_status };
            let line = telling::line(&Event::Problem { problem: told });
            line.into_iter().for_each(|line| record.events.get().push(line));
        }
        record.events.get().end();
        let (then, held, tenant) = (record.then, record.held, record.tenant.clone());
        record.state = State::Over(ending.clone());
        self.tell_readers(run);
        self.tell_waiters(run, &ending);
        match (then, held) {
            (Then::Detach, _) => {
                self.keep_within(&tenant);
                self.keep_all_within();
            }
            // Until its stream is read to the end.
            (Then::Stream, Some(_)) => {}
            (Then::Wait, _) | (Then::Stream, None) => self.forget(run),
        }
    }

    /// Ends a run, or forgets one that is over.
    pub(super) fn cancel(&mut self, run: &str) {
        let Some(record) = self.runs.get_mut(run) else { return };
        match &mut record.state {
            State::Running(handle) => handle.cancel(),
            State::Over(_) => self.forget(run),
            // What it waits for comes or fails by itself, and lets it end.
            State::Preparing(_) => record.unwanted = true,
            State::Queued(_) => {
                if self.queue.withdraw(record.share(), run) {
                    let policy = record.policy.clone();
                    let ending = self.ending_of(run, Outcome::bare(policy, Verdict::Cancelled));
                    self.answer(run, ending);
                }
            }
        }
    }

    /// A call is gone: so is what lives as long as it.
    pub(super) fn let_go(&mut self, number: u64, open: &Open) {
        let front = self.fronts.get(&number);
        match open {
            Open::Reader(run) => {
                let Some(record) = self.runs.get_mut(run) else { return };
                record.readers.retain(|(reader, call, _)| *reader != number || front.is_some_and(|front| front.open.contains_key(call)));
            }
            Open::Waiter(run) => {
                let Some(record) = self.runs.get_mut(run) else { return };
                record.waiters.retain(|(waiter, call)| *waiter != number || front.is_some_and(|front| front.open.contains_key(call)));
            }
            Open::Run(run) => {
                let Some(record) = self.runs.get_mut(run) else { return };
                record.held = None;
                record.waiters.retain(|(waiter, call)| *waiter != number || front.is_some_and(|front| front.open.contains_key(call)));
                self.cancel(run);
            }
        }
    }

    /// Ends what was of containers that have ended.
    pub(super) fn end_containers(&mut self, now: Moment) {
        for (number, cgroup) in self.containers.take_ended(now) {
            self.log.say("container ended", json!({ "container": cgroup }));
            let of_it = self.fronts.iter().filter(|(_, front)| front.client.owner() == Owner::Container(number));
            let of_it: Vec<u64> = of_it.map(|(front, _)| *front).collect();
            of_it.into_iter().for_each(|front| self.end_front(front, "its container has ended"));
        }
        // Those that go on are forgotten when they are over.
        let nobodys = |owner| matches!(owner, Owner::Container(number) if !self.containers.has(number));
        let runs: Vec<String> = self.runs.iter().filter(|(_, record)| nobodys(record.client.owner())).map(|(run, _)| run.clone()).collect();
        runs.iter().for_each(|run| self.cancel(run));
    }

    /// Whether something of a container is there, which may end.
    pub(super) fn has_containers(&self) -> bool {
        !self.containers.is_empty() || self.runs.values().any(|record| matches!(record.client.owner(), Owner::Container(_)))
    }

    /// Those that wait will not begin.
    pub(super) fn end_queued(&mut self) {
        let queued: Vec<_> =
            self.runs.iter().filter(|(_, record)| matches!(record.state, State::Queued(_))).map(|(run, _)| run.clone()).collect();
        for run in queued {
            let Some(record) = self.runs.get(&run) else { continue };
            self.queue.withdraw(record.share(), &run);
            let problem =
                Problem { status: 503, exit_status: 10, retry_after: Some(1), detail: "the daemon is ending".to_owned(), hint: None };
            self.answer(&run, Ending::Problem(problem));
        }
    }

    /// Those that go on are ended.
    pub(super) fn cancel_all(&mut self) {
        for run in self.running().map(|(run, _)| run.clone()).collect::<Vec<_>>() {
            self.cancel(&run);
        }
    }
}
