//! One attempt at a run, from its start to its end: carries out what the machine says, and tells it what happened.
//!
//! Always holds: nothing here waits for the run, for a process of it or for a caller; every read is bounded; what is decided is decided by the machine. Three
//! things wait for the kernel: to make and to remove a cgroup, which it has no other call for, and to reap a process that has ended.

mod feed;
mod finish;
mod hear;
mod terminal;
mod watching;

use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use remand_child::message::{Ended, Order};
use remand_plan::artifacts::Patterns;
use remand_plan::evidence::Stop;
use remand_plan::frames::{Decoder, FrameError, Shown};
use remand_plan::host::CgroupVersion;
use remand_plan::limit::LimitKind;
use remand_plan::output::{Channel, Log};
use remand_plan::plan::CommandKind;
use remand_plan::step::Step;

use super::artifacts::{self, Found};
use super::denials::{Denials, MOST_AT_ONCE};
use super::input::{Feed, Input};
use super::launch::{Job, Progress, Sink};
use super::meter::Meter;
use super::parts::{Parts, Server};
use super::phase::{Action, Course, Event, Machine, Phase, Source};
use super::tree;
use super::watch::Watch;
use crate::cgroup::{RunCgroup, counted_late};
use crate::failure::Failure;
use crate::forkserver::Forkserver;
use crate::moment::Moment;
use crate::sys::message::{self, Received};
use crate::sys::process::Child;
use crate::sys::terminal::Size;
use crate::timeline::Timeline;

/// One attempt. Processes go out of scope before what holds them.
#[derive(Debug)]
pub struct Attempt {
    living: Option<Living>,
    parts: Parts,
    machine: Machine,
    timeline: Timeline,
    /// What was said before it was known who says it.
    early: Vec<Received>,
    /// Bytes of the job that were handed over.
    given: usize,
    decoder: Decoder,
    frame_error: Option<FrameError>,
    failure: Option<Failure>,
    executing: bool,
    /// It is code that gives its result by a frame.
    function: bool,
    ended: Option<Ended>,
    /// Files of the run's `/workspace` that are wanted.
    wanted: Option<Patterns>,
    /// That directory, until they are read. It holds memory.
    workspace: Option<OwnedFd>,
    artifacts: Found,
    trouble: Option<String>,
    input: Input,
    log: Log,
    /// What the program showed.
    displays: Vec<Shown>,
    /// What the code says of where it is, and whether it was asked.
    stacks: Vec<u8>,
    asked: bool,
}

/// What there is of a run once it is made.
#[derive(Debug)]
struct Living {
    /// The supervisor's own child.
    init: Child,
    meter: Meter,
    denials: Denials,
    /// Its calls are listened to at the moment.
    listens: bool,
}

/// What an event is met with.
pub struct With<'w, 's> {
    pub watch: &'w mut Watch,
    /// Empty once the run has it all and has begun.
    pub job: &'w mut Cow<'s, [u8]>,
    pub id: &'w str,
    pub input: Option<&'w Feed>,
    pub sink: Option<&'w mut Sink<'s>>,
    /// Of its terminal, if it has one.
    pub size: Size,
    pub now: Moment,
}

impl Attempt {
    /// Begins to make a run of a forkserver that is its own, and which is being started.
    pub fn own(server: Forkserver, job: &Job<'_>, mut timeline: Timeline, watch: &mut Watch) -> Result<Self, (Failure, Timeline)> {
        let made = Parts::make(server.context(), job, &mut timeline).and_then(|mut parts| {
            add(watch, Source::Forkserver, server.as_fd(), EpollFlags::EPOLLIN)?;
            parts.server = Some(Server::Serves(server));
            Ok(parts)
        });
        Self::begin(made, job, timeline, watch)
    }

    /// Begins to make a run of a forkserver that serves.
    pub fn of(server: &Forkserver, job: &Job<'_>, watch: &mut Watch) -> Result<Self, (Failure, Timeline)> {
        let mut timeline = Timeline::begin();
        let made = Parts::make(server.context(), job, &mut timeline).and_then(|mut parts| parts.order(server).map(|()| parts));
        Self::begin(made, job, timeline, watch)
    }

    fn begin(made: Result<Parts, Failure>, job: &Job<'_>, timeline: Timeline, watch: &mut Watch) -> Result<Self, (Failure, Timeline)> {
        let watched = made.and_then(|parts| add(watch, Source::Report, parts.report.as_fd(), EpollFlags::EPOLLIN).map(|()| parts));
        let mut parts = match watched {
            Ok(parts) => parts,
            Err(failure) => return Err((failure, timeline)),
        };
        let (to, pipe) = (parts.input.take(), parts.input_pipe.take());
        let input = Input::of(to, pipe);
        let plan = &parts.context.plan;
        let course = Course {
            program: plan.command.kind == CommandKind::Program,
            tells: plan.command.kind == CommandKind::Executor,
            own_server: parts.server.is_some(),
            wall: plan.wall_time,
            in_flight: plan.puts_in_flight(),
            counted_late: counted_late(),
        };
        Ok(Self {
            machine: Machine::begin(course, Moment::now()),
            decoder: Decoder::new(plan.bounds),
            input,
            log: Log::new(&plan.bounds),
            stacks: Vec::new(),
            asked: false,
            displays: Vec::new(),
            living: None,
            parts,
            timeline,
            early: Vec::new(),
            given: 0,
            frame_error: None,
            failure: None,
            executing: false,
            function: !course.program && !job.program,
            ended: None,
            wanted: job.artifacts.clone(),
            workspace: None,
            artifacts: Found::default(),
            trouble: None,
        })
    }

    /// Whether there is nothing left to wait for.
    pub fn is_over(&self) -> bool {
        self.machine.phase() == Phase::Gone
    }

    /// Whether user code can have begun.
    pub fn has_begun(&self) -> bool {
        self.machine.is_ready()
    }

    /// Whether user code can have begun and nothing ends it yet.
    pub fn is_running(&self) -> bool {
        self.machine.phase() == Phase::Running
    }

    /// When there is something to do without being told.
    pub fn deadline(&self) -> Option<Moment> {
        let living = self.living.as_ref().filter(|_| self.machine.is_limited());
        let own = living.map(|living| [living.meter.next(), living.denials.due()]);
        own.into_iter().flatten().chain([self.machine.deadline()]).flatten().min()
    }

    /// Handles what is there, then looks at the clock.
    pub fn round(&mut self, ready: &[(Source, bool)], with: &mut With<'_, '_>) {
        for &(source, gone) in ready {
            self.handle(source, gone, with);
        }
        if let Some(Err(errno)) = self.living.as_mut().map(|living| living.denials.tick()) {
            self.fail(format!("a lock could not be given: {}", errno.desc()), with);
        }
        self.on(Event::Round(ready.iter().any(|(source, _)| *source != Source::Time)), with);
        if let Err(errno) = self.listen(with.watch) {
            self.fail(format!("denied calls could not be watched: {}", errno.desc()), with);
        }
    }

    /// What it has spent.
    pub fn progress(&mut self, now: Moment) -> Progress {
        let cgroup = self.parts.cgroup.as_ref();
        let (cpu, memory, pids) = self.living.as_mut().map(|living| living.meter.spent(cgroup)).unwrap_or_default();
        let printed = [Channel::Print, Channel::Stdout, Channel::Stderr].map(|channel| self.log.seen(channel)).iter().sum();
        Progress { wall: self.machine.since_ready(now), cpu, memory, pids, printed }
    }

    /// The caller no longer wants it.
    pub fn cancel(&mut self, with: &mut With<'_, '_>) {
        self.on(Event::Stop(Stop::Cancelled), with);
    }

    /// The supervisor itself cannot go on with it.
    pub fn fail(&mut self, trouble: String, with: &mut With<'_, '_>) {
        self.trouble.get_or_insert(trouble);
        self.on(Event::Stop(Stop::Internal), with);
    }

    fn handle(&mut self, source: Source, gone: bool, with: &mut With<'_, '_>) {
        match source {
            Source::Time => {}
            Source::Forkserver => self.on_forkserver(with),
            Source::Denial => self.on_denial(gone, with),
            Source::Stdout | Source::Stderr => self.on_output(source, with),
            Source::Stacks => self.on_stacks(with),
            Source::Result => self.on_result(with),
            Source::Report => self.on_report(with),
            Source::Init => self.on(Event::Died, with),
            Source::Near => self.on_near(with),
            Source::Memory => self.on_memory(with),
            // Taken with the next look at the meters, in this round.
            Source::Look => {}
            Source::Leaving => self.on_leaving(with),
            Source::Job => self.on_job(with),
            Source::Feed => self.on_feed(with),
            Source::Input => self.on_input(with),
        }
    }

    fn on(&mut self, event: Event, with: &mut With<'_, '_>) {
        for action in self.machine.on(event, with.now) {
            self.perform_or_fail(action, with);
        }
    }

    fn perform_or_fail(&mut self, action: Action, with: &mut With<'_, '_>) {
        if let Err(errno) = self.perform(action, with) {
            self.fail(format!("it could not be watched: {}", errno.desc()), with);
        }
    }

    fn perform(&mut self, action: Action, with: &mut With<'_, '_>) -> Result<(), Errno> {
        match action {
            Action::Order => {
                self.timeline.mark(Step::Forkserver);
                if let Err(failure) = self.parts.order_own() {
                    self.unmade(failure, with);
                }
            }
            Action::Follow => return self.follow(with.watch),
            Action::Watch(source) => return self.watch(source, with.watch),
            Action::Forget(source) => self.forget(source, with.watch),
            Action::Meter => self.living.iter_mut().for_each(|living| living.meter.begin(with.now)),
            Action::Look => self.look(with),
            Action::Hasten => self.hasten(),
            Action::AskWhere => self.ask_where(),
            Action::Kill => self.kill(with.watch),
            Action::Drain => {
                self.collect();
                self.living.iter_mut().for_each(|living| living.denials.close());
                self.hang_up(with);
                let pipes = [Source::Result, Source::Stdout, Source::Stderr, Source::Stacks, Source::Report, Source::Time];
                Source::ALL.into_iter().filter(|source| !pipes.contains(source)).for_each(|source| self.forget(source, with.watch));
            }
            Action::Weigh => {
                let held = self.parts.cgroup.as_ref().and_then(|cgroup| cgroup.held().ok().flatten());
                self.on(Event::Held(held), with);
            }
            Action::Abandon => self.abandon(with.watch),
        }
        Ok(())
    }

    fn on_denial(&mut self, gone: bool, with: &mut With<'_, '_>) {
        // Learning hears what was said before a call before it: so a look is the user code's own, not the interpreter's start. Until then one call at a time,
        // since the word may come between two.
        let starting = self.parts.context.plan.normal_filter.is_some() && !self.machine.is_ready();
        if starting && self.machine.is_open(Source::Result) {
            self.on_result(with);
        }
        let (most, begun) = (if starting { 1 } else { MOST_AT_ONCE }, self.machine.is_ready());
        let Some(living) = &mut self.living else { return };
        let answered = living.denials.answer_all(&self.parts.context.plan, begun, most);
        if gone {
            self.forget(Source::Denial, with.watch);
            self.living.iter_mut().for_each(|living| living.denials.close());
        }
        match answered {
            Ok(true) => self.on(Event::Stop(Stop::Violated), with),
            Ok(false) => {}
            Err(errno) => self.fail(format!("a denied call could not be answered: {}", errno.desc()), with),
        }
    }

    /// Of several threads one goes on while another tells of it, by memory that can be gone meanwhile: who is to live on is not asked that.
    fn near(&mut self, with: &mut With<'_, '_>) {
        if self.living.as_ref().is_some_and(|living| tree::first_is_alone(living.init.pid())) {
            self.on(Event::Near, with);
        }
    }

    /// What is watched for it is another each time.
    fn on_near(&mut self, with: &mut With<'_, '_>) {
        self.forget(Source::Near, with.watch);
        if self.parts.cgroup.as_mut().is_some_and(RunCgroup::came_near) {
            self.near(with);
        }
        self.perform_or_fail(Action::Watch(Source::Near), with);
    }

    fn on_memory(&mut self, with: &mut With<'_, '_>) {
        let v1 = self.parts.context.host.cgroup.version == CgroupVersion::V1;
        // Where both are told by one file.
        if !v1 && self.parts.cgroup.as_mut().is_some_and(RunCgroup::came_near) {
            self.near(with);
        }
        let Some(cgroup) = &self.parts.cgroup else { return };
        match cgroup.counters() {
            // v1 wakes also when a cgroup above runs out, which need not touch this run; v2 also when the limit was met and something could be reclaimed.
            Ok(counters) if counters.oom_kills > 0 || (v1 && counters.memory_met > 0) => {
                self.on(Event::Stop(Stop::Limit(LimitKind::Memory)), with)
            }
            Ok(_) => {}
            Err(error) => self.fail(error.to_string(), with),
        }
    }

    /// The last process is gone: what is wanted of its `/workspace` is read, before it is looked at what memory is still held.
    fn collect(&mut self) {
        let Some((workspace, wanted)) = self.workspace.take().zip(self.wanted.as_ref()) else { return };
        self.timeline.mark(Step::Namespaces);
        self.artifacts = artifacts::collect(&workspace, wanted, &self.parts.context.plan.bounds);
        self.timeline.mark(Step::Artifacts);
    }

    fn on_leaving(&mut self, with: &mut With<'_, '_>) {
        let Some(Server::Leaves(process)) = &mut self.parts.server else { return };
        if let Err(errno) = process.wait() {
            self.fail(format!("waiting for the forkserver: {}", errno.desc()), with);
        }
        self.on(Event::Left, with);
    }

    fn look(&mut self, with: &mut With<'_, '_>) {
        let Some(living) = &mut self.living else { return };
        if let Some(stop) = living.meter.check(with.now, self.parts.cgroup.as_ref(), living.denials.shared()) {
            self.on(Event::Stop(stop), with);
        } else if living.meter.came_near() {
            self.near(with);
        }
    }

    fn hasten(&mut self) {
        let hastened = self.parts.cgroup.as_ref().map(|cgroup| cgroup.hasten());
        if let Some(Err(error)) = hastened {
            self.trouble.get_or_insert(error.to_string());
        }
    }

    /// By its init, which knows its process. Who does not hear, or is not heard in time, says nothing.
    fn ask_where(&mut self) {
        self.stacks.clear();
        self.asked = true;
        let _ = message::send(self.parts.report.as_fd(), Order::AskWhere, &[]);
    }

    /// The quota is lifted first: what is killed needs a CPU to die. Then both, so that neither a fork between nor a process outside the cgroup is left: the PID
    /// namespace goes with its init.
    fn kill(&mut self, watch: &mut Watch) {
        self.forget(Source::Look, watch);
        let Some(living) = &mut self.living else { return };
        living.meter.last_look(self.parts.cgroup.as_ref());
        let killed = self.parts.cgroup.as_ref().map(|cgroup| cgroup.kill());
        living.init.kill();
        if let Some(Err(error)) = killed {
            self.trouble.get_or_insert(error.to_string());
        }
    }
}

fn add(watch: &mut Watch, source: Source, fd: BorrowedFd<'_>, what: EpollFlags) -> Result<(), Failure> {
    watch.add(source, fd, what).map_err(|errno| Failure::kernel(Step::Pipes, "watching the run", errno))
}
