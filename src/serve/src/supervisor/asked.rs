//! What a front asks, and the answer to each.
//!
//! Always holds: an answer depends on the client that the front was bound to, and on nothing that the front says of itself; a run that is another's is one that
//! is not there.

use std::os::fd::OwnedFd;

use remand_engine::Moment;
use serde_json::{Value, json};

use super::Supervisor;
use super::metrics::Present;
use super::process::{Fault, Front, Open};
use super::record::{Record, State};
use super::submit::Submitted;
use crate::client::Owner;
use crate::config::Tenant;
use crate::memory;
use crate::protocol::{Ask, Chosen, INLINE, Long, Problem, Tell};

/// Packets of one front that are heard before it is another's turn.
const TURN: usize = 16;

/// A text, in the packet or beside it.
pub fn long(text: String) -> Result<(Long, Option<OwnedFd>), Problem> {
    if text.len() <= INLINE {
        return Ok((Long::Here(text), None));
    }
    let failed = |error: std::io::Error| Problem {
        status: 503,
        exit_status: 11,
        detail: format!("no memory for the answer: {error}"),
        ..Problem::default()
    };
    let beside = memory::sealed(text.as_bytes()).map_err(failed)?;
    Ok((Long::Beside(text.len() as u64), Some(beside)))
}

fn unknown() -> Problem {
    let hint = Some(
        "a run that was waited for is forgotten when its answer was given; results of others are kept for a while, and not over a restart"
            .to_owned(),
    );
    Problem { status: 404, exit_status: 2, detail: "unknown: there is no such run of yours".to_owned(), hint, retry_after: None }
}

impl Supervisor<'_> {
    /// Hears a front.
    pub(super) fn hear(&mut self, number: u64) {
        for _ in 0..TURN {
            let Some(front) = self.fronts.get_mut(&number) else { return };
            let heard = front.flush().and_then(|()| front.heard());
            let done = match heard {
                Ok(Some((call, ask, beside))) => self.ask(number, call, ask, beside),
                Ok(None) => break,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = done {
                return self.end_front(number, &fault);
            }
        }
        self.rearm(number);
    }

    fn ask(&mut self, number: u64, call: u64, ask: Ask, beside: Option<OwnedFd>) -> Result<(), Fault> {
        match ask {
            Ask::Limits(chosen) => {
                let told = self.may(number, &chosen).and_then(|_| self.policies.effective(&chosen, Moment::now())).map(|effective| {
                    let limits = &effective.policy().limits;
                    Tell::Limits { size: limits.job_size.0, depth: limits.result_depth }
                });
                self.tell(number, call, &told.unwrap_or_else(Tell::Problem), None);
            }
            Ask::Submit(chosen, then, tags) => return self.submit(number, call, Submitted { chosen, then, tags, beside }),
            Ask::Look(run) => {
                let told = self.own(number, &run).map(|record| record.document(&run, true));
                self.document(number, call, told.ok_or_else(unknown));
            }
            Ask::List(label) => {
                let told = self.list(number, label.as_deref());
                self.document(number, call, Ok(told));
            }
            Ask::Events(run, from) => return self.read_events(number, call, run, from),
            Ask::Cancel(run) => {
                let told = self.own(number, &run).map(|record| record.document(&run, false));
                if told.is_some() {
                    self.cancel(&run);
                }
                self.document(number, call, told.ok_or_else(unknown));
            }
            Ask::CancelLabel(label) => {
                let runs = self.going_of(number, &label);
                runs.iter().for_each(|run| self.cancel(run));
                self.document(number, call, Ok(json!({ "cancelled": runs }).to_string()));
            }
            Ask::Policies => {
                let told = self.tenant_of(number).map(|tenant| {
                    let names = self.policies.names(&tenant.policies);
                    json!({ "policies": names }).to_string()
                });
                self.document(number, call, told);
            }
            Ask::Policy(chosen) => {
                let told = self.policy(number, &chosen);
                self.document(number, call, told);
            }
            Ask::Ready => {
                let told = self.ready(number);
                self.document(number, call, told);
            }
            Ask::Metrics => {
                let told = self.metrics(number);
                self.document(number, call, told);
            }
            Ask::Forget => {
                let open = self.fronts.get_mut(&number).and_then(|front| front.open.remove(&call));
                open.into_iter().for_each(|open| self.let_go(number, &open));
            }
            Ask::Closed => {
                let Some(front) = self.fronts.get_mut(&number) else { return Ok(()) };
                front.connections = front.connections.checked_sub(1).ok_or("it closed more connections than it had")?;
                front.idle = (front.connections == 0).then(Moment::now);
            }
            Ask::Unconfined(why) => return Err(format!("it cannot shut itself in: {why}")),
        }
        Ok(())
    }

    /// Answers with a document, or why there is none.
    pub(super) fn document(&mut self, number: u64, call: u64, text: Result<String, Problem>) {
        match text.and_then(long) {
            Ok((long, beside)) => self.tell(number, call, &Tell::Document(long), beside),
            Err(problem) => self.tell(number, call, &Tell::Problem(problem), None),
        }
    }

    /// What the client of a front may, by the present configuration.
    fn tenant_of(&self, number: u64) -> Result<Tenant, Problem> {
        let found = self.fronts.get(&number).and_then(|front| {
            let (name, tenant) = self.config.tenant(&front.client)?;
            (name == front.tenant).then_some(tenant)
        });
        let changed = || Problem {
            status: 403,
            exit_status: 2,
            detail: "the configuration has changed: connect anew".to_owned(),
            ..Problem::default()
        };
        found.ok_or_else(changed)
    }

    pub(super) fn may(&self, number: u64, chosen: &Chosen) -> Result<Tenant, Problem> {
        let tenant = self.tenant_of(number)?;
        let path = chosen.policy.contains('/') || chosen.policy.ends_with(".jsonc");
        if path || !tenant.policies.allow(&chosen.policy) {
            let what = if path { "is a path, and is not served to you: a policy's name is expected" } else { "is not served to you" };
            let detail = format!("the request: policy: {} {what}", remand_policy::text::quote(&chosen.policy));
            let hint = Some(format!("you may use: {}", self.policies.names(&tenant.policies).join(", ")));
            return Err(Problem { status: 403, exit_status: 2, detail, hint, retry_after: None });
        }
        Ok(tenant)
    }

    /// A run that the client of a front may see.
    fn own(&self, number: u64, run: &str) -> Option<&Record> {
        let owner = self.fronts.get(&number)?.client.owner();
        self.runs.get(run).filter(|record| record.is_seen_by(owner))
    }

    /// What a policy says that its client may use.
    fn policy(&mut self, number: u64, chosen: &Chosen) -> Result<String, Problem> {
        self.may(number, chosen)?;
        let effective = self.policies.effective(chosen, Moment::now())?;
        let policy = effective.policy();
        Ok(json!({ "name": policy.name, "hash": policy.hash(), "policy": policy.tree() }).to_string())
    }

    fn list(&self, number: u64, label: Option<&str>) -> String {
        let Some(owner) = self.fronts.get(&number).map(|front| front.client.owner()) else { return String::new() };
        let mut runs: Vec<_> =
            self.runs.iter().filter(|(_, record)| record.is_seen_by(owner) && label.is_none_or(|label| record.label == label)).collect();
        runs.sort_by_key(|(_, record)| std::cmp::Reverse(record.number));
        let runs: Vec<_> = runs.into_iter().map(|(run, record)| record.document(run, false)).collect();
        format!("{{\"runs\":[{}]}}", runs.join(","))
    }

    /// The runs of a label of the front's own that are not over.
    fn going_of(&self, number: u64, label: &str) -> Vec<String> {
        let Some(owner) = self.fronts.get(&number).map(|front| front.client.owner()) else { return Vec::new() };
        let own = self.runs.iter().filter(|(_, record)| record.client.owner() == owner && record.label == label);
        own.filter(|(_, record)| !matches!(record.state, State::Over(_))).map(|(run, _)| run.clone()).collect()
    }

    /// The counters, for whoever may see what others do.
    fn metrics(&self, number: u64) -> Result<String, Problem> {
        if !self.fronts.get(&number).is_some_and(|front| self.is_inside(front) || self.config.reads(&front.client)) {
            let detail =
                "the metrics tell of everybody's runs: they are root's, and of the `readers` of the daemon's configuration".to_owned();
            return Err(Problem { status: 403, exit_status: 2, detail, ..Problem::default() });
        }
        let (running, waiting) = self.queue.counts();
        let connections = self.fronts.values().map(|front| front.connections).sum();
        let text = self.metrics.text(Present { running, waiting, fronts: self.fronts.len(), connections });
        text.map_err(|error| Problem { status: 500, exit_status: 11, detail: format!("the metrics: {error}"), ..Problem::default() })
    }

    /// Whether what concerns the administrator may be told it.
    fn is_inside(&self, front: &Front) -> bool {
        match front.client.owner() {
            Owner::User(user) => user == 0 || self.first_front.is_none(),
            Owner::Container(_) => false,
        }
    }

    fn ready(&self, number: u64) -> Result<String, Problem> {
        if self.ending.is_some() {
            return Err(Problem { status: 503, exit_status: 10, detail: "the daemon is ending".to_owned(), ..Problem::default() });
        }
        let (running, waiting) = self.queue.counts();
        // What is wrong with the administrator's file is for the administrator.
        let inside = self.fronts.get(&number).is_some_and(|front| self.is_inside(front));
        let configuration = match &self.wrong {
            None => Value::Null,
            Some(wrong) if inside => format!("the old one is used: {wrong}").into(),
            Some(_) => "the old one is used: see the log".into(),
        };
        let audit =
            self.audit.trouble().map(|(file, why)| if inside { format!("{}: {why}", file.display()) } else { "see the log".to_owned() });
        Ok(json!({ "status": "ready", "running": running, "queued": waiting, "configuration": configuration, "audit": audit }).to_string())
    }

    fn read_events(&mut self, number: u64, call: u64, run: String, from: u64) -> Result<(), Fault> {
        if self.own(number, &run).is_none() {
            self.tell(number, call, &Tell::Problem(unknown()), None);
            return Ok(());
        }
        if let Some(front) = self.fronts.get_mut(&number) {
            front.opens(call, Open::Reader(run.clone()))?;
        }
        if let Some(record) = self.runs.get_mut(&run) {
            record.readers.push((number, call, from));
        }
        self.tell_readers(&run);
        Ok(())
    }
}
