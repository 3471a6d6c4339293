//! One run, from plan to outcome.
//!
//! Always holds: every failure is a verdict; when [`run`] returns, no process, cgroup, mount, namespace or descriptor of the run is left.

mod capture;
mod denials;
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

use remand_policy::verdict::Verdict;
use remand_policy::{HostFacts, Outcome, Plan, Policy};

use launch::Launched;
pub use looks::{Look, Looks};
use timeline::Timeline;

use crate::failure::Unmade;
use crate::host;

/// One run as decided.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The effective policy, for its name and for the lines that a denial points at.
    pub policy: &'a Policy,
    /// What it means here.
    pub plan: &'a Plan,
    /// The host that the plan was made for.
    pub host: &'a HostFacts,
    /// The encoded job of an executor; empty for a plain program.
    pub job: &'a [u8],
}

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

/// Takes output as it comes. False: nobody reads it any more, and the run is cancelled.
pub type Output<'a> = &'a mut dyn FnMut(Stream, &[u8]) -> bool;

/// Runs a plan to its end.
#[must_use]
pub fn run(ask: &Ask<'_>, caller: Caller<'_>) -> Outcome {
    observe(ask, caller).0
}

/// The same, with the paths that the run looked for, if its plan is one for learning.
#[must_use]
pub fn observe(ask: &Ask<'_>, caller: Caller<'_>) -> (Outcome, Looks) {
    let mut timeline = Timeline::begin();
    let mut launched = launch::launch(ask, caller.cancel, &mut timeline);
    let bare = launched.as_ref().err().and_then(|unmade| bare(ask, unmade));
    let Some((plan, host)) = bare else { return end(ask, launched, caller, timeline) };
    let ask = Ask { plan: &plan, host: &host, ..*ask };
    timeline = Timeline::begin();
    launched = launch::launch(&ask, caller.cancel, &mut timeline);
    end(&ask, launched, caller, timeline)
}

fn end(ask: &Ask<'_>, launched: Result<Launched, Unmade>, caller: Caller<'_>, mut timeline: Timeline) -> (Outcome, Looks) {
    match launched {
        Ok(launched) => {
            let mut seen = follow::follow(ask, launched, caller, &mut timeline);
            let looks = std::mem::take(&mut seen.looks);
            (record::finished(ask, seen, timeline), looks)
        }
        Err(Unmade::Failed(failure)) => {
            timeline.mark(failure.step);
            (record::unmade(ask, record::not_started(&failure), timeline), Looks::default())
        }
        Err(Unmade::Cancelled(step)) => {
            timeline.mark(step);
            (record::unmade(ask, Verdict::Cancelled, timeline), Looks::default())
        }
    }
}

/// Where a cgroup refused that looked as if it would not: the plan and the host without cgroups, if the policy can do without.
fn bare(ask: &Ask<'_>, unmade: &Unmade) -> Option<(Plan, HostFacts)> {
    let Unmade::Failed(failure) = unmade else { return None };
    // Being born in one is refused by the same call that makes processes and namespaces, in words of its own.
    let born = matches!(failure.step, "forkserver" | "clone_init")
        && [libc::EOPNOTSUPP, libc::EBUSY, libc::ENODEV, libc::EAGAIN].contains(&failure.errno);
    if ask.plan.cgroup.is_none() || !(failure.step == "cgroup" || born) {
        return None;
    }
    let mut host = ask.host.clone();
    host.cgroup = host::refused_cgroups(&failure.object, host.cgroup.exposed);
    let plan = ask.plan.without_cgroup(ask.policy, &host).ok()?;
    Some((plan, host))
}
