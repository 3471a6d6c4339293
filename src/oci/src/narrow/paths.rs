//! Paths of `/proc` and `/sys` that are covered or read-only: those that the configuration has, and those that no policy shows.

use remand_policy::Policy;
use remand_policy::field::Word;
use remand_policy::policy::Device;
use serde_json::{Map, Value, json};

use super::refused::{Refusals, join};

/// What tells of the host, or of its kernel's memory.
const MASKED: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

const READ_ONLY: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

pub(super) fn narrow(refusals: &mut Refusals, linux: &mut Map<String, Value>, policy: &Policy) {
    // Runtimes make these for every container.
    let devices = Device::WORDS.iter().filter(|(_, device)| *device != Device::Null && !policy.filesystem.devices.contains(device));
    let devices: Vec<_> = devices.map(|(name, _)| format!("/dev/{name}")).collect();
    union(refusals, linux, "maskedPaths", MASKED.iter().copied().chain(devices.iter().map(String::as_str)));
    union(refusals, linux, "readonlyPaths", READ_ONLY.iter().copied());
}

fn union<'p>(refusals: &mut Refusals, linux: &mut Map<String, Value>, key: &str, paths: impl Iterator<Item = &'p str>) {
    let mut all = refusals.list(&join("linux", key), linux.get_mut(key)).to_vec();
    for path in paths.map(|path| json!(path)) {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    linux.insert(key.to_owned(), Value::Array(all));
}
