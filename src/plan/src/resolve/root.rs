//! The root file system: what the program needs, what the policy adds, and a few small files; nothing else of the host.
//!
//! Always holds: no mount covers what the run or its program needs, but one that shows the very same there; a place that is the run's own is nobody else's.

use remand_policy::places::{CPUS, FILES, behind, beneath, overlap, owned, taken};
use remand_policy::policy::{Device, Mount, Policy};

use super::ledger::Ledger;
use super::{cpus, sources};
use crate::files::{Entry, FileId, Files, Kind};
use crate::interpreter::{EXECUTOR, MAIN, Tree};
use crate::plan::{Bind, Program, Root};
use crate::protection::Protection;

/// Links of the run's own into its `/proc`.
pub(super) const PROC_LINKS: [(&str, &str); 4] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];
/// Resolves the root.
pub(super) fn resolve(ledger: &mut Ledger, policy: &Policy, program: &Program<'_>, (proc, cpus): (bool, u32), files: &dyn Files) -> Root {
    let trees = trees(policy, program);
    let mut root = own_places(policy, program, proc);
    root.files.push((CPUS.into(), cpus::online(cpus)));
    nodes(ledger, &root.devices, files);
    for tree in &trees {
        show(ledger, tree, &mut root);
    }
    if let Program::Python(python) = program {
        for (source, what) in python.beside.iter().filter(|_| !policy.python.external_allow.is_empty()) {
            ledger.by(Protection::Files { source: source.clone() }, what);
        }
        for (source, why) in &python.left_out {
            ledger.absent(Protection::LeftOut { source: source.clone() }, why);
        }
    }
    for (index, mount) in policy.filesystem.mounts.iter().enumerate() {
        let other_target = |blocker| sources::Cannot { blocker, remedy: "Choose another filesystem.mounts target." };
        let left_out = conflict(mount, &trees, &root, files).map(other_target).map_or_else(|| sources::left_out(mount, &root, files), Err);
        match left_out {
            Err(sources::Cannot { blocker, remedy }) => {
                ledger.refuse(Protection::Mount { target: mount.target.clone(), index }, blocker, remedy)
            }
            Ok(Some(why)) => root.left_out.push((mount.source.clone(), why)),
            Ok(None) => add(mount, &mut root, files),
        }
    }
    root
}

/// Adds a mount. What the program needs below it is what it shows.
fn add(mount: &Mount, root: &mut Root, files: &dyn Files) {
    root.binds.retain(|bind| !beneath(&bind.target, &mount.target));
    root.links.retain(|(link, _)| !beneath(link, &mount.target));
    root.binds.push(Bind {
        source: mount.source.clone(),
        target: mount.target.clone(),
        writable: mount.writable,
        exec: mount.exec,
        owner: None,
        seen: match files.look(&mount.source) {
            Some(Entry::There(inode)) => Some(inode.id),
            _ => None,
        },
    });
}

/// The host's own device nodes are shown.
fn nodes(ledger: &mut Ledger, devices: &[&'static str], files: &dyn Files) {
    let there = |found: &Entry| matches!(found, Entry::There(inode) if inode.kind == Kind::Device);
    let absent = |node: &&str| files.look(node).is_some_and(|found| !there(&found));
    let missing: Vec<&str> = devices.iter().copied().filter(absent).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let remedy = "Mount a /dev that has it (mount -t devtmpfs devtmpfs /dev; in a container, its runtime does), or make it (mknod), or take it out of \
                      filesystem.devices.";
        ledger.refuse(Protection::Devices, format!("the host has no device node {missing}"), remedy);
    }
}

/// Site packages come with the interpreter only where the policy lets code import them.
fn trees<'a>(policy: &Policy, program: &'a Program<'_>) -> Vec<&'a Tree> {
    match program {
        Program::Python(python) if policy.python.external_allow.is_empty() => vec![&python.core],
        Program::Python(python) => vec![&python.core, &python.site],
        Program::Host { tree, .. } => vec![tree],
    }
}

/// What every root has.
fn own_places(policy: &Policy, program: &Program<'_>, proc: bool) -> Root {
    let mut links = vec![("/var/tmp", "/tmp"), ("/dev/shm", "/tmp")];
    if proc {
        links.extend(PROC_LINKS);
    }
    let mut files: Vec<(String, Vec<u8>)> = FILES.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    if let Program::Python(python) = program {
        files.push((EXECUTOR.into(), python.executor.clone()));
        files.push((
            MAIN.into(),
            b"# The code of this run is the body of a function; what its processes import as `__main__` is this.\n".to_vec(),
        ));
    }
    let links = links.into_iter().map(|(path, target)| (path.to_owned(), target.to_owned())).collect();
    Root { links, devices: policy.filesystem.devices.iter().map(|known| device(*known)).collect(), files, ..Root::default() }
}

/// Shows a tree of the host at its own paths, read-only.
fn show(ledger: &mut Ledger, tree: &Tree, root: &mut Root) {
    let paths = tree.binds.keys().chain(tree.links.iter().map(|(path, _)| path));
    for path in paths.filter(|path| owned().any(|own| overlap(path, own))) {
        ledger.refuse(
            Protection::ProgramFile { path: path.clone() },
            "a run has its own file system there",
            "Use a program that is installed elsewhere.",
        );
    }
    for (path, seen) in &tree.binds {
        if !root.binds.iter().any(|shown| beneath(path, &shown.target)) {
            let (source, target) = (path.clone(), path.clone());
            root.binds.push(Bind { source, target, writable: false, exec: true, owner: None, seen: Some(*seen) });
        }
    }
    for link in &tree.links {
        if !root.links.contains(link) {
            root.links.push(link.clone());
        }
    }
    root.hidden.extend(tree.hidden.iter().cloned());
}

/// Why a mount cannot be made, if it cannot.
fn conflict(mount: &Mount, trees: &[&Tree], root: &Root, files: &dyn Files) -> Option<String> {
    let target = mount.target.as_str();
    if let Some(own) = taken(target) {
        return Some(own);
    }
    if let Some((file, _)) = root.files.iter().find(|(file, _)| overlap(target, file)) {
        return Some(format!("{file} is made for the run"));
    }
    // Where nothing was looked at, a place shows itself.
    let shows = |path: &str, same: &dyn Fn(&Entry) -> bool| {
        behind(path, target)
            .is_some_and(|rest| files.look(&format!("{}{rest}", mount.source)).map_or(mount.source == target, |found| same(&found)))
    };
    let file = |path: &str, id: &FileId| shows(path, &|found| matches!(found, Entry::There(inode) if inode.id == *id));
    let link = |path: &str, to: &str| shows(path, &|found| matches!(found, Entry::Link(there) if there == to));
    let files = trees.iter().flat_map(|tree| tree.binds.iter().map(|(path, id)| (path, file(path, id))));
    let links = trees.iter().flat_map(|tree| tree.links.iter().map(|(path, to)| (path, link(path, to))));
    let needed: Vec<_> = files.chain(links).filter(|(path, _)| overlap(target, path)).collect();
    if let Some((path, _)) = needed.iter().find(|(_, same)| !same) {
        return Some(format!("the program needs {path} as it is"));
    }
    match needed.first() {
        Some((path, _)) if mount.writable => return Some(format!("the program needs {path} as it is, and a run could write to it there")),
        Some((path, _)) if !mount.exec => {
            return Some(format!("the program needs {path}, which is executable there only with \"exec\": true"));
        }
        _ => {}
    }
    root.binds.iter().any(|bind| bind.target == target).then(|| "another mount is there".into())
}

/// How much of what the host has at a path a root shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A directory on the way to something that it shows, with nothing else in it.
    OnTheWay,
    /// All of it, or something of the run's own.
    Whole,
}

/// How much of what the host has at an absolute path a root shows.
#[must_use]
pub fn shown(root: &Root, path: &str) -> Shown {
    let path = followed(root, path);
    let binds = root.binds.iter().map(|bind| bind.target.as_str());
    // The devices are in /dev one by one.
    let whole = binds.clone().chain(owned().filter(|own| *own != "/dev"));
    let single = root.files.iter().map(|(file, _)| file.as_str()).chain(root.devices.iter().copied());
    let links = root.links.iter().map(|(link, _)| link.as_str());
    if whole.clone().any(|place| beneath(&path, place)) || single.clone().any(|file| file == path) {
        Shown::Whole
    } else if path == "/" || whole.chain(single).chain(links).chain(["/dev"]).any(|place| beneath(place, &path)) {
        Shown::OnTheWay
    } else {
        Shown::Nothing
    }
}

/// The bind that shows a path, so that nothing of it can be executed, and the path with the root's own links followed.
#[must_use]
pub fn unexecutable<'r>(root: &'r Root, path: &str) -> Option<(&'r Bind, String)> {
    let path = followed(root, path);
    let bind = root.binds.iter().filter(|bind| beneath(&path, &bind.target)).max_by_key(|bind| bind.target.len())?;
    (!bind.exec).then_some((bind, path))
}

/// The path with the root's own links followed, as far as they lead anywhere.
fn followed(root: &Root, path: &str) -> String {
    let mut path = plain(path);
    for _ in 0..8 {
        let followed = root.links.iter().find_map(|(link, target)| Some((link, target, behind(&path, link)?)));
        let Some((link, target, rest)) = followed else { break };
        let base =
            if target.starts_with('/') { String::new() } else { format!("{}/", link.rsplit_once('/').map_or("", |(parent, _)| parent)) };
        path = plain(&format!("{base}{target}{rest}"));
    }
    path
}

/// Without `.`, `..` and empty parts.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Where a device is.
pub(super) fn device(device: Device) -> &'static str {
    match device {
        Device::Null => "/dev/null",
        Device::Zero => "/dev/zero",
        Device::Full => "/dev/full",
        Device::Random => "/dev/random",
        Device::Urandom => "/dev/urandom",
    }
}
