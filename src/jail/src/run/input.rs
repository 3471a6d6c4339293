//! What a run has as its standard input, and what of it was given and read.
//!
//! Always holds: the run holds a pipe of ours, and nothing of its caller's; of what is passed on, one portion at most waits here. The pipe's other end stays here
//! too, so that what nobody read can be counted.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use remand_plan::evidence::Given;

use crate::sys::file::waiting;

/// Where a run's standard input comes from.
#[derive(Debug)]
pub enum Feed {
    /// A pipe or a socket that does not block, until its end.
    Passed(OwnedFd),
    /// All of it, and then its end.
    Whole(Arc<[u8]>),
}

/// What is passed on.
#[derive(Debug, Default)]
pub struct Input {
    /// The caller's, non-blocking, until its end.
    pub from: Option<OwnedFd>,
    /// The run's pipe, to write into, until all is there.
    pub to: Option<OwnedFd>,
    /// The same pipe, to be asked.
    pub pipe: Option<OwnedFd>,
    /// What the pipe did not take yet.
    pub rest: VecDeque<u8>,
    /// Bytes that came.
    pub seen: u64,
}

impl Input {
    /// Both ends of the run's pipe, with nothing to pass on yet.
    pub fn of(to: Option<OwnedFd>, pipe: Option<OwnedFd>) -> Self {
        Self { to, pipe, ..Self::default() }
    }

    /// What was given, and what of that nobody read.
    pub fn given(&self) -> Option<Given> {
        let in_pipe = self.pipe.as_ref().map_or(0, waiting);
        // The run can open its pipe and write into it too, where nobody shares the files of `/proc`.
        let unread = (in_pipe + self.rest.len() as u64).min(self.seen);
        (self.seen > 0).then_some(Given { bytes: self.seen, unread })
    }
}
