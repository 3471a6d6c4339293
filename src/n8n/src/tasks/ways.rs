//! What is ready to run tasks: each policy that one can run under, held to this host.
//!
//! Always holds: what an author can select (a name, a node's id) is no wider than what the workflow has without it; a variable of this process's is shown
//! to tasks only where n8n is told not to block that and the policy names it, and never one of n8n's own.

use std::collections::BTreeMap;

use remand_engine::host::{Depth, observe};
use remand_engine::{Caller, Effective, Engine, Identity, Prepared, Program};
use remand_plan::choice::{Choice, Secret};
use remand_policy::Policy;
use remand_policy::field::Names;
use remand_policy::narrow::{Direction, compare};
use remand_policy::policy::Limits;
use remand_policy::units::Span;
use serde_json::{Value, json};

use super::exceeded;
use crate::settings::{Policies, Settings};
use crate::task::Task;

/// Beginning of the names that are n8n's, tokens among them.
const OF_N8N: &str = "N8N_";

/// One way to run tasks.
#[derive(Debug)]
pub(super) struct Way {
    /// What runs are started from.
    pub prepared: Prepared,
    /// What a request of it chooses: as it was prepared.
    pub choice: Choice,
    /// What tasks may use.
    pub limits: Limits,
    /// Tasks are shown packages.
    pub packages: bool,
    /// Whose they are.
    pub interpreter: String,
}

/// All of them, by the names of their policies.
#[derive(Debug)]
pub(super) struct Ways {
    policies: Policies,
    ways: BTreeMap<String, Way>,
}

impl Ways {
    /// Finds the policies, the interpreters that they name, and what of them this host can enforce.
    pub fn prepare(settings: &Settings, variables: &[(String, String)]) -> Result<Self, String> {
        let (engine, host) = (Engine::from_environment(), observe(Depth::Quick));
        let policies = settings.policies.clone();
        let mut ways = BTreeMap::new();
        for name in policies.bases().chain(policies.narrower()) {
            if ways.contains_key(name) {
                continue;
            }
            let (effective, choice) = effective(&engine, name, settings, variables)?;
            let prepared = engine.prepare(&effective, Program::Python, &host, &Caller::default());
            let prepared = prepared.map_err(|why| format!("no task can run under policy {name}: {why}"))?;
            let Policy { limits, python, .. } = effective.policy().clone();
            let (packages, interpreter) = (!python.external_allow.is_empty(), python.interpreter);
            ways.insert(name.to_owned(), Way { prepared, choice, limits, packages, interpreter });
        }
        for narrower in policies.narrower() {
            for base in policies.bases() {
                narrow(&engine, base, narrower)?;
            }
        }
        Ok(Self { policies, ways })
    }

    /// The one for a task.
    pub fn of(&self, task: &Task) -> Option<&Way> {
        let special = &self.policies.special;
        let narrower = special.node_ids.get(&task.node_id).or_else(|| special.node_names.get(&task.node_name));
        let narrower = narrower.or_else(|| special.workflow_names.get(&task.workflow_name));
        self.ways.get(narrower.or_else(|| special.workflows.get(&task.workflow_id)).unwrap_or(&self.policies.usual))
    }

    /// Each with the name of its policy.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Way)> {
        self.ways.iter().map(|(name, way)| (name.as_str(), way))
    }
}

fn found(engine: &Engine, name: &str, overrides: &Value) -> Result<Effective, String> {
    engine.policy(name, overrides).map_err(|refusal| format!("policy {name}: {refusal}"))
}

/// The policy as n8n's settings narrow it.
fn effective(engine: &Engine, name: &str, settings: &Settings, variables: &[(String, String)]) -> Result<(Effective, Choice), String> {
    let overrides = if settings.block_environment { json!({ "python": { "runner_env_deny": true } }) } else { Value::Null };
    let effective = found(engine, name, &overrides)?.at_most(Span(exceeded::time(settings.task_timeout)));
    let choice = choice(effective.policy(), variables);
    let chosen = effective.choosing(&choice, true, &Identity::own()).map_err(|refusal| format!("policy {name}: {refusal}"))?;
    Ok((chosen, choice))
}

/// The variables that the policy names.
fn choice(policy: &Policy, variables: &[(String, String)]) -> Choice {
    let named = |name: &str| policy.request.environment.iter().any(|allowed| Names::Variables.covers(allowed, name));
    let shown = |(name, _): &&(String, String)| !policy.python.runner_env_deny && !name.starts_with(OF_N8N) && named(name);
    let environment = variables.iter().filter(shown).map(|(name, value)| (name.clone(), Secret(value.clone()))).collect();
    Choice { environment, ..Choice::default() }
}

/// Refuses a policy that an author could widen another one by.
fn narrow(engine: &Engine, base: &str, narrower: &str) -> Result<(), String> {
    let (from, to) = (found(engine, base, &Value::Null)?, found(engine, narrower, &Value::Null)?);
    let changes = compare(from.policy(), to.policy());
    let named = |field: &str| matches!(field, "name" | "description");
    let wider = changes.into_iter().filter(|change| matches!(change.direction, Direction::Widens | Direction::Changes));
    match wider.map(|change| change.field).find(|field| !named(field)) {
        None => Ok(()),
        Some(field) => Err(format!(
            "policy {narrower} is selected by names that authors write, so it has to be narrower than policy {base}, and its {field} is not"
        )),
    }
}
