//! How a run begins: its turn, its policy made ready, a forkserver that is kept or one of its own.
//!
//! Always holds: a run that has its turn begins, waits for one of the two, or is over; whatever it waits for lets it go on, also by failing.

use std::sync::Arc;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use remand_engine::{Forkserver, Moment, Outcome, Prepared, Run, Telling};
use remand_plan::verdict::Verdict;

use super::record::{Ending, Job, State};
use super::servers::{Kept, Purpose, Way};
use super::{RUN, SERVER, Supervisor};
use crate::limits::SERVER_RUNS;
use crate::protocol::{Problem, Then};

fn failed(status: u16, exit_status: u8, detail: String) -> Ending {
    Ending::Problem(Problem { status, exit_status, detail, ..Problem::default() })
}

impl Supervisor<'_> {
    /// Begins those whose turn it is.
    pub(super) fn begin_runs(&mut self) {
        loop {
            let config = &self.config;
            let Some(run) = self.queue.next(|tenant| config.quota(tenant)) else { return };
            self.make_ready(&run);
        }
    }

    /// A run has its turn: what it runs under is made ready, if it is not.
    fn make_ready(&mut self, run: &str) {
        let number = self.number();
        let Some(record) = self.runs.get_mut(run) else { return };
        let State::Queued(job) = record.take_state() else { return };
        self.metrics.begins(Moment::now().since(record.taken));
        let plain = job.request.choice.is_empty();
        if let Some(prepared) = self.policies.ready(&job.chosen, &record.policy.hash).filter(|_| plain) {
            record.state = State::Preparing(job);
            return self.start(run, &prepared);
        }
        let chosen = plain.then(|| (job.chosen.clone(), record.policy.hash.clone()));
        let (effective, identity) = (job.effective.clone(), record.client.identity());
        record.state = State::Preparing(job);
        if chosen.as_ref().is_some_and(|chosen| self.preparing.join(chosen, run)) {
            return;
        }
        let engine = self.policies.engine().clone();
        if let Err(error) = self.preparing.begin((number, run, chosen), engine, effective, identity) {
            self.end(run, failed(503, 11, format!("no thread to make the policy ready: {error}")));
        }
    }

    /// Goes on with the runs whose policy was made ready.
    pub(super) fn take_prepared(&mut self) {
        for (chosen, runs, done) in self.preparing.take() {
            if let (Some((chosen, hash)), Ok(prepared)) = (&chosen, &done) {
                self.policies.keep(chosen, hash, prepared);
            }
            for run in runs {
                match &done {
                    Ok(prepared) => self.start(&run, prepared),
                    Err(why) => {
                        let Some(record) = self.runs.get(&run) else { continue };
                        let State::Preparing(job) = &record.state else { continue };
                        let outcome = why.outcome(job.effective.policy());
                        self.finish(&run, outcome);
                    }
                }
            }
        }
    }

    /// Starts a run by a forkserver that is kept for it, or lets it wait for one.
    fn start(&mut self, run: &str, prepared: &Arc<Prepared>) {
        let Some(record) = self.runs.get(run) else { return };
        let State::Preparing(job) = &record.state else { return };
        if !job.request.choice.is_empty() {
            return self.launch(run, prepared, None);
        }
        let purpose = Purpose { tenant: record.tenant.clone(), chosen: job.chosen.clone() };
        let now = Moment::now();
        let way = match self.servers.way(&purpose, prepared, run, now) {
            Some(way) => way,
            None => {
                self.keep_server(&purpose, prepared, now);
                self.servers.way(&purpose, prepared, run, now).unwrap_or(Way::Own)
            }
        };
        match way {
            Way::Waits => {}
            Way::Own => self.launch(run, prepared, None),
            Way::By(number) => self.launch(run, prepared, Some(number)),
        }
    }

    fn keep_server(&mut self, purpose: &Purpose, prepared: &Arc<Prepared>, now: Moment) {
        let number = self.number();
        let follow =
            |server: Forkserver| self.epoll.add(&server, EpollEvent::new(EpollFlags::EPOLLIN, SERVER | number)).ok().map(|()| server);
        // What is in its way is met once more, and told, by the run that has one of its own.
        let server = prepared.forkserver(prepared.most_together(SERVER_RUNS)).ok().and_then(follow);
        let gone = self.servers.keep(number, purpose.clone(), Arc::clone(prepared), server, now);
        self.let_servers_go(gone);
    }

    /// A forkserver has said something: it serves, or it is none any more.
    pub(super) fn hear_server(&mut self, number: u64) {
        let Some(kept) = self.servers.get(number) else { return };
        let prepared = Arc::clone(&kept.prepared);
        match kept.server.as_mut().map(Forkserver::advance) {
            Some(Ok(false)) => {}
            Some(Ok(true)) => {
                for run in kept.waiting.take().unwrap_or_default() {
                    self.launch(&run, &prepared, Some(number));
                }
            }
            Some(Err(failure)) => {
                // One that had served can be replaced by the next that is wanted.
                let served = kept.waiting.is_none();
                self.log.say("forkserver ended", serde_json::json!({ "tenant": kept.purpose.tenant, "why": failure.to_string() }));
                let purpose = kept.purpose.clone();
                let gone = self.servers.take(|kept| kept.purpose == purpose);
                if !served {
                    let more = self.servers.keep(number, purpose, prepared, None, Moment::now());
                    self.let_servers_go(more);
                }
                self.let_servers_go(gone);
            }
            None => {}
        }
    }

    /// Ends those that are so.
    pub(super) fn end_servers(&mut self, is: impl Fn(&Kept) -> bool) {
        let gone = self.servers.take(is);
        self.let_servers_go(gone);
    }

    /// Runs that a forkserver made go on without it; those that wait for it have one of their own.
    fn let_servers_go(&mut self, gone: Vec<Kept>) {
        for kept in gone {
            if let Some(server) = &kept.server {
                let _ = self.epoll.delete(server); // it goes in any case
            }
            for run in kept.waiting.into_iter().flatten() {
                self.launch(&run, &kept.prepared, None);
            }
        }
    }

    /// Starts a run that was made ready. `by`: the forkserver that makes it, which counts it already.
    fn launch(&mut self, run: &str, prepared: &Arc<Prepared>, by: Option<u64>) {
        let ended = |supervisor: &mut Self| by.into_iter().for_each(|number| supervisor.servers.ended(number));
        let server = by.and_then(|number| self.servers.get(number)).and_then(|kept| kept.server.as_ref());
        let Some(record) = self.runs.get_mut(run) else { return ended(self) };
        record.server = by;
        if record.unwanted {
            let outcome = Outcome::bare(record.policy.clone(), Verdict::Cancelled);
            return self.finish(run, outcome);
        }
        let State::Preparing(job) = record.take_state() else { return ended(self) };
        let Job { request, .. } = *job;
        if let Err(why) = self.audit.begins(run, record, request.code.as_bytes()) {
            self.log.say("unaudited", serde_json::json!({ "run": run, "why": why }));
            if self.audit.is_required() {
                return self.end(run, failed(503, 10, why));
            }
        }
        // Nobody can ask for the events of a run that is waited for.
        let sink = (record.then != Then::Wait).then(|| record.events.sink(Telling::new(record.policy.clone())));
        match prepared.start_as(run, server, &request, sink) {
            Ok(Ok(handle)) => self.follow(run, Box::new(handle)),
            Ok(Err(outcome)) => self.finish(run, *outcome),
            Err(error) => self.end(run, failed(422, 2, error.to_string())),
        }
    }

    fn follow(&mut self, run: &str, handle: Box<Run<'static>>) {
        let number = self.number();
        if let Err(errno) = self.epoll.add(&*handle, EpollEvent::new(EpollFlags::EPOLLIN, RUN | number)) {
            drop(handle);
            return self.end(run, failed(503, 11, format!("the run cannot be followed: {errno}")));
        }
        self.followed.insert(number, run.to_owned());
        if let Some(record) = self.runs.get_mut(run) {
            record.state = State::Running(handle);
        }
    }
}
