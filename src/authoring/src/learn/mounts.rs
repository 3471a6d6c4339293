//! Files of the host that were looked for and are not in the run's root.
//!
//! Always holds: what is proposed is one file or directory, read-only, that every user of the host may read, and never a place where secrets are usual or
//! a directory that holds everything of a kind. A directory is proposed where it was looked for itself, or where [`SEVERAL`] files of it were.

use std::collections::BTreeMap;

use remand_plan::plan::Root;
use remand_plan::{Shown, shown, unexecutable};
use remand_policy::places::{beneath, inside};
use remand_policy::policy::Mount;
use remand_policy::text::terminal::escape_line;
use serde_json::{Value, json};

use super::{Change, Line, Run, Standing};

/// So many files of one directory are mounted as the directory.
const SEVERAL: usize = 3;
/// What every dynamic loader looks for, and nothing needs.
const LOADER: &[&str] = &["/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/ld.so.nohwcap"];
/// Never shown, with all beneath them.
const NEVER: &[(&str, &str)] = &[
    ("/boot", "kernels and keys of the machine"),
    ("/dev", "devices are given by filesystem.devices"),
    ("/etc/gshadow", "passwords"),
    ("/etc/remand", "what confines runs"),
    ("/etc/shadow", "passwords"),
    ("/etc/ssh", "keys of the machine"),
    ("/etc/ssl/private", "keys of the machine"),
    ("/etc/sudoers", "who may become root"),
    ("/etc/sudoers.d", "who may become root"),
    ("/proc", "other processes; filesystem.proc gives a run its own"),
    ("/run", "sockets and state of the host's services"),
    ("/sys", "devices and the kernel's settings"),
    ("/var/run", "sockets and state of the host's services"),
];
/// Names, anywhere in a path, that stand for keys and passwords.
const SECRET: &[&str] = &[
    ".aws",
    ".azure",
    ".bash_history",
    ".config",
    ".docker",
    ".env",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".local",
    ".mozilla",
    ".netrc",
    ".npmrc",
    ".password-store",
    ".pgpass",
    ".pki",
    ".pypirc",
    ".python_history",
    ".ssh",
    ".vault-token",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "shadow-",
    "gshadow-",
];
/// Endings of key files.
const KEYS: &[&str] = &[".key", ".p12", ".pfx", ".keytab", ".kdbx"];
/// Directories that hold everything of a kind, besides those directly beneath `/`: never whole.
const WHOLE: &[&str] =
    &["/usr/bin", "/usr/lib", "/usr/lib64", "/usr/local", "/usr/sbin", "/usr/share", "/var/lib", "/var/log", "/var/spool", "/var/cache"];

/// Something of the host that a run looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As the run wrote it; absolute.
    pub path: String,
    /// The call that first did.
    pub call: String,
    /// A call asked to write.
    pub writes: bool,
    /// A call asked to list.
    pub lists: bool,
    /// A call asked to execute, or whether it may.
    pub executes: bool,
    /// Its real path on the host: no symlink in any component.
    pub real: String,
    /// A directory; else a regular file.
    pub directory: bool,
    /// Every user of the host may read it; of a directory, all that is in it, and none of it is [`guarded`].
    pub everybody: bool,
    /// The same of the directory that it is in.
    pub beside: bool,
}

/// A line for each file that is not in the root.
pub(super) fn asked(run: &Run<'_>) -> Vec<Line> {
    let root = &run.plan.root;
    let missing: Vec<&File> = run.files.iter().filter(|file| !ignored(root, file)).collect();
    // On the way to something else that is shown, a directory is there; but a listing wants all of it.
    let on_the_way = |file: &File| {
        file.directory && !file.lists && missing.iter().any(|other| other.path != file.path && beneath(&other.path, &file.path))
    };
    let shown = run.files.iter().filter(|file| ignored(root, file));
    let raised = shown.filter_map(|file| raised(run, file));
    missing.iter().filter(|file| !on_the_way(file)).map(|file| line(run, file)).chain(raised).collect()
}

/// A program that is shown on a mount of which nothing is executed: the mount anew if it shows nothing else, else one of its own within.
fn raised(run: &Run<'_>, file: &File) -> Option<Line> {
    let (bind, path) = unexecutable(&run.plan.root, &file.path).filter(|_| file.executes && !file.directory)?;
    let within = file.real.strip_prefix(bind.source.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let target = within.map_or(path, |rest| format!("{}{rest}", bind.target));
    let mut value = mount(&file.real, &target, true);
    if let Some(Mount { writable, optional, reason, .. }) = run.policy.filesystem.mounts.iter().find(|mount| mount.target == target) {
        for (key, kept) in [("writable", *writable), ("optional", *optional)].into_iter().filter(|(_, kept)| *kept) {
            value[key] = json!(kept);
        }
        if let Some(reason) = reason {
            value["reason"] = json!(reason);
        }
    }
    let refused = || refusal(&File { writes: false, ..file.clone() });
    let refused = if bind.writable { Some("what runs may write and execute is for people to decide".to_owned()) } else { refused() };
    Some(Line {
        change: Change::Add { field: "filesystem.mounts", value },
        standing: refused.map_or(Standing::Proposed, |because| Standing::Refused { because }),
        risk: risk(&file.real, false, true),
        needs: vec![run.need(format!("{}({:?}) was refused: its mount lets nothing be executed", file.call, file.path))],
    })
}

fn ignored(root: &Root, file: &File) -> bool {
    let there = match shown(root, &file.path) {
        Shown::Whole => true,
        Shown::OnTheWay => !file.lists,
        Shown::Nothing => false,
    };
    there || LOADER.contains(&file.path.as_str())
}

fn line(run: &Run<'_>, file: &File) -> Line {
    let exec =
        file.executes && !file.directory || file.real.rsplit('/').next().is_some_and(|name| name.ends_with(".so") || name.contains(".so."));
    let target = if normal(&file.path) { &file.path } else { &file.real };
    let standing = match refusal(file) {
        Some(because) => Standing::Refused { because },
        None => Standing::Proposed,
    };
    Line {
        change: Change::Add { field: "filesystem.mounts", value: mount(&file.real, target, exec) },
        standing,
        risk: risk(&file.real, file.directory, exec),
        needs: vec![run.need(format!("{}({:?}) found nothing", file.call, file.path))],
    }
}

fn mount(source: &str, target: &str, exec: bool) -> Value {
    let mut value = json!({ "source": source });
    if target != source {
        value["target"] = json!(target);
    }
    if exec {
        value["exec"] = json!(true);
    }
    value
}

fn risk(source: &str, directory: bool, exec: bool) -> String {
    let source = escape_line(source);
    let what = if directory {
        format!("shows everything in {source}, now and later, read-only")
    } else {
        format!("shows {source} of the host, read-only")
    };
    what + if exec { ", and lets runs execute it" } else { "" }
}

/// Why nobody proposes this one.
fn refusal(file: &File) -> Option<String> {
    let both = [&file.path, &file.real];
    let above = |path: &str| file.directory && !whole(path) && NEVER.iter().any(|(place, _)| beneath(place, path));
    if let Some(because) = both.iter().find_map(|path| guarded(path)) {
        return Some(because);
    }
    if both.iter().any(|path| above(path)) {
        return Some("it holds a place that is never shown".into());
    }
    if file.directory && both.iter().any(|path| whole(path)) {
        return Some("it holds too much to be shown whole; mount what is needed of it".into());
    }
    if file.writes {
        return Some("it was opened for writing, and a writable mount is for people to decide".into());
    }
    let kept = if file.directory {
        "not every user of this host may read all that is in it, or it holds keys, or too much to look at"
    } else {
        "not every user of this host may read it"
    };
    (!file.everybody).then(|| kept.into())
}

/// Why nothing of this path is ever shown, where its name tells.
#[must_use]
pub fn guarded(path: &str) -> Option<String> {
    if let Some((place, what)) = NEVER.iter().find(|(place, _)| beneath(path, place)) {
        return Some(format!("{place} is never shown: {what}"));
    }
    if let Some(name) = SECRET.iter().find(|name| path.split('/').any(|part| part == **name)) {
        return Some(format!("{name} is where keys and passwords are"));
    }
    KEYS.iter().find(|ending| path.ends_with(**ending)).map(|ending| format!("{ending} is a name for keys"))
}

/// Directories of which nothing is shown whole: `/`, what is directly beneath it, homes, and [`WHOLE`].
fn whole(path: &str) -> bool {
    let depth = path.split('/').filter(|part| !part.is_empty()).count();
    depth < 2 || (depth == 2 && inside(path, "/home")) || WHOLE.contains(&path)
}

/// A directory for each that has several of the proposed files.
pub(super) fn directories(lines: &[Line], run: &Run<'_>) -> Vec<Line> {
    let mut within: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.standing == Standing::Proposed) {
        let plain = plain(line).filter(|source| run.files.iter().all(|file| file.real != *source || file.beside && !file.directory));
        if let Some((directory, _)) = plain.and_then(|source| source.rsplit_once('/')) {
            within.entry(directory).or_default().push(line);
        }
    }
    let fits = |directory: &str| {
        let root = &run.plan.root;
        let taken = root
            .binds
            .iter()
            .map(|bind| &bind.target)
            .chain(root.files.iter().map(|(path, _)| path))
            .chain(root.links.iter().map(|(path, _)| path));
        let ours = |path: &str| lines.iter().any(|line| plain(line) == Some(path));
        !whole(directory) && !taken.into_iter().any(|path| beneath(path, directory) && !ours(path))
    };
    let several = within.into_iter().filter(|(directory, lines)| lines.len() >= SEVERAL && fits(directory));
    several
        .map(|(directory, lines)| Line {
            change: Change::Add { field: "filesystem.mounts", value: mount(directory, directory, false) },
            standing: Standing::Proposed,
            risk: risk(directory, true, false),
            needs: vec![run.need(format!("{} files of it were looked for", lines.len()))],
        })
        .collect()
}

/// The source of a proposed mount that shows a place as it is.
fn plain(line: &Line) -> Option<&str> {
    let Change::Add { field: "filesystem.mounts", value } = &line.change else { return None };
    if value.get("target").is_some() || value.get("exec").is_some() { None } else { value.get("source")?.as_str() }
}

/// Where a proposed mount is in the run.
pub(super) fn target(line: &Line) -> Option<&str> {
    place(&line.change).filter(|_| line.standing == Standing::Proposed)
}

/// Where a mount is, if a change adds one.
pub(super) fn place(change: &Change) -> Option<&str> {
    let Change::Add { field: "filesystem.mounts", value } = change else { return None };
    value.get("target").or_else(|| value.get("source"))?.as_str()
}

/// Takes out what a new mount shows besides, with its needs, and the mount that was proposed at the same place.
pub(super) fn absorb(lines: &mut Vec<Line>, line: &mut Line) {
    let Some(at) = place(&line.change).map(str::to_owned) else { return };
    let outer = plain(line).map(str::to_owned);
    lines.retain_mut(|inner| {
        let within = |outer: &String| plain(inner).is_some_and(|path| path != outer && beneath(path, outer));
        let covered = inner.standing == Standing::Proposed && (outer.as_ref().is_some_and(within) || place(&inner.change) == Some(&at));
        if covered {
            line.needs.append(&mut inner.needs);
        }
        !covered
    });
}

fn normal(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !part.is_empty() && part != "." && part != ".."))
}
