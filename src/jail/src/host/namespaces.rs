//! Each namespace tried for real, and a fresh `/proc` in new ones.
//!
//! Always holds: the tries are made as a start makes them: in a new user namespace with this process mapped, unless that is what is refused.

use std::io;

use remand_child::step::{Failure, Step};
use remand_plan::host::{Fact, NamespaceFacts};
use remand_plan::places::RUN_ID;

use super::blocker::{self, CGROUP, IPC, Kind, MOUNT, NETWORK, PID, Surroundings, USER, UTS};
use super::look::missing;
use super::room::Room;
use crate::step;
use crate::sys::probe::{Maps, Probe, attempt};

/// What a quick look takes for granted.
pub(super) fn assumed() -> NamespaceFacts {
    let [user, mount, pid, ipc, uts, network, cgroup] = [(); 7].map(|()| Fact::Available);
    NamespaceFacts { user, mount, pid, ipc, uts, network, cgroup }
}

/// The namespaces, and `/proc`. `own`: the ids of this process, which an unprivileged start maps; a privileged one maps others, from outside, which only a
/// start tries.
pub(super) fn tried(own: Option<(u32, u32)>, around: &Surroundings) -> (NamespaceFacts, Fact) {
    let maps = own.map_or_else(Maps::default, |(uid, gid)| Maps { uid: format!("{RUN_ID} {uid} 1"), gid: format!("{RUN_ID} {gid} 1") });
    // The tries write to their own files by another way than a start, which needs their numbers.
    let user = if own.is_none() && around.proc_foreign { blocker::foreign_proc() } else { namespace(&USER, Some(&maps), around) };
    if !user.available() && !around.admin {
        // Nothing else can be made without one.
        let [mount, pid, ipc, uts, network, cgroup, proc] = [(); 7].map(|()| user.clone());
        return (NamespaceFacts { user, mount, pid, ipc, uts, network, cgroup }, proc);
    }
    let maps = user.available().then_some(&maps);
    let facts = NamespaceFacts {
        mount: namespace(&MOUNT, maps, around),
        pid: namespace(&PID, maps, around),
        ipc: namespace(&IPC, maps, around),
        uts: namespace(&UTS, maps, around),
        network: namespace(&NETWORK, maps, around),
        cgroup: namespace(&CGROUP, maps, around),
        user,
    };
    let proc = match attempt(&Probe::Proc { maps }) {
        Ok(Err(failure)) => proc(&failure, around),
        Ok(Ok(())) => Fact::Available,
        Err(error) => untried(&error),
    };
    (facts, proc)
}

fn namespace(kind: &Kind, maps: Option<&Maps>, around: &Surroundings) -> Fact {
    match attempt(&Probe::Namespace { maps, flag: kind.flag, step: kind.step }) {
        Ok(Ok(())) => Fact::Available,
        Ok(Err(failure)) => blocker::namespace(kind, &failure, around),
        Err(error) => untried(&error),
    }
}

fn proc(failure: &Failure, around: &Surroundings) -> Fact {
    match failure.step {
        Step::RunMounts => blocker::proc(failure.errno, around),
        Step::MountNamespace => blocker::namespace(&MOUNT, failure, around),
        _ => blocker::namespace(&PID, failure, around),
    }
}

/// The child that was to try did not get that far.
pub(super) fn untried(error: &io::Error) -> Fact {
    if error.kind() == io::ErrorKind::TimedOut {
        return missing(
            "the child process that tries it gave no answer: it was stopped, or got no CPU",
            "look for who stops processes of this user",
        );
    }
    let limit = Room::here().explain(step::of(Step::Forkserver), error.raw_os_error().unwrap_or(0));
    limit.unwrap_or_else(|| {
        missing(format!("no child process could be made to try it: {error}"), "look at the limits on processes (RLIMIT_NPROC, pids.max)")
    })
}
