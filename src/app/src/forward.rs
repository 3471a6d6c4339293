//! A run whose streams are the command's: what it writes is passed on as it comes.
//!
//! Always holds: the run has none of this process's descriptors; a stream that can no longer be written ends the run.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::unistd::{pipe2, read};
use remand_engine::{Caller, Effective, Engine, Outcome, Program, Request, Said, Stream};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print;
use crate::relay::{self, Relay};
use crate::rights;

/// What is passed on.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// This process's standard input.
    pub input: bool,
    /// The caller wants nothing but the record.
    pub quiet: bool,
}

/// Runs it, passing its output on unless the caller wants nothing but the record.
pub fn run(engine: &Engine, policy: &Effective, program: Program<'_>, request: &Request, ways: Ways) -> Result<Outcome, Failure> {
    let run = |caller: Caller<'_>| engine.run(policy, program, request, caller).map_err(|error| Failure::usage(error.to_string()));
    let caller = |input| Caller { input, begun: Some(Box::new(rights::give_up)), ..Caller::default() };
    let cancel = Cancel::hold()?;
    // After the signals are held back, which are the loop's and not those threads'.
    let no_input = |error| Failure::internal(format!("cannot start to pass standard input on: {error}"));
    let input = if ways.input { input().map_err(no_input)? } else { None };
    if ways.quiet {
        let outcome = run(Caller { cancel: Some(cancel.fd()), ..caller(input) });
        print::answering(cancel);
        return outcome;
    }
    let no_streams = |error| Failure::internal(format!("cannot start to pass output on: {error}"));
    let out = Relay::start(io::stdout(), io::stdout().is_terminal()).map_err(no_streams)?;
    let err = Relay::start(io::stderr(), io::stderr().is_terminal()).map_err(no_streams)?;
    let ends = any(&[cancel.fd(), out.gone(), err.gone()]).map_err(no_streams)?;
    let pass = |said: Said<'_>| match said {
        Said::Output(Stream::Stdout, bytes) => out.take(bytes),
        Said::Output(Stream::Stderr, bytes) => err.take(bytes),
        // Programs make none.
        Said::Print(_) | Said::Item(..) => {}
    };
    let outcome = run(Caller { cancel: Some(ends.0.as_fd()), sink: Some(Box::new(pass)), ..caller(input) });
    print::answering(cancel);
    match (out.finish(), err.finish()) {
        (Some(errno), _) => Err(Failure::unwritten("standard output", errno)),
        (None, Some(errno)) => Err(Failure::unwritten("standard error", errno)),
        (None, None) => outcome,
    }
}

/// This process's standard input as a pipe that does not block, by a thread that may: the flag would be everybody's who shares it. None where there is none.
fn input() -> io::Result<Option<OwnedFd>> {
    let Ok(stdin) = io::stdin().as_fd().try_clone_to_owned() else { return Ok(None) };
    let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    // Ends with this process, if nothing comes.
    thread::Builder::new().spawn(move || while hand_on(&stdin, &to) {})?;
    Ok(Some(from))
}

/// Hands a portion on; whether there may be another.
fn hand_on(from: &OwnedFd, to: &OwnedFd) -> bool {
    let mut buffer = [0; 1 << 16];
    match read(from, &mut buffer) {
        Ok(0) => false,
        Ok(count) => relay::write_all(to, buffer.get(..count).unwrap_or_default()).is_ok(),
        // Somebody who shares it has made it non-blocking.
        Err(Errno::EAGAIN) => poll(&mut [PollFd::new(from.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).is_ok(),
        Err(errno) => errno == Errno::EINTR,
    }
}

/// Readable when one of these is.
fn any(fds: &[BorrowedFd<'_>]) -> io::Result<Epoll> {
    let any = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    fds.iter().try_for_each(|fd| any.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 0)))?;
    Ok(any)
}
