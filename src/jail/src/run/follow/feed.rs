//! Passing standard input on, from the descriptor of a run's caller to the run's own pipe.
//!
//! Always holds: no more is passed on than the policy allows; nothing is read before the pipe has taken what was read before.

use nix::errno::Errno;
use nix::unistd;
use remand_plan::evidence::Stop;
use remand_plan::limit::LimitKind;

use super::{Attempt, With};
use crate::run::input::Feed;
use crate::run::phase::{Action, Event, Source};

/// Bytes of one read, the size of a pipe.
const CHUNK: usize = 1 << 16;

impl Attempt {
    /// The program is there to read it: what its caller gives is passed on from now on, or its input ends.
    pub(super) fn begin_input(&mut self, with: &mut With<'_, '_>) {
        match with.input {
            Some(Feed::Passed(fd)) => match fd.try_clone() {
                Ok(from) => {
                    self.input.from = Some(from);
                    self.perform_or_fail(Action::Watch(Source::Feed), with);
                }
                Err(error) => self.fail(format!("its standard input: {error}"), with),
            },
            Some(Feed::Whole(bytes)) if !bytes.is_empty() => self.pass(bytes, with),
            Some(Feed::Whole(_)) | None => self.input.to = None,
        }
    }

    /// Has the pipe take this, unless it is more than the policy allows.
    fn pass(&mut self, bytes: &[u8], with: &mut With<'_, '_>) {
        self.input.seen += bytes.len() as u64;
        self.input.rest.extend(bytes);
        if self.input.seen > self.parts.context.plan.bounds.stdin {
            self.on(Event::Stop(Stop::Limit(LimitKind::Stdin)), with);
        } else {
            self.perform_or_fail(Action::Watch(Source::Input), with);
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
                self.pass(buffer.get(..count).unwrap_or_default(), with);
            }
        }
    }

    /// The pipe takes more.
    pub(super) fn on_input(&mut self, with: &mut With<'_, '_>) {
        let Some(to) = &self.input.to else { return };
        match unistd::write(to, self.input.rest.as_slices().0) {
            Ok(count) => drop(self.input.rest.drain(..count)),
            Err(Errno::EAGAIN | Errno::EINTR) => return,
            Err(errno) => return self.fail(format!("its standard input: {}", errno.desc()), with),
        }
        if self.input.rest.is_empty() {
            self.forget(Source::Input, with.watch);
            if self.input.from.is_some() {
                self.perform_or_fail(Action::Watch(Source::Feed), with);
            } else {
                self.input.to = None;
            }
        }
    }
}
