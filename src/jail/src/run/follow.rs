//! Follows a run from its start to its end: one poll loop over all that it can say and all that can end it.
//!
//! Always holds: every read is bounded, every wait has an end; denied calls are heard before anything else; the first reason to stop stays; when this
//! returns, the last process of the run is gone.

mod drain;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::unistd;
use remand_child::message::{Ended, Report};
use remand_child::sys::now;
use remand_plan::evidence::Stop;
use remand_plan::frames::{Decoder, FrameError};
use remand_plan::host::CgroupVersion;
use remand_plan::limit::LimitKind;
use remand_plan::plan::CommandKind;
use remand_plan::step::Step;

use super::capture::Capture;
use super::denials::{Denials, MOST_AT_ONCE};
use super::launch::Launched;
use super::meter::Meter;
use super::seen::Seen;
use super::timeline::Timeline;
use super::{Ask, Caller, Stream};
use crate::failure::Failure;
use crate::patience::START_LIMIT;
use crate::sys::message;
use crate::sys::process::Usage;

/// Bytes of one read, the size of a pipe.
const CHUNK: usize = 1 << 16;

/// Something that poll watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Init,
    Report,
    Denial,
    Stdout,
    Stderr,
    Result,
    Job,
    Memory,
    Cancel,
    /// The forkserver's end.
    Server,
}

struct Follower<'a, 'b> {
    ask: &'a Ask<'a>,
    caller: Caller<'b>,
    timeline: &'a mut Timeline,
    launched: Launched,
    /// What is still open, by source.
    open: Vec<Source>,
    job: &'a [u8],
    began: u64,
    /// Nanoseconds, when user code could begin.
    ready: Option<u64>,
    meter: Meter,
    decoder: Decoder,
    denials: Denials,
    frame_error: Option<FrameError>,
    failure: Option<Failure>,
    executing: bool,
    ended: Option<Ended>,
    stopped: Option<Stop>,
    trouble: Option<String>,
    stdout: Capture,
    stderr: Capture,
}

/// Follows the run to its end.
pub fn follow(ask: &Ask<'_>, launched: Launched, caller: Caller<'_>, timeline: &mut Timeline) -> Seen {
    // In the order in which a run says them: a result before its end.
    let mut open = vec![Source::Result, Source::Stdout, Source::Stderr, Source::Report, Source::Init];
    open.extend(caller.cancel.map(|_| Source::Cancel));
    open.extend(launched.cgroup.as_ref().and_then(|cgroup| cgroup.memory_event()).map(|_| Source::Memory));
    let mut follower = Follower {
        ask,
        caller,
        timeline,
        open,
        job: ask.job,
        began: now(),
        ready: None,
        meter: Meter::new(ask.plan, launched.init.pid(), launched.cgroup.as_ref()),
        decoder: Decoder::new(ask.plan.collect),
        denials: Denials::new(ask.host.arch, launched.init.pid(), ask.plan.writes_to_host()),
        frame_error: None,
        failure: None,
        executing: false,
        ended: None,
        stopped: None,
        trouble: None,
        stdout: Capture::new(ask.plan.collect.stdout),
        stderr: Capture::new(ask.plan.collect.stderr),
        launched,
    };
    follower.follow_to_the_end();
    follower.finish()
}

impl Follower<'_, '_> {
    fn follow_to_the_end(&mut self) {
        while self.open.contains(&Source::Init) {
            match self.wait(self.deadline()) {
                Ok(ready) => ready.into_iter().for_each(|source| self.handle(source)),
                Err(errno) => self.fail(format!("poll: {}", errno.desc())),
            }
            if let Err(errno) = self.denials.tick() {
                self.fail(format!("a lock could not be given: {}", errno.desc()));
            }
            // A run that has ended kept its limits, even if this process was too busy to see it in time.
            if self.open.contains(&Source::Init) {
                self.check_limits();
            }
        }
        self.drain();
    }

    /// Waits for the next event or deadline. Denied calls come first: the more a call waits, the likelier a signal takes it back unheard.
    fn wait(&mut self, deadline: Option<u64>) -> Result<Vec<Source>, Errno> {
        let timeout = deadline.map(|at| TimeSpec::nanoseconds(i64::try_from(at.saturating_sub(now())).unwrap_or(i64::MAX)));
        let denial = self.denials.fd().map(|fd| (Source::Denial, fd, PollFlags::POLLIN));
        let sources = denial.into_iter().chain(self.open.iter().filter_map(|&source| self.polled(source)));
        let (names, mut fds): (Vec<Source>, Vec<PollFd<'_>>) = sources.map(|(source, fd, flags)| (source, PollFd::new(fd, flags))).unzip();
        match ppoll(&mut fds, timeout, None) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(Vec::new()),
            Err(errno) => return Err(errno),
        }
        // Asked again, whether the listener is polled may have another answer: locks wait for their time.
        let listener = fds.first().filter(|_| names.first() == Some(&Source::Denial));
        let gone = listener.and_then(PollFd::revents).is_some_and(|events| events.contains(PollFlags::POLLHUP));
        let ready = names.into_iter().zip(&fds).filter(|(_, fd)| fd.any().unwrap_or(true)).map(|(source, _)| source);
        let ready: Vec<Source> = ready.collect();
        if gone {
            self.denials.close();
        }
        Ok(ready)
    }

    fn polled(&self, source: Source) -> Option<(Source, BorrowedFd<'_>, PollFlags)> {
        let launched = &self.launched;
        let (fd, flags) = match source {
            Source::Init => (launched.init.as_fd(), PollFlags::POLLIN),
            Source::Report => (launched.report.as_fd(), PollFlags::POLLIN),
            Source::Denial => (self.denials.fd()?, PollFlags::POLLIN),
            Source::Stdout => (launched.stdout.as_fd(), PollFlags::POLLIN),
            Source::Stderr => (launched.stderr.as_fd(), PollFlags::POLLIN),
            Source::Result => (launched.result.as_fd(), PollFlags::POLLIN),
            Source::Job => (launched.job.as_ref()?.as_fd(), PollFlags::POLLOUT),
            Source::Server => (launched.server.as_fd(), PollFlags::POLLIN),
            // A v2 file is always readable; what is new is an exceptional condition there.
            Source::Memory => {
                let new = if self.ask.host.cgroup.version == CgroupVersion::V1 { PollFlags::POLLIN } else { PollFlags::POLLPRI };
                (launched.cgroup.as_ref()?.memory_event()?, new)
            }
            Source::Cancel => (self.caller.cancel?, PollFlags::POLLIN),
        };
        Some((source, fd, flags))
    }

    fn handle(&mut self, source: Source) {
        match source {
            Source::Init => self.close(Source::Init),
            Source::Report => self.on_report(),
            Source::Denial => {
                // Learning hears what was said before a call before it: so a look is the user code's own, not the interpreter's start. Until then one call
                // at a time, since the word may come between two.
                let starting = self.ask.plan.unobserved.is_some() && self.ready.is_none();
                if starting && self.open.contains(&Source::Result) {
                    self.on_result();
                }
                let most = if starting { 1 } else { MOST_AT_ONCE };
                match self.denials.answer_all(self.ask.plan, self.ready.is_some(), most) {
                    Ok(true) => self.stop(Stop::Violated),
                    Ok(false) => {}
                    Err(errno) => self.fail(format!("a denied call could not be answered: {}", errno.desc())),
                }
            }
            Source::Stdout | Source::Stderr => self.on_output(source),
            Source::Result => self.on_result(),
            Source::Job => self.on_job(),
            Source::Memory => self.on_memory(),
            Source::Server => self.on_server(),
            Source::Cancel => {
                self.stop(Stop::Cancelled);
                self.close(Source::Cancel);
            }
        }
    }

    fn on_report(&mut self) {
        match message::receive(self.launched.report.as_fd()) {
            Ok(Some(received)) => match received.report {
                Report::Executing(at) => {
                    self.timeline.mark_executing(&at);
                    self.executing = true;
                    received.fds.into_iter().for_each(|listener| self.denials.listen(listener));
                    self.open.push(Source::Server);
                    if self.ask.plan.command.kind == CommandKind::Program {
                        self.begin_clock(Step::Exec);
                    }
                }
                Report::Ended(ended) => {
                    self.timeline.mark(Step::Exit);
                    self.ended = Some(ended);
                }
                Report::Failed(failure) => self.failure = Some(Failure::reported(failure)),
                other => self.fail(format!("init said {other:?} out of turn")),
            },
            Ok(None) | Err(Errno::ECONNRESET) => self.close(Source::Report),
            Err(errno) => {
                self.fail(format!("reading init's report: {}", errno.desc()));
                self.close(Source::Report);
            }
        }
    }

    /// The forkserver is gone, and the job can be handed over: without a pids cgroup its place counts among the run's processes.
    fn on_server(&mut self) {
        if let Err(errno) = self.launched.server.wait() {
            self.fail(format!("waiting for the forkserver: {}", errno.desc()));
        }
        self.close(Source::Server);
        self.open.push(Source::Job);
    }

    /// User code can begin: the wall clock and the meters run.
    fn begin_clock(&mut self, step: Step) {
        let at = now();
        self.timeline.mark_at(step, at);
        self.ready = Some(at);
        self.meter.begin(at);
    }

    fn on_output(&mut self, source: Source) {
        let mut buffer = [0; CHUNK];
        let (fd, capture, stream, stop) = match source {
            Source::Stdout => (&self.launched.stdout, &mut self.stdout, Stream::Stdout, Stop::Limit(LimitKind::Stdout)),
            _ => (&self.launched.stderr, &mut self.stderr, Stream::Stderr, Stop::Limit(LimitKind::Stderr)),
        };
        let Some(count) = read(fd, &mut buffer) else { return self.close(source) };
        let within = capture.take(buffer.get(..count).unwrap_or_default());
        if let Some(output) = self.caller.output.as_mut().filter(|_| !within.is_empty()) {
            output(stream, within);
        }
        if capture.over() {
            self.stop(stop);
            self.close(source);
        }
    }

    fn on_result(&mut self) {
        let mut buffer = [0; CHUNK];
        let Some(count) = read(&self.launched.result, &mut buffer) else { return self.close(Source::Result) };
        let fed = self.decoder.feed(buffer.get(..count).unwrap_or_default());
        // Also where what is no frame came in the same portion.
        if self.decoder.received().ready && self.ready.is_none() {
            self.begin_clock(Step::Interpreter);
        }
        if self.decoder.received().done || self.decoder.received().error.is_some() {
            self.timeline.mark(Step::Code);
        }
        if let Err(error) = fed {
            self.stop(Stop::of(&error));
            self.frame_error = Some(error);
            self.close(Source::Result);
        }
    }

    /// Hands over as much of the job as the pipe takes; closing it is the end of the job.
    fn on_job(&mut self) {
        let Some(pipe) = &self.launched.job else { return self.close(Source::Job) };
        match unistd::write(pipe, self.job) {
            Ok(count) => self.job = self.job.get(count..).unwrap_or_default(),
            Err(Errno::EAGAIN | Errno::EINTR) => return,
            // The run has closed its end, which is its own affair.
            Err(_) => self.job = &[],
        }
        if self.job.is_empty() {
            self.launched.job = None;
            self.close(Source::Job);
        }
    }

    fn on_memory(&mut self) {
        let Some(cgroup) = &self.launched.cgroup else { return };
        let v1 = self.ask.host.cgroup.version == CgroupVersion::V1;
        match cgroup.counters() {
            // v1 wakes also when a cgroup above runs out, which need not touch this run; v2 also when the limit was met and something could be reclaimed.
            Ok(counters) if counters.oom_kills > 0 || (v1 && counters.memory_met > 0) => self.stop(Stop::Limit(LimitKind::Memory)),
            Ok(_) => {}
            Err(error) => self.fail(error.to_string()),
        }
    }

    /// The next moment at which something must be looked at; nanoseconds.
    fn deadline(&self) -> Option<u64> {
        if self.stopped.is_some() {
            return None;
        }
        [Some(self.wall_deadline()).filter(|&at| at != u64::MAX), self.meter.next(), self.denials.due()].into_iter().flatten().min()
    }

    fn wall_deadline(&self) -> u64 {
        match self.ready {
            None => self.began.saturating_add(START_LIMIT),
            Some(ready) => ready.saturating_add(self.ask.plan.wall_time.unwrap_or(u64::MAX).saturating_mul(1000)),
        }
    }

    fn check_limits(&mut self) {
        if self.stopped.is_some() {
            return;
        }
        let now = now();
        if now >= self.wall_deadline() {
            match self.ready {
                Some(_) => self.stop(Stop::Limit(LimitKind::WallTime)),
                None => self.stop(Stop::NeverReady(START_LIMIT / 1000)),
            }
        } else if let Some(stop) = self.meter.check(now, self.launched.cgroup.as_ref(), self.denials.shared()) {
            self.stop(stop);
        }
    }

    /// Ends the run; the first reason stays.
    fn stop(&mut self, why: Stop) {
        if self.stopped.is_none() {
            self.stopped = Some(why);
            self.meter.last_look(self.launched.cgroup.as_ref());
        }
        // The quota is lifted first: what is killed needs a CPU to die. Then both, so that neither a fork between nor a process outside the cgroup is left: the PID namespace goes with its init.
        let killed = self.launched.cgroup.as_ref().map(|cgroup| cgroup.kill());
        self.launched.init.kill();
        if let Some(Err(error)) = killed {
            self.trouble.get_or_insert(error.to_string());
        }
    }

    fn fail(&mut self, trouble: String) {
        self.trouble.get_or_insert(trouble);
        self.stop(Stop::Internal);
    }

    fn close(&mut self, source: Source) {
        self.open.retain(|&open| open != source);
    }

    fn finish(mut self) -> Seen {
        let wall = self.wall();
        let in_flight = self.in_flight();
        self.timeline.mark(Step::Namespaces);
        let usage = self.launched.init.wait().unwrap_or_else(|errno| {
            self.trouble.get_or_insert(format!("waiting for init: {}", errno.desc()));
            Usage::default()
        });
        let counters = self.launched.cgroup.as_ref().map(|cgroup| cgroup.counters()).transpose().unwrap_or_else(|error| {
            self.trouble.get_or_insert(error.to_string());
            None
        });
        let (received, unfinished) = self.decoder.finish();
        let (violations, violations_truncated, looks) = self.denials.finish();
        Seen {
            failure: self.failure,
            executing: self.executing,
            ended: self.ended,
            stopped: self.stopped,
            trouble: self.trouble,
            received,
            frame_error: self.frame_error.or(unfinished),
            stdout: self.stdout,
            stderr: self.stderr,
            violations,
            violations_truncated,
            looks,
            wall,
            in_flight,
            usage,
            counters,
            sampled: self.meter.seen(),
            launched: self.launched,
        }
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
