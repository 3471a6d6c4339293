//! `remand run`: Python code in, its value out.

use std::path::{Path, PathBuf};

use remand_engine::{Engine, Laps, Outcome, Program, Request};
use remand_plan::job::{Data, DataError};
use remand_plan::request::{Mode, OnError};
use remand_plan::step::Step;
use remand_policy::Policy;
use remand_policy::policy::Limits;
use serde_json::Value;

use crate::args::{ModeArg, OnErrorArg, RunArgs};
use crate::artifacts::Delivery;
use crate::failure::Failure;
use crate::forward::Ways;
use crate::overrides::{self, MAX_SECURITY_CONFIG};
use crate::read::Bounds;
use crate::record::Record;
use crate::way::Passed;
use crate::{account, answer, beside, choose, forward, given, read, submitted};

/// Reads code and inputs, runs it, and gives the outcome; the exit status is the verdict's.
pub fn run(args: RunArgs) -> Result<u8, Failure> {
    if let Some(file) = &args.request {
        return submitted::run(&args, file);
    }
    one_from_input(&args, &[])?;
    let mut laps = Laps::start();
    let record = Record::open(args.show.outcome.as_deref())?;
    let engine = Engine::from_environment();
    let policy = engine.policy(&args.confine.policy, &narrowing(&args)?)?;
    laps.lap(Step::Policy);
    let request = request(&args, policy.policy())?;
    let mut delivery = Delivery::prepare(&args.files, !args.show.for_people())?;
    laps.lap(Step::Request);
    let ways = Ways::asked(false, &args.show, Passed::Text);
    let mut outcome = forward::run(&engine, &policy, (Program::Python, &request), ways, &mut delivery)?;
    laps.before(&mut outcome.timing);
    give(&args, &outcome, record.as_ref(), &delivery)
}

/// Gives the outcome; the exit status.
pub fn give(args: &RunArgs, outcome: &Outcome, record: Option<&Record>, delivery: &Delivery) -> Result<u8, Failure> {
    let account = account::account(outcome) + &beside(args, outcome) + &delivery.account(outcome);
    answer::give(outcome, &args.show, record, &account).map(|code| delivery.status(code))
}

/// What is narrowed of the policy.
pub fn narrowing(args: &RunArgs) -> Result<Value, Failure> {
    let security = args.security_config.as_deref();
    let security = security.map(|file| read::text(file, "--security-config", MAX_SECURITY_CONFIG, "the limit of 1 MiB")).transpose()?;
    overrides::confined(security.as_deref(), &args.confine)
}

/// Refuses two readers of one standard input. `more`: other files of items.
pub fn one_from_input(args: &RunArgs, more: &[PathBuf]) -> Result<(), Failure> {
    let files = [&args.file, &args.items, &args.query_file].into_iter().flatten().chain(more);
    match files.filter(|file| read::is_stdin(file)).count() + usize::from(given::takes_stdin(&args.files)) {
        0 | 1 => Ok(()),
        _ => Err(Failure::usage("only one of FILE, --items, --query-file and --file can be standard input".into())),
    }
}

/// What lies beside the code, where that is what it missed.
fn beside(args: &RunArgs, outcome: &Outcome) -> String {
    let Some(error) = &outcome.error else { return String::new() };
    let here = (PathBuf::from("."), beside::HERE);
    let code = args
        .file
        .as_deref()
        .filter(|file| !read::is_stdin(file))
        .and_then(Path::parent)
        .map(|place| (Path::new(".").join(place), "the code's directory"));
    beside::account(error, &code.into_iter().chain([here]).collect::<Vec<_>>())
}

/// The request that the arguments ask for; each text is at most as long as the policy lets a job be.
pub fn request(args: &RunArgs, policy: &Policy) -> Result<Request, Failure> {
    let (limits, bounds) = (&policy.limits, Bounds::from(policy));
    Ok(Request {
        code: match (&args.code, &args.file) {
            (Some(code), _) => code.as_str().into(),
            (None, file) => read::bytes(file.as_deref().unwrap_or(Path::new("-")), "code", limits.job_size.0, "limits.job_size")?.into(),
        },
        mode: mode(args)?,
        items: args.items.as_deref().map_or_else(|| Ok(Data::no_items()), |file| items(file, limits))?,
        query: match (&args.query, &args.query_file) {
            (Some(text), _) => query(text, "--query", limits)?,
            (_, Some(file)) => query(&read::text(file, "--query-file", limits.job_size.0, "limits.job_size")?, "--query-file", limits)?,
            (None, None) => Data::null(),
        },
        stdin: None,
        files: given::read(&args.files, bounds)?,
        artifacts: args.files.artifacts.clone(),
        choice: choose::python(&args.python, &args.choose)?,
    })
}

/// How the code is called.
pub fn mode(args: &RunArgs) -> Result<Mode, Failure> {
    let on_error = match args.on_error {
        OnErrorArg::Stop => OnError::Stop,
        OnErrorArg::Item => OnError::Item,
    };
    match args.mode {
        ModeArg::AllItems if on_error == OnError::Item => {
            Err(Failure::usage("--on-error item is about single items: it takes --mode per_item".into()))
        }
        ModeArg::AllItems => Ok(Mode::AllItems),
        ModeArg::PerItem => Ok(Mode::PerItem(on_error)),
    }
}

/// Input items from a file.
pub fn items(file: &Path, limits: &Limits) -> Result<Data, Failure> {
    let text = read::text(file, "--items", limits.job_size.0, "limits.job_size")?;
    Data::items(&text, limits).map_err(|error| no_items(&error))
}

/// What is wrong with items.
pub fn no_items(error: &DataError) -> Failure {
    let hint = "a JSON array is expected, such as [{\"json\": {\"a\": 1}}], or a JSON value on each line; [] has none";
    not_data("--items", error, hint)
}

fn query(text: &str, argument: &str, limits: &Limits) -> Result<Data, Failure> {
    Data::value(text, "query", limits).map_err(|error| no_query(argument, &error))
}

/// What is wrong with a query.
pub fn no_query(argument: &str, error: &DataError) -> Failure {
    not_data(argument, error, "a JSON value is expected; a string needs its quotes: --query '\"text\"'")
}

fn not_data(argument: &str, error: &DataError, hint: &str) -> Failure {
    match error {
        DataError::Job(error) => Failure::usage(error.to_string()),
        error => Failure { hint: Some(hint.to_owned()), ..Failure::usage(format!("{argument}: {error}")) },
    }
}
