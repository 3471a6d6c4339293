//! How a front shuts itself in, before it reads anything of anybody's.
//!
//! Always holds: each step is checked, and a front that could not do one ends; there is one road, whoever starts it: without privilege the namespaces begin with
//! a user namespace of its own, with privilege the user id is given up after them. What is only there on newer kernels (Landlock) is told, and not silently missing.

use std::fs;
use std::io;

use caps::{CapSet, Capability};
use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, chdir, getegid, geteuid, pivot_root, setgroups, setresgid, setresuid};

use crate::filter;

/// What a front may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Descriptors.
    pub descriptors: u64,
    /// Bytes that it can map.
    pub address_space: u64,
    /// Bytes of the largest memory that it makes for its supervisor.
    pub memory: u64,
    /// It takes connections on sockets that it was given.
    pub accepts: bool,
}

/// A step that failed.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {why}")]
pub struct Unconfined {
    step: &'static str,
    why: String,
}

fn step<T, E: ToString>(step: &'static str, done: Result<T, E>) -> Result<T, Unconfined> {
    done.map_err(|why| Unconfined { step, why: why.to_string() })
}

/// Shuts this process in; `user`: the id that it takes on, with privilege. Whether Landlock holds it too.
///
/// # Errors
/// The step that failed: nothing may be read then.
pub fn confine(user: Option<u32>, bounds: &Bounds) -> Result<bool, Unconfined> {
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    // From the first moment: what follows can take a while, where the kernel makes or clears away many namespaces.
    dies_with_parent()?;
    match user {
        Some(_) => step("namespaces", unshare(namespaces))?,
        None => own_namespaces(namespaces)?,
    }
    empty_root()?;
    step("capabilities", give_up_bounding())?;
    if let Some(user) = user {
        // The last thing that privilege is for, and its end.
        step("groups", setgroups(&[]))?;
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
        step("group", setresgid(group, group, group))?;
        step("user", setresuid(user, user, user))?;
    }
    step("capabilities", give_up())?;
    dies_with_parent()?;
    step("no new privileges", prctl::set_no_new_privs())?;
    step("not dumpable", prctl::set_dumpable(false))?;
    limits(bounds)?;
    let landlocked = step("Landlock", landlocked())?;
    step("the filter", filter::apply(bounds.accepts))?;
    Ok(landlocked)
}

/// Until the next change of ids or capabilities, which undoes it. A parent that has gone already has left the end of its socket, which is met at the first read.
fn dies_with_parent() -> Result<(), Unconfined> {
    step("the parent's death", prctl::set_pdeathsig(Signal::SIGKILL))
}

/// As an ordinary user: a user namespace in which only that user is anybody.
fn own_namespaces(others: CloneFlags) -> Result<(), Unconfined> {
    let (user, group) = (geteuid(), getegid());
    step("namespaces", unshare(CloneFlags::CLONE_NEWUSER | others))?;
    dies_with_parent()?;
    step("groups", fs::write("/proc/self/setgroups", "deny"))?;
    step("ids", fs::write("/proc/self/gid_map", format!("{group} {group} 1")))?;
    step("ids", fs::write("/proc/self/uid_map", format!("{user} {user} 1")))
}

/// A root without anything in it, which nothing can be written to.
fn empty_root() -> Result<(), Unconfined> {
    const NONE: Option<&str> = None;
    // There on every host; what is on it is seen by nobody afterwards.
    let place = "/proc";
    step("mounts", mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    step("an empty root", mount(Some("none"), place, Some("tmpfs"), flags, Some("size=4k,nr_inodes=1,mode=0555")))?;
    step("an empty root", chdir(place))?;
    step("an empty root", pivot_root(".", "."))?;
    step("an empty root", umount2(".", MntFlags::MNT_DETACH))?;
    step("an empty root", chdir("/"))?;
    step("an empty root", mount(NONE, "/", NONE, flags | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_BIND, NONE))
}

/// Nothing that is executed can have one.
fn give_up_bounding() -> io::Result<()> {
    for capability in caps::all() {
        // One that this kernel does not know is in nobody's set.
        if caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false) {
            caps::drop(None, CapSet::Bounding, capability).map_err(io::Error::other)?;
        }
    }
    Ok(())
}

fn give_up() -> Result<(), caps::errors::CapsError> {
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set)?;
    }
    debug_assert!(!caps::has_cap(None, CapSet::Permitted, Capability::CAP_SYS_ADMIN).unwrap_or(true));
    Ok(())
}

fn limits(bounds: &Bounds) -> Result<(), Unconfined> {
    let most = [
        (Resource::RLIMIT_NOFILE, bounds.descriptors),
        (Resource::RLIMIT_AS, bounds.address_space),
        (Resource::RLIMIT_FSIZE, bounds.memory),
        (Resource::RLIMIT_NPROC, 0),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_MEMLOCK, 0),
        (Resource::RLIMIT_MSGQUEUE, 0),
    ];
    most.into_iter().try_for_each(|(resource, most)| step("limits", lower(resource, most)))
}

/// Never above what is the limit already.
fn lower(resource: Resource, most: u64) -> Result<(), Errno> {
    let (_, hard) = nix::sys::resource::getrlimit(resource)?;
    let most = most.min(hard);
    setrlimit(resource, most, most)
}

/// No file, no connection, no signal to anybody outside; whether this kernel can.
fn landlocked() -> Result<bool, landlock::RulesetError> {
    let newest = ABI::V6;
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?;
    Ok(rules.create()?.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}
