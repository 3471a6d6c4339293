//! One run from when it was taken to when it is forgotten.
//!
//! Always holds: a run with an idempotency key lives on by itself, whoever waits for it.

use remand_engine::{Effective, Moment, Request, Run};
use remand_plan::outcome::PolicyRef;
use serde_json::json;

use super::events::Shared;
use crate::client::{Client, Owner};
use crate::protocol::{Chosen, Problem, Then};
use crate::queue::Share;

/// See the module.
pub struct Record {
    /// Whose it is.
    pub client: Client,
    /// The tenant that it counts for.
    pub tenant: String,
    /// What it runs under.
    pub policy: PolicyRef,
    /// How whoever submitted it goes on with it.
    pub then: Then,
    /// The part of the tenant's own that it counts for; empty: none in particular.
    pub label: String,
    /// What it can be asked for once more by, and what of its request has to be the same.
    pub key: Option<(String, Body)>,
    /// Bytes that its limits let it take.
    pub memory: u64,
    /// When it was taken.
    pub taken: Moment,
    /// The front and the call that it belongs to. None: it lives on by itself, or is wanted no longer.
    pub held: Option<(u64, u64)>,
    /// Those who wait for its outcome: front, call.
    pub waiters: Vec<(u64, u64)>,
    /// Those who wait for events: front, call, from which number on.
    pub readers: Vec<(u64, u64, u64)>,
    /// What it said.
    pub events: Shared,
    /// Grows from one that is taken to the next.
    pub number: u64,
    /// The forkserver that made it, if that is kept.
    pub server: Option<u64>,
    /// It was cancelled, and has not begun.
    pub unwanted: bool,
    /// Where it is.
    pub state: State,
}

/// Where a run is.
pub enum State {
    /// It waits for its turn.
    Queued(Box<Job>),
    /// It has its turn, and waits for what it begins with.
    Preparing(Box<Job>),
    /// It goes on.
    Running(Box<Run<'static>>),
    /// It is over.
    Over(Ending),
}

/// SHA-256 of what a run is asked for by.
pub type Body = [u8; 32];

/// An idempotency key: whose it is, the label, the key.
pub type Keyed = (Owner, String, String);

/// What is to be run.
pub struct Job {
    /// As its policy was named.
    pub chosen: Chosen,
    /// The policy, with what the request chooses.
    pub effective: Effective,
    /// All else.
    pub request: Request,
    /// About how much memory it has.
    pub size: usize,
}

/// How it ended.
#[derive(Clone)]
pub enum Ending {
    /// With an outcome, JSON on a line, and the kind of its verdict.
    Outcome(String, &'static str),
    /// Without.
    Problem(Problem),
}

impl Record {
    /// Whether somebody may see it.
    pub fn is_seen_by(&self, owner: Owner) -> bool {
        owner.sees(self.client.owner())
    }

    /// Whose share of the queue it takes.
    pub fn share(&self) -> Share<'_> {
        Share { tenant: &self.tenant, label: &self.label, memory: self.memory }
    }

    /// Its idempotency key, if it has one.
    pub fn keyed(&self) -> Option<Keyed> {
        let (key, _) = self.key.as_ref()?;
        Some((self.client.owner(), self.label.clone(), key.clone()))
    }

    /// Where it is, which is nowhere until it is put somewhere else.
    pub fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Over(Ending::Problem(Problem::default())))
    }

    /// Bytes that are kept of it.
    pub fn size(&self) -> usize {
        let kept = match &self.state {
            State::Queued(job) | State::Preparing(job) => job.size,
            State::Running(..) => 0,
            State::Over(Ending::Outcome(text, _)) => text.len(),
            State::Over(Ending::Problem(problem)) => problem.detail.len(),
        };
        kept + self.events.get().bytes()
    }

    /// As a document; with its outcome, if `whole`.
    pub fn document(&self, run: &str, whole: bool) -> String {
        let state = match &self.state {
            State::Queued(_) => "queued",
            State::Preparing(_) | State::Running(..) => "running",
            State::Over(_) => "over",
        };
        let label = (!self.label.is_empty()).then_some(&self.label);
        let age = u64::try_from(Moment::now().since(self.taken).as_millis()).unwrap_or(u64::MAX);
        let mut told = json!({ "run": run, "state": state, "age_ms": age, "policy": self.policy.name, "for": label });
        if let State::Over(Ending::Outcome(_, verdict)) = &self.state {
            told["verdict"] = json!(verdict);
        }
        let mut text = self.client.told(told).to_string();
        let rest = match &self.state {
            State::Over(Ending::Outcome(outcome, _)) if whole => format!(",\"outcome\":{outcome}}}"),
            State::Over(Ending::Problem(problem)) if whole => {
                format!(",\"problem\":{}}}", json!({ "detail": problem.detail, "hint": problem.hint, "exit_status": problem.exit_status }))
            }
            _ => return text,
        };
        text.pop();
        text + &rest
    }
}
