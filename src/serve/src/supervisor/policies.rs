//! Policies as callers name and narrow them, and what they are on this host, kept for the next.
//!
//! Always holds: what is kept is bounded in number and in time, and belongs to nobody: it is what anybody who may name the policy would get.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use remand_engine::{Effective, Engine, Moment, Prepared, Refusal};
use remand_policy::shipped::SHIPPED;
use serde_json::Value;

use crate::config::Policies;
use crate::limits::{PREPARED, PREPARED_FOR};
use crate::protocol::{Chosen, Problem};

/// One that was looked at.
#[derive(Debug)]
struct Kept {
    since: Moment,
    effective: Effective,
    hash: String,
    /// As soon as a run was made.
    prepared: Option<Arc<Prepared>>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Store {
    engine: Engine,
    kept: BTreeMap<Chosen, Kept>,
}

/// Why a refusal is one, as a caller is told.
pub fn refused(refusal: &Refusal) -> Problem {
    let hint = match refusal {
        Refusal::Overrides { problems, .. } => {
            let help = problems.iter().filter_map(|problem| problem.help.clone()).collect::<Vec<_>>().join("; ");
            Some(if help.is_empty() { "a request only narrows its policy".to_owned() } else { help })
        }
        Refusal::Unknown { .. } => Some("GET /v1/policies has those that you may use".to_owned()),
        _ => None,
    };
    // What is wrong with the machine's own files is no fault of the request.
    let status = if matches!(refusal, Refusal::Overrides { .. } | Refusal::Choice { .. }) { 422 } else { 500 };
    let status = if matches!(refusal, Refusal::Unknown { .. } | Refusal::NoName { .. }) { 404 } else { status };
    Problem { status, exit_status: 2, detail: refusal.to_string(), hint, ..Problem::default() }
}

impl Store {
    /// The policy, narrowed.
    pub fn effective(&mut self, chosen: &Chosen, now: Moment) -> Result<Effective, Problem> {
        if let Some(kept) = self.kept.get(chosen).filter(|kept| now.since(kept.since) < PREPARED_FOR) {
            return Ok(kept.effective.clone());
        }
        let wrong = |detail: String| Problem { status: 422, exit_status: 2, detail, ..Problem::default() };
        let narrowing: Value = serde_json::from_str(&chosen.narrowing).map_err(|error| wrong(format!("overrides: {error}")))?;
        let effective = self.engine.policy(&chosen.policy, &narrowing).map_err(|refusal| refused(&refusal))?;
        self.kept.retain(|_, kept| now.since(kept.since) < PREPARED_FOR);
        while self.kept.len() >= PREPARED {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.since).map(|(chosen, _)| chosen.clone());
            oldest.map(|oldest| self.kept.remove(&oldest));
        }
        let hash = effective.policy().hash();
        self.kept.insert(chosen.clone(), Kept { since: now, effective: effective.clone(), hash, prepared: None });
        Ok(effective)
    }

    /// What a policy of this hash is on this host, if it was made ready for a run before.
    pub fn ready(&self, chosen: &Chosen, hash: &str) -> Option<Arc<Prepared>> {
        let kept = self.kept.get(chosen).filter(|kept| kept.hash == hash)?;
        kept.prepared.clone()
    }

    /// Keeps that for the next, if it is still what the name means.
    pub fn keep(&mut self, chosen: &Chosen, hash: &str, prepared: &Arc<Prepared>) {
        if let Some(kept) = self.kept.get_mut(chosen).filter(|kept| kept.hash == hash) {
            kept.prepared = Some(Arc::clone(prepared));
        }
    }

    /// What makes policies ready.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Everything is looked at anew.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// The names of policies that may be named.
    pub fn names(&self, policies: &Policies) -> Vec<String> {
        if let Policies::Named(names) = policies {
            return names.clone();
        }
        let directories = self.engine.store().directories();
        let files = directories.iter().filter(|_| *policies == Policies::All).filter_map(|directory| fs::read_dir(directory).ok());
        let names =
            files.flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".jsonc").map(str::to_owned));
        let mut names: Vec<_> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).chain(names).collect();
        names.sort();
        names.dedup();
        names
    }
}
