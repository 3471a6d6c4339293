//! A policy that runs may be made under.
//!
//! Always holds: an [`Effective`] was read from files that are out of others' reach, or handed over by the embedding program itself; it is within the ceiling
//! of this machine, and has been narrowed by whatever the request said. There is no other way to get one.

use std::sync::Arc;

use remand_plan::choice::Choice;
use remand_plan::files::FileId;
use remand_policy::load::Loaded;
use remand_policy::source::Source;
use remand_policy::units::{Limit, Span};
use remand_policy::{Policy, overrides};
use serde_json::Value;

use crate::ceiling::Ceiling;
use crate::choose::choose;
use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::store::{Purpose, Store};

/// A policy that runs may be made under.
#[derive(Clone, Debug)]
pub struct Effective {
    policy: Arc<Policy>,
    pub(crate) chosen: Arc<Taken>,
}

/// What a request has chosen, and was given.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// As the request has it.
    pub choice: Choice,
    /// Targets of its mounts, with what was looked at.
    pub seen: Vec<(String, FileId)>,
}

impl Effective {
    /// The policy of this name or file, within the ceiling, narrowed by a request's overrides.
    pub(crate) fn find(store: &Store, typed: &str, overrides: &Value) -> Result<Self, Refusal> {
        let ceiling = Ceiling::here(store)?;
        let source = store.source(typed, Purpose::Run)?;
        let (Loaded { policy, .. }, _) = store.understood(typed, &source, Purpose::Run, false)?;
        within(ceiling, typed, &policy, || store.understood(typed, &source, Purpose::Run, true))?;
        narrowed(&policy, overrides).map(Self::of)
    }

    /// A policy that was read already, within the ceiling.
    pub(crate) fn read(store: &Store, typed: &str, loaded: &Loaded, sources: &[Source]) -> Result<Self, Refusal> {
        within(Ceiling::here(store)?, typed, &loaded.policy, || Ok((loaded.clone(), sources.to_vec())))?;
        Ok(Self::of(loaded.policy.clone()))
    }

    /// What it says.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    fn of(policy: Policy) -> Self {
        Self { policy: Arc::new(policy), chosen: Arc::default() }
    }

    fn with(&self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), chosen: Arc::clone(&self.chosen) }
    }

    /// The same with what a request chooses for itself, so far as the policy lets it; host paths are opened with the rights of `caller`. `python`: it is about
    /// code of a request, whose interpreter does not take every variable.
    ///
    /// # Errors
    /// [`Refusal::Choice`].
    pub fn choosing(&self, choice: &Choice, python: bool, caller: &Identity) -> Result<Self, Refusal> {
        if choice.is_empty() {
            return Ok(self.clone());
        }
        let chosen = choose(&self.policy, choice, python, caller)
            .map_err(|declined| Refusal::Choice { policy: self.policy.name.clone(), declined })?;
        let mut policy = Policy::clone(&self.policy);
        policy.python.interpreter = chosen.interpreter.unwrap_or(policy.python.interpreter);
        let seen = chosen.mounts.iter().map(|(mount, seen)| (mount.target.clone(), *seen)).collect();
        if choice.tty.is_some() {
            policy.grant_terminal();
        }
        policy.filesystem.mounts.extend(chosen.mounts.into_iter().map(|(mount, _)| mount));
        Ok(Self { policy: Arc::new(policy), chosen: Arc::new(Taken { choice: choice.clone(), seen }) })
    }

    pub(crate) fn share(&self) -> Arc<Policy> {
        Arc::clone(&self.policy)
    }

    /// The same with at most this wall time.
    #[must_use]
    pub fn at_most(&self, wall_time: Span) -> Self {
        let mut policy = Policy::clone(&self.policy);
        policy.limits.wall_time = policy.limits.wall_time.min(Limit::At(wall_time));
        self.with(policy)
    }

    /// The same with the calls that would end a run denied, which is told and lets it go on: for learning.
    #[must_use]
    pub fn denying_kills(&self) -> Self {
        let mut policy = Policy::clone(&self.policy);
        let killed = std::mem::take(&mut policy.syscalls.rules.kill);
        policy.syscalls.rules.deny.extend(killed);
        self.with(policy)
    }

    /// The same without new processes, threads excepted: for what is to be measured where nothing counts what processes leave behind.
    #[must_use]
    pub fn without_processes(&self) -> Self {
        let mut policy = Policy::clone(&self.policy);
        policy.syscalls.rules.take_processes();
        self.with(policy)
    }

    /// The same without the lists of modules and builtins, which are no protection: for a tool's own code that needs some of them.
    #[must_use]
    pub fn without_python_lists(&self) -> Self {
        let mut policy = Policy::clone(&self.policy);
        policy.python.stdlib_allow = vec!["*".to_owned()];
        policy.python.builtins_deny.clear();
        self.with(policy)
    }
}

/// A policy as a request narrows it.
///
/// # Errors
/// [`Refusal::Overrides`].
pub fn narrowed(policy: &Policy, overrides: &Value) -> Result<Policy, Refusal> {
    overrides::apply(policy, overrides).map_err(|problems| Refusal::Overrides { policy: policy.name.clone(), problems })
}

/// Refuses what is beyond the ceiling; `places`: the policy with where its values were written.
fn within(
    ceiling: Option<Ceiling>,
    typed: &str,
    policy: &Policy,
    places: impl FnOnce() -> Result<(Loaded, Vec<Source>), Refusal>,
) -> Result<(), Refusal> {
    let Some(ceiling) = ceiling else { return Ok(()) };
    let excesses = ceiling.beyond(policy);
    if excesses.is_empty() {
        return Ok(());
    }
    let (loaded, sources) = places()?;
    Err(Refusal::Beyond { typed: typed.to_owned(), ceiling: ceiling.file, excesses, loaded: Box::new(loaded), sources })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use remand_policy::load::Origins;

    #[test]
    fn what_a_tool_may_change_is_told_instead_of_ending_a_run() {
        let policy = remand_policy::load::shipped("strict").unwrap().unwrap();
        let loaded = Loaded { policy, origins: Origins::default(), expect: Vec::new() };
        let strict = Effective::read(&Store::system(), "strict", &loaded, &[]).unwrap();
        assert!(strict.policy().syscalls.rules.kill.contains(&"@debug".to_owned()), "control");
        let rules = &strict.denying_kills().policy().syscalls.rules.clone();
        assert!(rules.kill.is_empty() && rules.deny.contains(&"@debug".to_owned()));
        let wall_time = |at_most: u64| strict.at_most(Span(at_most)).policy().limits.wall_time;
        assert_eq!(wall_time(1), Limit::At(Span(1)));
        assert_eq!(wall_time(u64::MAX), strict.policy().limits.wall_time, "never more");
    }
}
