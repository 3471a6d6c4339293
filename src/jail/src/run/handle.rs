//! A run that was started: a handle with one descriptor.
//!
//! Always holds: the descriptor is readable whenever there is something to do, a deadline included; [`Run::advance`] does it and waits for nobody, so that one
//! thread can drive many; whatever is left of a run goes with its handle. Nothing of the process that it is in is changed, and no other handle is touched.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_child::step::RunMount;
use remand_plan::step::Step;
use remand_plan::{HostFacts, Outcome, Plan};

use super::follow::{Attempt, With};
use super::launch::{Begun, Job, Launch, Screen, Sink, Watcher, WithLess};
use super::lookups::PathLookups;
use super::record;
use super::watch::Watch;
use crate::failure::{Failure, Unmade};
use crate::forkserver::Forkserver;
use crate::host;
use crate::moment::Moment;
use crate::sys::terminal::Size;
use crate::timeline::Timeline;

/// A run that is over before is nothing to watch.
const QUIET: Duration = Duration::from_secs(1);
/// Milliseconds between two words about a run that goes on.
const TELLING: u16 = 500;

/// A run.
pub struct Run<'a> {
    /// What goes on, until there is an outcome.
    going: Option<Box<Attempt>>,
    over: Option<Box<(Outcome, PathLookups)>>,
    watch: Watch,
    plan: Arc<Plan>,
    host: Arc<HostFacts>,
    job: Job<'a>,
    /// Its random name.
    id: String,
    sink: Option<Sink<'a>>,
    /// Of its terminal, if it has one.
    size: Size,
    /// Where a forkserver of its own was refused something at the start.
    with_less: Option<WithLess<'a>>,
}

impl<'a> Run<'a> {
    /// Starts a run with a forkserver of its own. Whatever fails is an outcome.
    ///
    /// # Errors
    /// There are no descriptors to follow it by: the outcome.
    pub fn start(launch: Launch<'a>, sink: Option<Sink<'a>>) -> Result<Self, Box<Outcome>> {
        let Launch { plan, host, job, with_less } = launch;
        let watch = Watch::new().map_err(|errno| unwatched(&plan, errno))?;
        let (id, with_less) = (job.id.clone().unwrap_or_else(record::run_id), Some(with_less));
        let mut run = Self { going: None, over: None, watch, plan, host, job, id, sink, size: Size::default(), with_less };
        run.attempt();
        run.rearm();
        Ok(run)
    }

    /// Starts a run of a forkserver that serves.
    ///
    /// # Errors
    /// See [`Self::start`].
    pub fn of(server: &Forkserver, job: Job<'a>, sink: Option<Sink<'a>>) -> Result<Self, Box<Outcome>> {
        let (plan, host) = (Arc::clone(&server.context().plan), Arc::clone(&server.context().host));
        let mut watch = Watch::new().map_err(|errno| unwatched(&plan, errno))?;
        let begun = Attempt::of(server, &job, &mut watch);
        let id = job.id.clone().unwrap_or_else(record::run_id);
        let mut run = Self { going: None, over: None, watch, plan, host, job, id, sink, size: Size::default(), with_less: None };
        match begun {
            Ok(attempt) => run.going = Some(Box::new(attempt)),
            Err((failure, timeline)) => run.unmade(&Unmade::Failed(failure), timeline),
        }
        run.rearm();
        Ok(run)
    }

    /// Does what there is to do, and waits for nothing; whether the run goes on.
    pub fn advance(&mut self, now: Moment) -> bool {
        let ready = self.watch.ready();
        if let Some((attempt, mut with)) = self.going(now) {
            match ready {
                Ok(ready) => attempt.round(&ready, &mut with),
                Err(errno) => attempt.fail(format!("epoll: {}", errno.desc()), &mut with),
            }
        }
        self.settle();
        self.rearm();
        self.going.is_some()
    }

    /// Begins to end the run. It goes on until it is gone.
    pub fn cancel(&mut self) {
        if let Some((attempt, mut with)) = self.going(Moment::now()) {
            attempt.cancel(&mut with);
        }
        self.rearm();
    }

    /// How it ended, with the paths that it looked for if its plan is one for learning. One that goes on is ended first, and waited for.
    #[must_use]
    pub fn outcome(mut self) -> (Outcome, PathLookups) {
        self.cancel();
        self.to_end(None, None, None, None)
    }

    /// Makes its terminal, if it has one, so large.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
        self.going.iter().for_each(|attempt| attempt.resize(size));
    }

    /// Whether user code can have begun, so that nothing of the start is done any more. One that failed may be made anew, with less.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.going.as_ref().is_some_and(|attempt| attempt.has_begun())
    }

    /// Waits for its end. `cancel`: readable when it is to be cancelled. `begun` is called once [`Self::has_begun`].
    #[must_use]
    pub fn to_end(
        mut self,
        mut cancel: Option<BorrowedFd<'_>>,
        mut begun: Option<Begun<'_>>,
        mut watcher: Option<Watcher<'_>>,
        mut screen: Option<Screen<'_>>,
    ) -> (Outcome, PathLookups) {
        let mut next = None;
        screen.iter_mut().for_each(|screen| self.resize((screen.size)()));
        loop {
            if self.has_begun()
                && let Some(begun) = begun.take()
            {
                begun();
            }
            if let Some(over) = self.over.take() {
                return *over;
            }
            let others = cancel.into_iter().chain(screen.as_ref().map(|screen| screen.changed));
            let mut fds: Vec<_> = std::iter::once(self.as_fd()).chain(others).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            let polled = poll(&mut fds, watcher.as_ref().map_or(PollTimeout::NONE, |_| TELLING.into()));
            let there = |at: usize| polled.is_ok() && fds.get(at).is_some_and(|fd| fd.any().unwrap_or(true));
            // Where it cannot be polled, nobody could say any more that it is to be cancelled.
            let asked = cancel.is_some() && there(1) || polled.is_err_and(|errno| errno != Errno::EINTR);
            let resized = screen.is_some() && there(1 + usize::from(cancel.is_some()));
            if asked {
                self.cancel();
                cancel = None;
            }
            if resized {
                screen.iter_mut().for_each(|screen| self.resize((screen.size)()));
            }
            self.advance(Moment::now());
            if let Some(watcher) = &mut watcher {
                self.tell(watcher, &mut next);
            }
        }
    }

    /// Tells how it goes, where it is time to. `next`: when that is, known once its code was seen to have begun.
    fn tell(&mut self, watcher: &mut Watcher<'_>, next: &mut Option<Moment>) {
        let now = Moment::now();
        let Some(attempt) = self.going.as_mut().filter(|attempt| attempt.is_running()) else { return };
        let next = next.get_or_insert_with(|| now.after(QUIET));
        if now >= *next {
            *next = now.after(Duration::from_millis(TELLING.into()));
            watcher(attempt.progress(now));
        }
    }

    fn going(&mut self, now: Moment) -> Option<(&mut Attempt, With<'_, 'a>)> {
        Some((
            self.going.as_mut()?,
            With {
                watch: &mut self.watch,
                job: &mut self.job.bytes,
                id: &self.id,
                input: self.job.input.as_ref(),
                sink: self.sink.as_mut(),
                size: self.size,
                now,
            },
        ))
    }

    /// A descriptor that is readable whenever there is something to do.
    fn rearm(&mut self) {
        let deadline = match &self.going {
            Some(attempt) if !attempt.is_over() => attempt.deadline(),
            _ => Some(Moment::now()),
        };
        let Err(errno) = self.watch.until(deadline) else { return };
        if let Some((attempt, mut with)) = self.going(Moment::now()) {
            attempt.fail(format!("timerfd: {}", errno.desc()), &mut with);
        }
    }

    /// An attempt that is over is the outcome, or makes way for another.
    fn settle(&mut self) {
        let Some(mut attempt) = self.going.take_if(|attempt| attempt.is_over()) else { return };
        attempt.leave(&mut self.watch);
        if let Some(sink) = &mut self.sink {
            attempt.pass_rest(sink, Moment::now());
        }
        let (tried, timeline) = attempt.finish();
        let failure = match &tried {
            Ok(seen) => seen.failure.as_ref(),
            Err(Unmade::Failed(failure)) => Some(failure),
            Err(Unmade::Cancelled(_)) => None,
        };
        if failure.is_some_and(|failure| self.lessen(failure)) {
            drop(tried);
            return self.attempt();
        }
        match tried {
            Ok(mut seen) => {
                let lookups = std::mem::take(&mut seen.lookups);
                let outcome = record::finished(&self.plan, &self.job, seen, timeline, self.id.clone());
                self.over = Some(Box::new((outcome, lookups)));
            }
            Err(unmade) => self.unmade(&unmade, timeline),
        }
    }

    /// Begins an attempt, or several: a host that refuses what it looked as if it had is met once more without, and each time the plan has one thing less.
    fn attempt(&mut self) {
        loop {
            let mut timeline = Timeline::begin();
            let server = Forkserver::timed(Arc::clone(&self.plan), Arc::clone(&self.host), 1, &mut timeline);
            let begun = match server {
                Ok(server) => Attempt::own(server, &self.job, timeline, &mut self.watch),
                Err(failure) => Err((failure, timeline)),
            };
            let (failure, timeline) = match begun {
                Ok(attempt) => {
                    self.going = Some(Box::new(attempt));
                    return;
                }
                Err(failed) => failed,
            };
            if !self.lessen(&failure) {
                return self.unmade(&Unmade::Failed(failure), timeline);
            }
        }
    }

    fn unmade(&mut self, unmade: &Unmade, mut timeline: Timeline) {
        let (step, failure) = match unmade {
            Unmade::Failed(failure) => (failure.step, Some(failure)),
            Unmade::Cancelled(step) => (*step, None),
        };
        timeline.mark(step);
        let lookups = PathLookups::of_unmade(failure.and_then(|failure| failure.mount.clone()));
        self.over = Some(Box::new((record::unmade(&self.plan, failure, timeline, self.id.clone()), lookups)));
    }

    /// Takes the plan and the host without what was refused at the start, if the policy can do without it.
    fn lessen(&mut self, failure: &Failure) -> bool {
        let Some(with_less) = &self.with_less else { return false };
        let less = without(&self.plan, &self.host, failure, with_less);
        let lessened = less.is_some();
        if let Some((plan, host)) = less {
            (self.plan, self.host) = (Arc::new(plan), Arc::new(host));
        }
        lessened
    }
}

impl Drop for Run<'_> {
    /// One that goes on is killed as by [`Run::cancel`], so that no CPU quota keeps it, and waited for with its parts.
    fn drop(&mut self) {
        self.cancel();
    }
}

impl AsFd for Run<'_> {
    /// Readable when there is something to do.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}

const REFUSALS: [i32; 8] =
    [libc::EPERM, libc::EACCES, libc::ENOSYS, libc::EINVAL, libc::ENOSPC, libc::EUSERS, libc::EBUSY, libc::EOPNOTSUPP];

fn without(plan: &Plan, host: &HostFacts, failure: &Failure, with_less: &WithLess<'_>) -> Option<(Plan, HostFacts)> {
    let mut host = host.clone();
    let lack = || host::lack(failure);
    let refused = is_lack(failure.step, failure.errno);
    match failure.step {
        Step::RunMounts if failure.index == RunMount::NewProc as u32 && plan.proc => {
            let because = lack().lack().map_or_else(|| failure.object.clone(), |(blocker, _)| blocker.to_owned());
            return Some((plan.without_proc(&because), host));
        }
        Step::IpcNamespace if refused => host.namespaces.ipc = lack(),
        Step::UtsNamespace if refused => host.namespaces.uts = lack(),
        Step::NetworkNamespace if refused => host.namespaces.network = lack(),
        Step::CgroupNamespace if refused => host.namespaces.cgroup = lack(),
        Step::Landlock if refused => (host.landlock_abi, host.landlock) = (0, lack()),
        Step::Seccomp | Step::Listener if refused => host.seccomp = lack(),
        _ => {
            let why = plan.cgroup.and_then(|_| cgroup_refused(failure))?;
            host.cgroup = host::refused_cgroups(&why, host.cgroup.exposed);
        }
    }
    let plan = with_less(plan, &host)?;
    Some((plan, host))
}

/// Whether the kernel has it not, or gives it not to this process: no want of memory or descriptors. EINVAL of Landlock is a rule that does not fit what is at its
/// path by now, as where the owner of a mount's source put a file for a directory: that is no reason to do without all rules.
fn is_lack(step: Step, errno: i32) -> bool {
    REFUSALS.contains(&errno) && (step, errno) != (Step::Landlock, libc::EINVAL)
}

/// Why a run cannot be in a cgroup, if that is what was refused.
fn cgroup_refused(failure: &Failure) -> Option<String> {
    // Being born in a cgroup is refused by the same call that makes processes and namespaces, in words of its own.
    let born = matches!(failure.step, Step::Forkserver | Step::CloneInit)
        && [libc::EOPNOTSUPP, libc::EBUSY, libc::ENODEV, libc::EAGAIN].contains(&failure.errno);
    match failure.step {
        Step::Cgroup => Some(failure.object.clone()),
        Step::CgroupJoin => Some(format!("the run was refused in its own cgroup: {}", failure.object)),
        _ => born.then(|| failure.object.clone()),
    }
}

fn unwatched(plan: &Plan, errno: Errno) -> Box<Outcome> {
    Box::new(record::unmade(
        plan,
        Some(&Failure::kernel(Step::Pipes, "descriptors to follow the run by", errno)),
        Timeline::begin(),
        record::run_id(),
    ))
}

/// Handles go from thread to thread of whatever program drives them.
const _: fn() = || {
    fn goes<T: Send>() {}
    goes::<Run<'static>>();
    goes::<Forkserver>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_owns_a_mount_takes_no_protection_from_its_runs() {
        assert!(!is_lack(Step::Landlock, libc::EINVAL), "a rule that fits no longer");
        assert!(!is_lack(Step::Seccomp, libc::ENOMEM) && !is_lack(Step::Landlock, libc::EMFILE), "a want that passes");
        assert!(is_lack(Step::Landlock, libc::ENOSYS) && is_lack(Step::Landlock, libc::EPERM), "control: a container's filter");
        assert!(is_lack(Step::Seccomp, libc::EINVAL), "control: a kernel without a flag");
    }
}
