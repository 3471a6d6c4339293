//! Where cgroups for runs can be made, and why not.
//!
//! Always holds: a directory counts only if this process may make others in it, and nobody but root and this user may reach into it; on v2 the nearest one
//! above this process that gives what is needed is taken, and limits of those that were skipped are named, so that they are copied.

pub(crate) mod group;
mod level;
mod place;
mod surrounding;
mod trust;

use std::collections::BTreeMap;

use level::{Inside, Level, choose, levels};
use place::{Place, READ_ONLY, V2_CONTROLLERS, locked, scope};
use remand_plan::host::{CgroupFacts, CgroupVersion, Fact};
use remand_plan::plan::CgroupLimits;

use super::look::{missing, proc_mounted};
use super::mounts::{self, Mount};
use crate::cgroup::Cgroups;

const V1_CONTROLLERS: [&str; 4] = ["memory", "pids", "cpu", "cpuacct"];
/// Looks, given `/proc/self/cgroup` and `/proc/self/mountinfo`.
pub(super) fn facts(own: &str, mountinfo: &str) -> CgroupFacts {
    let mounted = mounts::of_kinds(mountinfo, &["cgroup", "cgroup2"]);
    let unified = unified(own, &mounted);
    let exposed =
        unified.as_ref().ok().into_iter().cloned().chain(named(own, &mounted, "freezer")).find_map(|place| trust::foreign(&place));
    CgroupFacts { exposed, ..usable(own, &mounted, unified.map(|place| levels(&place))) }
}

fn usable(own: &str, mounted: &[Mount<'_>], levels: Result<Vec<Level>, Fact>) -> CgroupFacts {
    if let Ok(levels) = &levels
        && V2_CONTROLLERS.iter().any(|name| choose(levels).fact(name).available())
    {
        return v2(levels);
    }
    let v1 = V1_CONTROLLERS.map(|name| (name, named(own, mounted, name).and_then(writable)));
    if v1.iter().any(|(_, place)| place.is_ok()) || mounted.iter().any(|mount| mount.kind == "cgroup" && is_of(mount, "memory")) {
        return self::v1(v1);
    }
    match levels {
        Ok(levels) => v2(&levels),
        Err(Fact::Missing { blocker, remedy }) => CgroupFacts::none(&blocker, &remedy),
        Err(Fact::Available) => CgroupFacts::none("no cgroup is usable", &scope()),
    }
}

/// Makes one, with a limit of each kind. A directory that can be written to can still refuse.
pub(super) fn tried(facts: &mut CgroupFacts) {
    let [memory, pids, cpu] = [&facts.memory, &facts.pids, &facts.cpu].map(Fact::available);
    let limits = CgroupLimits {
        memory: memory.then_some(1 << 30),
        pids: pids.then_some(1000),
        cpus: cpu.then_some(1000),
        use_memory: memory,
        use_pids: pids,
        use_cpu: cpu,
    };
    let made = if memory || pids || cpu {
        Cgroups::new(facts, None).and_then(|cgroups| cgroups.create(&limits)?.remove().map(drop))
    } else {
        Ok(())
    };
    if let Err(error) = made {
        *facts = refused(&error.to_string(), facts.exposed.take());
    }
}

/// Where the memory of this process is counted, whoever may make cgroups there: the directory, and whether it is v1's.
pub(super) fn memory(own: &str, mountinfo: &str) -> Option<(String, bool)> {
    let mounted = mounts::of_kinds(mountinfo, &["cgroup", "cgroup2"]);
    let v1 = named(own, &mounted, "memory").map(|place| (place.path(), true));
    v1.or_else(|_| unified(own, &mounted).map(|place| (place.path(), false))).ok()
}

/// A host whose cgroups turned out to refuse.
pub(super) fn refused(why: &str, exposed: Option<String>) -> CgroupFacts {
    CgroupFacts { exposed, ..CgroupFacts::none(why, &scope()) }
}

/// Whether a v1 mount carries a controller.
fn is_of(mount: &Mount<'_>, controller: &str) -> bool {
    mount.options.split(',').any(|option| option == controller)
}

/// Of several mounts of a hierarchy, the usual one; of several there, the one on top.
fn place(path: &str, candidates: impl Iterator<Item = (String, String)>, what: &str) -> Result<Place, Fact> {
    let Some((root, point)) = candidates.max_by_key(|(_, point)| point.starts_with("/sys/fs/cgroup")) else {
        return Err(missing(format!("{what} is not mounted"), "mount it at /sys/fs/cgroup; in a container, let its runtime do so"));
    };
    let below = if root == "/" { Some(path) } else { path.strip_prefix(root.as_str()) };
    match below.filter(|below| (below.is_empty() || below.starts_with('/')) && !path.starts_with("/..")) {
        Some(below) => Ok(Place { point, below: below.trim_end_matches('/').to_owned() }),
        None => Err(missing(
            format!("this process's cgroup {path} lies outside of what is mounted at {point} ({root})"),
            "run it in the container's own cgroup namespace, or mount the whole hierarchy",
        )),
    }
}

/// v1: the cgroup of this process in the hierarchy of a controller.
fn named(own: &str, mounted: &[Mount<'_>], controller: &str) -> Result<Place, Fact> {
    let path = own.lines().find_map(|line| {
        let (names, path) = line.split_once(':')?.1.split_once(':')?;
        names.split(',').any(|name| name == controller).then_some(path)
    });
    let path =
        path.ok_or_else(|| missing(format!("the kernel has no v1 controller {controller}"), "boot a kernel with it, or with cgroup v2"))?;
    let candidates = mounted.iter().filter(|mount| mount.kind == "cgroup" && is_of(mount, controller));
    place(path, candidates.map(|mount| (mount.root.clone(), mount.point.clone())), &format!("the cgroup v1 controller {controller}"))
}

/// v2: the cgroup of this process.
fn unified(own: &str, mounted: &[Mount<'_>]) -> Result<Place, Fact> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"));
    let none = || match own.is_empty() && !proc_mounted() {
        true => super::blocker::no_proc(),
        false => missing("the kernel has no cgroup v2", "boot a kernel with CONFIG_CGROUPS"),
    };
    let path = path.ok_or_else(none)?;
    let candidates = mounted.iter().filter(|mount| mount.kind == "cgroup2");
    place(path, candidates.map(|mount| (mount.root.clone(), mount.point.clone())), "cgroup v2")
}

/// v1: whether runs' cgroups can be made there.
fn writable(place: Place) -> Result<String, Fact> {
    let path = place.path();
    match locked(&path).or_else(|| trust::foreign(&place)) {
        None => Ok(path),
        Some(blocker) if blocker.ends_with(READ_ONLY) => Err(missing(
            blocker,
            format!(
                "mount it read-write: mount -o remount,bind,rw {}; in a container, let its runtime mount cgroups writable",
                place.point
            ),
        )),
        Some(blocker) => Err(missing(
            blocker,
            "run as root, in a cgroup that is root's all the way up, or let an administrator give that directory to this user; in a container, mount \
             cgroups writable",
        )),
    }
}

fn v1(places: [(&str, Result<String, Fact>); 4]) -> CgroupFacts {
    let fact = |name: &str| match places.iter().find(|(known, _)| *known == name) {
        Some((_, Err(reason))) => reason.clone(),
        _ => Fact::Available,
    };
    let cpu = if fact("cpu").available() { fact("cpuacct") } else { fact("cpu") };
    let usable: BTreeMap<String, String> =
        places.iter().filter_map(|(name, place)| Some(((*name).to_owned(), place.as_ref().ok()?.clone()))).collect();
    let swap = match usable.get("memory") {
        Some(path) => swap(std::path::Path::new(&format!("{path}/memory.memsw.limit_in_bytes")).exists()),
        None => fact("memory"),
    };
    let version = if usable.is_empty() { CgroupVersion::None } else { CgroupVersion::V1 };
    let [memory, pids] = ["memory", "pids"].map(fact);
    CgroupFacts {
        version,
        memory,
        pids,
        cpu,
        parent: String::new(),
        own: String::new(),
        swap,
        v1: usable,
        surrounding: Vec::new(),
        exposed: None,
    }
}

fn swap(counted: bool) -> Fact {
    if counted {
        Fact::Available
    } else {
        missing("the kernel does not count swap per cgroup", "boot with swapaccount=1, or turn swap off (swapoff -a)")
    }
}

fn v2(levels: &[Level]) -> CgroupFacts {
    let level = choose(levels);
    let [memory, pids, cpu] = V2_CONTROLLERS.map(|name| level.fact(name));
    let usable = [&memory, &pids, &cpu].into_iter().any(Fact::available);
    let swap = if memory.available() { swap(counts_swap(level)) } else { memory.clone() };
    let (version, parent) = if usable { (CgroupVersion::V2, level.path.clone()) } else { (CgroupVersion::None, String::new()) };
    let own = levels.first().map_or_else(String::new, |level| level.path.clone());
    let surrounding = if usable { surrounding::of(levels, level) } else { Vec::new() };
    CgroupFacts { version, memory, pids, cpu, parent, own, v1: BTreeMap::new(), swap, surrounding, exposed: None }
}

/// The root has no `memory.*` files; a kernel that can swap at all counts it since 5.19 or so, unless told not to.
fn counts_swap(level: &Level) -> bool {
    let there = |path: &str| std::path::Path::new(path).exists();
    if level.inside == Inside::Root { there("/proc/swaps") } else { there(&format!("{}/memory.swap.max", level.path)) }
}

#[cfg(test)]
mod tests;
