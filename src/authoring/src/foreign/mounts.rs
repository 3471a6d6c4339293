//! The `mounts` of an OCI container: bind mounts of the host become mounts of the policy, a tmpfs at `/tmp` its size and number of inodes.
//!
//! Always holds: a mount here is at most as open as there (read-only, not executable); what a policy can't mount is in the list, and so is every option that
//! no policy has.

use std::path::{Component, Path};

use remand_policy::places::{CLOSED_SOURCES, CLOSED_TARGETS, beneath};
use serde_json::json;

use super::json::{Node, Read, named, quoted};
use super::limits::{DEFAULT_TMP, Tmp};
use super::omissions::{Effect, NOWHERE, Omissions};
use super::write::{Document, Line, member};

/// Mounts that a policy file may list.
const ENTRIES: usize = 512;

/// One entry.
struct Mount<'a> {
    path: String,
    target: &'a str,
    kind: &'a str,
    source: &'a str,
    options: Vec<&'a str>,
}

/// Reads them; the bounds of a tmpfs at `/tmp`.
pub(super) fn read(node: Option<&Node<'_>>, name: &str, readonly: bool, document: &mut Document, omissions: &mut Omissions) -> Read<Tmp> {
    let (mut bounds, mut tmp, mut proc) = (Tmp::default(), false, None);
    let mut targets: Vec<String> = Vec::new();
    for entry in node.map(Node::elements).transpose()?.unwrap_or_default() {
        let mount = one(&entry, omissions)?;
        options(&mount, omissions);
        let bind = mount.kind == "bind" || mount.options.iter().any(|option| ["bind", "rbind"].contains(option));
        match (mount.kind, mount.target) {
            _ if bind => {
                if let Err(why) = allowed(&mount, &targets) {
                    omissions.add(Effect::Refused, &mount.path, format!("{} at {}", quoted(mount.source), quoted(mount.target)), why);
                } else {
                    targets.push(mount.target.to_owned());
                    document.mounts.push(written(&mount, name));
                }
            }
            ("proc", "/proc") => proc = Some(mount.path),
            ("tmpfs", "/tmp") => {
                tmp = true;
                bounds = bounded(&mount, omissions);
            }
            ("tmpfs", "/dev") => {
                omissions.add(Effect::Settled, &mount.path, quoted(mount.target), "every run has one, and cannot write to it")
            }
            ("tmpfs", "/dev/shm" | "/var/tmp") => {
                omissions.add(
                    Effect::Settled,
                    &mount.path,
                    quoted(mount.target),
                    "every run has one; what is written to it counts as memory",
                );
                // One tmpfs here with /tmp, by whose bounds it goes.
                let smaller = |bound: &&&str| match bound.split_once('=') {
                    Some(("size" | "nr_blocks", text)) => text.ends_with('%') || bytes(text).is_some_and(|bytes| bytes < DEFAULT_TMP),
                    Some(("nr_inodes", _)) => true,
                    _ => **bound == "ro",
                };
                for bound in mount.options.iter().filter(smaller) {
                    omissions.add(
                        Effect::Unheld,
                        &mount.path,
                        format!("{} of {}", quoted(bound), quoted(mount.target)),
                        "here it is /tmp; see filesystem.tmp",
                    );
                }
            }
            (kind, target) => {
                omissions.add(Effect::Refused, &mount.path, format!("{} at {}", quoted(kind), quoted(target)), "a run has no such mount")
            }
        }
    }
    if readonly && !tmp {
        omissions.add(Effect::Unheld, "$.mounts", "no writable /tmp", "a run always has one, private and in memory");
    }
    document.proc = Some(match proc {
        Some(path) => member("proc", &json!(true), path),
        None => member("proc", &json!(false), "no /proc in $.mounts"),
    });
    Ok(bounds)
}

fn one<'a>(node: &Node<'a>, omissions: &mut Omissions) -> Read<Mount<'a>> {
    let mut mount = Mount { path: node.path.clone(), target: "", kind: "", source: "", options: Vec::new() };
    for (key, value) in node.members()? {
        match key {
            "destination" => mount.target = value.text()?,
            "type" => mount.kind = value.text()?,
            "source" => mount.source = value.text()?,
            "options" => mount.options = value.texts()?,
            _ if value.is_empty() => {}
            _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if mount.target.is_empty() { Err(node.wrong("the mount has no destination")) } else { Ok(mount) }
}

/// Why a policy can't have this mount.
fn allowed(mount: &Mount<'_>, earlier: &[String]) -> Result<(), &'static str> {
    let within = |path: &str, trees: &[&str]| trees.iter().any(|tree| beneath(path, tree));
    if !spelled(mount.source) || !spelled(mount.target) {
        return Err("a policy names source and target by absolute paths in their only spelling, not the root");
    }
    if within(mount.source, CLOSED_SOURCES) {
        return Err("/proc, /sys and /dev are each run's own");
    }
    if within(mount.target, CLOSED_TARGETS) {
        return Err("the place is taken in every run");
    }
    if earlier.iter().any(|target| beneath(target, mount.target)) {
        return Err("covers a mount that is listed before it");
    }
    if earlier.len() >= ENTRIES { Err("a policy has no room for more mounts") } else { Ok(()) }
}

/// An absolute path, other than the root, that is written in no other way, and without control characters.
fn spelled(path: &str) -> bool {
    let parts = Path::new(path).components();
    let mut parts = parts.filter(|part| *part != Component::CurDir);
    let same = parts.clone().collect::<std::path::PathBuf>().as_os_str() == path;
    path.len() > 1
        && path.len() <= 4096
        && path.starts_with('/')
        && same
        && !path.chars().any(char::is_control)
        && !parts.any(|part| part == Component::ParentDir)
}

fn written(mount: &Mount<'_>, name: &str) -> Line {
    let has = |wanted: &[&str]| mount.options.iter().any(|option| wanted.contains(option));
    let writable = !has(&["ro", "rro"]);
    let mut parts = vec![format!("\"source\": {}", json!(mount.source))];
    if mount.target != mount.source {
        parts.push(format!("\"target\": {}", json!(mount.target)));
    }
    parts.push(format!("\"writable\": {writable}"));
    parts.push(format!("\"exec\": {}", !has(&["noexec", "rnoexec"])));
    if writable {
        parts.push(format!("\"reason\": {}", json!(format!("from {}, where it is writable", named(name)))));
    }
    Line { text: format!("{{ {} }}", parts.join(", ")), note: mount.path.clone() }
}

/// What bounds the tmpfs at `/tmp`. What cannot be said is told.
fn bounded(mount: &Mount<'_>, omissions: &mut Omissions) -> Tmp {
    let mut tell =
        |effect, what: &str, why: &str| omissions.add(effect, &mount.path, format!("{} of {}", quoted(what), quoted(mount.target)), why);
    let mut bounds = Tmp::default();
    for (key, read) in [("size=", &mut bounds.size), ("nr_inodes=", &mut bounds.inodes)] {
        let Some(text) = option(mount, key) else { continue };
        *read = bytes(text).map(|bound| (bound, mount.path.clone()));
        match text {
            _ if read.is_some() => {}
            // The kernel's word for no bound.
            "0" => tell(Effect::Refused, &format!("{key}{text}"), "without a bound; here that of the policy that is extended"),
            _ if text.ends_with('%') => {
                tell(Effect::Unheld, &format!("{key}{text}"), "a share of the machine's memory; write a size for filesystem.tmp")
            }
            _ => tell(Effect::Unheld, &format!("{key}{text}"), "no number that a tmpfs takes"),
        }
    }
    if let Some(text) = option(mount, "nr_blocks=") {
        tell(Effect::Unheld, &format!("nr_blocks={text}"), "blocks of the machine's page size; write a size for filesystem.tmp");
    }
    if mount.options.iter().any(|option| ["ro", "rro"].contains(option)) {
        tell(Effect::Unheld, "ro", "a run can always write to /tmp");
    }
    if !mount.options.iter().any(|option| ["noexec", "rnoexec"].contains(option)) {
        tell(Effect::Refused, "exec", "nothing there can be executed; write filesystem.tmp.exec if it is needed");
    }
    bounds
}

/// Tells what no rule here knows. A mount of a run is always nosuid, nodev and private; times of access and rights in a tmpfs are nobody's protection.
fn options(mount: &Mount<'_>, omissions: &mut Omissions) {
    const KNOWN: &str = "bind rbind ro rro rw rrw exec rexec noexec rnoexec nosuid rnosuid nodev rnodev private rprivate slave rslave unbindable runbindable \
        relatime rrelatime noatime rnoatime atime ratime strictatime rstrictatime nodiratime rnodiratime diratime rdiratime sync async defaults newinstance";
    const KEYS: [&str; 9] = ["size=", "nr_inodes=", "nr_blocks=", "mode=", "uid=", "gid=", "ptmxmode=", "huge=", "hidepid="];
    let known = |option: &&&str| KNOWN.split_whitespace().any(|known| known == **option) || KEYS.iter().any(|key| option.starts_with(key));
    // What is not mounted at all is told as a whole.
    if ["bind", "tmpfs", "proc", "none", ""].contains(&mount.kind) {
        for option in mount.options.iter().filter(|option| !known(option)) {
            omissions.add(Effect::Unheld, &mount.path, format!("{} of {}", quoted(option), quoted(mount.target)), NOWHERE);
        }
    }
}

fn option<'a>(mount: &Mount<'a>, key: &str) -> Option<&'a str> {
    mount.options.iter().rev().find_map(|option| option.strip_prefix(key))
}

/// A number as tmpfs takes it: as it is, or with k, m, g. One in percent of the machine's memory says nothing here.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (text.get(..at)?, 1 << 10),
        (at, 'm' | 'M') => (text.get(..at)?, 1 << 20),
        (at, 'g' | 'G') => (text.get(..at)?, 1 << 30),
        _ => (text, 1_u64),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|size| *size > 0)
}
