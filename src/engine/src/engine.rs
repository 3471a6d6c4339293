//! The road to a run: a policy by its name, narrowed; a host that can enforce it; a program; a run; an outcome.

use std::env;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

use remand_jail::host::{self, Depth};
use remand_plan::job::JobError;
use remand_plan::plan::Refused;
use remand_plan::protection::Protection;
use remand_plan::step::Step;
use remand_plan::{HostFacts, Outcome, Plan, Request};
use remand_policy::Policy;
use remand_policy::load::Loaded;
use remand_policy::places::TTY;
use remand_policy::source::Source;
use serde_json::Value;

use crate::ceiling::Ceiling;
use crate::effective::{Effective, Taken};
use crate::files::HostFiles;
use crate::identity::Identity;
use crate::interpreter::{self, InterpreterError, Lookup};
use crate::laps::Laps;
use crate::prepared::{Caller, Found, PrepareError, Prepared, Program, cancelled};
use crate::refusal::Refusal;
use crate::store::Store;

/// The sandbox of this machine: its policies, its ceiling, and what runs under them.
#[derive(Clone, Debug)]
pub struct Engine {
    store: Store,
    path: String,
}

/// Why a request is not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It chooses what it may not have.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be sent.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// What the caller chose is what is mounted, and is not looked at with rights that are not theirs.
fn for_the_caller(chosen: &Taken, plan: &Plan, host: &HostFacts, caller: Identity) -> Result<(), Refused> {
    let lack = |target: &String, blocker: &str, remedy: &str| {
        let index = plan.root.binds.iter().position(|bind| bind.target == *target).unwrap_or_default();
        Refused { protection: Protection::Mount { target: target.clone(), index }, blocker: blocker.to_owned(), remedy: remedy.to_owned() }
    };
    for (target, seen) in &chosen.seen {
        if caller != Identity::own() && host.run_ids == 0 {
            return Err(lack(
                target,
                "runs have no ids of their own here, and would look at it as this process's user",
                "Start remand as the user whose it is.",
            ));
        }
        if !plan.root.binds.iter().any(|bind| bind.target == *target && bind.seen == Some(*seen)) {
            return Err(lack(target, "its source was replaced while it was looked at", "Try again."));
        }
    }
    Ok(())
}

impl Default for Engine {
    fn default() -> Self {
        Self::from_environment()
    }
}

impl Engine {
    /// With this machine's policies; names of interpreters and programs are looked up on this process's `PATH`.
    #[must_use]
    pub fn from_environment() -> Self {
        Self { store: Store::system(), path: env::var("PATH").unwrap_or_else(|_| remand_plan::DEFAULT_PATH.into()) }
    }

    /// Where policies come from.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where names of interpreters and programs are looked up.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The ceiling of this machine, if it has one.
    ///
    /// # Errors
    /// It cannot be trusted or understood.
    pub fn ceiling(&self) -> Result<Option<Ceiling>, Refusal> {
        Ceiling::here(&self.store)
    }

    /// The policy of a name or a file, narrowed by `overrides`: a tree of the same shape as a policy file's sections, such as
    /// `{"limits": {"memory": "64MiB"}}`, or null.
    ///
    /// # Errors
    /// Why nothing runs under it.
    pub fn policy(&self, typed: &str, overrides: &Value) -> Result<Effective, Refusal> {
        Effective::find(&self.store, typed, overrides)
    }

    /// A policy of the embedding program's own making. `typed` and `sources` are what a refusal names and shows.
    ///
    /// # Errors
    /// It is beyond the ceiling.
    pub fn own_policy(&self, typed: &str, loaded: &Loaded, sources: &[Source]) -> Result<Effective, Refusal> {
        Effective::read(&self.store, typed, loaded, sources)
    }

    /// The interpreter that a policy names, as it is installed here; one that was not asked before is asked now, in a run of its own.
    ///
    /// # Errors
    /// Why there is none.
    pub fn python(
        &self,
        policy: &Policy,
        host: &HostFacts,
        cancel: Option<BorrowedFd<'_>>,
    ) -> Result<interpreter::Found, InterpreterError> {
        let python = &policy.python;
        interpreter::find(&python.interpreter, self.lookup(host, cancel), !python.external_allow.is_empty())
    }

    fn lookup<'a>(&'a self, host: &HostFacts, cancel: Option<BorrowedFd<'a>>) -> Lookup<'a> {
        Lookup { path: &self.path, cancel, own_ids: remand_plan::own_ids(host) }
    }

    /// Makes ready what is to run: finds the program, and makes the plan for this host.
    ///
    /// # Errors
    /// Why nothing can be run.
    pub fn prepare(
        &self,
        effective: &Effective,
        program: Program<'_>,
        host: &HostFacts,
        caller: &Caller<'_>,
    ) -> Result<Prepared, PrepareError> {
        self.prepare_timed(effective, program, host, caller, &mut Laps::start())
    }

    fn prepare_timed(
        &self,
        effective: &Effective,
        program: Program<'_>,
        host: &HostFacts,
        caller: &Caller<'_>,
        laps: &mut Laps,
    ) -> Result<Prepared, PrepareError> {
        if caller.identity != Identity::own() && !host.privileged {
            return Err(PrepareError::ForAnother(caller.identity));
        }
        // Before the search for an interpreter meets it.
        let no_room = remand_plan::no_room(host, matches!(program, Program::Python));
        if !no_room.is_empty() {
            return Err(PrepareError::Refused(no_room));
        }
        let policy = effective.policy();
        let found = self
            .found(policy, program, host, caller.cancel)
            .map_err(|why| if cancelled(caller.cancel) { PrepareError::Cancelled } else { why })?;
        laps.lap(if matches!(program, Program::Python) { Step::FindInterpreter } else { Step::FindProgram });
        let plan = remand_plan::resolve(policy, &found.lend(), host, &HostFiles).map_err(PrepareError::Refused)?;
        let chosen = Arc::clone(&effective.chosen);
        for_the_caller(&chosen, &plan, host, caller.identity).map_err(|lack| PrepareError::Refused(vec![lack]))?;
        let variables: Vec<_> = chosen.choice.environment.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect();
        let plan = plan.setting(&variables);
        let plan = match &chosen.choice.tty {
            Some(term) => plan.at_terminal(term, Path::new(TTY).exists()),
            None => plan,
        };
        laps.lap(Step::Plan);
        Ok(Prepared { policy: effective.share(), host: Arc::new(host.clone()), found, plan: Arc::new(plan), chosen })
    }

    fn found(
        &self,
        policy: &Policy,
        program: Program<'_>,
        host: &HostFacts,
        cancel: Option<BorrowedFd<'_>>,
    ) -> Result<Found, PrepareError> {
        match program {
            Program::Python => {
                let found = self.python(policy, host, cancel).map_err(PrepareError::NoInterpreter)?;
                Ok(Found::Python(Box::new(found.interpreter)))
            }
            Program::Command(argv) => {
                let lookup = self.lookup(host, cancel);
                let inside = policy.environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_str());
                let command = argv.first().map_or("", String::as_str);
                let mounted = interpreter::mounted(command, lookup, inside, &policy.filesystem.mounts);
                let found = match mounted.map_err(PrepareError::NoProgram)? {
                    Some(found) => found,
                    None => interpreter::program(command, lookup, inside).map_err(PrepareError::NoProgram)?,
                };
                Ok(Found::Command { argv: std::iter::once(found.path).chain(argv.iter().skip(1).cloned()).collect(), tree: found.tree })
            }
        }
    }

    /// Runs something to its end. A command gets only the standard input and the files of `request`, and what it chooses.
    ///
    /// # Errors
    /// The policy does not let the request choose what it does, or the request is larger than the policy lets a job be.
    pub fn run(&self, effective: &Effective, program: Program<'_>, request: &Request, caller: Caller<'_>) -> Result<Outcome, RunError> {
        let mut laps = Laps::start();
        let effective = &effective.choosing(&request.choice, matches!(program, Program::Python), &caller.identity)?;
        let host = host::observe(Depth::Quick);
        laps.lap(Step::Host);
        let mut outcome = match self.prepare_timed(effective, program, &host, &caller, &mut laps) {
            Ok(prepared) => prepared.run(request, caller)?,
            Err(why) => why.outcome(effective.policy()),
        };
        laps.before(&mut outcome.timing);
        Ok(outcome)
    }
}
