//! The `mounts` of an OCI container: bind mounts of the host become mounts of the policy, a tmpfs at `/tmp` its size.
//!
//! Always holds: a mount here is at most as open as there (read-only, not executable); what a policy can't mount is in the list.

use std::path::{Component, Path};

use super::json::{Node, Read, named, quoted};
use super::left::{Effect, Ledger};
use super::write::{Document, Line, member};
use serde_json::json;

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

/// Reads them; the size that a tmpfs at `/tmp` has, with its place.
pub(super) fn read(
    node: Option<&Node<'_>>,
    name: &str,
    readonly: bool,
    document: &mut Document,
    left: &mut Ledger,
) -> Read<Option<(u64, String)>> {
    let (mut size, mut tmp, mut proc) = (None, false, None);
    let mut targets: Vec<String> = Vec::new();
    for entry in node.map(Node::elements).transpose()?.unwrap_or_default() {
        let mount = one(&entry, left)?;
        let bind = mount.kind == "bind" || mount.options.iter().any(|option| ["bind", "rbind"].contains(option));
        match (mount.kind, mount.target) {
            _ if bind => {
                if let Err(why) = allowed(&mount, &targets) {
                    left.add(Effect::Refused, &mount.path, format!("{} at {}", quoted(mount.source), quoted(mount.target)), why);
                } else {
                    targets.push(mount.target.to_owned());
                    document.mounts.push(written(&mount, name));
                }
            }
            ("proc", "/proc") => proc = Some(mount.path),
            ("tmpfs", "/tmp") => {
                tmp = true;
                size = option(&mount, "size=").and_then(bytes).map(|size| (size, mount.path));
            }
            ("tmpfs", "/dev" | "/dev/shm" | "/var/tmp") => {
                left.add(Effect::Settled, &mount.path, quoted(mount.target), "every run has one; what is written to it counts as memory");
            }
            (kind, target) => {
                left.add(Effect::Refused, &mount.path, format!("{} at {}", quoted(kind), quoted(target)), "a run has no such mount")
            }
        }
    }
    if readonly && !tmp {
        left.add(Effect::Unheld, "$.mounts", "no writable /tmp", "a run always has one, private and in memory");
    }
    document.proc = Some(match proc {
        Some(path) => member("proc", &json!(true), path),
        None => member("proc", &json!(false), "no /proc in $.mounts"),
    });
    Ok(size)
}

fn one<'a>(node: &Node<'a>, left: &mut Ledger) -> Read<Mount<'a>> {
    let mut mount = Mount { path: node.path.clone(), target: "", kind: "", source: "", options: Vec::new() };
    for (key, value) in node.members()? {
        match key {
            "destination" => mount.target = value.text()?,
            "type" => mount.kind = value.text()?,
            "source" => mount.source = value.text()?,
            "options" => mount.options = value.texts()?,
            _ if value.is_empty() => {}
            _ => left.add(Effect::Unheld, &value.path, value.shown(), "no field of a policy says that"),
        }
    }
    if mount.target.is_empty() { Err(node.wrong("the mount has no destination")) } else { Ok(mount) }
}

/// Why a policy can't have this mount.
fn allowed(mount: &Mount<'_>, earlier: &[String]) -> Result<(), &'static str> {
    const OWN: [&str; 3] = ["/proc", "/sys", "/dev"];
    let within = |path: &str, trees: &[&str]| trees.iter().any(|tree| Path::new(path).starts_with(tree));
    if !spelled(mount.source) || !spelled(mount.target) {
        return Err("a policy names source and target by absolute paths in their only spelling, not the root");
    }
    if within(mount.source, &OWN) {
        return Err("/proc, /sys and /dev are each run's own");
    }
    if within(mount.target, &OWN) || within(mount.target, &["/tmp", "/var/tmp", "/remand"]) {
        return Err("the place is taken in every run");
    }
    if earlier.iter().any(|target| target == mount.target || Path::new(target).starts_with(mount.target)) {
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

fn option<'a>(mount: &Mount<'a>, key: &str) -> Option<&'a str> {
    mount.options.iter().rev().find_map(|option| option.strip_prefix(key))
}

/// A size as tmpfs takes it: bytes, or with k, m, g. One in percent of the machine's memory says nothing here.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (text.get(..at)?, 1 << 10),
        (at, 'm' | 'M') => (text.get(..at)?, 1 << 20),
        (at, 'g' | 'G') => (text.get(..at)?, 1 << 30),
        _ => (text, 1_u64),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|size| *size > 0)
}
