//! One v2 directory above this process: what runs' cgroups made in it could have.
//!
//! Always holds: a level refuses where somebody who is neither root nor this user may write to it, or to one above it.

use nix::unistd::geteuid;
use remand_plan::host::Fact;

use super::super::look::{missing, read};
use super::place::{Place, READ_ONLY, V2_CONTROLLERS, aside, has, locked, scope};
use super::trust;

/// Who sits in a v2 directory: controllers can be turned on beneath it only if nobody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    Nobody,
    /// This process alone, which can move into a leaf.
    Us,
    /// This process alone, and cgroups of others beneath: what is turned on for them could not be turned off again over their heads.
    UsAndGroups,
    Others,
    /// The hierarchy's root: anybody may.
    Root,
}

/// One v2 directory above this process, from its own on upwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) path: String,
    /// Why nothing can be made here.
    pub(super) refused: Option<String>,
    /// `cgroup.subtree_control`.
    pub(super) on: String,
    /// `cgroup.controllers`.
    pub(super) offered: String,
    /// `cgroup.subtree_control` can be written to.
    pub(super) may_enable: bool,
    pub(super) inside: Inside,
    /// Nothing above it is mounted here, as in a container's cgroup namespace.
    pub(super) top: bool,
}

impl Level {
    /// `foreign`: who else may reach in from here or from above.
    fn look(path: String, foreign: Option<String>, top: bool) -> Self {
        let file = |name: &str| read(&format!("{path}/{name}"));
        let offered = file("cgroup.controllers");
        if !V2_CONTROLLERS.iter().any(|name| has(&offered, name)) {
            // As on a host whose controllers are all v1's: nothing else matters.
            return Self { path, refused: None, on: String::new(), offered, may_enable: false, inside: Inside::Others, top };
        }
        // Starting a process beneath, from where this one is, asks for the right to write the common ancestor's cgroup.procs.
        let refused = locked(&path).or_else(|| locked(&format!("{path}/cgroup.procs"))).or(foreign);
        let mut inside = Inside::Root;
        // Only the root lacks this file.
        if std::path::Path::new(&format!("{path}/cgroup.type")).exists() {
            let procs = file("cgroup.procs");
            inside = match procs.trim() {
                "" => Inside::Nobody,
                one if one == std::process::id().to_string() => {
                    if crate::cgroup::has_groups(&path) {
                        Inside::UsAndGroups
                    } else {
                        Inside::Us
                    }
                }
                _ => Inside::Others,
            };
        }
        let may_enable = locked(&format!("{path}/cgroup.subtree_control")).is_none();
        Self { refused, on: file("cgroup.subtree_control"), offered, may_enable, inside, top, path }
    }

    /// Whether runs' cgroups made here can have a controller.
    pub(super) fn fact(&self, controller: &str) -> Fact {
        let path = &self.path;
        if let Some(refused) = &self.refused {
            let writable = || {
                format!(
                    "let the container's runtime mount cgroups writable (podman run --security-opt unmask=/sys/fs/cgroup), and {}",
                    aside(path)
                )
            };
            missing(refused.clone(), if refused.ends_with(READ_ONLY) { writable() } else { scope() })
        } else if has(&self.on, controller) {
            Fact::Available
        } else if !has(&self.offered, controller) {
            missing(
                format!("the controller {controller} is not delegated to {path}"),
                "turn it on in cgroup.subtree_control of every cgroup above; under systemd: Delegate=cpu memory pids in a drop-in of user@.service",
            )
        } else if !self.may_enable {
            missing(format!("{path}/cgroup.subtree_control can't be written to"), scope())
        } else if self.inside == Inside::UsAndGroups {
            missing(format!("{path} has cgroups of others beneath, whose controllers are not turned on over their owner's head"), scope())
        } else if self.inside == Inside::Others {
            missing(
                format!("{path} holds other processes, so no controller can be turned on in it (EBUSY)"),
                if self.top { aside(path) } else { scope() },
            )
        } else {
            Fact::Available
        }
    }
}

/// This process's directory and those above it, up to the first that gives all.
pub(super) fn levels(place: &Place) -> Vec<Level> {
    let user = geteuid().as_raw();
    let mut above = place.chain();
    // From the top down: who may write to a directory reaches all beneath it.
    above.reverse();
    let mut foreign = None;
    let mut chain: Vec<(String, Option<String>)> = Vec::with_capacity(above.len());
    for path in above {
        foreign = foreign.or_else(|| trust::others(&path, user));
        chain.push((path, foreign.clone()));
    }
    let mut levels = Vec::new();
    for (path, foreign) in chain.into_iter().rev() {
        let top = path == place.point;
        let level = Level::look(path, foreign, top);
        let done = V2_CONTROLLERS.iter().all(|name| level.fact(name).available());
        levels.push(level);
        if done {
            break;
        }
    }
    levels
}

/// The nearest that gives the most. There is one: a process always is somewhere.
pub(super) fn choose(levels: &[Level]) -> &Level {
    const NONE: &Level = &Level {
        path: String::new(),
        refused: None,
        on: String::new(),
        offered: String::new(),
        may_enable: false,
        inside: Inside::Others,
        top: false,
    };
    let gives = |level: &&Level| V2_CONTROLLERS.iter().filter(|name| level.fact(name).available()).count();
    // `max_by_key` takes the last of equals, so from the top down.
    levels.iter().rev().max_by_key(gives).unwrap_or(NONE)
}
