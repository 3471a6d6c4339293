//! `remand helper`: one JSON request in, one JSON outcome out, for programs that start a process per run.
//!
//! Always holds: a request names no file of this host but what its policy lets it choose, and that is opened with the rights of whoever called; a policy is a
//! name and never a path. Whoever asked gets one line of JSON at the end, the outcome or the problem, whatever else went wrong.

use std::path::Path;

use remand_engine::store::is_path;
use remand_engine::{Engine, Laps, Outcome, Program};
use remand_plan::event::{Event, Problem};
use remand_plan::outcome::exit_code;
use remand_plan::step::Step;
use serde_json::json;

use crate::args::HelperArgs;
use crate::artifacts::Delivery;
use crate::failure::Failure;
use crate::forward::{self, Ways};
use crate::print;
use crate::submitted::{Asked, asked};
use crate::way::Passed;

/// Answers the request on standard input; the exit status is the verdict's.
pub fn helper(args: &HelperArgs) -> Result<u8, Failure> {
    let outcome = match run(args) {
        Ok(outcome) => outcome,
        Err(failure) => return problem(args, failure),
    };
    if args.stream { print::record(&Event::Outcome { outcome: &outcome }) } else { print::record(&outcome) }?;
    Ok(exit_code(&outcome.verdict))
}

fn run(args: &HelperArgs) -> Result<Outcome, Failure> {
    let mut laps = Laps::start();
    let engine = Engine::from_environment();
    let Asked { policy, mut request } = asked(&engine, Path::new("-"), |name| allowed(args, name))?;
    laps.lap(Step::Request);
    let ways = Ways { input: false, output: if args.stream { Passed::Events } else { Passed::Nothing }, line: None, tty: false };
    ways.tell(&mut request);
    let mut outcome = forward::run(&engine, &policy, (Program::Python, &request), ways, &mut Delivery::recorded())?;
    laps.before(&mut outcome.timing);
    Ok(outcome)
}

/// Whether a request may have a policy of this name.
fn allowed(args: &HelperArgs, name: &str) -> Result<(), Failure> {
    let shown = print::plain(name);
    if is_path(name) {
        return Err(Failure::usage(format!("the request: policy: {shown} is a path; a policy's name is expected")));
    }
    if args.allow_policy.is_empty() || args.allow_policy.iter().any(|allowed| allowed == name) {
        return Ok(());
    }
    Err(Failure::usage(format!("the request: policy: {shown} is not served here; --allow-policy lets {}", args.allow_policy.join(", "))))
}

/// Answers with what stood in the way; people read the same on standard error.
fn problem(args: &HelperArgs, failure: Failure) -> Result<u8, Failure> {
    let problem = Problem { detail: &failure.message, hint: failure.hint.as_deref(), exit_status: failure.code };
    print::json(&if args.stream { print::event(&Event::Problem { problem }) } else { json!({ "problem": problem }).to_string() })?;
    Err(failure)
}
