//! A container's configuration, held to a policy.
//!
//! Always holds: nothing is wider afterwards; what cannot be held is refused with its field, and then nothing of the result is used. The configuration is edited
//! as the value that it is, so that what stands in fields that are not looked at stays. Below `process`, `linux`, `mounts` and `hooks` there are no such fields.

mod annotations;
mod asked;
mod devices;
mod hooks;
mod mounts;
mod namespaces;
mod paths;
mod process;
mod refused;
mod resources;
mod seccomp;
mod sysctl;

use remand_policy::Policy;
use serde_json::{Value, json};

pub use annotations::{Pod, chosen, map as annotations_of};
pub use asked::{Asked, Facts};
pub use refused::Refused;
use refused::{Refusals, join};

const KEYS: &[&str] = &["ociVersion", "process", "root", "hostname", "domainname", "mounts", "hooks", "linux", "annotations"];

const LINUX: &[&str] = &[
    "namespaces",
    "uidMappings",
    "gidMappings",
    "devices",
    "cgroupsPath",
    "resources",
    "rootfsPropagation",
    "seccomp",
    "sysctl",
    "maskedPaths",
    "readonlyPaths",
    "mountLabel",
    "personality",
    "timeOffsets",
];

/// Narrows a `config.json`; `listed` are annotations that are let through besides.
///
/// # Errors
/// All that cannot be held.
pub fn container(config: &mut Value, listed: &[String], asked: &Asked<'_>) -> Result<(), Vec<Refused>> {
    let mut refusals = Refusals::default();
    let annotations = annotations::map(config);
    let pod = Pod::of(&annotations);
    case(&mut refusals, "", config, KEYS);
    let Value::Object(root) = config else {
        refusals.add("config.json", "no object", "a container's configuration is one");
        return refusals.done();
    };
    can_be_held(&mut refusals, asked.policy);
    host_root(&mut refusals, root.get("root"), asked);
    annotations::check(&mut refusals, root.get("annotations"), listed);
    match root.get_mut("process") {
        None | Some(Value::Null) => refusals.add("process", "missing", "without it nothing can be held"),
        Some(process) => process::narrow(&mut refusals, "process", process, pod.is_some(), asked),
    }
    mounts::narrow(&mut refusals, root.get_mut("mounts"), &annotations, asked);
    hooks::check(&mut refusals, root.get_mut("hooks"));
    let linux = root.entry("linux").or_insert_with(|| json!({}));
    if linux.is_null() {
        *linux = json!({});
    }
    if let Some(linux) = refusals.object("linux", linux, LINUX) {
        namespaces::narrow(&mut refusals, linux, pod, asked);
        seccomp::narrow(&mut refusals, linux, asked);
        paths::narrow(&mut refusals, linux, asked.policy);
        devices::narrow(&mut refusals, linux, asked.policy);
        resources::narrow(&mut refusals, linux, asked);
        sysctl::check(&mut refusals, linux);
        namespaces::rest(&mut refusals, linux);
    }
    refusals.done()
}

/// Narrows the file of `exec --process`.
///
/// # Errors
/// All that cannot be held.
pub fn process(process: &mut Value, asked: &Asked<'_>) -> Result<(), Vec<Refused>> {
    let mut refusals = Refusals::default();
    process::narrow(&mut refusals, "", process, false, asked);
    refusals.done()
}

/// What a policy demands and no container can be held to.
fn can_be_held(refusals: &mut Refusals, policy: &Policy) {
    if !policy.filesystem.proc {
        let what = format!("policy {} says filesystem.proc false", policy.name);
        refusals.add("mounts", what, "no runtime starts a container without /proc: say true in a policy for containers");
    }
}

/// The host's own root would show all of it.
fn host_root(refusals: &mut Refusals, root: Option<&Value>, asked: &Asked<'_>) {
    let Some(root) = root.filter(|root| !root.is_null()) else { return };
    case(refusals, "root", root, &["path", "readonly"]);
    if root["path"].as_str().is_none_or(|path| asked.facts.is_the_hosts_root(path)) {
        refusals.add("root.path", "the host's own root, or nothing that can be looked at", "a directory of the container's own");
    }
}

/// Refuses keys that are a known one to a runtime that does not tell cases apart, and not to another.
fn case(refusals: &mut Refusals, field: &str, object: &Value, keys: &[&str]) {
    let all = object.as_object().into_iter().flat_map(serde_json::Map::keys);
    for key in all.filter(|key| keys.iter().any(|known| *known != key.as_str() && folded(known) == folded(key))) {
        refusals.add(join(field, key), "differs from a known field only by upper and lower case", "runtimes do not agree on what it means");
    }
}

/// As runtimes that take keys by whatever case they have, see them: with the two letters that are no ASCII and become such.
fn folded(key: &str) -> String {
    key.chars().flat_map(char::to_lowercase).map(|c| if c == '\u{17f}' { 's' } else { c }).collect()
}

#[cfg(test)]
mod tests;
