//! What a front asks, and the answer to each.
//!
//! Always holds: an answer depends on the identity that the front was bound to, and on nothing that the front says of itself; a run that is another's is one that
//! is not there.

use std::os::fd::OwnedFd;

use remand_engine::{Moment, run_id};
use remand_plan::outcome::PolicyRef;
use serde_json::{Value, json};

use super::Supervisor;
use super::policies::refused;
use super::process::{Fault, Open};
use super::record::{Job, Record, State};
use crate::config::Tenant;
use crate::limits::LARGEST_PACKED;
use crate::protocol::{Ask, Chosen, INLINE, Long, Problem, Tell, Then};
use crate::queue::Overload;
use crate::{memory, packed};

/// Packets of one front that are heard before it is another's turn.
const TURN: usize = 16;
/// Bytes of requests of one tenant that wait.
const WAITING: usize = 128 << 20;

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
    Problem { status: 404, exit_status: 2, detail: "there is no such run of yours".to_owned(), hint, retry_after: None }
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
            Ask::Submit(chosen, then) => return self.submit(number, call, chosen, then, beside),
            Ask::Look(run) => {
                let told = self.own(number, &run).map(|record| record.document(&run, true));
                self.document(number, call, told.ok_or_else(unknown));
            }
            Ask::List => {
                let told = self.list(number);
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
            Ask::Policies => {
                let told = self.tenant_of(number).map(|tenant| {
                    let names = self.policies.names(&tenant.policies);
                    json!({ "policies": names }).to_string()
                });
                self.document(number, call, told);
            }
            Ask::Ready => {
                let told = self.ready(number);
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

    /// What the identity of a front may, by the present configuration.
    fn tenant_of(&self, number: u64) -> Result<Tenant, Problem> {
        let found = self.fronts.get(&number).and_then(|front| {
            let (name, tenant) = self.config.tenant(&front.user)?;
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

    fn may(&self, number: u64, chosen: &Chosen) -> Result<Tenant, Problem> {
        let tenant = self.tenant_of(number)?;
        let path = chosen.policy.contains('/') || chosen.policy.ends_with(".jsonc");
        if path || !tenant.policies.allow(&chosen.policy) {
            let detail = format!("the request: policy: {} is not served to you", remand_policy::text::quote(&chosen.policy));
            let hint = Some(format!("you may use: {}", self.policies.names(&tenant.policies).join(", ")));
            return Err(Problem { status: 403, exit_status: 2, detail, hint, retry_after: None });
        }
        Ok(tenant)
    }

    /// A run that the identity of a front may see.
    fn own(&self, number: u64, run: &str) -> Option<&Record> {
        let identity = self.fronts.get(&number)?.identity;
        self.runs.get(run).filter(|record| record.is_of(identity))
    }

    fn list(&self, number: u64) -> String {
        let Some(identity) = self.fronts.get(&number).map(|front| front.identity) else { return String::new() };
        let mut runs: Vec<_> = self.runs.iter().filter(|(_, record)| record.is_of(identity)).collect();
        runs.sort_by_key(|(_, record)| std::cmp::Reverse(record.number));
        let runs: Vec<_> = runs.into_iter().map(|(run, record)| record.document(run, false)).collect();
        format!("{{\"runs\":[{}]}}", runs.join(","))
    }

    fn ready(&self, number: u64) -> Result<String, Problem> {
        if self.ending.is_some() {
            return Err(Problem { status: 503, exit_status: 10, detail: "the daemon is ending".to_owned(), ..Problem::default() });
        }
        let (running, waiting) = self.queue.counts();
        // What is wrong with the administrator's file is for the administrator.
        let inside = self.fronts.get(&number).is_some_and(|front| front.user.id == 0 || self.first_front.is_none());
        let configuration = match &self.wrong {
            None => Value::Null,
            Some(wrong) if inside => format!("the old one is used: {wrong}").into(),
            Some(_) => "the old one is used: see the log".into(),
        };
        Ok(json!({ "status": "ready", "running": running, "queued": waiting, "configuration": configuration }).to_string())
    }

    fn submit(&mut self, number: u64, call: u64, chosen: Chosen, then: Then, beside: Option<OwnedFd>) -> Result<(), Fault> {
        let taken = self.take(number, call, chosen, then, beside)?;
        match taken {
            Ok(run) => {
                if then != Then::Detach
                    && let Some(front) = self.fronts.get_mut(&number)
                {
                    front.opens(call, Open::Run(run.clone()))?;
                }
                self.tell(number, call, &Tell::Accepted(run), None);
            }
            Err(problem) => self.tell(number, call, &Tell::Problem(problem), None),
        }
        Ok(())
    }

    /// Takes a run in, to begin when it is its turn. A request that cannot be read is the front's fault.
    fn take(
        &mut self,
        number: u64,
        call: u64,
        chosen: Chosen,
        then: Then,
        beside: Option<OwnedFd>,
    ) -> Result<Result<String, Problem>, Fault> {
        let now = Moment::now();
        if self.ending.is_some() {
            return Ok(Err(Problem {
                status: 503,
                exit_status: 10,
                retry_after: Some(1),
                detail: "the daemon is ending".to_owned(),
                hint: None,
            }));
        }
        let looked = self.may(number, &chosen).and_then(|tenant| Ok((tenant, self.policies.effective(&chosen, now)?)));
        let (tenant, effective) = match looked {
            Ok(looked) => looked,
            Err(problem) => return Ok(Err(problem)),
        };
        let Some(front) = self.fronts.get(&number) else { return Err("it has ended".to_owned()) };
        let (identity, name, run) = (front.identity, front.tenant.clone(), run_id());
        let waiting: usize = self
            .runs
            .values()
            .filter(|record| record.tenant == name)
            .map(|record| match &record.state {
                State::Queued(job) => job.size,
                _ => 0,
            })
            .sum();
        let memory = beside.ok_or("it submitted nothing")?;
        let bytes = memory::read(memory, LARGEST_PACKED).map_err(|error| format!("what it submitted: {error}"))?;
        let request = packed::unpack(&bytes).map_err(|_| "what it submitted is malformed".to_owned())?;
        let effective = match effective.choosing(&request.choice, true, &identity) {
            Ok(effective) => effective,
            Err(refusal) => return Ok(Err(refused(&refusal))),
        };
        if waiting.saturating_add(bytes.len()) > WAITING {
            let detail = "the requests of this tenant that wait are too large together".to_owned();
            return Ok(Err(Problem { status: 429, exit_status: 10, retry_after: Some(1), detail, hint: None }));
        }
        if let Err(overload) = self.queue.offer(&name, tenant.quota.0, &run, now) {
            let after = if let Overload::Rate(rate) = overload { (60 / u64::from(rate.max(1))).max(1) } else { 1 };
            let detail = overload.to_string();
            return Ok(Err(Problem { status: 429, exit_status: 10, retry_after: Some(after), detail, hint: None }));
        }
        let policy = effective.policy();
        let record = Record {
            identity,
            tenant: name,
            policy: PolicyRef { name: policy.name.clone(), hash: policy.hash() },
            then,
            held: (then != Then::Detach).then_some((number, call)),
            readers: Vec::new(),
            events: super::events::Shared::default(),
            number: self.taken(),
            state: State::Queued(Box::new(Job { chosen, effective, request, size: bytes.len() })),
        };
        self.runs.insert(run.clone(), record);
        Ok(Ok(run))
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
