//! A request as JSON, and what is made of it: `remand run --request`.
//!
//! Always holds: the request says all about the run; what was typed says where its answer goes.

use std::path::Path;

use remand_engine::{Effective, Engine, Laps, Outcome, Program, Request};
use remand_plan::outcome::exit_code;
use remand_plan::request::Mode;
use remand_plan::step::Step;
use remand_plan::submission::{Submission, SubmissionError};
use remand_plan::verdict::Verdict;

use crate::args::{FilesArgs, RunArgs};
use crate::artifacts::Delivery;
use crate::failure::Failure;
use crate::forward::{self, Ways};
use crate::record::Record;
use crate::way::Passed;
use crate::{account, answer, print, read};

/// Largest request, in bytes.
pub const LARGEST: u64 = 256 << 20;

/// A request, and the policy that it is to run under.
pub struct Asked {
    pub policy: Effective,
    pub request: Request,
}

/// Reads a request. `allowed`: whether it may have the policy that it names.
pub fn asked(engine: &Engine, file: &Path, allowed: impl Fn(&str) -> Result<(), Failure>) -> Result<Asked, Failure> {
    let text = read::text(file, "the request", LARGEST, "the limit of requests")?;
    let mut submission = Submission::read(&text).map_err(wrong)?;
    allowed(&submission.policy)?;
    let narrowing = submission.narrowing().map_err(wrong)?;
    let policy = engine.policy(&submission.policy, &narrowing)?;
    let request = submission.request(&policy.policy().limits).map_err(wrong)?;
    Ok(Asked { policy, request })
}

/// What is wrong with a request.
pub fn wrong(error: SubmissionError) -> Failure {
    let hint = Some("docs/request.md has the fields of a request, docs/reference/request.schema.json their JSON Schema".to_owned());
    Failure { hint, ..Failure::usage(format!("the request: {}", print::plain(&error.to_string()))) }
}

/// Runs what a file asks for, and gives its outcome as that of the same code by `remand run` or `remand python`.
pub fn run(args: &RunArgs, file: &Path) -> Result<u8, Failure> {
    let mut laps = Laps::start();
    let record = Record::open(args.show.outcome.as_deref())?;
    let engine = Engine::from_environment();
    let Asked { policy, mut request } = asked(&engine, file, |_| Ok(()))?;
    laps.lap(Step::Request);
    let files = FilesArgs { artifacts: request.artifacts.clone(), ..args.files.clone() };
    let mut delivery = Delivery::prepare(&files, !args.show.for_people())?;
    let program = if let Mode::Script(script) = &request.mode { Some(script.value) } else { None };
    let passed = if program.is_some() { Passed::Streams } else { Passed::Text };
    let ways = Ways::asked(false, &args.show, passed);
    ways.tell(&mut request);
    let mut outcome = forward::run(&engine, &policy, (Program::Python, &request), ways, &mut delivery)?;
    laps.before(&mut outcome.timing);
    give(args, program, &outcome, record.as_ref(), &delivery)
}

/// Gives the outcome; the exit status. `program`: it is one, and whether its value is wanted.
pub fn give(args: &RunArgs, program: Option<bool>, outcome: &Outcome, record: Option<&Record>, delivery: &Delivery) -> Result<u8, Failure> {
    let account = if program.is_some() { account::program(outcome) } else { account::account(outcome) } + &delivery.account(outcome);
    match program {
        Some(wanted) => {
            let value = (wanted && outcome.verdict == Verdict::Finished).then(|| outcome.value.get());
            answer::give_program(outcome, &args.show, record, &account, value)?;
        }
        None => {
            answer::give(outcome, &args.show, record, &account)?;
        }
    }
    Ok(delivery.status(exit_code(&outcome.verdict)))
}
