//! A run whose streams are the command's: what it writes is passed on as it comes.
//!
//! Always holds: the run has none of this process's descriptors; a stream that can no longer be written ends the run.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use remand_engine::{Caller, Effective, Engine, Outcome, Program, Request, Said, Stream};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print;
use crate::relay::Relay;
use crate::rights;

/// Runs it, passing its output on unless the caller wants nothing but the record.
pub fn run(engine: &Engine, policy: &Effective, program: Program<'_>, request: &Request, quiet: bool) -> Result<Outcome, Failure> {
    let run = |caller: Caller<'_>| engine.run(policy, program, request, caller).map_err(|error| Failure::usage(error.to_string()));
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
        // Programs make none.
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
