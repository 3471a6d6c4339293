//! One run from when it was taken to when it is forgotten.

use remand_engine::{Effective, Identity, Request, Run};
use remand_plan::outcome::PolicyRef;
use serde_json::json;

use super::events::Shared;
use crate::protocol::{Chosen, Problem, Then};

/// See the module.
pub struct Record {
    /// Whose it is.
    pub identity: Identity,
    /// The tenant that it counts for.
    pub tenant: String,
    /// What it runs under.
    pub policy: PolicyRef,
    /// How whoever submitted it goes on with it.
    pub then: Then,
    /// The front and the call that it belongs to. None: it lives on by itself, or is wanted no longer.
    pub held: Option<(u64, u64)>,
    /// Those who wait for events: front, call, from which number on.
    pub readers: Vec<(u64, u64, u64)>,
    /// What it said.
    pub events: Shared,
    /// How many were taken before it.
    pub number: u64,
    /// Where it is.
    pub state: State,
}

/// Where a run is.
pub enum State {
    /// It waits.
    Queued(Box<Job>),
    /// It goes on.
    Running(Box<Run<'static>>),
    /// It is over.
    Over(Ending),
}

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
    /// With an outcome, JSON on a line.
    Outcome(String),
    /// Without.
    Problem(Problem),
}

impl Record {
    /// Whether it belongs to a user, or may be seen by it.
    pub fn is_of(&self, identity: Identity) -> bool {
        self.identity.user() == identity.user() || identity.user() == 0
    }

    /// Bytes that are kept of it.
    pub fn size(&self) -> usize {
        let kept = match &self.state {
            State::Queued(job) => job.size,
            State::Running(..) => 0,
            State::Over(Ending::Outcome(text)) => text.len(),
            State::Over(Ending::Problem(problem)) => problem.detail.len(),
        };
        kept + self.events.get().bytes()
    }

    /// As a document; with its outcome, if `whole`.
    pub fn document(&self, run: &str, whole: bool) -> String {
        let state = match &self.state {
            State::Queued(_) => "queued",
            State::Running(..) => "running",
            State::Over(_) => "over",
        };
        let mut text = json!({ "run": run, "state": state, "policy": self.policy.name, "user": self.identity.user() }).to_string();
        let rest = match &self.state {
            State::Over(Ending::Outcome(outcome)) if whole => format!(",\"outcome\":{outcome}}}"),
            State::Over(Ending::Problem(problem)) if whole => {
                format!(",\"problem\":{}}}", json!({ "detail": problem.detail, "hint": problem.hint, "exit_status": problem.exit_status }))
            }
            _ => return text,
        };
        text.pop();
        text + &rest
    }
}
