//! What a run reads as its standard input, passed on from its caller's descriptor.
//!
//! Always holds: the run holds a pipe of ours, and nothing of its caller's; what waits here is one portion at most; no more is passed on than the policy
//! allows. The pipe's other end stays here too, so that what nobody read can be counted.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::unistd;
use remand_plan::evidence::{Given, Stop};
use remand_plan::limit::LimitKind;

use super::hear::CHUNK;
use super::{Attempt, With};
use crate::run::phase::{Action, Event, Source};
use crate::sys::file::waiting;

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
    rest: Vec<u8>,
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
        (self.seen > 0).then(|| Given { bytes: self.seen, unread: in_pipe + self.rest.len() as u64 })
    }
}

impl Attempt {
    /// The program is there to read it: what its caller gives is passed on from now on, or its input ends.
    pub(super) fn begin_input(&mut self, with: &mut With<'_, '_>) {
        match with.input.map(|fd| fd.try_clone_to_owned()) {
            Some(Ok(from)) => {
                self.input.from = Some(from);
                self.perform_or_fail(Action::Watch(Source::Feed), with);
            }
            Some(Err(error)) => self.fail(format!("its standard input: {error}"), with),
            None => self.input.to = None,
        }
    }

    /// The caller has something, or comes to an end.
    pub(super) fn on_feed(&mut self, with: &mut With<'_, '_>) {
        let Some(from) = &self.input.from else { return };
        let mut buffer = [0; CHUNK];
        match unistd::read(from, &mut buffer) {
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Ok(0) | Err(_) => {
                self.forget(Source::Feed, with.watch);
                (self.input.from, self.input.to) = (None, None);
            }
            Ok(count) => {
                self.forget(Source::Feed, with.watch);
                self.input.seen += count as u64;
                self.input.rest = buffer.get(..count).unwrap_or_default().to_vec();
                if self.input.seen > self.parts.made_of.plan.collect.stdin {
                    self.on(Event::Stop(Stop::Limit(LimitKind::Stdin)), with);
                } else {
                    self.perform_or_fail(Action::Watch(Source::Input), with);
                }
            }
        }
    }

    /// The pipe takes more.
    pub(super) fn on_input(&mut self, with: &mut With<'_, '_>) {
        let Some(to) = &self.input.to else { return };
        match unistd::write(to, &self.input.rest) {
            Ok(count) => drop(self.input.rest.drain(..count)),
            Err(Errno::EAGAIN | Errno::EINTR) => return,
            Err(errno) => return self.fail(format!("its standard input: {}", errno.desc()), with),
        }
        if self.input.rest.is_empty() {
            self.forget(Source::Input, with.watch);
            self.perform_or_fail(Action::Watch(Source::Feed), with);
        }
    }
}
