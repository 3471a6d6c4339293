//! `linux.devices` and the rules of the device cgroup: those that the policy has, and a terminal's.

use remand_policy::Policy;
use remand_policy::field::Word;
use remand_policy::policy::Device;
use serde_json::{Map, Value, json};

use super::refused::{Refusals, join, shown};

/// Number below major 1 of each.
fn minor(device: Device) -> i64 {
    match device {
        Device::Null => 3,
        Device::Zero => 5,
        Device::Full => 7,
        Device::Random => 8,
        Device::Urandom => 9,
    }
}

/// Name, major, minor; no minor: any.
fn allowed(policy: &Policy) -> Vec<(String, i64, Option<i64>)> {
    let own = policy.filesystem.devices.iter().map(|device| (device.word().to_owned(), 1, Some(minor(*device))));
    // The terminal itself, and the multiplexer and the ends of the container's own instance.
    let terminals = [("tty", 5, Some(0)), ("console", 5, Some(1)), ("ptmx", 5, Some(2)), ("pts", 136, None)];
    own.chain(terminals.map(|(name, major, minor)| (name.to_owned(), major, minor))).collect()
}

pub(super) fn narrow(refusals: &mut Refusals, linux: &mut Map<String, Value>, policy: &Policy) {
    let allowed = allowed(policy);
    let names = || allowed.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ");
    for (at, entry) in refusals.list("linux.devices", linux.get_mut("devices")).iter_mut().enumerate() {
        let place = format!("linux.devices[{at}]");
        let Some(entry) = refusals.object(&place, entry, &["path", "type", "major", "minor", "fileMode", "uid", "gid"]) else { continue };
        let path = entry.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
        let fits = |(name, major, minor): &(String, i64, Option<i64>)| {
            path == format!("/dev/{name}") && number(entry, "major") == Some(*major) && number(entry, "minor") == *minor
        };
        if !allowed.iter().any(fits) || entry.get("type").and_then(Value::as_str) != Some("c") {
            refusals.add(join(&place, "path"), shown(&json!(path)), format!("filesystem.devices of policy {}: {}", policy.name, names()));
        }
    }
    let resources = linux.entry("resources").or_insert_with(|| json!({}));
    if resources.is_null() {
        *resources = json!({});
    }
    let Some(resources) = resources.as_object_mut() else { return };
    rules(refusals, resources, &allowed);
}

/// Everything is denied but what was allowed before and may be.
fn rules(refusals: &mut Refusals, resources: &mut Map<String, Value>, allowed: &[(String, i64, Option<i64>)]) {
    let mut kept = vec![json!({ "allow": false, "access": "rwm" })];
    for (at, rule) in refusals.list("linux.resources.devices", resources.get_mut("devices")).iter_mut().enumerate() {
        let place = format!("linux.resources.devices[{at}]");
        let Some(rule) = refusals.object(&place, rule, &["allow", "type", "major", "minor", "access"]) else { continue };
        let fits = |(_, major, minor): &(String, i64, Option<i64>)| {
            number(rule, "major") == Some(*major) && (minor.is_none() || number(rule, "minor") == *minor)
        };
        if rule.get("allow") == Some(&json!(true)) && rule.get("type") == Some(&json!("c")) && allowed.iter().any(fits) {
            kept.push(Value::Object(rule.clone()));
        }
    }
    resources.insert("devices".to_owned(), Value::Array(kept));
}

fn number(of: &Map<String, Value>, key: &str) -> Option<i64> {
    of.get(key).and_then(Value::as_i64)
}
