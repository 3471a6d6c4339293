//! The job that is learned from, and one run of it.
//!
//! Always holds: what is typed after `--` is read by the definition of the commands themselves; a run is made by the same steps as theirs.

use std::ffi::OsString;
use std::path::PathBuf;

use remand_authoring::learn;
use remand_engine::{Caller, Effective, Engine, HostFiles, Outcome, PrepareError, Prepared, Program, Request};
use remand_jail::host::{self, Depth};
use remand_jail::run::PathLookups;
use remand_plan::Plan;
use remand_plan::host::HostFacts;
use remand_plan::verdict::{Level, Verdict};
use remand_policy::Policy;

use crate::args::{self, Command, ConfineArgs, ExecArgs, PythonArgs, RunArgs, ShowArgs, wrong};
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print::plain;
use crate::{choose, exec, python, run};

/// What stands after `--`.
pub enum Typed {
    Run(Box<RunArgs>),
    Python(Box<PythonArgs>),
    Exec(Box<ExecArgs>),
}

impl Typed {
    /// Reads it.
    pub fn of(words: &[OsString]) -> Result<Self, Failure> {
        let mut line = vec![OsString::from("remand")];
        line.extend(words.iter().cloned());
        // `exec COMMAND` without options needs no second `--`.
        let plain = |word: &OsString| !word.to_string_lossy().starts_with('-');
        if words.first().is_some_and(|word| word == "exec") && words.get(1).is_some_and(plain) {
            line.insert(2, "--".into());
        }
        let args = args::parse(line).map_err(|error| Failure::usage(format!("the job after --: {}", wrong(error))))?;
        let typed = match args.command {
            Command::Run(args) => Self::Run(Box::new(args)),
            Command::Python(args) => Self::Python(Box::new(args)),
            Command::Exec(args) => Self::Exec(Box::new(args)),
            _ => {
                return Err(Failure::usage(
                    "the job after -- is `run [OPTIONS] FILE`, `python [OPTIONS] SCRIPT...` or `exec COMMAND...`".into(),
                ));
            }
        };
        let (confine, show, files, narrowed, choices) = match &typed {
            Self::Run(args) => {
                (&args.confine, &args.show, &args.files, args.security_config.is_some(), choose::python(&args.python, &args.choose)?)
            }
            Self::Python(args) => (&args.confine, &args.show, &args.files, false, choose::python(&args.python, &args.choose)?),
            Self::Exec(args) => (&args.confine, &args.show, &args.files, false, choose::choice(&args.choose)?),
        };
        let via = match &typed {
            Self::Run(args) => &args.via.via,
            Self::Python(args) => &args.via.via,
            Self::Exec(args) => &args.via,
        };
        if via.is_some() {
            return Err(Failure::usage("--via: what a job needs is learned from runs of this process's own; leave it out".into()));
        }
        if !files.artifacts.is_empty() {
            return Err(Failure::usage("--artifacts: learning keeps nothing of what its runs leave".into()));
        }
        let tty = match &typed {
            Self::Run(_) => false,
            Self::Python(args) => args.terminal.tty,
            Self::Exec(args) => args.terminal.tty,
        };
        fits(confine, show, narrowed, tty || !choices.is_empty()).map(|()| typed)
    }

    /// Under which policy it would be run.
    pub fn policy(&self) -> &str {
        match self {
            Self::Run(args) => &args.confine.policy,
            Self::Python(args) => &args.confine.policy,
            Self::Exec(args) => &args.confine.policy,
        }
    }

    /// The job with its inputs: one for each of `items`, or the job's own.
    pub fn job(self, engine: Engine, items: &[PathBuf], policy: &Policy, finished_is_done: bool) -> Result<(Job, Vec<Input>), Failure> {
        let host = host::observe(Depth::Quick);
        match self {
            Self::Python(_) | Self::Exec(_) if !items.is_empty() => {
                Err(Failure::usage("--items is for `run`; a program has its arguments".into()))
            }
            Self::Python(args) => {
                let (name, request) = python::request(&args, policy)?;
                Ok((Job { engine, host, argv: Vec::new(), finished_is_done }, vec![Input { name, request }]))
            }
            Self::Exec(args) => {
                let argv = exec::argv(&args.command)?;
                let input = Input { name: argv.join(" "), request: exec::request(&args.files, policy)? };
                Ok((Job { engine, host, argv, finished_is_done }, vec![input]))
            }
            Self::Run(args) => Ok((Job { engine, host, argv: Vec::new(), finished_is_done }, inputs(&args, items, policy)?)),
        }
    }
}

/// What narrows a policy from outside cannot be learned into its file.
fn fits(confine: &ConfineArgs, show: &ShowArgs, narrowed: bool, chooses: bool) -> Result<(), Failure> {
    if narrowed || !confine.set.is_empty() || confine.timeout.is_some() {
        return Err(Failure::usage(
            "learning is about a policy's file: --set, --timeout and --security-config would hide what it says".into(),
        ));
    }
    if chooses {
        return Err(Failure::usage(
            "what a request chooses is learned into no file: without --python, --env, --env-file, --mount and --tty, write it into the policy"
                .into(),
        ));
    }
    if show.json || show.timing || show.outcome.is_some() {
        return Err(Failure::usage("--json stands before the --; the runs' own outcomes are not printed".into()));
    }
    Ok(())
}

fn inputs(args: &RunArgs, items: &[PathBuf], policy: &Policy) -> Result<Vec<Input>, Failure> {
    if !items.is_empty() && args.items.is_some() {
        return Err(Failure::usage("--items stands before the --, once for each input, or in the job, once".into()));
    }
    run::one_from_input(args, items)?;
    let first = run::request(args, policy)?;
    if items.is_empty() {
        let name = args.items.as_ref().or(args.file.as_ref()).map_or_else(|| "-c".to_owned(), |file| file.display().to_string());
        return Ok(vec![Input { name, request: first }]);
    }
    let input = |file: &PathBuf| {
        let items = run::items(file, &policy.limits)?;
        Ok(Input { name: file.display().to_string(), request: Request { items, ..first.clone() } })
    };
    items.iter().map(input).collect()
}

/// One input of a job.
pub struct Input {
    /// What people call it.
    pub name: String,
    request: Request,
}

/// A job on this machine.
pub struct Job {
    engine: Engine,
    host: HostFacts,
    argv: Vec<String>,
    /// The operator takes its end for its work.
    finished_is_done: bool,
}

/// What came of one run.
pub enum Tried {
    /// It was made.
    Ran { prepared: Box<Prepared>, outcome: Box<Outcome>, lookups: PathLookups, failure: Option<String> },
    /// No run can be made here under this policy, or of this job.
    NotPrepared(PrepareError),
}

impl Tried {
    /// Whether the job did all it was to do.
    pub fn finished(&self) -> bool {
        matches!(self, Self::Ran { outcome, failure: None, .. } if outcome.verdict == Verdict::Finished)
    }

    /// How it ended.
    pub fn told(&self) -> String {
        match self {
            Self::Ran { failure: Some(said), .. } => format!("finished, and said that it failed: {}", plain(said)),
            Self::Ran { outcome, .. } => ending(outcome),
            Self::NotPrepared(why) => format!("not_started: {why}"),
        }
    }
}

/// How a run ended, in a few words.
fn ending(outcome: &Outcome) -> String {
    match (&outcome.verdict, &outcome.error) {
        (Verdict::Exceeded { limit, level, .. }, _) => {
            let limit = serde_json::to_value(limit).unwrap_or_default();
            let whose = match level {
                Level::Run => "",
                Level::Container => " of the cgroup above",
                Level::Host => " of the host",
            };
            format!("exceeded {}{whose}", limit.as_str().unwrap_or("a limit"))
        }
        (Verdict::Raised, Some(error)) => format!("raised {}: {:.200}", plain(&error.kind), plain(&error.message)),
        (Verdict::NotStarted { hint, .. }, _) => format!("not_started: {}", plain(hint)),
        (verdict, _) => verdict.kind().to_owned(),
    }
}

impl Job {
    /// What runs it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What a run under this plan lacks to start a program of the host.
    pub fn needed(&self, program: &str, plan: &Plan) -> Vec<String> {
        remand_authoring::why::needed(program, plan, &self.host, &HostFiles)
    }

    /// Runs it once; `learning`: telling the paths that it looks for.
    pub fn once(&self, effective: &Effective, input: &Input, learning: bool, cancel: &Cancel) -> Result<Tried, Failure> {
        let caller = || Caller { cancel: Some(cancel.fd()), ..Caller::default() };
        let (program, request) = (if self.argv.is_empty() { Program::Python } else { Program::Command(&self.argv) }, &input.request);
        let prepared = match self.engine.prepare(effective, program, &self.host, &caller()) {
            Ok(prepared) => Box::new(if learning { prepared.learning() } else { prepared }),
            Err(why) => return Ok(Tried::NotPrepared(why)),
        };
        let (outcome, lookups) = prepared.run_with_lookups(request, caller()).map_err(|error| Failure::usage(error.to_string()))?;
        let failure = if self.finished_is_done { None } else { learn::failure(&outcome) };
        Ok(Tried::Ran { prepared, outcome: Box::new(outcome), lookups, failure })
    }
}
