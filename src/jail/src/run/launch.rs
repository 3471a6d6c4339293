//! From a plan to a running executor process: ids, cgroup, pipes, forkserver, run.
//!
//! Always holds: what was made is undone when a later step fails, since each thing is owned by the value that it is kept in.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use remand_child::executor::WAIT_KILLABLE;
use remand_plan::host::CgroupVersion;
use remand_plan::step::Step;

use super::pipes::{self, Pipe};
use super::timeline::Timeline;
use super::{Ask, warm};
use crate::cgroup::{CgroupError, Cgroups, Join, RunCgroup};
use crate::failure::{Failure, Unmade};
use crate::forkserver::{Forkserver, socket_pair};
use crate::ids::RunIds;
use crate::patience::Patience;
use crate::setup::Setup;
use crate::sys::process::Child;

/// A run that was made. Fields go out of scope in this order: processes before what holds them.
#[derive(Debug)]
pub struct Launched {
    /// Init, the supervisor's own child.
    pub init: Child,
    /// Ends by itself once the run is made; waited for at the end.
    pub server: Child,
    /// Reports of init and the executor process.
    pub report: OwnedFd,
    /// The run's output.
    pub stdout: OwnedFd,
    /// The run's output.
    pub stderr: OwnedFd,
    /// Frames.
    pub result: OwnedFd,
    /// Where the job goes, until all of it is there.
    pub job: Option<OwnedFd>,
    /// The run's cgroup, if it has one.
    pub cgroup: Option<RunCgroup>,
    /// Its parent.
    pub cgroups: Option<Cgroups>,
    /// Host ids, with privilege.
    pub ids: Option<RunIds>,
    /// User namespaces are used up inside.
    pub no_more_namespaces: bool,
    /// What the steps were about.
    pub setup: Setup,
}

impl Launched {
    /// Takes back what held the run, in the order in which it can go: the forkserver out of its cgroup, the run's cgroup, their parent, the ids. Bytes of
    /// the run's memory that are still held by somebody.
    ///
    /// # Errors
    /// A cgroup that could not be removed.
    pub fn undo(self) -> Result<u64, CgroupError> {
        drop(self.init);
        drop(self.server);
        let removed = self.cgroup.map(RunCgroup::remove).transpose();
        drop(self.cgroups);
        drop(self.ids);
        removed.map(Option::unwrap_or_default)
    }
}

/// Makes the run; its interpreter begins to start.
///
/// # Errors
/// The step that failed, or during which the caller cancelled.
pub fn launch(ask: &Ask<'_>, cancel: Option<BorrowedFd<'_>>, timeline: &mut Timeline) -> Result<Launched, Unmade> {
    let patience = Patience::begin(cancel);
    let (plan, host) = (ask.plan, ask.host);
    let setup = Setup::new(plan, host.arch)?;
    timeline.mark(Step::Setup);
    if host.cgroup.version == CgroupVersion::V2 {
        // Before this process may step aside, into a cgroup that goes with it. Elsewhere while it would wait for the forkserver.
        warm::begin(plan);
    }
    let ids = host.privileged.then(|| RunIds::take(host.first_run_id, host.run_ids)).transpose()?;
    let cgroups = plan.cgroup.map(|_| Cgroups::new(&host.cgroup, ids.as_ref().map(RunIds::server))).transpose().map_err(cgroup_failure)?;
    timeline.mark(Step::Ids);
    let flags = if host.kernel_version >= (5, 19) { WAIT_KILLABLE } else { 0 };
    // It builds its root while this process makes what the run needs besides.
    let server = Forkserver::start(&setup, plan, ids.as_ref(), cgroups.as_ref().and_then(Cgroups::forkserver), flags)?;
    timeline.mark(Step::CloneForkserver);
    if host.cgroup.version != CgroupVersion::V2 {
        warm::begin(plan);
    }
    let cgroup = cgroups.as_ref().zip(plan.cgroup.as_ref()).map(|(cgroups, limits)| cgroups.create(limits));
    let cgroup = cgroup.transpose().map_err(cgroup_failure)?;
    timeline.mark(Step::Cgroup);
    let (input, job) = (pipes::no_input()?, pipes::to_run()?);
    let (stdout, stderr, result) = (pipes::from_run()?, pipes::from_run()?, pipes::from_run()?);
    let (report, their_report) = socket_pair()?;
    timeline.mark(Step::Pipes);
    let no_more_namespaces = server.serve(ids.as_ref(), &patience).map_err(|unmade| setup.about(unmade, plan))?;
    timeline.mark(Step::Forkserver);
    let theirs = [&input, &stdout.theirs, &stderr.theirs, &job.theirs, &result.theirs, &their_report].map(AsFd::as_fd);
    let init = server.make_run(&with_cgroup(&theirs, cgroup.as_ref()), &patience)?;
    // While its interpreter starts, there is nothing to wait for.
    cgroups.iter().for_each(Cgroups::sweep);
    // Our copies of the run's ends go here, so that end of file means that the run is gone.
    let [stdout, stderr, result, job] = [stdout, stderr, result, job].map(|Pipe { ours, .. }| ours);
    Ok(Launched {
        init,
        server: server.dismiss(),
        report,
        stdout,
        stderr,
        result,
        job: Some(job),
        cgroup,
        cgroups,
        ids,
        no_more_namespaces,
        setup,
    })
}

fn with_cgroup<'a>(fds: &[BorrowedFd<'a>], cgroup: Option<&'a RunCgroup>) -> Vec<BorrowedFd<'a>> {
    let mut all = fds.to_vec();
    match cgroup.map(RunCgroup::join) {
        Some(Join::Tasks(tasks)) => all.extend(tasks.iter().map(AsFd::as_fd)),
        Some(Join::Into(directory)) => all.push(directory),
        None => {}
    }
    all
}

fn cgroup_failure(error: CgroupError) -> Failure {
    Failure { step: Step::Cgroup, index: 0, errno: error.source.raw_os_error().unwrap_or(0), object: error.to_string() }
}
