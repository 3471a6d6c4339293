//! A forkserver from the supervisor's side: started, given its ids, asked for runs.
//!
//! Always holds: it is gone when this value is; a request is answered by exactly one report; no answer is awaited longer than the caller's patience, and
//! what was made unanswered is ended.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{getegid, geteuid};
use remand_child::message::{Order, Report};
use remand_child::spec::Ids;
use remand_plan::Plan;
use remand_plan::step::Step;

use crate::failure::{Failure, Unmade};
use crate::ids::RunIds;
use crate::patience::{Impatience, Patience, START_LIMIT};
use crate::setup::{RUN_ID, Setup, Start};
use crate::sys::message::{Received, receive, send};
use crate::sys::owner;
use crate::sys::process::Child;

/// A forkserver.
#[derive(Debug)]
pub struct Forkserver {
    socket: OwnedFd,
    process: Child,
}

impl Forkserver {
    /// Starts one; it sets itself up while the caller goes on. `ids`: with privilege, they come from [`Self::serve`]; without, it maps the caller's
    /// own. `cgroup`: the v2 directory that it is born in.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn start(
        setup: &Setup,
        plan: &Plan,
        ids: Option<&RunIds>,
        cgroup: Option<BorrowedFd<'_>>,
        filter_flags: u64,
    ) -> Result<Self, Failure> {
        let (socket, theirs) = socket_pair()?;
        let own = [format!("{RUN_ID} {} 1", geteuid()), format!("{RUN_ID} {} 1", getegid())];
        let owners = ids.map_or_else(|| Ok(BTreeMap::new()), |ids| owners(plan, ids))?;
        let start = Start {
            owners: &owners,
            socket: theirs.as_raw_fd(),
            ids: if ids.is_some() { Ids::Pool } else { Ids::Own { uid_map: own[0].as_bytes(), gid_map: own[1].as_bytes() } },
            born_in_cgroup: cgroup.is_some(),
            filter_flags,
        };
        let process = setup
            .with_spec(plan, &start, |spec| Child::forkserver(spec, cgroup))
            .map_err(|errno| Failure::kernel(Step::Forkserver, "clone3", errno))?;
        Ok(Self { socket, process })
    }

    /// Gives it its ids and waits until it serves. Returns whether `user.max_user_namespaces` is 0 inside.
    ///
    /// # Errors
    /// The step that failed in it.
    pub fn serve(&self, ids: Option<&RunIds>, patience: &Patience<'_>) -> Result<bool, Unmade> {
        match (self.report(Step::Forkserver, patience)?.0, ids) {
            (Report::Serving { no_more_namespaces }, None) => return Ok(no_more_namespaces),
            (Report::WantsIds, Some(ids)) => self.map_ids(ids)?,
            (other, _) => return Err(unexpected(&other).into()),
        }
        match self.report(Step::Forkserver, patience)?.0 {
            Report::Serving { no_more_namespaces } => Ok(no_more_namespaces),
            other => Err(unexpected(&other).into()),
        }
    }

    /// Makes a run with these descriptors, in the order of [`remand_child::spec::RunFds`]; returns its init.
    ///
    /// # Errors
    /// The step that failed.
    pub fn make_run(&self, fds: &[BorrowedFd<'_>], patience: &Patience<'_>) -> Result<Child, Unmade> {
        send(self.socket.as_fd(), Order::Run { id: RUN_ID }, fds)
            .map_err(|errno| Failure::kernel(Step::CloneInit, "asking the forkserver", errno))?;
        let reported = self.report(Step::CloneInit, patience).inspect_err(|_| self.abandon())?;
        adopt(reported.0, reported.1).map_err(Unmade::Failed)
    }

    /// Ends it, and the run that it may have made meanwhile. One whose init it could not name ends by itself, with the supervisor's end of its report socket.
    fn abandon(&self) {
        self.process.kill();
        while let Ok(Some(Received { report, fds })) = receive(self.socket.as_fd()) {
            drop(adopt(report, fds));
        }
    }

    /// Lets it go: it ends by itself once its socket is closed, while its runs go on. The process is left to be waited for.
    #[must_use]
    pub fn dismiss(self) -> Child {
        self.process
    }

    fn map_ids(&self, ids: &RunIds) -> Result<(), Failure> {
        for (index, file) in (0..).zip(["uid_map", "gid_map"]) {
            let path = format!("/proc/{}/{file}", self.process.pid());
            std::fs::write(&path, ids.map()).map_err(|error| Failure { index, ..Failure::io(Step::IdMap, &path, &error) })?;
        }
        send(self.socket.as_fd(), Order::IdsMapped, &[]).map_err(|errno| Failure::kernel(Step::IdMap, "telling the forkserver", errno))
    }

    /// Waits for a report during this step.
    fn report(&self, step: Step, patience: &Patience<'_>) -> Result<(Report, Vec<OwnedFd>), Unmade> {
        let failed = |failure| Err(Unmade::Failed(failure));
        match patience.readable(self.socket.as_fd()) {
            Ok(()) => {}
            Err(Impatience::Cancelled) => return Err(Unmade::Cancelled(step)),
            Err(Impatience::Late) => return failed(Failure::new(step, self.silent())),
            Err(Impatience::Kernel(errno)) => return failed(Failure::kernel(step, "waiting for the forkserver", errno)),
        }
        match receive(self.socket.as_fd()) {
            Ok(Some(received)) => match received.report {
                Report::Failed(failure) => failed(Failure::reported(failure)),
                report => Ok((report, received.fds)),
            },
            Ok(None) => failed(Failure::new(Step::Forkserver, "it ended without a word: something killed it".into())),
            Err(errno) => failed(Failure::kernel(Step::Forkserver, "reading its report", errno)),
        }
    }

    fn silent(&self) -> String {
        format!(
            "the forkserver (process {}) said nothing for {} s: it was stopped (SIGSTOP, a debugger, a frozen cgroup), or the host is far too busy",
            self.process.pid(),
            START_LIMIT / 1_000_000_000
        )
    }
}

fn adopt(report: Report, mut fds: Vec<OwnedFd>) -> Result<Child, Failure> {
    let Report::Init { pid } = report else { return Err(unexpected(&report)) };
    match (u32::try_from(pid), fds.pop()) {
        (Ok(pid), Some(pidfd)) => Ok(Child::adopted(pid, pidfd)),
        _ => Err(Failure::new(Step::CloneInit, "the forkserver named no process".into())),
    }
}

/// The user namespaces that show the owners of writable mounts as the run.
fn owners(plan: &Plan, ids: &RunIds) -> Result<BTreeMap<(u32, u32), OwnedFd>, Failure> {
    let owners: BTreeSet<_> = plan.root.binds.iter().filter_map(|bind| bind.owner).collect();
    let namespace =
        |owner| Ok((owner, owner::namespace(owner, ids.run()).map_err(|error| Failure::io(Step::IdMap, "a writable mount's", &error))?));
    owners.into_iter().map(namespace).collect()
}

fn unexpected(report: &Report) -> Failure {
    Failure::new(Step::Forkserver, format!("it said {report:?} out of turn"))
}

/// A pair of sockets for fixed-size messages, close-on-exec: this process's end and the other.
///
/// # Errors
/// The kernel's answer.
pub fn socket_pair() -> Result<(OwnedFd, OwnedFd), Failure> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(|errno| Failure::kernel(Step::Pipes, "socketpair", errno))
}

#[cfg(test)]
mod tests;
