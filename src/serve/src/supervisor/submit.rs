//! What a front submits: whether it may, what it is, whether there is room.
//!
//! Always holds: what is refused is refused before more of it is kept than the packet; a request that cannot be read is the front's fault, and its end.

use std::os::fd::OwnedFd;

use remand_engine::{Effective, Moment, Request, run_id};
use remand_plan::outcome::PolicyRef;
use remand_policy::units::Limit;
use sha2::{Digest, Sha256};

use super::Supervisor;
use super::policies::refused;
use super::process::{Fault, Open};
use super::record::{Body, Ending, Job, Record, State};
use crate::config::Tenant;
use crate::limits::LARGEST_PACKED;
use crate::protocol::{Chosen, Problem, Tags, Tell, Then};
use crate::queue::{Overload, Share};
use crate::{memory, packed};

/// Bytes of one tenant that wait: of requests for their turn, of events and outcomes for whoever reads them.
const WAITING: usize = 128 << 20;

/// What a front submits.
pub(super) struct Submitted {
    pub chosen: Chosen,
    pub then: Then,
    pub tags: Tags,
    pub beside: Option<OwnedFd>,
}

/// A request that was read.
struct Read {
    effective: Effective,
    request: Request,
    body: Body,
    size: usize,
}

fn busy(detail: impl Into<String>, after: Option<u64>) -> Problem {
    // What can never be is wrong, and not too much for now.
    let (status, exit_status) = if after.is_some() { (429, 10) } else { (422, 2) };
    Problem { status, exit_status, retry_after: after, detail: detail.into(), hint: None }
}

fn overloaded(overload: Overload) -> Problem {
    busy(overload.to_string(), overload.after())
}

/// Bytes that a policy's limits let a run take; one without a limit counts as all that a tenant may.
fn memory_of(effective: &Effective, most: u64) -> u64 {
    match effective.policy().limits.memory {
        Limit::At(bytes) => bytes.0,
        Limit::Unlimited => most,
    }
}

impl Supervisor<'_> {
    /// Takes a run in, or joins one, or says why not.
    pub(super) fn submit(&mut self, number: u64, call: u64, submitted: Submitted) -> Result<(), Fault> {
        let then = submitted.then;
        let (run, keyed) = match self.take(number, submitted)? {
            Ok(taken) => taken,
            Err(problem) => {
                self.tell(number, call, &Tell::Problem(problem), None);
                return Ok(());
            }
        };
        let open = match then {
            Then::Detach => None,
            Then::Wait | Then::Stream if !keyed => Some(Open::Run(run.clone())),
            Then::Wait => Some(Open::Waiter(run.clone())),
            Then::Stream => None,
        };
        if let (Some(open), Some(front)) = (open, self.fronts.get_mut(&number)) {
            front.opens(call, open)?;
        }
        if let Some(record) = self.runs.get_mut(&run) {
            record.held = (then != Then::Detach && !keyed).then_some((number, call));
            record.waiters.extend((then == Then::Wait).then_some((number, call)));
        }
        self.tell(number, call, &Tell::Accepted(run.clone()), None);
        // One that was joined may be over.
        if let Some(State::Over(ending)) = self.runs.get(&run).map(|record| &record.state) {
            let ending = ending.clone();
            self.tell_waiters(&run, &ending);
        }
        Ok(())
    }

    /// The id of the run, and whether it has a key.
    fn take(&mut self, number: u64, submitted: Submitted) -> Result<Result<(String, bool), Problem>, Fault> {
        let Submitted { chosen, then, tags, beside } = submitted;
        let now = Moment::now();
        let judged = match self.judge(number, &chosen, &tags, now) {
            Ok(judged) => judged,
            Err(problem) => return Ok(Err(problem)),
        };
        let (tenant, effective) = judged;
        let read = match self.read(number, &chosen, effective, beside)? {
            Ok(read) => read,
            Err(problem) => return Ok(Err(problem)),
        };
        Ok(self.enqueue(number, &tenant, (chosen, then, tags), read, now))
    }

    /// Whether the front's client may, now: before anything of the request is read.
    fn judge(&mut self, number: u64, chosen: &Chosen, tags: &Tags, now: Moment) -> Result<(Tenant, Effective), Problem> {
        if self.ending.is_some() {
            return Err(Problem {
                status: 503,
                exit_status: 10,
                retry_after: Some(1),
                detail: "the daemon is ending".to_owned(),
                hint: None,
            });
        }
        let tenant = self.may(number, chosen)?;
        let effective = self.policies.effective(chosen, now)?;
        // One that may be joined needs no room.
        if tags.key.is_none() {
            let name = self.fronts.get(&number).map(|front| front.tenant.clone()).unwrap_or_default();
            let memory = memory_of(&effective, tenant.quota.0.memory);
            let share = Share { tenant: &name, label: tags.label.as_deref().unwrap_or_default(), memory };
            self.queue.room(share, tenant.quota.0, now).map_err(overloaded)?;
        }
        Ok((tenant, effective))
    }

    fn read(&self, number: u64, chosen: &Chosen, effective: Effective, beside: Option<OwnedFd>) -> Result<Result<Read, Problem>, Fault> {
        let Some(front) = self.fronts.get(&number) else { return Err("it has ended".to_owned()) };
        let memory = beside.ok_or("it submitted nothing")?;
        let bytes = memory::read(memory, LARGEST_PACKED).map_err(|error| format!("what it submitted: {error}"))?;
        let request = packed::unpack(&bytes).map_err(|_| "what it submitted is malformed".to_owned())?;
        let mut hash = Sha256::new();
        for part in [chosen.policy.as_bytes(), &[0], chosen.narrowing.as_bytes(), &[0], &bytes] {
            hash.update(part);
        }
        Ok(match effective.choosing(&request.choice, true, &front.client.identity()) {
            Ok(effective) => Ok(Read { effective, request, body: hash.finalize().into(), size: bytes.len() }),
            Err(refusal) => Err(refused(&refusal)),
        })
    }

    /// Lets it wait for its turn, or joins the one that has its key.
    fn enqueue(
        &mut self,
        number: u64,
        tenant: &Tenant,
        (chosen, then, tags): (Chosen, Then, Tags),
        read: Read,
        now: Moment,
    ) -> Result<(String, bool), Problem> {
        let Some(front) = self.fronts.get(&number) else { return Err(busy("the front has ended", Some(1))) };
        let (client, name) = (front.client.clone(), front.tenant.clone());
        let (label, key) = (tags.label.unwrap_or_default(), tags.key.map(|key| (key, read.body)));
        let keyed = key.as_ref().map(|(key, _)| (client.owner(), label.clone(), key.clone()));
        if let Some(joined) = keyed.as_ref().and_then(|keyed| self.joined(keyed, &read.body)) {
            return joined.map(|run| (run, true));
        }
        if self.waiting_of(&name).saturating_add(read.size) > WAITING {
            return Err(busy("what waits of this tenant, requests and what was not read of runs, is too large together", Some(1)));
        }
        let (run, memory) = (run_id(), memory_of(&read.effective, tenant.quota.0.memory));
        let share = Share { tenant: &name, label: &label, memory };
        self.queue.offer(share, tenant.quota.0, &run, now).map_err(overloaded)?;
        let policy = read.effective.policy();
        let record = Record {
            client,
            policy: PolicyRef { name: policy.name.clone(), hash: policy.hash() },
            // It is wanted whatever becomes of the connection, or there would be nothing to ask for once more.
            then: if key.is_some() { Then::Detach } else { then },
            tenant: name,
            label,
            key,
            memory,
            taken: now,
            held: None,
            waiters: Vec::new(),
            readers: Vec::new(),
            events: super::events::Shared::default(),
            number: self.number(),
            server: None,
            unwanted: false,
            state: State::Queued(Box::new(Job { chosen, effective: read.effective, request: read.request, size: read.size })),
        };
        let has_key = keyed.is_some();
        self.keys.extend(keyed.map(|keyed| (keyed, run.clone())));
        self.runs.insert(run.clone(), record);
        Ok((run, has_key))
    }

    /// The run that has this key already, if one has: the same, or another.
    fn joined(&self, keyed: &super::record::Keyed, body: &Body) -> Option<Result<String, Problem>> {
        let run = self.keys.get(keyed)?;
        let (_, same) = self.runs.get(run)?.key.as_ref()?;
        if same == body {
            return Some(Ok(run.clone()));
        }
        let detail =
            format!("the idempotency key {} belongs to run {run}, whose request was another", remand_policy::text::quote(&keyed.2));
        Some(Err(Problem { status: 409, exit_status: 2, detail, ..Problem::default() }))
    }

    /// Bytes that are kept of a tenant's runs and that nobody but its clients can make fewer.
    fn waiting_of(&self, tenant: &str) -> usize {
        let theirs = self.runs.values().filter(|record| record.tenant == tenant);
        theirs.filter(|record| record.then != Then::Detach || !matches!(record.state, State::Over(_))).map(Record::size).sum()
    }

    /// Tells those who wait for the outcome of a run.
    pub(super) fn tell_waiters(&mut self, run: &str, ending: &Ending) {
        let waiters = self.runs.get_mut(run).map(|record| std::mem::take(&mut record.waiters)).unwrap_or_default();
        for (number, call) in waiters {
            if let Some(front) = self.fronts.get_mut(&number) {
                front.open.remove(&call);
            }
            let text = match ending.clone() {
                Ending::Outcome(text, _) => Ok(text),
                Ending::Problem(problem) => Err(problem),
            };
            self.document(number, call, text);
        }
    }
}
