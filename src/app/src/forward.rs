//! A run whose output goes to this command's own streams as it comes.
//!
//! Always holds: the run has none of this process's descriptors; a program's stream, or a stream of events, that can no longer be written ends the run.

use std::io::{self, IsTerminal, Stderr, Stdout};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::unistd::{pipe2, read};
use remand_engine::host;
use remand_engine::{Caller, Channel, Effective, Engine, Outcome, Program, Progress, Request, Said, Telling, Watcher};
use remand_plan::event::Event;
use remand_plan::outcome::{CpuMs, PolicyRef, microseconds};
use remand_plan::output::Text;
use remand_plan::request::Mode;

use crate::args::ShowArgs;
use crate::artifacts::Delivery;
use remand_plan::step::Step;

use crate::cancel::Cancel;
use crate::failure::{Failure, NOT_STARTED};
use crate::print;
use crate::progress::Line;
use crate::relay::{self, Relay};
use crate::rights;
use crate::terminal::{self, Terminal};

/// What is passed on.
pub struct Ways {
    /// This process's standard input.
    pub input: bool,
    /// What is said.
    pub output: Passed,
    /// How it goes.
    pub line: Option<Line>,
    /// The run has a terminal in the place of this process's.
    pub tty: bool,
}

impl Ways {
    /// What was asked for; what is said else this way.
    pub fn asked(input: bool, show: &ShowArgs, otherwise: Passed) -> Self {
        Self { input, output: Passed::asked(show, otherwise), line: Line::wanted(show), tty: false }
    }

    /// The same where the run has a terminal: it has this one's keys, and the whole of its screen.
    pub fn tty(self, tty: bool) -> Self {
        Self { line: self.line.filter(|_| !tty), tty, ..self }
    }

    /// The same request, told whether somebody looks on while it runs.
    pub fn tell(&self, request: &mut Request) {
        if let Mode::Script(script) = &mut request.mode {
            script.lines = self.output == Passed::Events || self.output == Passed::Streams && io::stdout().is_terminal();
        }
    }
}

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
    fn asked(show: &ShowArgs, otherwise: Self) -> Self {
        match show {
            ShowArgs { json: true, .. } => Self::Nothing,
            ShowArgs { stream: true, .. } => Self::Events,
            _ => otherwise,
        }
    }
}

/// Where it is passed on to.
struct Way {
    passed: Passed,
    out: Option<Relay<Stdout>>,
    err: Option<Relay<Stderr>>,
    /// By channel.
    texts: [Text; 3],
    /// What was written last does not end its line.
    open: bool,
    /// What is written goes to a terminal that adds nothing to it.
    tty: bool,
    telling: Telling,
}

/// Runs it, passing its output on, and delivers the files that it left.
pub fn run(
    engine: &Engine,
    policy: &Effective,
    (program, request): (Program<'_>, &Request),
    ways: Ways,
    delivery: &mut Delivery,
) -> Result<Outcome, Failure> {
    let run = |caller: Caller<'_>| engine.run(policy, program, request, caller).map_err(Failure::from);
    // Before a signal ends this process again.
    let mut deliver = |outcome: Result<Outcome, Failure>| {
        let mut outcome = outcome?;
        delivery.deliver(&mut outcome).map(|()| outcome)
    };
    let line = ways.line.as_ref();
    let identity = rights::caller();
    let _closed = Closed(line);
    let cancel = Cancel::hold()?;
    let terminal = ways.tty.then(Terminal::watch).transpose()?;
    let begun = || {
        rights::give_up();
        terminal.iter().for_each(|_| terminal::take());
    };
    let screen = || terminal.as_ref().map(Terminal::screen);
    let caller = |input| Caller {
        identity,
        input,
        begun: Some(Box::new(begun)),
        watcher: Line::watcher(line),
        screen: screen(),
        ..Caller::default()
    };
    // After the signals are held back, which are the loop's and not those threads'.
    let no_input = |error| unpassed("standard input", &error);
    let input = if ways.input { input(line).map_err(no_input)? } else { None };
    if ways.output == Passed::Nothing {
        let outcome = deliver(run(Caller { cancel: Some(cancel.fd()), ..caller(input) }));
        print::answering(cancel);
        return outcome;
    }
    let no_streams = |error| unpassed("output", &error);
    let mut way = Way::open(policy, &ways).map_err(no_streams)?;
    let ends = any(cancel.fd(), &way).map_err(no_streams)?;
    let watcher = watcher(line, way.out.as_ref().filter(|_| ways.output == Passed::Events));
    let sink = |said: Said<'_>, us| way.take(said, us);
    let outcome = deliver(run(Caller { cancel: Some(ends.0.as_fd()), sink: Some(Box::new(sink)), watcher, ..caller(input) }));
    way.end();
    if ways.tty {
        print::answering_whole(cancel)
    } else {
        print::answering(cancel)
    }
    let unwritten = (way.out.and_then(Relay::finish), way.err.and_then(Relay::finish));
    // Not before: what the run wrote has a terminal's line ends already. No signal ends this process meanwhile.
    drop(terminal);
    match unwritten {
        (Some(errno), _) => Err(Failure::unwritten("standard output", errno)),
        (None, Some(_)) if ways.output == Passed::Text => {
            print::lose();
            outcome
        }
        (None, Some(errno)) => Err(Failure::unwritten("standard error", errno)),
        (None, None) => outcome,
    }
}

/// Shows how it goes: by the line for people, and by events.
fn watcher(line: Option<&Line>, events: Option<&Relay<Stdout>>) -> Option<Watcher<'static>> {
    let mut line = Line::watcher(line);
    let Some(events) = events.map(Relay::queue) else { return line };
    Some(Box::new(move |progress| {
        line.iter_mut().for_each(|line| line(progress));
        let Progress { wall, cpu: (user, system), memory, pids, .. } = progress;
        let usage = Event::Usage { us: microseconds(wall), cpu_ms: CpuMs { user: user.into(), system: system.into() }, memory, pids };
        events.offer((print::event(&usage) + "\n").as_bytes());
    }))
}

/// Threads and descriptors are refused by what refuses a run's processes too: looked at, as that is.
fn unpassed(what: &str, error: &io::Error) -> Failure {
    let refused = Errno::from_raw(error.raw_os_error().unwrap_or_default());
    let why = host::explain(&remand_jail::failure::Failure::kernel(Step::Forkserver, "a thread", refused));
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Failure { code: NOT_STARTED, ..Failure::internal(format!("cannot start to pass {what} on: {error}{why}")) }
}

impl Way {
    fn open(policy: &Effective, ways: &Ways) -> io::Result<Self> {
        let (passed, line, tty) = (ways.output, ways.line.as_ref(), ways.tty);
        let (out_shown, err_shown) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let beside = |shown: bool| line.filter(|_| shown).cloned();
        let out = || Relay::start(io::stdout(), passed == Passed::Streams && out_shown && !tty, beside(out_shown));
        // For people all is made text first.
        let err = || Relay::start(io::stderr(), passed == Passed::Streams && err_shown, beside(err_shown));
        let policy = policy.policy();
        Ok(Self {
            passed,
            out: (passed != Passed::Text).then(out).transpose()?,
            err: (passed != Passed::Events).then(err).transpose()?,
            texts: Default::default(),
            open: false,
            tty,
            telling: Telling::new(PolicyRef { name: policy.name.clone(), hash: policy.hash() }),
        })
    }

    fn take(&mut self, said: Said<'_>, us: u64) {
        match (self.passed, said) {
            (Passed::Events, said) => self.event(said, us),
            (Passed::Streams, Said::Output(piece)) if piece.channel == Channel::Stdout => {
                self.out.iter().for_each(|out| out.take(piece.text));
            }
            (Passed::Streams, Said::Output(piece)) => self.write_err(piece.text),
            (Passed::Text, Said::Output(piece)) => {
                let shown = self.texts.get_mut(piece.channel as usize).map(|text| print::lines(&text.take(piece.text)));
                self.write_err(shown.unwrap_or_default().as_bytes());
            }
            (_, Said::Dropped(channel, bytes)) => {
                let end = if self.tty { "\r\n" } else { "\n" };
                let lead = if self.open || self.tty { end } else { "" };
                self.write_err(format!("{lead}remand: {bytes} bytes of {} were dropped here{end}", name(channel)).as_bytes());
            }
            (_, Said::Begun(_) | Said::Item(..) | Said::Shown(_)) | (Passed::Nothing, _) => {}
        }
    }

    fn write_err(&mut self, bytes: &[u8]) {
        if let (Some(err), Some(last)) = (&self.err, bytes.last()) {
            err.take(bytes);
            self.open = *last != b'\n';
        }
    }

    fn event(&mut self, said: Said<'_>, us: u64) {
        let Some(line) = self.telling.line(said, us) else { return };
        let line = line + "\n";
        self.out.iter().for_each(|out| out.take(line.as_bytes()));
    }

    /// What is for people ends its line.
    fn end(&mut self) {
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
}

/// A channel, for people.
pub fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Print => "prints",
        Channel::Stdout => "standard output",
        Channel::Stderr => "standard error",
    }
}

/// The line goes before anything is told of the end.
struct Closed<'l>(Option<&'l Line>);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.into_iter().for_each(Line::close);
    }
}

/// This process's standard input as a pipe that does not block, by a thread that may: the flag would be everybody's who shares it. None where there is none.
fn input(line: Option<&Line>) -> io::Result<Option<OwnedFd>> {
    let Ok(stdin) = io::stdin().as_fd().try_clone_to_owned() else { return Ok(None) };
    let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    // Ends with this process, if nothing comes.
    let typed = line.cloned().filter(|_| stdin.is_terminal());
    thread::Builder::new().stack_size(relay::STACK).spawn(move || {
        while hand_on(&stdin, &to) {
            // Who types has the terminal.
            typed.iter().for_each(Line::close);
        }
    })?;
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

/// Readable when the run is to be cancelled, or nobody takes what it says. The value of a function is worth having where nobody hears what it printed.
fn any(cancel: BorrowedFd<'_>, way: &Way) -> io::Result<Epoll> {
    let any = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let err = way.err.as_ref().filter(|_| way.passed != Passed::Text);
    let streams = way.out.as_ref().map(Relay::gone).into_iter().chain(err.map(Relay::gone));
    streams.chain([cancel]).try_for_each(|fd| any.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, 0)))?;
    Ok(any)
}
