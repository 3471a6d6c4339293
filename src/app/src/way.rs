//! Where what a run says goes as it comes: to this command's own streams, as it is, as text for people, or as events.
//!
//! Always holds: handing over waits for nobody; what is for people has no control character of the run's.

use std::io::{self, IsTerminal, Stderr, Stdout};
use std::os::fd::BorrowedFd;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use remand_plan::output::{Channel, Text};

use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::print;
use crate::progress::Line;
use crate::relay::Relay;

/// How what a run says is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// Not at all: the caller wants nothing but the record.
    Nothing,
    /// Each stream as it is.
    Streams,
    /// All as text for people, on standard error.
    Text,
    /// As events, on standard output.
    Events,
}

impl Passed {
    /// What was asked for; else this.
    pub fn asked(show: &ShowArgs, otherwise: Self) -> Self {
        match show {
            ShowArgs { json: true, .. } => Self::Nothing,
            ShowArgs { stream: true, .. } => Self::Events,
            _ => otherwise,
        }
    }
}

/// Where it is passed on to.
pub struct Way {
    passed: Passed,
    /// Standard output, if anything goes there.
    pub out: Option<Relay<Stdout>>,
    err: Option<Relay<Stderr>>,
    /// By channel.
    texts: [Text; 3],
    /// What was written last does not end its line.
    open: bool,
    /// What is written goes to a terminal that adds nothing to it.
    tty: bool,
}

impl Way {
    /// Opens it. `line`: what makes room, where it is a terminal.
    pub fn open(passed: Passed, line: Option<&Line>, tty: bool) -> io::Result<Self> {
        let (out_shown, err_shown) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let beside = |shown: bool| line.filter(|_| shown).cloned();
        let out = || Relay::start(io::stdout(), passed == Passed::Streams && out_shown && !tty, beside(out_shown));
        // For people all is made text first.
        let err = || Relay::start(io::stderr(), passed == Passed::Streams && err_shown, beside(err_shown));
        Ok(Self {
            passed,
            out: (passed != Passed::Text).then(out).transpose()?,
            err: (passed != Passed::Events).then(err).transpose()?,
            texts: Default::default(),
            open: false,
            tty,
        })
    }

    /// What was written.
    pub fn output(&mut self, channel: Channel, bytes: &[u8]) {
        match self.passed {
            Passed::Streams if channel == Channel::Stdout => self.out.iter().for_each(|out| out.take(bytes)),
            Passed::Streams => self.write_err(bytes),
            Passed::Text => {
                let shown = self.texts.get_mut(channel as usize).map(|text| print::lines(&text.take(bytes)));
                self.write_err(shown.unwrap_or_default().as_bytes());
            }
            Passed::Nothing | Passed::Events => {}
        }
    }

    /// What was dropped.
    pub fn dropped(&mut self, channel: Channel, bytes: u64) {
        let end = if self.tty { "\r\n" } else { "\n" };
        let lead = if self.open || self.tty { end } else { "" };
        self.write_err(format!("{lead}remand: {bytes} bytes of {} were dropped here{end}", name(channel)).as_bytes());
    }

    /// Whether all is passed on as events.
    pub fn passes_events(&self) -> bool {
        self.passed == Passed::Events
    }

    /// An event, as a line without its end.
    pub fn event(&self, line: &str) {
        if self.passed == Passed::Events {
            self.out.iter().for_each(|out| out.take(format!("{line}\n").as_bytes()));
        }
    }

    /// Readable when the run is to be cancelled, or nobody takes what it says. The value of a function is worth having where nobody hears what it printed.
    pub fn or_gone(&self, cancel: BorrowedFd<'_>) -> io::Result<Epoll> {
        let any = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let err = self.err.as_ref().filter(|_| self.passed != Passed::Text);
        let streams = self.out.as_ref().map(Relay::gone).into_iter().chain(err.map(Relay::gone));
        streams.chain([cancel]).try_for_each(|fd| any.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 0)))?;
        Ok(any)
    }

    fn write_err(&mut self, bytes: &[u8]) {
        if let (Some(err), Some(last)) = (&self.err, bytes.last()) {
            err.take(bytes);
            self.open = *last != b'\n';
        }
    }

    /// What is for people ends its line.
    pub fn end(&mut self) {
        if self.passed != Passed::Text {
            return;
        }
        for rest in std::mem::take(&mut self.texts).map(Text::end) {
            self.write_err(rest.as_bytes());
        }
        if self.open {
            self.write_err(b"\n");
        }
    }

    /// Waits until all is written; what could not be is an error, but for what people alone read of a function.
    pub fn finish<T>(self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        match (self.out.and_then(Relay::finish), self.err.and_then(Relay::finish)) {
            (Some(errno), _) => Err(Failure::unwritten("standard output", errno)),
            (None, Some(_)) if self.passed == Passed::Text => {
                print::lose();
                outcome
            }
            (None, Some(errno)) => Err(Failure::unwritten("standard error", errno)),
            (None, None) => outcome,
        }
    }
}

/// A channel, for people.
pub fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Print => "prints",
        Channel::Stdout => "standard output",
        Channel::Stderr => "standard error",
    }
}
