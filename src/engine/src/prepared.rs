//! What is ready to run: a policy, a host, a program that was found, and the plan that they make.
//!
//! Always holds: one can be run as often as wanted, each time in a sandbox of its own.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_jail::failure::Failure;
use remand_jail::forkserver::Forkserver;
use remand_jail::run::{Begun, Feed, Job, Launch, PathLookups, Run, Screen, Sink, Watcher};
use remand_plan::artifacts::Patterns;
use remand_plan::enforcement::Enforcement;
use remand_plan::interpreter::Tree;
use remand_plan::job::{self, JobError};
use remand_plan::outcome::PolicyRef;
use remand_plan::plan::{self, Refused};
use remand_plan::request::Mode;
use remand_plan::step::Step;
use remand_plan::verdict::Verdict;
use remand_plan::workspace::workspace;
use remand_plan::{HostFacts, Interpreter, Outcome, Plan, Request};
use remand_policy::Policy;

use crate::effective::Taken;
use crate::identity::Identity;
use crate::interpreter::InterpreterError;
use crate::laps::Laps;

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// The code of a request, by the Python executor on the interpreter that the policy names.
    Python,
    /// A program of the host with its arguments, by an absolute path or a name to look up on the engine's path. It gets only the standard input and the files of a request.
    Command(&'a [String]),
}

/// Who wants a run, and what they can do while it goes on.
#[derive(Default)]
pub struct Caller<'a> {
    /// Whom it is made for.
    pub identity: Identity,
    /// Readable: the run is to be cancelled.
    pub cancel: Option<BorrowedFd<'a>>,
    /// Gets what the run says as it comes, within the limits; gives back at once, since meanwhile no limit is looked at.
    pub sink: Option<Sink<'a>>,
    /// What a program has as its standard input, if its request does not say: a pipe or a socket that does not block. None: it has ended. A function has none.
    pub input: Option<OwnedFd>,
    /// Called once user code can have begun: a process that makes no other run can then give up what only a start takes ([`remand_jail::rights::keep_for_the_end`]).
    pub begun: Option<Begun<'a>>,
    /// Is told how the run goes, twice a second after its first; gives back at once.
    pub watcher: Option<Watcher<'a>>,
    /// What a run that has a terminal follows in size.
    pub screen: Option<Screen<'a>>,
}

/// A program that was found.
#[derive(Debug)]
pub(crate) enum Found {
    Python(Box<Interpreter>),
    Command { argv: Vec<String>, tree: Tree },
}

impl Found {
    pub(crate) fn lend(&self) -> plan::Program<'_> {
        match self {
            Self::Python(interpreter) => plan::Program::Python(interpreter),
            Self::Command { argv, tree } => plan::Program::Host { argv, tree },
        }
    }
}

/// Why nothing can be run.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The caller no longer wants it.
    #[error("cancelled")]
    Cancelled,
    /// It is for another user than this process's own, and only a privileged process has ids to run it with that are not its own.
    #[error("a run for user {} takes a privileged supervisor: this one would lend them its own rights", .0.user())]
    ForAnother(Identity),
    /// This host cannot enforce what the policy requires, or give what it promises.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refused>),
    /// There is no interpreter as the policy wants it.
    #[error("{0}")]
    NoInterpreter(InterpreterError),
    /// There is no such program.
    #[error("{0}")]
    NoProgram(InterpreterError),
}

impl PrepareError {
    /// As the outcome of a run that was never made.
    #[must_use]
    pub fn outcome(&self, policy: &Policy) -> Outcome {
        let not_started = |step| Verdict::NotStarted { step, index: 0, errno: 0, hint: self.to_string() };
        let verdict = match self {
            Self::Cancelled => Verdict::Cancelled,
            Self::ForAnother(_) | Self::Refused(_) => not_started(Step::Plan),
            Self::NoInterpreter(_) => not_started(Step::Interpreter),
            Self::NoProgram(_) => not_started(Step::Program),
        };
        let lacks = if let Self::Refused(lacks) = self { lacks.as_slice() } else { &[] };
        let enforcement = lacks.iter().map(|lack| (lack.protection.clone(), Enforcement::Absent(lack.blocker.clone()))).collect();
        let policy = PolicyRef { name: policy.name.clone(), hash: policy.hash() };
        Outcome { enforcement, ..Outcome::bare(policy, verdict) }
    }
}

/// What is ready to run.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) policy: Arc<Policy>,
    pub(crate) host: Arc<HostFacts>,
    pub(crate) found: Found,
    pub(crate) plan: Arc<Plan>,
    pub(crate) chosen: Arc<Taken>,
}

impl Prepared {
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The host that the plan is for.
    #[must_use]
    pub fn host(&self) -> &HostFacts {
        &self.host
    }

    /// Why the policy's system calls keep this from starting; nothing where they do not.
    #[must_use]
    pub fn blocked_start(&self) -> Option<Refused> {
        remand_plan::blocked_start(&self.policy, &self.plan, &self.found.lend(), &self.host)
    }

    /// The same for learning: what a run looks for and does not find is told by [`Prepared::run_with_lookups`].
    #[must_use]
    pub fn learning(self) -> Self {
        // A filter that was made once can be made again.
        match Plan::clone(&self.plan).learning(&self.policy, &self.host) {
            Ok(plan) => Self { plan: Arc::new(plan), ..self },
            Err(_) => self,
        }
    }

    /// Runs it to its end. A command gets only the standard input and the files of `request`.
    ///
    /// # Errors
    /// The request is larger than the policy lets a job be.
    pub fn run(&self, request: &Request, caller: Caller<'_>) -> Result<Outcome, JobError> {
        self.run_with_lookups(request, caller).map(|(outcome, _)| outcome)
    }

    /// The same, with the paths that the run looked for, if it is [`Prepared::learning`].
    ///
    /// # Errors
    /// As [`Prepared::run`].
    pub fn run_with_lookups(&self, request: &Request, caller: Caller<'_>) -> Result<(Outcome, PathLookups), JobError> {
        let mut laps = Laps::start();
        let (mut outcome, lookups) = match self.started(request, caller.sink, caller.input, &mut laps)? {
            Ok(run) => run.to_end(caller.cancel, caller.begun, caller.watcher, caller.screen),
            Err(outcome) => (*outcome, PathLookups::default()),
        };
        laps.before(&mut outcome.timing);
        Ok((outcome, lookups))
    }

    /// Starts it, as a handle with one descriptor to wait for, so that one thread can drive many; the outcome at once where it cannot be followed.
    ///
    /// # Errors
    /// As [`Prepared::run`].
    pub fn start<'a>(&self, request: &Request, sink: Option<Sink<'a>>) -> Result<Result<Run<'a>, Box<Outcome>>, JobError> {
        self.started(request, sink, None, &mut Laps::start())
    }

    /// As [`Prepared::start`], or [`Prepared::start_of`], under an id that [`run_id`](crate::run_id) made before.
    ///
    /// # Errors
    /// As [`Prepared::run`].
    pub fn start_as<'a>(
        &self,
        id: &str,
        server: Option<&Forkserver>,
        request: &Request,
        sink: Option<Sink<'a>>,
    ) -> Result<Result<Run<'a>, Box<Outcome>>, JobError> {
        let job = Job { id: Some(id.to_owned()), ..self.job(request)? };
        Ok(match server {
            Some(server) => Run::of(server, job, sink),
            None => self.launched(job, sink),
        })
    }

    /// Of how many runs at once one forkserver of this can be, where so many are wanted.
    #[must_use]
    pub fn most_together(&self, runs: u32) -> u32 {
        runs.min(self.plan.most_together(self.host.privileged))
    }

    /// Starts a forkserver that makes any number of runs of this, so many at once at most; see [`Forkserver::advance`].
    ///
    /// # Errors
    /// The step that failed.
    pub fn forkserver(&self, runs: u32) -> Result<Forkserver, Failure> {
        Forkserver::start(Arc::clone(&self.plan), Arc::clone(&self.host), runs)
    }

    /// As [`Prepared::start`], by a forkserver of this that serves.
    ///
    /// # Errors
    /// As [`Prepared::run`].
    pub fn start_of<'a>(
        &self,
        server: &Forkserver,
        request: &Request,
        sink: Option<Sink<'a>>,
    ) -> Result<Result<Run<'a>, Box<Outcome>>, JobError> {
        self.job(request).map(|job| Run::of(server, job, sink))
    }

    fn job(&self, request: &Request) -> Result<Job<'static>, JobError> {
        if request.choice != self.chosen.choice {
            return Err(JobError::OtherChoice);
        }
        let artifacts = Patterns::read(&request.artifacts)?.map(|patterns| patterns.besides(request));
        let workspace = workspace(request, &self.policy)?;
        let input = request.stdin.clone().map(Feed::Whole);
        let Found::Python(interpreter) = &self.found else { return Ok(Job { workspace, artifacts, input, ..Job::default() }) };
        if input.is_some() && !matches!(request.mode, Mode::Script(_)) {
            return Err(JobError::NoInput);
        }
        let bytes = job::encode(request, &self.policy, interpreter)?;
        let items = matches!(request.mode, Mode::PerItem(_)).then(|| request.items.count());
        Ok(Job { id: None, bytes: bytes.into(), program: matches!(request.mode, Mode::Script(_)), items, workspace, artifacts, input })
    }

    fn started<'a>(
        &self,
        request: &Request,
        sink: Option<Sink<'a>>,
        input: Option<OwnedFd>,
        laps: &mut Laps,
    ) -> Result<Result<Run<'a>, Box<Outcome>>, JobError> {
        let mut job = self.job(request)?;
        job.input = job.input.or(input.map(Feed::Passed));
        if let Found::Python(_) = self.found {
            laps.lap(Step::Job);
        }
        Ok(self.launched(job, sink))
    }

    fn launched<'a>(&self, job: Job<'static>, sink: Option<Sink<'a>>) -> Result<Run<'a>, Box<Outcome>> {
        let policy = Arc::clone(&self.policy);
        let with_less = Box::new(move |plan: &Plan, host: &HostFacts| plan.with_less(&policy, host).ok());
        let (plan, host) = (Arc::clone(&self.plan), Arc::clone(&self.host));
        Run::start(Launch { plan, host, job, with_less }, sink)
    }
}

/// Whether a caller no longer wants a run.
pub(crate) fn cancelled(cancel: Option<BorrowedFd<'_>>) -> bool {
    cancel.is_some_and(|fd| poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|ready| ready > 0))
}
