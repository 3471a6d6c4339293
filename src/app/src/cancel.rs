//! Ctrl-C, SIGTERM and SIGHUP as a readable descriptor, so that a run is cancelled by the supervisor's own loop and nothing is left behind.
//!
//! Always holds: while a [`Cancel`] lives, these signals end nothing by themselves; after its end they do what they did before.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::failure::Failure;

/// Holds the signals back.
pub struct Cancel {
    signals: SignalFd,
    before: SigSet,
}

impl Cancel {
    /// Holds SIGINT, SIGTERM and SIGHUP back from now on. This process has one thread, so its mask is the process's.
    pub fn hold() -> Result<Self, Failure> {
        Self::of(&[])
    }

    /// As [`Cancel::hold`], and these signals too.
    pub fn of(more: &[Signal]) -> Result<Self, Failure> {
        let mut held = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].iter().chain(more) {
            held.add(*signal);
        }
        let mut before = SigSet::empty();
        let failed = |errno| Failure::internal(format!("cannot hold signals back: {errno}"));
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&held), Some(&mut before)).map_err(failed)?;
        let signals = SignalFd::with_flags(&held, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(failed)?;
        Ok(Self { signals, before })
    }

    /// Readable when the run is to be cancelled.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// One of the signals, if one came.
    pub fn came(&self) -> Option<Signal> {
        let info = self.signals.read_signal().ok().flatten()?;
        Signal::try_from(i32::try_from(info.ssi_signo).ok()?).ok()
    }

    /// Asks for the same as a signal would: nobody reads what the run writes.
    pub fn ask() {
        let _ = raise(Signal::SIGHUP); // cannot fail: a valid signal to this process
    }
}

impl Drop for Cancel {
    /// Takes the signals that were meant for the run, then lets later ones through: writing the answer can be interrupted.
    fn drop(&mut self) {
        while let Ok(Some(_)) = self.signals.read_signal() {}
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None); // cannot fail: a valid mask
    }
}
