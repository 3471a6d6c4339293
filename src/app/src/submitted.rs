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
use crate::forward::{self, Passed, Ways};
use crate::record::Record;
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

fn wrong(error: SubmissionError) -> Failure {
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
    let (passed, account, program): (_, fn(&Outcome) -> String, _) = match &request.mode {
        Mode::Script(script) => (Passed::Streams, account::program, Some(script.value)),
        Mode::AllItems | Mode::PerItem(_) | Mode::N8n(_) => (Passed::Text, account::account, None),
    };
    let ways = Ways::asked(false, &args.show, passed);
    ways.tell(&mut request);
    let mut outcome = forward::run(&engine, &policy, (Program::Python, &request), ways, &mut delivery)?;
    laps.before(&mut outcome.timing);
    let account = account(&outcome) + &delivery.account(&outcome);
    match program {
        Some(wanted) => {
            let value = (wanted && outcome.verdict == Verdict::Finished).then(|| outcome.value.get());
            answer::give_program(&outcome, &args.show, record.as_ref(), &account, value)?;
        }
        None => {
            answer::give(&outcome, &args.show, record.as_ref(), &account)?;
        }
    }
    Ok(delivery.status(exit_code(&outcome.verdict)))
}
