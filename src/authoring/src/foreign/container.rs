//! An OCI container's `config.json`: limits, environment, namespaces and paths, and the seccomp profile in it.
//!
//! Always holds: a limit here is at most the one there, or the list says that it is not; a key that no rule here knows is in the list.

use remand_policy::places::{WORKSPACE, inside};
use remand_policy::policy::{Device, Word};
use serde_json::json;

use super::json::{Node, Read, quoted};
use super::limits::{self, Limits, resources, rlimits};
use super::omissions::{Effect, NOWHERE, Omissions};
use super::write::{Document, Line, member};
use super::{mounts, seccomp};

/// What every run has whatever the policy, so that it is no matter of one.
const ALWAYS: &str = "every run has that, or what amounts to it";

/// Reads the whole configuration.
pub(super) fn read(root: &Node<'_>, name: &str, document: &mut Document, omissions: &mut Omissions) -> Read<()> {
    let mut limits = Limits::default();
    let (mut mounts, mut readonly, mut network) = (None, false, false);
    for (key, value) in root.members()? {
        match key {
            "ociVersion" | "annotations" => {}
            "hostname" | "domainname" => omissions.add(Effect::Settled, &value.path, value.shown(), "each run has a host name of its own"),
            "process" => process(&value, &mut limits, document, omissions)?,
            "linux" => network = linux(&value, name, &mut limits, document, omissions)?,
            "mounts" => mounts = Some(value),
            "root" => readonly = root_section(&value, omissions)?,
            _ if value.is_empty() => {}
            _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if network {
        omissions.add(
            Effect::Refused,
            "$.linux.namespaces",
            "no network namespace of its own, so the host's",
            "here none; write network.mode \"host\" if it is needed",
        );
    }
    let tmp = mounts::read(mounts.as_ref(), name, readonly, document, omissions)?;
    limits::write(limits, tmp, document, omissions);
    Ok(())
}

fn root_section(node: &Node<'_>, omissions: &mut Omissions) -> Read<bool> {
    let mut readonly = false;
    for (key, value) in node.members()? {
        match key {
            "path" => omissions.add(
                Effect::Refused,
                &value.path,
                quoted(value.text()?),
                "a run's root holds its interpreter and the policy's mounts, and no image",
            ),
            "readonly" => readonly = value.boolean()?,
            _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if !readonly {
        omissions.add(Effect::Refused, &format!("{}.readonly", node.path), "false", "a run's root is read-only; it writes to /tmp");
    }
    Ok(readonly)
}

fn process(node: &Node<'_>, limits: &mut Limits, document: &mut Document, omissions: &mut Omissions) -> Read<()> {
    let mut privileges = false;
    for (key, value) in node.members()? {
        match key {
            // What is run; not what it may do.
            "args" | "commandLine" | "terminal" | "consoleSize" => {}
            "cwd" if value.text()? == WORKSPACE => {}
            "cwd" => omissions.add(Effect::Refused, &value.path, quoted(value.text()?), "a run begins in /workspace"),
            "user" => omissions.add(Effect::Settled, &value.path, "user", "a run's ids are its own: remand chooses them"),
            "noNewPrivileges" => privileges = value.boolean()?,
            "capabilities" => capabilities(&value, omissions)?,
            "env" => environment(&value, document, omissions)?,
            "rlimits" => rlimits(&value, limits, omissions)?,
            _ if value.is_empty() => {}
            _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if !privileges {
        omissions.add(
            Effect::Refused,
            &format!("{}.noNewPrivileges", node.path),
            "false",
            "a run never gains privileges by executing a file",
        );
    }
    Ok(())
}

fn capabilities(node: &Node<'_>, omissions: &mut Omissions) -> Read<()> {
    let mut all: Vec<&str> = Vec::new();
    for (_, set) in node.members()? {
        all.extend(set.texts()?);
    }
    all.sort_unstable();
    all.dedup();
    if !all.is_empty() {
        let shown: Vec<_> = all.iter().take(8).map(|name| quoted(name)).collect();
        let more = if all.len() > 8 { format!(" and {} more", all.len() - 8) } else { String::new() };
        omissions.add(Effect::Refused, &node.path, format!("{}{more}", shown.join(", ")), "a run has no capability");
    }
    Ok(())
}

fn environment(node: &Node<'_>, document: &mut Document, omissions: &mut Omissions) -> Read<()> {
    for entry in node.elements()? {
        let text = entry.text()?;
        let Some((name, value)) = text.split_once('=') else { return Err(entry.wrong(format!("{} is no NAME=VALUE", quoted(text)))) };
        let word = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !word || value.contains('\0') || name.len() + value.len() + 2 > 131_072 {
            omissions.add(
                Effect::Refused,
                &entry.path,
                quoted(name),
                "its name has more than letters, digits and _, or its value is not one that a policy can write",
            );
            continue;
        }
        let key = format!("{}:", json!(name));
        // The last one counts, as it does for most programs.
        document.environment.retain(|line: &Line| !line.text.starts_with(&key));
        document.environment.push(member(name, &json!(value), entry.path));
    }
    Ok(())
}

/// The `linux` section; whether the container has the host's network.
fn linux(node: &Node<'_>, name: &str, limits: &mut Limits, document: &mut Document, omissions: &mut Omissions) -> Read<bool> {
    let (mut network, mut filtered) = (true, false);
    for (key, value) in node.members()? {
        match key {
            "seccomp" if !value.is_empty() => {
                filtered = true;
                seccomp::read(&value, false, name, document, omissions)?;
            }
            "resources" => resources(&value, limits, omissions)?,
            "namespaces" => network = namespaces(&value, omissions)?,
            "maskedPaths" | "readonlyPaths" => paths(&value, omissions)?,
            "devices" => devices(&value, omissions)?,
            "uidMappings" | "gidMappings" => {
                omissions.add(Effect::Settled, &value.path, value.shown(), "a run's ids are its own: remand chooses them")
            }
            "cgroupsPath" => omissions.add(Effect::Settled, &value.path, value.shown(), "each run has a cgroup of its own"),
            "rootfsPropagation" => match value.text()? {
                "private" | "rprivate" | "slave" | "rslave" | "unbindable" | "runbindable" => {
                    omissions.add(Effect::Settled, &value.path, value.shown(), ALWAYS)
                }
                other => omissions.add(Effect::Refused, &value.path, quoted(other), "a run's mounts reach nobody else"),
            },
            _ if value.is_empty() => {}
            _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
        }
    }
    if !filtered {
        omissions.add(
            Effect::Refused,
            &format!("{}.seccomp", node.path),
            "no seccomp profile",
            "every call is allowed there; here those of the policy that is extended",
        );
    }
    Ok(network)
}

/// Every run has every namespace to itself. Whether the container has the host's network.
fn namespaces(node: &Node<'_>, omissions: &mut Omissions) -> Read<bool> {
    let mut host = true;
    let mut kinds = Vec::new();
    for entry in node.elements()? {
        let (mut kind, mut path) = (None, None);
        for (key, value) in entry.members()? {
            match key {
                "type" => kind = Some(value.text()?),
                "path" => path = Some(value.text()?).filter(|path| !path.is_empty()),
                _ => omissions.add(Effect::Unheld, &value.path, value.shown(), NOWHERE),
            }
        }
        let kind = kind.ok_or_else(|| entry.wrong("the namespace has no type"))?;
        if let Some(path) = path {
            omissions.add(
                Effect::Refused,
                &entry.path,
                format!("{} at {}", quoted(kind), quoted(path)),
                "no run enters a namespace that is there already",
            );
        } else if kind == "network" {
            omissions.add(
                Effect::Refused,
                &entry.path,
                "a network namespace, which runtimes give a loopback",
                "here an empty one; write network.mode \"loopback\" if it is needed",
            );
        } else if kind == "time" {
            omissions.add(Effect::Unheld, &entry.path, "a time namespace", NOWHERE);
        }
        host &= kind != "network";
        kinds.push(kind);
    }
    for kind in ["pid", "ipc", "uts", "mount"] {
        if !kinds.contains(&kind) {
            omissions.add(Effect::Refused, &node.path, format!("no {kind} namespace, so the host's"), "a run has its own");
        }
    }
    Ok(host)
}

fn paths(node: &Node<'_>, omissions: &mut Omissions) -> Read<()> {
    let paths = node.texts()?;
    let (own, other): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| ["/proc", "/sys"].iter().any(|tree| inside(path, tree)));
    if !own.is_empty() {
        let what = format!("{} paths in /proc and /sys", own.len());
        omissions.add(Effect::Settled, &node.path, what, "a run has no /sys, and a /proc of its own processes only");
    }
    for path in other {
        omissions.add(Effect::Unheld, &node.path, quoted(path), "below a mount it stays as it is; elsewhere a run does not have it");
    }
    Ok(())
}

fn devices(node: &Node<'_>, omissions: &mut Omissions) -> Read<()> {
    for entry in node.elements()? {
        for (key, value) in entry.members()? {
            let known = |path: &str| Device::WORDS.iter().any(|(word, _)| path.strip_prefix("/dev/") == Some(word));
            if key == "path" && !known(value.text()?) {
                omissions.add(
                    Effect::Refused,
                    &entry.path,
                    value.shown(),
                    "a run has null, zero, full, random and urandom, and no other device",
                );
            }
        }
    }
    Ok(())
}
