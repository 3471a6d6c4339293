//! Ctrl-C, and every other signal that would end this process, as a readable descriptor, so that a run is cancelled by the supervisor's own loop and
//! nothing is left behind.
//!
//! Always holds: while a [`Cancel`] lives, these signals end nothing by themselves; after its end they do what they did before. What is ignored stays ignored.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::Signal;
use remand_jail::Held;

use crate::failure::Failure;

/// Holds the signals back.
pub struct Cancel(Held);

impl Cancel {
    /// Holds them back from now on.
    pub fn hold() -> Result<Self, Failure> {
        Self::of(&[])
    }

    /// As [`Cancel::hold`], and these signals too.
    pub fn of(more: &[Signal]) -> Result<Self, Failure> {
        let more: Vec<i32> = more.iter().map(|signal| *signal as i32).collect();
        Held::all_that_end(&more).map(Self).map_err(|errno| Failure::internal(format!("cannot hold signals back: {errno}")))
    }

    /// Readable when the run is to be cancelled.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// The number of one that came.
    pub fn came(&self) -> Option<i32> {
        self.0.came()
    }
}
