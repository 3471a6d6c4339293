//! `remand exec`: any program of the host under a policy.

use std::ffi::OsString;
use std::path;

use remand_engine::{Engine, Laps, Program, Request};
use remand_plan::choice::Choice;
use remand_plan::step::Step;
use remand_policy::Policy;

use crate::args::{ExecArgs, FilesArgs};
use crate::artifacts::Delivery;
use crate::failure::Failure;
use crate::forward::Ways;
use crate::print::plain;
use crate::read::argument;
use crate::record::Record;
use crate::way::Passed;
use crate::{account, answer, choose, forward, given, overrides, terminal};

/// Runs the program, passing its output on, and gives the outcome.
pub fn exec(args: ExecArgs) -> Result<u8, Failure> {
    let mut laps = Laps::start();
    let record = Record::open(args.show.outcome.as_deref())?;
    let engine = Engine::from_environment();
    let policy = engine.policy(&args.confine.policy, &overrides::confined(None, &args.confine)?)?;
    let argv = argv(&args.command)?;
    laps.lap(Step::Policy);
    let taken = given::takes_stdin(&args.files).then_some("--file");
    let choice = Choice { tty: terminal::asked(args.terminal.tty, taken)?, ..choose::choice(&args.choose)? };
    let request = Request { choice, ..request(&args.files, policy.policy())? };
    let mut delivery = Delivery::prepare(&args.files, !args.show.for_people())?;
    let ways = Ways::asked(!given::takes_stdin(&args.files), &args.show, Passed::Streams).tty(args.terminal.tty);
    let mut outcome = forward::run(&engine, &policy, (Program::Command(&argv), &request), ways, &mut delivery)?;
    laps.before(&mut outcome.timing);
    let account = account::account(&outcome) + &delivery.account(&outcome);
    answer::give_program(&outcome, &args.show, record.as_ref(), &account, None)?;
    Ok(delivery.status(answer::status(&outcome.verdict, args.status)))
}

/// What of a request a program gets.
pub fn request(args: &FilesArgs, policy: &Policy) -> Result<Request, Failure> {
    Ok(Request { files: given::read(args, policy.into())?, artifacts: args.artifacts.clone(), ..Request::default() })
}

/// The arguments as text; a command with a `/` as an absolute path.
pub fn argv(command: &[OsString]) -> Result<Vec<String>, Failure> {
    let mut argv = command.iter().map(argument).collect::<Result<Vec<_>, _>>()?;
    if let Some(command) = argv.first_mut().filter(|command| command.contains('/')) {
        *command = argument(path::absolute(&*command).map_err(|error| Failure::usage(format!("{}: {error}", plain(command))))?)?;
    }
    Ok(argv)
}
