//! `remand exec`: any program of the host under a policy.

use std::ffi::{OsStr, OsString};
use std::path;

use remand_engine::{Engine, Laps, Program, Request};
use remand_plan::step::Step;

use crate::args::ExecArgs;
use crate::failure::Failure;
use crate::forward::{Passed, Ways};
use crate::print::plain;
use crate::{account, answer, forward, overrides};

/// Runs the program, passing its output on, and gives the outcome.
pub fn exec(args: ExecArgs) -> Result<u8, Failure> {
    let mut laps = Laps::start();
    let engine = Engine::from_environment();
    let policy = engine.policy(&args.confine.policy, &overrides::tree(None, &args.confine.set)?)?;
    let argv = argv(&args.command)?;
    laps.lap(Step::Policy);
    let ways = Ways { input: true, output: Passed::asked(args.show, Passed::Streams) };
    let mut outcome = forward::run(&engine, &policy, Program::Command(&argv), &Request::default(), ways)?;
    laps.before(&mut outcome.timing);
    answer::give_program(&outcome, args.show, &account::account(&outcome))?;
    Ok(answer::status(&outcome.verdict, args.status))
}

/// The arguments as text; a command with a `/` as an absolute path.
pub fn argv(command: &[OsString]) -> Result<Vec<String>, Failure> {
    let mut argv = command.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    if let Some(command) = argv.first_mut().filter(|command| command.contains('/')) {
        *command = text(path::absolute(&*command).map_err(|error| Failure::usage(format!("{}: {error}", plain(command))))?)?;
    }
    Ok(argv)
}

/// An argument as text.
pub fn text(argument: impl AsRef<OsStr>) -> Result<String, Failure> {
    let argument = argument.as_ref();
    argument.to_str().map(str::to_owned).ok_or_else(|| Failure::usage(format!("{}: not UTF-8 text", plain(&argument.to_string_lossy()))))
}
