//! What one run is made of on this side: its cgroup, pipes, user id, and the forkserver that makes it.
//!
//! Always holds: what was made is undone when a later step fails, since each thing is owned by the value that it is kept in; this process's copies of the run's
//! ends go with the order, so that end of file means that the run is gone.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use remand_child::message::Run;
use remand_plan::evidence::Cleanup;
use remand_plan::step::Step;

use super::given;
use super::launch::Job;
use super::pipes::{self, Pipe};
use crate::cgroup::{Join, RunCgroup, Together};
use crate::failure::Failure;
use crate::forkserver::{Context, Forkserver, socket_pair};
use crate::host;
use crate::ids::RunId;
use crate::sys::process::Child;
use crate::timeline::Timeline;

/// The parts of a run. Fields go out of scope in this order: processes before what holds them.
#[derive(Debug)]
pub struct Parts {
    /// The forkserver, where it is the run's own.
    pub server: Option<Server>,
    /// Reports of the forkserver, of init and of the executor process.
    pub report: OwnedFd,
    /// The run's output; of one that has a terminal, the supervisor's end of that, as soon as there is one.
    pub stdout: Option<OwnedFd>,
    /// The run's end of its terminal: kept as long as the run lives, so that one whose processes have all closed it can open it again.
    pub terminal: Option<OwnedFd>,
    /// The run's output.
    pub stderr: OwnedFd,
    /// Frames.
    pub result: OwnedFd,
    /// Where the code is, as it says.
    pub stacks: OwnedFd,
    /// Where its standard input goes, and the same pipe to be asked, until they are taken.
    pub input: Option<OwnedFd>,
    /// See `input`.
    pub input_pipe: Option<OwnedFd>,
    /// Where the job goes, until all of it is there.
    pub job: Option<OwnedFd>,
    /// The run's ends, until it is ordered.
    theirs: Vec<OwnedFd>,
    /// What its `/workspace` is to hold, until it is ordered.
    files: Option<OwnedFd>,
    /// Its `/workspace` is to be handed over.
    workspace: bool,
    /// It was ordered, and nobody has named its init yet.
    due: bool,
    /// The run's cgroup, if it has one.
    pub cgroup: Option<RunCgroup>,
    /// Where none counts its memory: what the cgroups around it had counted before it began.
    pub together: Option<Together>,
    /// The run's user id.
    pub id: RunId,
    /// What its forkserver was made of.
    pub context: Arc<Context>,
}

/// A forkserver that only makes this run.
#[derive(Debug)]
pub enum Server {
    /// It is needed.
    Serves(Forkserver),
    /// It ends by itself and is waited for.
    Leaves(Child),
}

impl Parts {
    /// Makes the parts of a run of this forkserver.
    ///
    /// # Errors
    /// The step that failed.
    pub fn make(context: &Arc<Context>, given: &Job<'_>, timeline: &mut Timeline) -> Result<Self, Failure> {
        let id = RunId::take(&context.places, context.ids.as_ref());
        let id = id.ok_or_else(|| Failure::new(Step::Ids, "the forkserver has as many runs as it can have at once".into()))?;
        let cgroup =
            context.cgroups.as_ref().zip(context.plan.cgroup.as_ref()).map(|(cgroups, limits)| cgroups.create(limits)).transpose()?;
        let counted = context.plan.cgroup.is_some_and(|limits| limits.use_memory);
        let together = if counted { None } else { host::together() };
        timeline.mark(Step::Cgroup);
        let (Pipe { ours: input, theirs: their_input }, job) = (pipes::input()?, pipes::to_run()?);
        let input_pipe = pipes::copy(&their_input)?;
        let (stdout, stderr, result, stacks) = (pipes::output_of_run()?, pipes::output_of_run()?, pipes::from_run()?, pipes::from_run()?);
        let (report, their_report) = socket_pair()?;
        let files = given::pack(&given.workspace)?;
        timeline.mark(Step::Pipes);
        let [(stdout, their_stdout), (stderr, their_stderr), (job, their_job), (result, their_result), (stacks, their_stacks)] =
            [stdout, stderr, job, result, stacks].map(|Pipe { ours, theirs }| (ours, theirs));
        // In the order of `RunFds`.
        let theirs = vec![their_input, their_stdout, their_stderr, their_job, their_result, their_stacks, their_report];
        let context = Arc::clone(context);
        Ok(Self {
            server: None,
            report,
            // Where it has a terminal, its pipes are left to init, which closes them.
            stdout: (!context.plan.tty).then_some(stdout),
            terminal: None,
            stderr,
            result,
            stacks,
            input: Some(input),
            input_pipe: Some(input_pipe),
            job: Some(job),
            theirs,
            files,
            workspace: given.artifacts.is_some(),
            due: false,
            cgroup,
            together,
            id,
            context,
        })
    }

    /// Asks the forkserver for the run.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn order(&mut self, server: &Forkserver) -> Result<(), Failure> {
        let (theirs, files) = (std::mem::take(&mut self.theirs), self.files.take());
        let run = Run { id: self.id.inside(), files: files.is_some(), workspace: self.workspace };
        server.order(run, &self.with_cgroup(theirs.iter().chain(&files).map(AsFd::as_fd).collect()))?;
        self.due = true;
        Ok(())
    }

    /// The same, of the own one.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn order_own(&mut self) -> Result<(), Failure> {
        let Some(Server::Serves(server)) = self.server.take() else { return Ok(()) };
        let ordered = self.order(&server);
        self.server = Some(Server::Serves(server));
        ordered
    }

    /// Its init is known. The own forkserver is let go.
    pub fn is_made(&mut self) {
        self.due = false;
        self.server = self.server.take().map(|server| match server {
            Server::Serves(server) => Server::Leaves(server.dismiss()),
            leaves @ Server::Leaves(_) => leaves,
        });
    }

    /// Takes back what held the run, whose processes are gone, in the order in which it can go: the forkserver out of its cgroup, the run's cgroup, their
    /// parent, the ids.
    pub fn undo(mut self) -> Cleanup {
        drop(self.server.take());
        match self.cgroup.take().map(RunCgroup::remove).transpose() {
            Ok(charged) => Cleanup { failed: None, charged: charged.unwrap_or_default() },
            Err(error) => Cleanup { failed: Some(error.to_string()), charged: 0 },
        }
    }

    fn with_cgroup<'a>(&'a self, mut all: Vec<BorrowedFd<'a>>) -> Vec<BorrowedFd<'a>> {
        match self.cgroup.as_ref().map(RunCgroup::join) {
            Some(Join::Tasks(tasks)) => all.extend(tasks.iter().map(AsFd::as_fd)),
            Some(Join::Into(directory)) => all.push(directory),
            None => {}
        }
        all
    }
}

impl Drop for Parts {
    /// One that is given up while it is made is left to its forkserver: the init that may come sees that nobody follows it and ends, but somebody must wait for it.
    fn drop(&mut self) {
        if self.due && self.server.is_none() {
            self.context.give_up(&self.report);
        }
    }
}
