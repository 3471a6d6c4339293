//! `remand exec`: any program of the host under a policy.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::path;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use remand_engine::{Caller, Effective, Engine, Laps, Outcome, Program, Request, Said, Stream};
use remand_plan::step::Step;

use crate::args::ExecArgs;
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print::{self, plain};
use crate::relay::Relay;
use crate::{answer, overrides, rights};

/// Runs the program, passing its output on, and gives the outcome; the exit status is the verdict's.
pub fn exec(args: ExecArgs) -> Result<u8, Failure> {
    let mut laps = Laps::start();
    let engine = Engine::from_environment();
    let policy = engine.policy(&args.confine.policy, &overrides::tree(None, &args.confine.set)?)?;
    let argv = argv(&args.command)?;
    laps.lap(Step::Policy);
    let mut outcome = start(&engine, &policy, &argv, args.show.json)?;
    laps.before(&mut outcome.timing);
    answer::give_program(&outcome, args.show)
}

/// The arguments as text; a command with a `/` as an absolute path.
pub fn argv(command: &[OsString]) -> Result<Vec<String>, Failure> {
    let mut argv = command.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    if let Some(command) = argv.first_mut().filter(|command| command.contains('/')) {
        *command = text(path::absolute(&*command).map_err(|error| Failure::usage(format!("{}: {error}", plain(command))))?)?;
    }
    Ok(argv)
}

/// Runs it, passing its output on unless the caller wants nothing but the record.
fn start(engine: &Engine, policy: &Effective, argv: &[String], quiet: bool) -> Result<Outcome, Failure> {
    let run = |caller: Caller<'_>| {
        let outcome = engine.run(policy, Program::Command(argv), &Request::default(), caller);
        outcome.map_err(|error| Failure::internal(error.to_string()))
    };
    let caller = || Caller { begun: Some(Box::new(rights::give_up)), ..Caller::default() };
    let cancel = Cancel::hold()?;
    if quiet {
        let outcome = run(Caller { cancel: Some(cancel.fd()), ..caller() });
        print::answering(cancel);
        return outcome;
    }
    let no_streams = |error| Failure::internal(format!("cannot start to pass output on: {error}"));
    // After the signals are held back, which are the loop's and not those threads'.
    let out = Relay::start(io::stdout(), io::stdout().is_terminal()).map_err(no_streams)?;
    let err = Relay::start(io::stderr(), io::stderr().is_terminal()).map_err(no_streams)?;
    let ends = any(&[cancel.fd(), out.gone(), err.gone()]).map_err(no_streams)?;
    let pass = |said: Said<'_>| match said {
        Said::Output(Stream::Stdout, bytes) => out.take(bytes),
        Said::Output(Stream::Stderr, bytes) => err.take(bytes),
        // A plain program makes none.
        Said::Print(_) | Said::Item(..) => {}
    };
    let outcome = run(Caller { cancel: Some(ends.0.as_fd()), sink: Some(Box::new(pass)), ..caller() });
    print::answering(cancel);
    match (out.finish(), err.finish()) {
        (Some(errno), _) => Err(Failure::unwritten("standard output", errno)),
        (None, Some(errno)) => Err(Failure::unwritten("standard error", errno)),
        (None, None) => outcome,
    }
}

/// Readable when one of these is.
fn any(fds: &[BorrowedFd<'_>]) -> io::Result<Epoll> {
    let any = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    fds.iter().try_for_each(|fd| any.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 0)))?;
    Ok(any)
}

fn text(argument: impl AsRef<OsStr>) -> Result<String, Failure> {
    let argument = argument.as_ref();
    argument.to_str().map(str::to_owned).ok_or_else(|| Failure::usage(format!("{}: not UTF-8 text", plain(&argument.to_string_lossy()))))
}
