//! The pipes of a run and who may open them.
//!
//! Always holds: a pipe's inode lets nobody open its other end through `/proc/*/fd`; this side's ends are non-blocking.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::pipe2;
use remand_plan::step::Step;

use crate::failure::Failure;

/// Both ends of one pipe.
#[derive(Debug)]
pub struct Pipe {
    /// This process's end, non-blocking.
    pub ours: OwnedFd,
    /// The run's end, blocking.
    pub theirs: OwnedFd,
}

/// A pipe that the run writes into: mode 0200, so that it can't be opened for reading.
///
/// # Errors
/// The kernel's answer.
pub fn from_run() -> Result<Pipe, Failure> {
    let (ours, theirs) = new(Mode::S_IWUSR)?;
    Ok(Pipe { ours, theirs })
}

/// Its standard output or error: mode 0222, since `/dev/stdout` opens it anew, by an id that owns no pipe.
///
/// # Errors
/// The kernel's answer.
pub fn output_of_run() -> Result<Pipe, Failure> {
    let (ours, theirs) = new(Mode::S_IWUSR | Mode::S_IWGRP | Mode::S_IWOTH)?;
    Ok(Pipe { ours, theirs })
}

/// A pipe that the run reads: mode 0400.
///
/// # Errors
/// The kernel's answer.
pub fn to_run() -> Result<Pipe, Failure> {
    let (theirs, ours) = new(Mode::S_IRUSR)?;
    Ok(Pipe { ours, theirs })
}

/// What the run has as its standard input. Not the host's `/dev/null`, whose times the run could set through it, nor its caller's own.
///
/// # Errors
/// The kernel's answer.
pub fn input() -> Result<Pipe, Failure> {
    // Readable for all, since /dev/stdin opens it anew.
    let (theirs, ours) = new(Mode::S_IRUSR | Mode::S_IRGRP | Mode::S_IROTH)?;
    Ok(Pipe { ours, theirs })
}

/// Another descriptor of the same.
///
/// # Errors
/// The kernel's answer.
pub fn copy(end: &OwnedFd) -> Result<OwnedFd, Failure> {
    end.try_clone().map_err(|error| Failure::io(Step::Pipes, "a pipe for the run", &error))
}

fn new(mode: Mode) -> Result<(OwnedFd, OwnedFd), Failure> {
    let failed = |errno: Errno| Failure::kernel(Step::Pipes, "a pipe for the run", errno);
    let (read, write) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    // One inode serves both ends. Its owner is this process's user: with privilege that is never the run's.
    fchmod(read.as_fd(), mode).map_err(failed)?;
    let ours = if mode.contains(Mode::S_IWUSR) { &read } else { &write };
    fcntl(ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(failed)?;
    Ok((read, write))
}
