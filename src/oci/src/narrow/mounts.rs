//! `mounts`: what engines make for every container, and of the host what the policy shows.
//!
//! Always holds: a directory of the host is there only where `filesystem.mounts` of the policy has it, or where an engine keeps it for this container; nothing but
//! the container's own `/dev` can have devices; `/proc` and `/sys` stand only where their paths are covered.

use std::collections::BTreeMap;

use remand_policy::places::beneath;
use remand_policy::policy::Mount;
use remand_policy::text::quote;
use serde_json::{Map, Value, json};

use super::annotations::Pod;
use super::asked::Asked;
use super::refused::{Refusals, join};

/// Files that engines make for a container: where they stand in it, and their name on the host.
const OF_ENGINES: &[(&str, &str)] = &[
    ("/etc/resolv.conf", "resolv.conf"),
    ("/etc/hosts", "hosts"),
    ("/etc/hostname", "hostname"),
    ("/dev/shm", "shm"),
    ("/run/.containerenv", ".containerenv"),
    ("/run/secrets", "secrets"),
];
/// Programs that engines give a container as its first.
const INITS: &[(&str, &str)] = &[
    ("/sbin/docker-init", "docker-init"),
    ("/sbin/docker-init", "tini"),
    ("/dev/init", "catatonit"),
    ("/run/podman-init", "catatonit"),
    ("/catatonit", "catatonit"),
];

/// Options of every kind of mount that do not widen it, and those that do and are taken out.
const PLAIN: &[&str] = &[
    "bind",
    "rbind",
    "ro",
    "rro",
    "nosuid",
    "nodev",
    "noexec",
    "nosymfollow",
    "sync",
    "async",
    "dirsync",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
    "lazytime",
    "nolazytime",
    "silent",
    "loud",
    "defaults",
    "private",
    "rprivate",
    "slave",
    "rslave",
    "unbindable",
    "runbindable",
];
const WIDE: &[&str] = &["rw", "rrw", "suid", "dev", "exec", "shared", "rshared"];

/// Options of one kind of file system, by how they begin.
fn options_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "tmpfs" => &["size=", "nr_inodes=", "nr_blocks=", "mode=", "uid=", "gid=", "tmpcopyup", "copyup", "notmpcopyup"],
        "devpts" => &["newinstance", "ptmxmode=", "mode=", "gid=", "uid=", "max="],
        "proc" => &["hidepid=", "subset=pid"],
        _ => &[],
    }
}

pub(super) fn narrow(refusals: &mut Refusals, mounts: Option<&mut Value>, annotations: &BTreeMap<String, String>, asked: &Asked<'_>) {
    for (at, entry) in refusals.list("mounts", mounts).iter_mut().enumerate() {
        let place = format!("mounts[{at}]");
        if let Some(mount) = refusals.object(&place, entry, &["destination", "type", "source", "options"]) {
            one(refusals, &place, mount, annotations, asked);
        }
    }
}

fn one(refusals: &mut Refusals, place: &str, mount: &mut Map<String, Value>, annotations: &BTreeMap<String, String>, asked: &Asked<'_>) {
    let text = |refusals: &mut Refusals, key| refusals.text(&join(place, key), mount.get(key)).unwrap_or_default().to_owned();
    let (kind, source) = (text(refusals, "type"), text(refusals, "source"));
    let target = text(refusals, "destination");
    let Some(target) = plain(&target) else {
        return refusals.add(join(place, "destination"), quote(&target), "an absolute path without ..");
    };
    let Some(mut options) = words(refusals, place, mount) else { return };
    if !may_stand(&kind, &target) {
        return refusals.add(
            place,
            format!("{} at {}", quote(&kind), quote(&target)),
            "/proc and /sys hold nothing but their own, which runtimes rely on",
        );
    }
    let bind = kind == "bind" || options.iter().any(|option| option == "bind" || option == "rbind");
    let known = if bind { &[][..] } else { options_of(&kind) };
    for option in &options {
        let plain = PLAIN.contains(&option.as_str()) || WIDE.contains(&option.as_str());
        if !plain && !known.iter().any(|start| option == start || (start.ends_with('=') && option.starts_with(start))) {
            refusals.add(join(place, "options"), quote(option), "options that remand oci knows not to widen a mount");
        }
    }
    let held = if bind {
        let source = source_of(&source, &target, annotations, asked);
        source.map(|(source, limits)| {
            mount.insert("source".to_owned(), json!(source));
            limits
        })
    } else {
        made(refusals, place, &kind, &target, &mut options, asked)
    };
    match held {
        Err((found, most)) => refusals.add(place, found, most),
        Ok(limits) => mount.insert("options".to_owned(), json!(limited(&options, limits))).map_or((), drop),
    }
}

/// Whether a mount does not cover what runtimes and the covered paths rely on.
fn may_stand(kind: &str, target: &str) -> bool {
    if beneath(target, "/proc") {
        return (kind, target) == ("proc", "/proc");
    }
    let group = matches!(kind, "cgroup" | "cgroup2" | "tmpfs") && beneath(target, "/sys/fs/cgroup");
    !beneath(target, "/sys") || group || (kind, target) == ("sysfs", "/sys")
}

/// What a mount must not have.
#[derive(Clone, Copy)]
struct Limits {
    read_only: bool,
    no_devices: bool,
    no_exec: bool,
    /// What lies below it on the host stays out.
    alone: bool,
}

/// A mount of the host's file system: its place without links, and what it must not have.
fn source_of(
    source: &str,
    target: &str,
    annotations: &BTreeMap<String, String>,
    asked: &Asked<'_>,
) -> Result<(String, Limits), (String, String)> {
    let policy = asked.policy;
    let shown = format!("{} at {}", quote(source), quote(target));
    let shows = policy.filesystem.mounts.iter().map(|mount| mount.source.as_str()).collect::<Vec<_>>().join(", ");
    let shows = if shows.is_empty() { "no path of the host".to_owned() } else { shows };
    let refused = |why: &str| Err((format!("{shown}{why}"), format!("filesystem.mounts of policy {}: {shows}", policy.name)));
    let real = match asked.facts.leads_to(source) {
        Ok(real) => real,
        Err(why) => return refused(&format!(" cannot be looked at: {why}")),
    };
    if let Some(no_exec) = of_the_engine(&real, target, annotations, asked.id) {
        return Ok((real, Limits { read_only: !no_exec, no_devices: true, no_exec, alone: false }));
    }
    if let Some(own) = annotations.get("io.kubernetes.cri.sandbox-uid").filter(|id| is_id(id))
        && real.starts_with(&format!("/var/lib/kubelet/pods/{own}/"))
    {
        return Ok((real, Limits { read_only: false, no_devices: true, no_exec: false, alone: false }));
    }
    // Below what a container can write, it can put a link in the place of a directory between now and the mount.
    let shows = |mount: &&Mount| if mount.writable { real == mount.source } else { beneath(&real, &mount.source) };
    match policy.filesystem.mounts.iter().filter(shows).max_by_key(|mount| mount.source.len()) {
        Some(mount) => Ok((real, Limits { read_only: !mount.writable, no_devices: true, no_exec: !mount.exec, alone: true })),
        None => refused(""),
    }
}

/// Whether an engine keeps this for the container itself or its pod; and whether nothing of it is to be executed.
fn of_the_engine(real: &str, target: &str, annotations: &BTreeMap<String, String>, id: &str) -> Option<bool> {
    let name = real.rsplit('/').next()?;
    if INITS.contains(&(target, name)) && beneath(real, "/usr") {
        return Some(false);
    }
    if !OF_ENGINES.contains(&(target, name)) {
        return None;
    }
    let pod = Pod::of(annotations).is_some();
    real.split('/').any(|part| is_id(part) && (pod || part == id)).then_some(true)
}

/// As engines make names that nobody can know beforehand.
fn is_id(part: &str) -> bool {
    part.len() >= 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// A file system that is made for the container.
fn made(
    refusals: &mut Refusals,
    place: &str,
    kind: &str,
    target: &str,
    options: &mut Vec<String>,
    asked: &Asked<'_>,
) -> Result<Limits, (String, String)> {
    let limits = |read_only, no_devices, no_exec| Ok(Limits { read_only, no_devices, no_exec, alone: false });
    match (kind, target) {
        ("proc", "/proc") | ("mqueue", _) => limits(false, true, true),
        ("sysfs", "/sys") | ("cgroup" | "cgroup2", _) => limits(true, true, true),
        ("devpts", "/dev/pts") => limits(false, false, true),
        ("tmpfs", _) => {
            let tmp = &asked.policy.filesystem.tmp;
            most(refusals, place, options, "size=", tmp.size.0);
            most(refusals, place, options, "nr_inodes=", tmp.inodes);
            options.retain(|option| !option.starts_with("nr_blocks="));
            // Devices are made in the container's own.
            limits(false, target != "/dev", !tmp.exec)
        }
        ("proc" | "sysfs" | "devpts", _) => {
            Err((format!("{kind} at {}", quote(target)), "it stands where its paths are covered: /proc, /sys, /dev/pts".to_owned()))
        }
        _ => Err((
            format!("a file system of type {}", quote(kind)),
            "proc, sysfs, tmpfs, devpts, mqueue, cgroup, and what the policy mounts".to_owned(),
        )),
    }
}

/// Lowers a number among the options, or adds it.
fn most(refusals: &mut Refusals, place: &str, options: &mut Vec<String>, key: &str, most: u64) {
    let mut lowest = most;
    for value in options.iter().filter_map(|option| option.strip_prefix(key)) {
        match amount(value) {
            Some(0) => {}
            Some(amount) => lowest = lowest.min(amount),
            None => refusals.add(join(place, "options"), quote(&format!("{key}{value}")), "a number with k, m or g"),
        }
    }
    let at = options.iter().position(|option| option.starts_with(key)).unwrap_or(options.len());
    options.retain(|option| !option.starts_with(key));
    options.insert(at.min(options.len()), format!("{key}{lowest}"));
}

fn amount(text: &str) -> Option<u64> {
    let unit = |last: u8| {
        [(b'k', 10), (b'm', 20), (b'g', 30)].iter().find(|(unit, _)| *unit == last.to_ascii_lowercase()).map(|(_, shift)| *shift)
    };
    let (digits, shift) = match text.as_bytes().split_last() {
        Some((last, rest)) if unit(*last).is_some() => (std::str::from_utf8(rest).ok()?, unit(*last)?),
        _ => (text, 0),
    };
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()?.checked_mul(1 << shift))?
}

/// The options, with what the mount must not have taken out and forbidden.
fn limited(options: &[String], limits: Limits) -> Vec<String> {
    let mut without = vec!["suid", "shared", "rshared"];
    let mut with = vec!["nosuid"];
    for (needed, wide, narrow) in [
        (limits.read_only, &["rw", "rrw"][..], "ro"),
        (limits.no_devices, &["dev"], "nodev"),
        (limits.no_exec, &["exec"], "noexec"),
        (limits.alone, &["rbind"], "bind"),
    ] {
        if needed {
            without.extend(wide);
            with.push(narrow);
        }
    }
    let mut kept: Vec<String> = options.iter().filter(|option| !without.contains(&option.as_str())).cloned().collect();
    for word in with {
        if !kept.iter().any(|option| option == word) {
            kept.push(word.to_owned());
        }
    }
    kept
}

fn words(refusals: &mut Refusals, place: &str, mount: &mut Map<String, Value>) -> Option<Vec<String>> {
    let field = join(place, "options");
    let list = refusals.list(&field, mount.get_mut("options"));
    let words: Option<Vec<_>> = list.iter().map(|option| option.as_str().filter(|word| !word.contains(',')).map(str::to_owned)).collect();
    if words.is_none() {
        refusals.add(field, "an option that is no text, or more than one", "one word each");
    }
    words
}

/// An absolute path as its components say; `None`: it is none, or goes back.
fn plain(path: &str) -> Option<String> {
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (path.starts_with('/') && !parts.contains(&"..")).then(|| format!("/{}", parts.join("/")))
}
