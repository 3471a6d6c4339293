//! A run whose output goes to this command's own streams as it comes.
//!
//! Always holds: the run has none of this process's descriptors; a program's stream, or a stream of events, that can no longer be written ends the run.

use std::io::{self, IsTerminal, Stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{pipe2, read};
use remand_engine::host;
use remand_engine::{Caller, Effective, Engine, Outcome, Program, Progress, Request, Said, Telling, Watcher};
use remand_plan::event::Event;
use remand_plan::outcome::{CpuMs, PolicyRef, microseconds};
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
use crate::way::{Passed, Way};

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
    let mut way = Way::open(ways.output, line, ways.tty).map_err(no_streams)?;
    let ends = way.or_gone(cancel.fd()).map_err(no_streams)?;
    let mut telling = Telling::new(PolicyRef { name: policy.policy().name.clone(), hash: policy.policy().hash() });
    let watcher = watcher(line, way.out.as_ref().filter(|_| ways.output == Passed::Events));
    let sink = |said: Said<'_>, us| match said {
        said if ways.output == Passed::Events => telling.line(said, us).into_iter().for_each(|line| way.event(&line)),
        Said::Output(piece) => {
            terminal.iter().for_each(|_| terminal::take_at_last());
            way.output(piece.channel, piece.text);
        }
        Said::Dropped(channel, bytes) => way.dropped(channel, bytes),
        Said::Begun(_) | Said::Item(..) | Said::Shown(_) => {}
    };
    let outcome = deliver(run(Caller { cancel: Some(ends.0.as_fd()), sink: Some(Box::new(sink)), watcher, ..caller(input) }));
    way.end();
    if ways.tty {
        print::answering_whole(cancel)
    } else {
        print::answering(cancel)
    }
    let outcome = way.finish(outcome);
    // Not before: what the run wrote has a terminal's line ends already. No signal ends this process meanwhile.
    drop(terminal);
    outcome
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
pub fn unpassed(what: &str, error: &io::Error) -> Failure {
    let refused = Errno::from_raw(error.raw_os_error().unwrap_or_default());
    let why = host::explain(&remand_jail::failure::Failure::kernel(Step::Forkserver, "a thread", refused));
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Failure { code: NOT_STARTED, ..Failure::internal(format!("cannot start to pass {what} on: {error}{why}")) }
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
