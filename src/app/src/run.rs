//! `remand run`: Python code in, its value out.

use std::path::Path;

use remand_engine::{Engine, Laps, Program, Request};
use remand_plan::job::{Data, DataError};
use remand_plan::request::Mode;
use remand_plan::step::Step;
use remand_policy::policy::Limits;

use crate::args::{ModeArg, RunArgs};
use crate::failure::Failure;
use crate::forward::{Passed, Ways};
use crate::overrides::{self, MAX_SECURITY_CONFIG};
use crate::{answer, forward, read};

/// Reads code and inputs, runs it, and gives the outcome; the exit status is the verdict's.
pub fn run(args: RunArgs) -> Result<u8, Failure> {
    if read::is_stdin(&args.file) && args.items.as_deref().is_some_and(read::is_stdin) {
        return Err(Failure::usage("only one of FILE and --items can be standard input".into()));
    }
    let mut laps = Laps::start();
    let engine = Engine::from_environment();
    let security = args.security_config.as_deref();
    let security = security.map(|file| read::text(file, "--security-config", MAX_SECURITY_CONFIG, "the limit of 1 MiB")).transpose()?;
    let policy = engine.policy(&args.confine.policy, &overrides::tree(security.as_deref(), &args.confine.set)?)?;
    laps.lap(Step::Policy);
    let request = request(&args, &policy.policy().limits)?;
    laps.lap(Step::Request);
    let ways = Ways { input: false, output: Passed::asked(args.show, Passed::Text) };
    let mut outcome = forward::run(&engine, &policy, Program::Python, &request, ways)?;
    laps.before(&mut outcome.timing);
    answer::give(&outcome, args.show)
}

/// The request that the arguments ask for, within these limits.
pub fn request(args: &RunArgs, limits: &Limits) -> Result<Request, Failure> {
    Ok(Request {
        code: read::text(&args.file, "code", limits.job_size.0, "limits.job_size")?,
        mode: match args.mode {
            ModeArg::AllItems => Mode::AllItems,
            ModeArg::PerItem => Mode::PerItem,
        },
        items: args.items.as_deref().map_or_else(|| Ok(Data::no_items()), |file| items(file, limits))?,
        query: args.query.as_deref().map_or_else(|| Ok(Data::null()), |text| query(text, limits))?,
    })
}

/// Input items from a file.
pub fn items(file: &Path, limits: &Limits) -> Result<Data, Failure> {
    let text = read::text(file, "--items", limits.job_size.0, "limits.job_size")?;
    let hint = "a JSON array is expected, such as [{\"json\": {\"a\": 1}}]";
    Data::items(&text, limits).map_err(|error| not_data("--items", &error, hint))
}

fn query(text: &str, limits: &Limits) -> Result<Data, Failure> {
    let hint = "a JSON value is expected; a string needs its quotes: --query '\"text\"'";
    Data::value(text, "query", limits).map_err(|error| not_data("--query", &error, hint))
}

fn not_data(argument: &str, error: &DataError, hint: &str) -> Failure {
    match error {
        DataError::Job(error) => Failure::usage(error.to_string()),
        error => Failure { hint: Some(hint.to_owned()), ..Failure::usage(format!("{argument}: {error}")) },
    }
}
