//! One run, from plan to outcome.
//!
//! Always holds: every failure is a verdict; when [`run`] returns, no process, cgroup, mount, namespace or descriptor of the run is left.

mod capture;
mod denials;
mod exact;
mod follow;
mod launch;
mod locks;
mod looks;
mod meter;
mod pipes;
mod record;
mod seen;
mod timeline;
mod tree;
mod warm;

use std::os::fd::BorrowedFd;

use remand_child::step::RunMount;
use remand_plan::step::Step;
use remand_plan::{HostFacts, Outcome, Plan};
use seen::Seen;
use timeline::Timeline;

use crate::failure::{Failure, Unmade};
use crate::host;

pub use looks::{Look, Looks};

/// One run as decided.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// The host that the plan was made for.
    pub host: &'a HostFacts,
    /// The encoded job of an executor; empty for a plain program.
    pub job: &'a [u8],
    /// The plan where cgroups turned out to refuse: for a host without them; `None` if the policy cannot do without.
    pub without_cgroup: &'a WithoutCgroup<'a>,
}

/// Makes another plan of a plan, for what the host turned out to be.
pub type WithoutCgroup<'a> = dyn Fn(&Plan, &HostFacts) -> Option<Plan> + 'a;

/// Which of the run's own streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// What a caller can do while the run goes on.
#[derive(Default)]
pub struct Caller<'a> {
    /// Readable: the run is to be cancelled.
    pub cancel: Option<BorrowedFd<'a>>,
    /// Gets the run's own output as it comes, within the limits.
    pub output: Option<Output<'a>>,
}

/// Takes output as it comes, at once: while it takes, no limit is looked at.
pub type Output<'a> = &'a mut dyn FnMut(Stream, &[u8]);

/// Runs a plan to its end.
#[must_use]
pub fn run(ask: &Ask<'_>, caller: Caller<'_>) -> Outcome {
    observe(ask, caller).0
}

/// The same, with the paths that the run looked for, if its plan is one for learning.
#[must_use]
pub fn observe(ask: &Ask<'_>, caller: Caller<'_>) -> (Outcome, Looks) {
    let Caller { cancel, mut output } = caller;
    let mut less: Option<(Plan, HostFacts)> = None;
    // A host that refuses what it looked as if it had is met once more without: each time the plan has one thing less.
    loop {
        let ask = less.as_ref().map_or(*ask, |(plan, host)| Ask { plan, host, ..*ask });
        let mut timeline = Timeline::begin();
        let tried = launch::launch(&ask, cancel, &mut timeline).map(|launched| {
            let caller = Caller { cancel, output: output.as_mut().map(|output| &mut **output as Output<'_>) };
            follow::follow(&ask, launched, caller, &mut timeline)
        });
        let failure = match &tried {
            Ok(seen) => seen.failure.as_ref(),
            Err(Unmade::Failed(failure)) => Some(failure),
            Err(Unmade::Cancelled(_)) => None,
        };
        match failure.and_then(|failure| without(&ask, failure)) {
            Some(next) => less = Some(next),
            None => return end(&ask, tried, timeline),
        }
    }
}

fn end(ask: &Ask<'_>, tried: Result<Seen, Unmade>, mut timeline: Timeline) -> (Outcome, Looks) {
    match tried {
        Ok(mut seen) => {
            let looks = std::mem::take(&mut seen.looks);
            (record::finished(ask, seen, timeline), looks)
        }
        Err(Unmade::Failed(failure)) => {
            timeline.mark(failure.step);
            (record::unmade(ask, Some(&failure), timeline), Looks::default())
        }
        Err(Unmade::Cancelled(step)) => {
            timeline.mark(step);
            (record::unmade(ask, None, timeline), Looks::default())
        }
    }
}

/// The plan and the host without what refused at the start, if the policy can do without: the cgroup, or a `/proc` of the run's own.
fn without(ask: &Ask<'_>, failure: &Failure) -> Option<(Plan, HostFacts)> {
    let mut host = ask.host.clone();
    if failure.step == Step::RunMounts && failure.index == RunMount::NewProc as u32 && ask.plan.proc {
        let because = host::explain(failure).unwrap_or_else(|| failure.object.clone());
        return Some((ask.plan.without_proc(&because), host));
    }
    // Being born in a cgroup is refused by the same call that makes processes and namespaces, in words of its own.
    let born = matches!(failure.step, Step::Forkserver | Step::CloneInit)
        && [libc::EOPNOTSUPP, libc::EBUSY, libc::ENODEV, libc::EAGAIN].contains(&failure.errno);
    let why = match failure.step {
        Step::Cgroup => failure.object.clone(),
        Step::CgroupJoin => format!("the run was refused in its own cgroup: {}", failure.object),
        _ if born => failure.object.clone(),
        _ => return None,
    };
    ask.plan.cgroup?;
    host.cgroup = host::refused_cgroups(&why, host.cgroup.exposed);
    let plan = (ask.without_cgroup)(ask.plan, &host)?;
    Some((plan, host))
}
