//! `linux.namespaces`, and what else of `linux` is about what a container shares with the host.
//!
//! Always holds: what a container shares is its pod's, or nothing; the host's network alone may be shared, outside of pods, where the policy says so.

use remand_policy::policy::NetworkMode;
use remand_policy::text::quote;
use serde_json::{Map, Value, json};

use super::annotations::Pod;
use super::asked::Asked;
use super::refused::{Refusals, join, shown};

/// Those that every container has of its own or of its pod.
const OWN: &[&str] = &["pid", "network", "mount", "ipc", "uts", "cgroup"];
/// Those that a pod shares.
const SHARED: &[&str] = &["pid", "network", "ipc", "uts"];

pub(super) fn narrow(refusals: &mut Refusals, linux: &mut Map<String, Value>, pod: Option<Pod>, asked: &Asked<'_>) {
    let mut kept: Vec<(String, Option<String>)> = Vec::new();
    for (at, entry) in refusals.list("linux.namespaces", linux.get_mut("namespaces")).iter_mut().enumerate() {
        let place = format!("linux.namespaces[{at}]");
        let Some(entry) = refusals.object(&place, entry, &["type", "path"]) else { continue };
        let Some(kind) = refusals.text(&join(&place, "type"), entry.get("type")).map(str::to_owned) else { continue };
        let path = refusals.text(&join(&place, "path"), entry.get("path")).filter(|path| !path.is_empty()).map(str::to_owned);
        if ![OWN, &["user", "time"]].concat().contains(&kind.as_str()) || kept.iter().any(|(other, _)| *other == kind) {
            refusals.add(join(&place, "type"), shown(&json!(kind)), "each kind of namespace that the kernel has, once");
            continue;
        }
        let path = path.and_then(|path| shared(refusals, &place, &kind, path, pod, asked));
        kept.push((kind, path));
    }
    for kind in OWN.iter().filter(|kind| !kept.iter().any(|(other, _)| other == *kind)).collect::<Vec<_>>() {
        missing(refusals, kind, pod, asked, &mut kept);
    }
    let written = kept.iter().map(|(kind, path)| match path {
        Some(path) => json!({ "type": kind, "path": path }),
        None => json!({ "type": kind }),
    });
    linux.insert("namespaces".to_owned(), written.collect());
}

/// The path of a namespace, if it is to be entered; otherwise the container gets one of its own.
fn shared(refusals: &mut Refusals, place: &str, kind: &str, path: String, pod: Option<Pod>, asked: &Asked<'_>) -> Option<String> {
    let network = asked.policy.network.mode;
    let field = join(place, "path");
    if matches!(kind, "user" | "time") || (pod.is_none() && kind == "network" && network == NetworkMode::Host) {
        return Some(path);
    }
    if pod.is_none() || !SHARED.contains(&kind) {
        return None;
    }
    match asked.facts.is_the_hosts(kind, &path) {
        Ok(false) if kind == "network" && network != NetworkMode::Host => {
            let found = format!("{} is the network of its pod", quote(&path));
            refusals.add(
                field,
                found,
                format!("policy {} says network.mode {}, which no container of a pod has", asked.policy.name, word(network)),
            );
        }
        Ok(false) => return Some(path),
        Ok(true) => refusals.add(field, format!("{} is the host's", quote(&path)), "a pod shares its own"),
        Err(why) => refusals.add(field, format!("{} cannot be looked at: {why}", quote(&path)), "a pod shares its own"),
    }
    None
}

/// A kind that is not listed is the host's.
fn missing(refusals: &mut Refusals, kind: &str, pod: Option<Pod>, asked: &Asked<'_>, kept: &mut Vec<(String, Option<String>)>) {
    let host = asked.policy.network.mode == NetworkMode::Host;
    match (kind, pod) {
        ("network", None) if host => {}
        (_, Some(_)) if SHARED.contains(&kind) => {
            refusals.add("linux.namespaces", format!("no {kind} namespace: the host's"), "a pod shares its own");
        }
        _ => kept.push((kind.to_owned(), None)),
    }
}

fn word(mode: NetworkMode) -> &'static str {
    remand_policy::policy::Word::word(mode)
}

/// Propagation of mounts to the host, the place of the cgroup, the execution domain, mappings.
pub(super) fn rest(refusals: &mut Refusals, linux: &mut Map<String, Value>) {
    let propagation = refusals.text("linux.rootfsPropagation", linux.get("rootfsPropagation")).map(str::to_owned);
    match propagation.as_deref() {
        Some("shared" | "rshared") => drop(linux.insert("rootfsPropagation".to_owned(), json!("rslave"))),
        None | Some("" | "private" | "rprivate" | "slave" | "rslave" | "unbindable" | "runbindable") => {}
        Some(other) => refusals.add("linux.rootfsPropagation", quote(other), "private or slave"),
    }
    let group = refusals.text("linux.cgroupsPath", linux.get("cgroupsPath"));
    if let Some(group) = group.filter(|path| path.split('/').any(|part| part == "..")) {
        refusals.add("linux.cgroupsPath", quote(group), "a path without ..");
    }
    if let Some(personality) = linux.get("personality").filter(|value| !value.is_null()) {
        let flags = personality["flags"].as_array().is_some_and(|flags| !flags.is_empty());
        let known = personality.as_object().is_some_and(|all| all.keys().all(|key| key == "domain" || key == "flags"));
        if !known || personality["domain"] != "LINUX" || flags {
            refusals.add("linux.personality", shown(personality), "the domain LINUX without flags");
        }
    }
    for key in ["uidMappings", "gidMappings"] {
        for (at, entry) in refusals.list(&format!("linux.{key}"), linux.get_mut(key)).iter_mut().enumerate() {
            refusals.object(&format!("linux.{key}[{at}]"), entry, &["containerID", "hostID", "size"]);
        }
    }
    if let Some(offsets) = linux.get_mut("timeOffsets").filter(|value| !value.is_null()) {
        refusals.object("linux.timeOffsets", offsets, &["boottime", "monotonic"]);
    }
}
