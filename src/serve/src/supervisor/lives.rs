//! The lives of runs: begun when it is their turn, followed to their end, ended when nobody wants them.
//!
//! Always holds: a run whose front or connection is gone is cancelled; one that is over is answered once; what is kept of results is bounded for each tenant.

use nix::sys::epoll::{EpollEvent, EpollFlags};
use remand_engine::{Moment, Outcome, Run, Telling, telling};
use remand_plan::event::{self, Event};
use remand_plan::verdict::Verdict;
use remand_policy::text::terminal::one_line;
use serde_json::json;

use super::asked::long;
use super::process::Open;
use super::record::{Ending, Job, State};
use super::{RUN, Supervisor};
use crate::limits::{KEPT, KEPT_BYTES};
use crate::protocol::{Problem, Tell, Then};
use crate::queue::Quota;

/// What came of beginning a run.
enum Begun {
    Goes(Box<Run<'static>>),
    Over(Box<Outcome>),
    Not(Problem),
}

impl Supervisor<'_> {
    /// A number for what is taken, in order.
    pub(super) fn taken(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Begins those whose turn it is.
    pub(super) fn begin_runs(&mut self) {
        loop {
            let config = &self.config;
            // Whom the configuration no longer knows has what waits done one by one.
            let quota = |tenant: &str| {
                let known = config.tenants.get(tenant).or(config.others.as_ref());
                known.map_or(Quota { concurrent: 1, queued: 0, rate: 0 }, |tenant| tenant.quota.0)
            };
            let Some(run) = self.queue.next(quota) else { return };
            match self.begin(&run) {
                Begun::Goes(handle) => self.follow(run, handle),
                Begun::Over(outcome) => self.finish(&run, *outcome),
                Begun::Not(problem) => self.end(&run, Ending::Problem(problem)),
            }
        }
    }

    fn begin(&mut self, run: &str) -> Begun {
        let gone = || Begun::Not(Problem { status: 500, exit_status: 11, detail: "the run is gone".to_owned(), ..Problem::default() });
        let Some(record) = self.runs.get_mut(run) else { return gone() };
        let nothing = State::Over(Ending::Problem(Problem::default()));
        let State::Queued(job) = std::mem::replace(&mut record.state, nothing) else { return gone() };
        let Job { chosen, effective, request, .. } = *job;
        let plain = request.choice.is_empty();
        let prepared = match self.policies.prepared(&chosen, &effective, plain, record.identity) {
            Ok(prepared) => prepared,
            Err(why) => return Begun::Over(Box::new(why.outcome(effective.policy()))),
        };
        // Nobody can ask for the events of a run that is waited for.
        let sink = (record.then != Then::Wait).then(|| record.events.sink(Telling::new(record.policy.clone())));
        match prepared.start_as(run, &request, sink) {
            Ok(Ok(handle)) => Begun::Goes(Box::new(handle)),
            Ok(Err(outcome)) => Begun::Over(outcome),
            Err(error) => Begun::Not(Problem { status: 422, exit_status: 2, detail: error.to_string(), ..Problem::default() }),
        }
    }

    fn follow(&mut self, run: String, handle: Box<Run<'static>>) {
        let number = self.number();
        if let Err(errno) = self.epoll.add(&*handle, EpollEvent::new(EpollFlags::EPOLLIN, RUN | number)) {
            drop(handle);
            let detail = format!("the run cannot be followed: {errno}");
            return self.end(&run, Ending::Problem(Problem { status: 503, exit_status: 11, detail, ..Problem::default() }));
        }
        self.followed.insert(number, run.clone());
        if let Some(record) = self.runs.get_mut(&run) {
            record.state = State::Running(handle);
        }
    }

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
        let nothing = State::Over(Ending::Problem(Problem::default()));
        if let State::Running(handle) = std::mem::replace(&mut record.state, nothing) {
            let (outcome, _) = handle.outcome();
            self.finish(&run, outcome);
        }
    }

    /// A run that had begun has an outcome.
    fn finish(&mut self, run: &str, outcome: Outcome) {
        let ending = self.ending_of(run, outcome);
        self.end(run, ending);
    }

    /// What an outcome is for whoever waits for it; logged.
    fn ending_of(&self, run: &str, mut outcome: Outcome) -> Ending {
        if outcome.run.is_empty() {
            outcome.run = run.to_owned();
        }
        let Some(record) = self.runs.get(run) else { return Ending::Problem(Problem::default()) };
        let usage = &outcome.usage;
        self.log.say(
            "run",
            json!({
                "run": run, "user": record.identity.user(), "tenant": record.tenant, "policy": record.policy.name, "hash": record.policy.hash,
                "verdict": outcome.verdict.kind(), "usage": usage,
            }),
        );
        if let Some(line) = telling::line(&Event::Outcome { outcome: &outcome }).filter(|_| record.then != Then::Wait) {
            record.events.get().push(line);
        }
        let text = serde_json::to_string(&outcome).map(|text| one_line(&text).into_owned());
        let none = |error: serde_json::Error| Problem { status: 500, exit_status: 11, detail: error.to_string(), ..Problem::default() };
        text.map_or_else(|error| Ending::Problem(none(error)), Ending::Outcome)
    }

    /// A run that had begun is over.
    fn end(&mut self, run: &str, ending: Ending) {
        if let Some(record) = self.runs.get(run) {
            self.queue.ended(&record.tenant);
        }
        self.answer(run, ending);
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
        match (then, held) {
            (Then::Detach, _) => self.keep_within(&tenant),
            // Until its stream is read to the end.
            (Then::Stream, Some(_)) => {}
            (Then::Wait, Some((number, call))) => {
                self.runs.remove(run);
                if let Some(front) = self.fronts.get_mut(&number) {
                    front.open.remove(&call);
                }
                let text = match ending {
                    Ending::Outcome(text) => Ok(text),
                    Ending::Problem(problem) => Err(problem),
                };
                self.document(number, call, text);
            }
            (Then::Wait | Then::Stream, None) => drop(self.runs.remove(run)),
        }
    }

    /// Forgets the oldest results of a tenant that has too many.
    fn keep_within(&mut self, tenant: &str) {
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

    fn forget(&mut self, run: &str) {
        let Some(record) = self.runs.remove(run) else { return };
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

    /// Ends a run, or forgets one that is over.
    pub(super) fn cancel(&mut self, run: &str) {
        let Some(record) = self.runs.get_mut(run) else { return };
        match &mut record.state {
            State::Running(handle) => handle.cancel(),
            State::Over(_) => self.forget(run),
            State::Queued(_) => {
                let (tenant, policy) = (record.tenant.clone(), record.policy.clone());
                if self.queue.withdraw(&tenant, run) {
                    let ending = self.ending_of(run, Outcome::bare(policy, Verdict::Cancelled));
                    self.answer(run, ending);
                }
            }
        }
    }

    /// A call is gone: so is what lives as long as it.
    pub(super) fn let_go(&mut self, number: u64, open: &Open) {
        match open {
            Open::Reader(run) => {
                let Some(record) = self.runs.get_mut(run) else { return };
                let Some(front) = self.fronts.get(&number) else {
                    return record.readers.retain(|(reader, ..)| *reader != number);
                };
                record.readers.retain(|(reader, call, _)| *reader != number || front.open.contains_key(call));
            }
            Open::Run(run) => {
                let Some(record) = self.runs.get_mut(run) else { return };
                record.held = None;
                self.cancel(run);
            }
        }
    }

    /// Those that wait will not begin.
    pub(super) fn end_queued(&mut self) {
        let queued: Vec<_> =
            self.runs.iter().filter(|(_, record)| matches!(record.state, State::Queued(_))).map(|(run, _)| run.clone()).collect();
        for run in queued {
            let Some(tenant) = self.runs.get(&run).map(|record| record.tenant.clone()) else { continue };
            self.queue.withdraw(&tenant, &run);
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
