//! A forkserver from the supervisor's side: started, given its ids, asked for runs.
//!
//! Always holds: nothing here waits for it, but its start for the kernel to make it and its end for the kernel to kill it; it is gone when this value is; what
//! it was made of is held until its last run is gone too. With privilege each of its runs has a user id of its own; without, the caller's is all there is.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{AddressFamily, Shutdown, SockFlag, SockType, shutdown, socketpair};
use nix::unistd::{getegid, geteuid};
use remand_child::executor::WAIT_KILLABLE;
use remand_child::message::{Order, Report, Run, Serving};
use remand_child::spec::Ids;
use remand_plan::host::CgroupVersion;
use remand_plan::places::RUN_ID;
use remand_plan::step::Step;
use remand_plan::{HostFacts, Plan};

use crate::cgroup::Cgroups;
use crate::failure::Failure;
use crate::host;
use crate::ids::{IdRange, Places};
use crate::setup::{Setup, Start};
use crate::sys::message::{Received, receive, send};
use crate::sys::owner;
use crate::sys::process::Child;
use crate::timeline::Timeline;
use crate::warm;

/// A forkserver. Its process goes before what it was made of.
#[derive(Debug)]
pub struct Forkserver {
    socket: OwnedFd,
    process: Child,
    _last_reap: LastReap,
    context: Arc<Context>,
}

/// What a forkserver and its runs hold on to. Its cgroup is removed before its ids are free.
#[derive(Debug)]
pub struct Context {
    /// What its runs are.
    pub plan: Arc<Plan>,
    /// The host that the plan was made for.
    pub host: Arc<HostFacts>,
    /// What its steps were about.
    pub setup: Setup,
    /// The parent of the runs' cgroups.
    pub cgroups: Option<Cgroups>,
    /// Where its runs are.
    pub places: Arc<Places>,
    /// Host ids, with privilege.
    pub ids: Option<Arc<IdRange>>,
    /// Once it serves.
    serving: OnceLock<Serving>,
    given_up: Arc<GivenUp>,
}

impl Context {
    /// What only its set-up could tell; nothing before it serves.
    pub fn serving(&self) -> Serving {
        self.serving.get().copied().unwrap_or_default()
    }

    /// A run that was ordered is wanted no longer.
    pub fn give_up(&self, report: &OwnedFd) {
        // The end of file is what its init waits for.
        let ended = shutdown(report.as_raw_fd(), Shutdown::Write).is_ok();
        self.given_up.all().extend(report.try_clone().ok().filter(|_| ended));
    }
}

/// The report sockets of runs that were given up while they were made: somebody must wait for the inits that come of them.
#[derive(Debug, Default)]
struct GivenUp(Mutex<Vec<OwnedFd>>);

impl GivenUp {
    fn all(&self) -> MutexGuard<'_, Vec<OwnedFd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends and waits for those that are there. `over`: no more will come.
    fn reap(&self, over: bool) {
        self.all().retain(|report| {
            loop {
                match receive(report.as_fd()) {
                    Ok(Some(Received { report: Report::Init { pid }, fds })) => drop(adopt(pid, fds)),
                    Ok(Some(_)) | Err(Errno::EINTR) => {}
                    Err(Errno::EAGAIN) if !over => return true,
                    Ok(None) | Err(_) => return false,
                }
            }
        });
    }
}

/// What is done after the forkserver is gone.
#[derive(Debug)]
struct LastReap(Arc<GivenUp>);

impl Drop for LastReap {
    fn drop(&mut self) {
        self.0.reap(true);
    }
}

/// Takes over the init that a forkserver made in our name.
pub(crate) fn adopt(pid: u64, mut fds: Vec<OwnedFd>) -> Result<Child, Failure> {
    match (u32::try_from(pid), fds.pop()) {
        (Ok(pid), Some(pidfd)) => Ok(Child::adopted(pid, pidfd)),
        _ => Err(Failure::new(Step::CloneInit, "the forkserver named no process".into())),
    }
}

impl Forkserver {
    /// Starts one for runs of a plan, at most so many at once (fewer, where runs of this plan could reach each other). It sets itself up while the caller goes
    /// on; see [`Self::advance`].
    ///
    /// # Errors
    /// The step that failed.
    pub fn start(plan: Arc<Plan>, host: Arc<HostFacts>, runs: u32) -> Result<Self, Failure> {
        Self::timed(plan, host, runs, &mut Timeline::begin())
    }

    /// The same, with its steps marked.
    pub(crate) fn timed(plan: Arc<Plan>, host: Arc<HostFacts>, runs: u32, timeline: &mut Timeline) -> Result<Self, Failure> {
        let most = runs.min(plan.most_together(host.privileged));
        let setup = Setup::new(&plan, host.arch, if host.privileged { most } else { 1 })?;
        timeline.mark(Step::Setup);
        if host.cgroup.version == CgroupVersion::V2 {
            // Before this process may step aside, into a cgroup that goes with it. Elsewhere while it would wait for the forkserver.
            warm::begin(&plan);
        }
        let ids = host.privileged.then(|| IdRange::take(host.first_run_id, host.run_ids, most)).transpose()?;
        let cgroups = plan.cgroup.map(|_| Cgroups::new(&host.cgroup, ids.as_ref().map(|ids| ids.server()))).transpose()?;
        timeline.mark(Step::Ids);
        let places = Places::new(most);
        let context = Arc::new(Context { plan, host, setup, cgroups, places, ids, serving: OnceLock::new(), given_up: Arc::default() });
        let server = Self::make(context)?;
        timeline.mark(Step::CloneForkserver);
        if server.context.host.cgroup.version != CgroupVersion::V2 {
            warm::begin(&server.context.plan);
        }
        Ok(server)
    }

    fn make(context: Arc<Context>) -> Result<Self, Failure> {
        let Context { plan, host, setup, ids, cgroups, .. } = &*context;
        let (socket, theirs) = socket_pair()?;
        let own = [format!("{RUN_ID} {} 1", geteuid()), format!("{RUN_ID} {} 1", getegid())];
        let owners = ids.as_ref().map_or_else(|| Ok(BTreeMap::new()), |ids| owners(plan, ids))?;
        let cgroup = cgroups.as_ref().and_then(Cgroups::forkserver);
        let start = Start {
            owners: &owners,
            socket: theirs.as_raw_fd(),
            ids: if ids.is_some() { Ids::Pool } else { Ids::Own { uid_map: own[0].as_bytes(), gid_map: own[1].as_bytes() } },
            born_in_cgroup: cgroup.is_some(),
            filter_flags: if host.kernel_version >= (5, 19) { WAIT_KILLABLE } else { 0 },
        };
        let process = setup
            .with_spec(plan, &start, |spec| Child::forkserver(spec, cgroup))
            .map_err(|errno| Failure::kernel(Step::Forkserver, "clone3", errno))?;
        Ok(Self { socket, process, _last_reap: LastReap(Arc::clone(&context.given_up)), context })
    }

    /// Hears what it has said, and gives it its ids when it asks; whether it serves. To be called when it is readable.
    ///
    /// # Errors
    /// The step that failed in it, or that it has ended.
    pub fn advance(&mut self) -> Result<bool, Failure> {
        loop {
            match receive(self.socket.as_fd()) {
                Ok(Some(received)) => self.heard(received.report)?,
                Ok(None) => return Err(Failure::new(Step::Forkserver, "it ended without a word: something killed it".into())),
                Err(Errno::EAGAIN) => return Ok(self.context.serving.get().is_some()),
                // It ended with something of ours unread; its last words come next.
                Err(Errno::ECONNRESET | Errno::EINTR) => {}
                Err(errno) => return Err(Failure::kernel(Step::Forkserver, "reading its report", errno)),
            }
        }
    }

    fn heard(&self, report: Report) -> Result<(), Failure> {
        match (report, &self.context.ids) {
            (Report::WantsIds, Some(ids)) => self.map_ids(ids),
            (Report::Serving(serving), _) => {
                self.context.serving.get_or_init(|| serving);
                Ok(())
            }
            (Report::Failed(failure), _) => Err(self.context.setup.about(Failure::reported(failure), &self.context.plan)),
            (other, _) => Err(Failure::new(Step::Forkserver, format!("it said {other:?} out of turn"))),
        }
    }

    /// Asks for a run with these descriptors, in the order of [`remand_child::spec::RunFds`]. What comes of it is told on the run's own socket, among them.
    pub(crate) fn order(&self, run: Run, fds: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        self.context.given_up.reap(false);
        send(self.socket.as_fd(), Order::Run(run), fds).map_err(|errno| Failure::kernel(Step::CloneInit, "asking the forkserver", errno))
    }

    /// Its process, for people.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it was made of.
    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Lets it go: it ends by itself once its socket is closed, while its runs go on. The process is left to be waited for.
    pub(crate) fn dismiss(self) -> Child {
        self.process
    }

    fn map_ids(&self, ids: &IdRange) -> Result<(), Failure> {
        if host::proc_foreign() {
            // There its number is another process's.
            return Err(Failure::new(Step::IdMap, "uid_map of the forkserver".into()));
        }
        for (index, file) in (0..).zip(["uid_map", "gid_map"]) {
            let path = format!("/proc/{}/{file}", self.process.pid());
            // In the same words at each try, since doctor tells a reason once.
            let what = format!("{file} of the forkserver");
            std::fs::write(&path, ids.map()).map_err(|error| Failure { index, ..Failure::io(Step::IdMap, &what, &error) })?;
        }
        send(self.socket.as_fd(), Order::IdsMapped, &[]).map_err(|errno| Failure::kernel(Step::IdMap, "telling the forkserver", errno))
    }
}

impl AsFd for Forkserver {
    /// Readable when it has said something.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The user namespaces that show the owners of writable mounts as the run, of which there is one.
fn owners(plan: &Plan, ids: &IdRange) -> Result<BTreeMap<(u32, u32), OwnedFd>, Failure> {
    let owners: BTreeSet<_> = plan.root.binds.iter().filter_map(|bind| bind.owner).collect();
    let namespace = |owner| {
        let made = owner::namespace(owner, ids.first_run()).map_err(|error| Failure::io(Step::IdMap, "a writable mount's", &error))?;
        Ok((owner, made))
    };
    owners.into_iter().map(namespace).collect()
}

/// A pair of sockets for fixed-size messages, close-on-exec: this process's end, which waits for nobody, and the other.
///
/// # Errors
/// The kernel's answer.
pub fn socket_pair() -> Result<(OwnedFd, OwnedFd), Failure> {
    let failed = |errno| Failure::kernel(Step::Pipes, "socketpair", errno);
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).map_err(failed)?;
    fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(failed)?;
    Ok((ours, theirs))
}

#[cfg(test)]
mod tests;
