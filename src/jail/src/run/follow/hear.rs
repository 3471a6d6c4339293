//! What a start and a run say: over the sockets of our own processes, and over the run's pipes.
//!
//! Always holds: one read of each at a time, within its bounds; init is followed from when it is known, whatever was said before.

use std::borrow::Cow;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd;
use remand_child::message::Report;
use remand_plan::evidence::Stop;
use remand_plan::frames::{News, Shown};
use remand_plan::limit::LimitKind;
use remand_plan::outcome::microseconds;
use remand_plan::output::{By, Channel, Piece};
use remand_plan::plan::CommandKind;
use remand_plan::step::Step;
use remand_plan::trace;

use super::super::denials::Denials;
use super::super::launch::{Said, Sink};
use super::super::meter::Meter;
use super::super::parts::Server;
use super::super::phase::{Event, Phase, Source};
use super::super::tree;
use super::super::watch::Watch;
use super::{Attempt, Living, With};
use crate::cgroup::Cgroups;
use crate::failure::Failure;
use crate::forkserver::adopt;
use crate::moment::Moment;
use crate::sys::message::{self, Received};
use crate::sys::process::Child;

/// Bytes of one read, the size of a pipe.
const CHUNK: usize = 1 << 16;

impl Attempt {
    pub(super) fn on_forkserver(&mut self, with: &mut With<'_, '_>) {
        let Some(Server::Serves(server)) = &mut self.parts.server else { return };
        match server.advance() {
            Ok(true) => self.on(Event::Served, with),
            Ok(false) => {}
            Err(failure) => self.unmade(failure, with),
        }
    }

    pub(super) fn on_report(&mut self, with: &mut With<'_, '_>) {
        match message::receive(self.parts.report.as_fd()) {
            Ok(Some(received)) if self.living.is_none() => self.on_first_words(received, with),
            Ok(Some(received)) => self.on_word(received, with),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Ok(None) | Err(Errno::ECONNRESET) if self.living.is_some() => self.on(Event::Closed(Source::Report), with),
            Ok(None) | Err(Errno::ECONNRESET) => {
                self.unmade(Failure::new(Step::Forkserver, "it ended without a word: something killed it".into()), with);
            }
            Err(errno) => {
                self.fail(format!("reading init's report: {}", errno.desc()), with);
                self.on(Event::Closed(Source::Report), with);
            }
        }
    }

    /// Until the forkserver has named the init; it can be behind it.
    fn on_first_words(&mut self, received: Received, with: &mut With<'_, '_>) {
        match received.report {
            Report::Init { pid } => match adopt(pid, received.fds) {
                Ok(init) => self.on_made(init, with),
                Err(failure) => self.unmade(failure, with),
            },
            Report::Failed(failure) if Failure::reported(failure).step == Step::CloneInit => self.unmade(Failure::reported(failure), with),
            _ => self.early.push(received),
        }
    }

    fn on_made(&mut self, init: Child, with: &mut With<'_, '_>) {
        let context = &self.parts.context;
        self.living = Some(Living {
            meter: Meter::new(&context.plan, init.pid(), self.parts.cgroup.as_ref()),
            denials: Denials::new(context.host.arch, init.pid(), context.plan.writes_to_host()),
            init,
            listens: true,
        });
        self.forget(Source::Forkserver, with.watch);
        self.parts.is_made();
        // While its interpreter starts, there is nothing to wait for.
        if let (Some(cgroup), CommandKind::Executor) = (&mut self.parts.cgroup, self.parts.context.plan.command.kind) {
            cgroup.tell_near();
        }
        self.parts.context.cgroups.iter().for_each(Cgroups::sweep);
        self.on(Event::Made, with);
        for received in std::mem::take(&mut self.early) {
            self.on_word(received, with);
        }
    }

    fn on_word(&mut self, received: Received, with: &mut With<'_, '_>) {
        match received.report {
            Report::Executing(at) => {
                self.timeline.mark_executing(&at);
                self.executing = true;
                let denials = self.living.as_mut().map(|living| &mut living.denials);
                denials.into_iter().zip(received.fds).for_each(|(denials, listener)| denials.listen(listener));
                let begins = self.parts.context.plan.command.kind == CommandKind::Program && !self.machine.is_ready();
                if begins {
                    self.timeline.mark(Step::Exec);
                }
                self.on(Event::Executing, with);
                if begins {
                    self.begun(with);
                }
                self.begin_input(with);
            }
            Report::Ended(ended) => {
                self.timeline.mark(Step::Exit);
                self.ended = Some(ended);
                self.on(Event::Accounted(Moment::told(ended.at)), with);
            }
            Report::Terminal => self.on_terminal(received.fds, with),
            Report::Workspace => self.workspace = received.fds.into_iter().next(),
            Report::Failed(failure) => self.failure = Some(Failure::reported(failure)),
            other => self.fail(format!("init said {other:?} out of turn"), with),
        }
    }

    pub(super) fn on_output(&mut self, source: Source, with: &mut With<'_, '_>) {
        let mut buffer = [0; CHUNK];
        let (fd, channel) = if source == Source::Stdout {
            (self.parts.stdout.as_ref(), Channel::Stdout)
        } else {
            (Some(&self.parts.stderr), Channel::Stderr)
        };
        let Some(count) = fd.and_then(|fd| read(fd, &mut buffer)) else { return self.on(Event::Closed(source), with) };
        let piece = Piece { channel, text: buffer.get(..count).unwrap_or_default(), values: None, continues: false };
        if self.say(piece, By::Stream, with) {
            self.on(Event::Closed(source), with);
        }
    }

    /// Where the code says that it is: to be read as text when all is over.
    pub(super) fn on_stacks(&mut self, with: &mut With<'_, '_>) {
        let mut buffer = [0; CHUNK];
        let Some(count) = read(&self.parts.stacks, &mut buffer) else { return self.on(Event::Closed(Source::Stacks), with) };
        let room = trace::MOST.saturating_sub(self.stacks.len());
        self.stacks.extend(buffer.iter().take(count.min(room)));
        self.on(Event::Told, with);
        if count > room {
            self.on(Event::Closed(Source::Stacks), with);
        }
    }

    /// User code can begin.
    fn begun(&self, with: &mut With<'_, '_>) {
        if let Some(sink) = &mut with.sink {
            sink(Said::Begun(with.id), 0);
        }
    }

    /// Keeps output and passes it on, within its limits; whether it is more than the run may say, which ends it.
    fn say(&mut self, piece: Piece<'_>, by: By, with: &mut With<'_, '_>) -> bool {
        let us = microseconds(self.machine.since_ready(with.now));
        let within = self.log.take(&piece, by, us);
        if let Some(sink) = with.sink.as_mut().filter(|_| !within.is_empty()) {
            sink(Said::Output(Piece { text: within, ..piece }), us);
        }
        let over = self.log.over(piece.channel);
        if over {
            self.on(Event::Stop(Stop::Limit(limit(piece.channel))), with);
        }
        over
    }

    /// At the end: what is kept of output that was truncated, and was not passed on as it came.
    pub fn pass_rest(&mut self, sink: &mut Sink<'_>, now: Moment) {
        let us = microseconds(self.machine.since_ready(now));
        for channel in Channel::ALL {
            let Some((bytes, text)) = self.log.rest(*channel) else { continue };
            if bytes > 0 {
                sink(Said::Dropped(*channel, bytes), us);
            }
            sink(Said::Output(Piece { channel: *channel, text, values: None, continues: bytes == 0 }), us);
        }
    }

    pub(super) fn on_result(&mut self, with: &mut With<'_, '_>) {
        let mut buffer = [0; CHUNK];
        let Some(count) = read(&self.parts.result, &mut buffer) else {
            if self.is_mute() {
                self.on(Event::Stop(Stop::ResultClosed), with);
            }
            return self.on(Event::Closed(Source::Result), with);
        };
        let fed = self.decoder.feed(buffer.get(..count).unwrap_or_default());
        // Also where what is no frame came in the same portion.
        if self.decoder.received().ready && !self.machine.is_ready() {
            self.timeline.mark(Step::Interpreter);
            // No start is tried anew any more, and a large job is not held as long as the run goes on.
            if self.given >= with.job.len() {
                *with.job = Cow::default();
            }
            self.on(Event::Ready, with);
            self.begun(with);
        }
        self.pass_on(with);
        if self.decoder.received().done || self.decoder.received().error.is_some() {
            self.timeline.mark(Step::Code);
        }
        if let Err(error) = fed {
            self.on(Event::Stop(Stop::of(&error)), with);
            self.frame_error = Some(error);
            self.on(Event::Closed(Source::Result), with);
        }
    }

    /// At the end of the result pipe: whether a function goes on that has given none. One that has ended also has, and looks so already.
    fn is_mute(&self) -> bool {
        let received = self.decoder.received();
        let given = received.done || received.error.is_some();
        self.function
            && !given
            && self.machine.phase() == Phase::Running
            && self.living.as_ref().is_some_and(|living| tree::first_goes_on(living.init.pid()))
    }

    /// Output and items that came since.
    fn pass_on(&mut self, with: &mut With<'_, '_>) {
        let news = self.decoder.news();
        let items = news.iter().filter(|news| matches!(news, News::Item)).count();
        let mut item = self.decoder.received().items.len() - items;
        for news in news {
            match news {
                News::Text(text) => {
                    if self.say(text.piece(), By::Frame, with) {
                        return self.on(Event::Closed(Source::Result), with);
                    }
                }
                News::Shown(shown) => {
                    let us = microseconds(self.machine.since_ready(with.now));
                    let shown = Shown { us, ..shown };
                    if let Some(sink) = &mut with.sink {
                        sink(Said::Shown(&shown), us);
                    }
                    self.displays.push(shown);
                }
                News::Item => {
                    let us = microseconds(self.machine.since_ready(with.now));
                    if let (Some(sink), Some((number, value))) = (&mut with.sink, self.decoder.received().items.get(item)) {
                        sink(Said::Item(*number, value), us);
                    }
                    item += 1;
                }
            }
        }
    }

    /// Hands over as much of the job as the pipe takes; closing it is the end of the job.
    pub(super) fn on_job(&mut self, with: &mut With<'_, '_>) {
        let Some(pipe) = &self.parts.job else { return };
        match unistd::write(pipe, with.job.get(self.given..).unwrap_or_default()) {
            Ok(count) => self.given += count,
            Err(Errno::EAGAIN | Errno::EINTR) => return,
            // The run has closed its end, which is its own affair.
            Err(_) => self.given = with.job.len(),
        }
        if self.given >= with.job.len() {
            self.on(Event::Given, with);
            self.parts.job = None;
        }
    }

    pub(super) fn unmade(&mut self, failure: Failure, with: &mut With<'_, '_>) {
        self.failure.get_or_insert(failure);
        self.on(Event::Unmade, with);
    }

    /// Ends the own forkserver, and the run that it may have made meanwhile. One whose init nobody could name ends by itself, with this end of its report socket.
    pub(super) fn abandon(&mut self, watch: &mut Watch) {
        self.forget(Source::Forkserver, watch);
        self.forget(Source::Report, watch);
        // Killed and waited for, so that what it said is all there.
        self.parts.server = None;
        while let Ok(Some(received)) = message::receive(self.parts.report.as_fd()) {
            if let Report::Init { pid } = received.report {
                drop(adopt(pid, received.fds));
            }
        }
    }
}

fn limit(channel: Channel) -> LimitKind {
    match channel {
        Channel::Print => LimitKind::Prints,
        Channel::Stdout => LimitKind::Stdout,
        Channel::Stderr => LimitKind::Stderr,
    }
}

/// Bytes that were there; `None` at end of file, or when the pipe can't be read any more.
fn read(fd: &OwnedFd, buffer: &mut [u8]) -> Option<usize> {
    match unistd::read(fd, buffer) {
        Ok(0) => None,
        Ok(count) => Some(count),
        Err(Errno::EAGAIN | Errno::EINTR) => Some(0),
        Err(_) => None,
    }
}
