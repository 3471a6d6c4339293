//! `remand run`: Python code in, its value out.

use std::path::Path;

use remand_engine::{Caller, Engine, Laps, Program, Request};
use remand_plan::job::{Data, DataError};
use remand_plan::request::Mode;
use remand_plan::step::Step;

use crate::args::{ModeArg, RunArgs};
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::overrides::{self, MAX_SECURITY_CONFIG};
use crate::{answer, print, read, rights};

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
    let request = request(&args, policy.policy().limits.job_size.0)?;
    laps.lap(Step::Request);
    let cancel = Cancel::hold()?;
    let caller = Caller { cancel: Some(cancel.fd()), begun: Some(Box::new(rights::give_up)), ..Caller::default() };
    let outcome = engine.run(&policy, Program::Python, &request, caller);
    print::answering(cancel);
    let mut outcome = outcome.map_err(|error| Failure::usage(error.to_string()))?;
    laps.before(&mut outcome.timing);
    answer::give(&outcome, args.show)
}

/// The request that the arguments ask for; each text is at most `limit` bytes (limits.job_size).
pub fn request(args: &RunArgs, limit: u64) -> Result<Request, Failure> {
    Ok(Request {
        code: read::text(&args.file, "code", limit, "limits.job_size")?,
        mode: match args.mode {
            ModeArg::AllItems => Mode::AllItems,
            ModeArg::PerItem => Mode::PerItem,
        },
        items: args.items.as_deref().map_or_else(|| Ok(Data::no_items()), |file| items(file, limit))?,
        query: args.query.as_deref().map_or_else(|| Ok(Data::null()), |text| query(text, limit))?,
    })
}

/// Input items from a file of at most `limit` bytes.
pub fn items(file: &Path, limit: u64) -> Result<Data, Failure> {
    let text = read::text(file, "--items", limit, "limits.job_size")?;
    let hint = "a JSON array is expected, such as [{\"json\": {\"a\": 1}}]";
    Data::items(&text, limit).map_err(|error| not_data("--items", &error, hint))
}

fn query(text: &str, limit: u64) -> Result<Data, Failure> {
    let hint = "a JSON value is expected; a string needs its quotes: --query '\"text\"'";
    Data::value(text, "query", limit).map_err(|error| not_data("--query", &error, hint))
}

fn not_data(argument: &str, error: &DataError, hint: &str) -> Failure {
    match error {
        DataError::Job(error) => Failure::usage(error.to_string()),
        error => Failure { hint: Some(hint.to_owned()), ..Failure::usage(format!("{argument}: {error}")) },
    }
}
