//! `remand run`: Python code in, its value out.

use std::env;
use std::path::Path;

use remand_engine::{HostFiles, interpreter};
use remand_jail::host::{self, Depth};
use remand_jail::run::{Ask, Caller};
use remand_plan::job::{self, Data, DataError};
use remand_plan::plan::Program;
use remand_plan::request::Mode;
use remand_plan::step::Step;
use remand_plan::{Interpreter, Outcome, Request};
use remand_policy::Policy;
use serde_json::Value;

use crate::answer::{self, not_started, refused};
use crate::args::{ModeArg, RunArgs};
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::laps::Laps;
use crate::overrides::{self, MAX_SECURITY_CONFIG};
use crate::{policies, print, read};

/// PATH where the environment has none.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Does it; the exit status.
pub fn run(args: RunArgs) -> Result<u8, Failure> {
    let show = args.show;
    let mut laps = Laps::start();
    let asked = Asked::from_args(args, &mut laps)?;
    let mut outcome = asked.outcome(&mut laps)?;
    laps.before(&mut outcome.timing);
    answer::give(&outcome, show)
}

/// What the arguments mean: a request, and the policy as the request narrows it.
struct Asked {
    policy: Policy,
    request: Request,
}

impl Asked {
    fn from_args(args: RunArgs, laps: &mut Laps) -> Result<Self, Failure> {
        if read::is_stdin(&args.file) && args.items.as_deref().is_some_and(read::is_stdin) {
            return Err(Failure::usage("only one of FILE and --items can be standard input".into()));
        }
        let security = args.security_config.as_deref();
        let security = security.map(|file| read::text(file, "--security-config", MAX_SECURITY_CONFIG, "the limit of 1 MiB")).transpose()?;
        let overrides = overrides::tree(security.as_deref(), &args.confine.set)?;
        let policy = policies::effective(&args.confine.policy, &overrides)?;
        laps.lap(Step::Policy);
        let request = request(&args, overrides, policy.limits.job_size.0)?;
        laps.lap(Step::Request);
        Ok(Self { policy, request })
    }

    /// The steps of a run, from host facts to the outcome.
    fn outcome(&self, laps: &mut Laps) -> Result<Outcome, Failure> {
        let host = host::observe(Depth::Quick);
        laps.lap(Step::Host);
        // Before the search for an interpreter meets it.
        let cramped = remand_plan::cramped(&host, true);
        if !cramped.is_empty() {
            return Ok(refused(&self.policy, &cramped));
        }
        let interpreter = match interpreter(&self.policy) {
            Ok(interpreter) => interpreter,
            Err(why) => return Ok(not_started(&self.policy, Step::Interpreter, why)),
        };
        laps.lap(Step::FindInterpreter);
        let plan = match remand_plan::resolve(&self.policy, &Program::Python(&interpreter), &host, &HostFiles) {
            Ok(plan) => plan,
            Err(lacks) => return Ok(refused(&self.policy, &lacks)),
        };
        laps.lap(Step::Plan);
        let job = job::encode(&self.request, &self.policy, &interpreter.site_paths).map_err(|error| Failure::usage(error.to_string()))?;
        laps.lap(Step::Job);
        let cancel = Cancel::hold()?;
        let ask = Ask { plan: &plan, host: &host, job: &job, without_cgroup: &|plan, host| plan.without_cgroup(&self.policy, host).ok() };
        let outcome = remand_jail::run::run(&ask, Caller { cancel: Some(cancel.fd()), output: None });
        print::answering(cancel);
        Ok(outcome)
    }
}

/// The request that the arguments ask for; each text is at most `limit` bytes (limits.job_size).
pub fn request(args: &RunArgs, overrides: Value, limit: u64) -> Result<Request, Failure> {
    Ok(Request {
        code: read::text(&args.file, "code", limit, "limits.job_size")?,
        mode: match args.mode {
            ModeArg::AllItems => Mode::AllItems,
            ModeArg::PerItem => Mode::PerItem,
        },
        items: args.items.as_deref().map_or_else(|| Ok(Data::no_items()), |file| items(file, limit))?,
        query: args.query.as_deref().map_or_else(|| Ok(Data::null()), |text| query(text, limit))?,
        overrides,
    })
}

/// The interpreter that a policy names, as it is installed here; or why there is none.
pub fn interpreter(policy: &Policy) -> Result<Interpreter, String> {
    let path = env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.into());
    let python = &policy.python;
    let found = interpreter::find(&python.interpreter, &path, !python.external_allow.is_empty());
    found.map(|found| found.interpreter).map_err(|error| error.to_string())
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
