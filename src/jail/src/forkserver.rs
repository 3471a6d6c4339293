//! A forkserver from the supervisor's side: started, given its ids, asked for runs.
//!
//! Always holds: it is gone when this value is; a request is answered by exactly one report.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{getegid, geteuid};
use remand_child::message::{Order, Report};
use remand_child::spec::Ids;
use remand_policy::Plan;

use crate::failure::Failure;
use crate::ids::RunIds;
use crate::setup::{RUN_ID, Setup, Start};
use crate::sys::message::{receive, send};
use crate::sys::process::Child;

/// A forkserver.
#[derive(Debug)]
pub struct Forkserver {
    socket: OwnedFd,
    process: Child,
}

impl Forkserver {
    /// Starts one; it sets itself up while the caller goes on. `pool`: with privilege, its ids come from [`Self::serve`]; without, it maps the caller's
    /// own. `cgroup`: the v2 directory that it is born in.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn start(setup: &Setup, plan: &Plan, pool: bool, cgroup: Option<BorrowedFd<'_>>, filter_flags: u32) -> Result<Self, Failure> {
        let (socket, theirs) = socket_pair()?;
        let own = [format!("{RUN_ID} {} 1", geteuid()), format!("{RUN_ID} {} 1", getegid())];
        let start = Start {
            socket: theirs.as_raw_fd(),
            ids: if pool { Ids::Pool } else { Ids::Own { uid_map: own[0].as_bytes(), gid_map: own[1].as_bytes() } },
            born_in_cgroup: cgroup.is_some(),
            filter_flags,
        };
        let process = setup
            .with_spec(plan, &start, |spec| Child::forkserver(spec, cgroup))
            .map_err(|errno| Failure::kernel("forkserver", "clone3", errno))?;
        Ok(Self { socket, process })
    }

    /// Gives it its ids and waits until it serves. Returns whether `user.max_user_namespaces` is 0 inside.
    ///
    /// # Errors
    /// The step that failed in it.
    pub fn serve(&self, ids: Option<&RunIds>) -> Result<bool, Failure> {
        match (self.report()?.0, ids) {
            (Report::Serving { no_more_namespaces }, None) => return Ok(no_more_namespaces),
            (Report::WantsIds, Some(ids)) => self.map_ids(ids)?,
            (other, _) => return Err(unexpected(&other)),
        }
        match self.report()?.0 {
            Report::Serving { no_more_namespaces } => Ok(no_more_namespaces),
            other => Err(unexpected(&other)),
        }
    }

    /// Makes a run with these descriptors, in the order of [`remand_child::spec::RunFds`]; returns its init.
    ///
    /// # Errors
    /// The step that failed.
    pub fn make_run(&self, fds: &[BorrowedFd<'_>]) -> Result<Child, Failure> {
        send(self.socket.as_fd(), Order::Run { id: RUN_ID }, fds)
            .map_err(|errno| Failure::kernel("clone_init", "asking the forkserver", errno))?;
        match self.report()? {
            (Report::Init { pid }, mut fds) => match (u32::try_from(pid), fds.pop()) {
                (Ok(pid), Some(pidfd)) => Ok(Child::adopted(pid, pidfd)),
                _ => Err(Failure::new("clone_init", "the forkserver named no process".into())),
            },
            other => Err(unexpected(&other.0)),
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
            std::fs::write(&path, ids.map()).map_err(|error| Failure { index, ..Failure::io("id_map", &path, &error) })?;
        }
        send(self.socket.as_fd(), Order::IdsMapped, &[]).map_err(|errno| Failure::kernel("id_map", "telling the forkserver", errno))
    }

    fn report(&self) -> Result<(Report, Vec<OwnedFd>), Failure> {
        match receive(self.socket.as_fd()) {
            Ok(Some(received)) => match received.report {
                Report::Failed(failure) => Err(Failure::reported(failure)),
                report => Ok((report, received.fds)),
            },
            Ok(None) => Err(Failure::new("forkserver", "it ended without a word: something killed it".into())),
            Err(errno) => Err(Failure::kernel("forkserver", "reading its report", errno)),
        }
    }
}

fn unexpected(report: &Report) -> Failure {
    Failure::new("forkserver", format!("it said {report:?} out of turn"))
}

/// A pair of sockets for fixed-size messages, close-on-exec: this process's end and the other.
///
/// # Errors
/// The kernel's answer.
pub fn socket_pair() -> Result<(OwnedFd, OwnedFd), Failure> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(|errno| Failure::kernel("pipes", "socketpair", errno))
}
