//! The terminal of a run that has one, on this side: what is written there is its output, what is typed goes there.
//!
//! Always holds: this side's end is read and written without waiting; the other end is held here too until the last process is gone, so that end of file is
//! the end of the run and nothing that a process of it does.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{InputFlags, SetArg, tcgetattr, tcsetattr};

use super::{Attempt, With};
use crate::run::phase::{Event, Source};
use crate::sys::terminal::Size;

impl Attempt {
    /// It stands; no process of the run has it yet.
    pub(super) fn on_terminal(&mut self, ends: Vec<OwnedFd>, with: &mut With<'_, '_>) {
        let Ok([ours, theirs]) = <[OwnedFd; 2]>::try_from(ends) else {
            return self.fail("init said that there is a terminal, and it did not come along".into(), with);
        };
        match prepare(&ours, with.size) {
            Ok(keys) => (self.input.to, self.input.pipe) = (Some(keys), None),
            Err(errno) => return self.fail(format!("its terminal: {}", errno.desc()), with),
        }
        (self.parts.stdout, self.parts.terminal) = (Some(ours), Some(theirs));
        if let Err(errno) = self.watch(Source::Stdout, with.watch) {
            self.fail(format!("its terminal could not be watched: {}", errno.desc()), with);
        }
    }

    /// Its terminal has another size.
    pub fn resize(&self, size: Size) {
        if let Some(ours) = self.parts.terminal.as_ref().and(self.parts.stdout.as_ref()) {
            // What a size means is the run's own affair; the last one may come when nobody is there any more.
            let _ = size.give(ours.as_fd());
        }
    }

    /// The last process is gone: nothing holds the other end but what may be in flight.
    pub(super) fn hang_up(&mut self, with: &mut With<'_, '_>) {
        self.parts.terminal = None;
        if self.parts.stdout.is_none() {
            self.on(Event::Closed(Source::Stdout), with);
        }
    }
}

/// Text is UTF-8, of which one key takes a whole character back. Gives another descriptor, for what is typed.
fn prepare(ours: &OwnedFd, size: Size) -> Result<OwnedFd, Errno> {
    fcntl(ours, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))?;
    let mut modes = tcgetattr(ours)?;
    modes.input_flags |= InputFlags::IUTF8;
    tcsetattr(ours, SetArg::TCSANOW, &modes)?;
    size.give(ours.as_fd())?;
    ours.try_clone().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or_default()))
}
