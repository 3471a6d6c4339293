//! `remand policy learn`: runs a job again and again under a policy, and proposes the smallest patch of the policy's file under which it finishes.
//!
//! Always holds: every run is a run as any other, in its namespaces and under its limits; a trial is the file with the patch so far, never more than the
//! ceilings allow; nothing is written unless a file is named.

mod files;
mod job;
mod policy_file;

use remand_authoring::learn::{self, Learner, Ran, Run, Standing, Start};
use remand_engine::store::Purpose;
use remand_engine::{Effective, Engine, PrepareError};
use remand_plan::Protection;
use remand_plan::outcome::exit_code;
use remand_plan::plan::Refused;
use remand_plan::verdict::Verdict;
use remand_policy::load::{Loaded, Origins};
use remand_policy::source::Source;
use remand_policy::text::Problem;
use serde_json::json;

use self::job::{Input, Job, Tried};
use self::policy_file::PolicyFile;
use super::snippet;
use crate::args::LearnArgs;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print;

/// Exit status where some input does not finish under the proposal.
const UNFINISHED: u8 = 1;
/// Runs that are made at most to find out what is not needed.
const MOST_TRIALS: usize = 64;

/// Runs a job until it finishes, widening a copy of the policy each time by what it was denied, and prints the patch. Gives 1 where it does not finish.
pub fn learn(args: &LearnArgs) -> Result<u8, Failure> {
    let typed = job::Typed::of(&args.job)?;
    let file = PolicyFile::find(args, typed.policy())?;
    let engine = Engine::from_environment();
    let start = Start {
        chain: engine.store().chain(&file.source, Purpose::Run),
        name: file.name.clone(),
        ceilings: file.ceilings(),
        host: policy_file::host_size(),
        try_dangerous: args.try_dangerous,
    };
    let learner = Learner::new(start).map_err(|problems| wrong(&file.source, &problems))?;
    file.holds(learner.base())?;
    let (job, inputs) = typed.job(engine.clone(), &args.items, learner.base(), args.finished_is_done)?;
    let mut session = Session { learner, file, job };
    let cancel = Cancel::hold()?;
    let mut ran = Vec::new();
    for input in &inputs {
        ran.push(session.teach(input, args.runs, &cancel)?);
    }
    session.learner.settle(args.tighten && ran.iter().all(|ran| ran.learned == Verdict::Finished.kind())).map_err(|p| session.wrong(&p))?;
    session.trim(&inputs, &ran, &cancel)?;
    session.check(&inputs, &mut ran, &cancel)?;
    drop(cancel);
    session.give(args, &ran)
}

struct Session {
    learner: Learner,
    file: PolicyFile,
    job: Job,
}

impl Session {
    fn once(&self, effective: &Effective, input: &Input, learning: bool, cancel: &Cancel) -> Result<Tried, Failure> {
        let tried = self.job.once(effective, input, learning, cancel)?;
        let cancelled = match &tried {
            Tried::Ran { outcome, .. } => outcome.verdict == Verdict::Cancelled,
            Tried::NotPrepared(why) => matches!(why, PrepareError::Cancelled),
        };
        if cancelled {
            return Err(Failure { code: exit_code(&Verdict::Cancelled), ..Failure::usage("cancelled; nothing was written".into()) });
        }
        Ok(tried)
    }

    /// The file with what is proposed, as a policy to run under.
    fn proposed(&self) -> Result<Effective, Failure> {
        let policy = self.learner.policy().map_err(|problems| self.wrong(&problems))?;
        let loaded = Loaded { policy, origins: Origins::default(), expect: Vec::new() };
        Ok(self.job.engine().own_policy(&self.file.name, &loaded, &[])?)
    }

    /// Runs one input until it finishes, or asks for nothing new.
    fn teach(&mut self, input: &Input, runs: u32, cancel: &Cancel) -> Result<Ran, Failure> {
        let mut ran = Ran { input: input.name.clone(), runs: 0, learned: String::new(), proposed: String::new() };
        while ran.runs < runs {
            ran.runs += 1;
            let trial = self.proposed()?.denying_kills();
            let tried = self.once(&trial, input, true, cancel)?;
            ran.learned = tried.told();
            let Tried::Ran { prepared, outcome, lookups, .. } = &tried else { if self.refuse_mounts(&tried) { continue } else { break } };
            let plan = prepared.plan();
            let files = files::found(lookups, &|program| self.job.needed(program, plan));
            let run = Run {
                input: &input.name,
                number: ran.runs,
                arch: prepared.host().arch,
                policy: trial.policy(),
                plan,
                outcome,
                files: &files,
                done: tried.finished(),
            };
            let news = self.learner.learn(&run).map_err(|problems| wrong(&self.file.source, &problems))?;
            let refused = self.refuse_mounts(&tried);
            if tried.finished() || !(news || refused) {
                break;
            }
        }
        Ok(ran)
    }

    /// What was proposed and cannot be mounted is refused; whether there was any.
    fn refuse_mounts(&mut self, tried: &Tried) -> bool {
        let lacks: Vec<(String, String)> = match tried {
            Tried::NotPrepared(PrepareError::Refused(lacks)) => lacks
                .iter()
                .filter_map(|Refused { protection, blocker, .. }| match protection {
                    Protection::Mount { target, .. } => Some((target.clone(), blocker.clone())),
                    _ => None,
                })
                .collect(),
            Tried::Ran { outcome, lookups, .. } => match (&outcome.verdict, &lookups.refused_mount) {
                (Verdict::NotStarted { hint, .. }, Some(target)) => vec![(target.clone(), hint.clone())],
                _ => Vec::new(),
            },
            Tried::NotPrepared(_) => Vec::new(),
        };
        lacks.iter().filter(|(target, because)| self.learner.refuse_mount(target, because)).count() > 0
    }

    /// Takes out of the proposal what the inputs finish without.
    fn trim(&mut self, inputs: &[Input], ran: &[Ran], cancel: &Cancel) -> Result<(), Failure> {
        let finished: Vec<&Input> =
            inputs.iter().zip(ran).filter(|(_, ran)| ran.learned == Verdict::Finished.kind()).map(|(input, _)| input).collect();
        if finished.is_empty() {
            return Ok(());
        }
        let mut left = MOST_TRIALS;
        for index in self.learner.doubtful() {
            let Some(rest) = left.checked_sub(finished.len()) else { break };
            left = rest;
            self.learner.set_needed(index, false);
            let policy = self.proposed()?;
            for input in &finished {
                if !self.once(&policy, input, false, cancel)?.finished() {
                    self.learner.set_needed(index, true);
                    break;
                }
            }
        }
        Ok(())
    }

    /// A normal run of each input under what is proposed.
    fn check(&self, inputs: &[Input], ran: &mut [Ran], cancel: &Cancel) -> Result<(), Failure> {
        let policy = self.proposed()?;
        for (input, ran) in inputs.iter().zip(ran) {
            ran.proposed = self.once(&policy, input, false, cancel)?.told();
        }
        Ok(())
    }

    fn give(&self, args: &LearnArgs, ran: &[Ran]) -> Result<u8, Failure> {
        let text = self.learner.text().map_err(|problems| self.wrong(&problems))?;
        let patch = learn::unified(&self.file.source.file, self.file.written(self.learner.before()), &text);
        if let Some(path) = &args.write {
            self.file.write(path, &text)?;
        }
        if args.json {
            let wrote = args.write.as_ref().map(|path| path.to_string_lossy());
            print::json(&json!({ "patch": patch, "lines": self.learner.lines(), "inputs": ran, "wrote": wrote }).to_string())?;
        } else {
            let none = self.learner.lines().iter().all(|line| line.standing != Standing::Proposed);
            let patch = if none { "nothing to change\n" } else { &patch };
            print::stdout(&print::lines(&format!("{patch}\n{}", learn::describe(self.learner.lines(), ran))))?;
        }
        Ok(if ran.iter().all(|ran| ran.proposed == Verdict::Finished.kind()) { 0 } else { UNFINISHED })
    }

    fn wrong(&self, problems: &[Problem]) -> Failure {
        wrong(&self.file.source, problems)
    }
}

fn wrong(source: &Source, problems: &[Problem]) -> Failure {
    Failure::usage(format!("policy {}:\n{}", print::plain(&source.file), snippet::told(std::slice::from_ref(source), problems)))
}
