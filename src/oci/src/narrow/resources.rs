//! `linux.resources`: the lower of each limit.
//!
//! Always holds: a limit of the policy is in the result, or there is none to be had here and the policy lets it be missing.

use remand_policy::policy::Enforce;
use remand_policy::units::Limit;
use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::refused::{Refusals, join, shown};

const KEYS: &[&str] = &["devices", "memory", "cpu", "pids", "hugepageLimits", "blockIO", "network", "rdma", "unified"];
const MEMORY: &[&str] =
    &["limit", "reservation", "swap", "kernel", "kernelTCP", "swappiness", "disableOOMKiller", "useHierarchy", "checkBeforeUpdate"];
const CPU: &[&str] = &["shares", "quota", "burst", "period", "realtimeRuntime", "realtimePeriod", "cpus", "mems", "idle"];
/// Files that say what `memory`, `cpu` and `pids` say; they are written last.
const HELD: &[&str] = &["memory.max", "memory.swap.max", "memory.zswap.max", "pids.max", "cpu.max", "cpu.max.burst"];
/// Period of the processor's quota in microseconds, and its longest and shortest.
const PERIOD: i128 = 100_000;
const PERIODS: std::ops::RangeInclusive<i128> = 1_000..=1_000_000;

pub(super) fn narrow(refusals: &mut Refusals, linux: &mut Map<String, Value>, asked: &Asked<'_>) {
    let resources = linux.entry("resources").or_insert_with(|| json!({}));
    let Some(resources) = refusals.object("linux.resources", resources, KEYS) else { return };
    unified(refusals, resources.get_mut("unified"));
    others(refusals, resources);
    let limits = &asked.policy.limits;
    if !asked.facts.cgroups() {
        let limited = limits.memory != Limit::Unlimited || limits.pids != Limit::Unlimited || limits.cpus != Limit::Unlimited;
        if limited && limits.cgroup == Enforce::Required {
            let most = format!("policy {} says limits.cgroup required; start the engine with cgroups of its own", asked.policy.name);
            refusals.add("linux.resources", "no cgroup holds a container's limits here", most);
        }
        return;
    }
    memory(refusals, section(resources, "memory"), limits.memory.value().map(|bytes| bytes.0), asked.facts.swap());
    cpu(refusals, section(resources, "cpu"), limits.cpus.value().map(|cpus| cpus.0));
    pids(refusals, section(resources, "pids"), limits.pids.value());
    resources.retain(|_, value| value.as_object().is_none_or(|object| !object.is_empty()));
}

/// A part of it, made where it is not there.
fn section<'v>(resources: &'v mut Map<String, Value>, key: &str) -> &'v mut Value {
    let value = resources.entry(key).or_insert_with(|| json!({}));
    if value.is_null() {
        *value = json!({});
    }
    value
}

fn unified(refusals: &mut Refusals, unified: Option<&mut Value>) {
    let Some(unified) = unified.filter(|value| !value.is_null()) else { return };
    let Value::Object(files) = unified else { return refusals.add("linux.resources.unified", shown(unified), "an object stands here") };
    for name in files.keys() {
        if HELD.contains(&name.as_str()) || name.starts_with("cgroup.") || name.contains('/') {
            refusals.add(
                join("linux.resources.unified", name),
                "would be written over the policy's limit",
                "say it in memory, cpu or pids",
            );
        }
    }
}

/// What no policy says anything of: kept, as far as it is known.
fn others(refusals: &mut Refusals, resources: &mut Map<String, Value>) {
    const RATES: [&str; 5] =
        ["weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice"];
    for (at, one) in refusals.list("linux.resources.hugepageLimits", resources.get_mut("hugepageLimits")).iter_mut().enumerate() {
        refusals.object(&format!("linux.resources.hugepageLimits[{at}]"), one, &["pageSize", "limit"]);
    }
    if let Some(network) = resources.get_mut("network").filter(|value| !value.is_null()) {
        refusals.object("linux.resources.network", network, &["classID", "priorities"]);
    }
    let Some(block) = resources.get_mut("blockIO").filter(|value| !value.is_null()) else { return };
    let Some(block) = refusals.object("linux.resources.blockIO", block, &[&["weight", "leafWeight"][..], &RATES].concat()) else { return };
    for key in RATES {
        for (at, one) in refusals.list(&join("linux.resources.blockIO", key), block.get_mut(key)).iter_mut().enumerate() {
            refusals.object(&format!("linux.resources.blockIO.{key}[{at}]"), one, &["major", "minor", "weight", "leafWeight", "rate"]);
        }
    }
}

/// The lower of what is there (none and nothing positive: no limit) and `most`.
fn lower(refusals: &mut Refusals, field: &str, object: &mut Map<String, Value>, key: &str, most: u64) -> u64 {
    let there = refusals.number(&join(field, key), object.get(key)).and_then(|value| u64::try_from(value).ok()).filter(|value| *value > 0);
    let lower = there.map_or(most, |there| there.min(most));
    object.insert(key.to_owned(), json!(lower));
    lower
}

fn memory(refusals: &mut Refusals, memory: &mut Value, most: Option<u64>, swap: bool) {
    const FIELD: &str = "linux.resources.memory";
    let Some(memory) = refusals.object(FIELD, memory, MEMORY) else { return };
    let Some(most) = most else { return };
    let limit = lower(refusals, FIELD, memory, "limit", most);
    // Memory and swap together: the same is no swap.
    memory.remove("swap");
    if swap {
        memory.insert("swap".to_owned(), json!(limit));
    }
    if refusals.number("linux.resources.memory.reservation", memory.get("reservation")).is_some() {
        lower(refusals, FIELD, memory, "reservation", limit);
    }
    if memory.get("disableOOMKiller").is_some_and(|value| !value.is_null()) {
        memory.insert("disableOOMKiller".to_owned(), json!(false));
    }
}

/// `most` in thousandths of a processor.
fn cpu(refusals: &mut Refusals, cpu: &mut Value, most: Option<u32>) {
    const FIELD: &str = "linux.resources.cpu";
    let Some(cpu) = refusals.object(FIELD, cpu, CPU) else { return };
    for key in ["realtimeRuntime", "realtimePeriod"] {
        if refusals.number(&join(FIELD, key), cpu.get(key)).is_some_and(|time| time != 0) {
            refusals.add(join(FIELD, key), "time before the host's own programs", "none");
        }
    }
    let Some(most) = most.map(i128::from) else { return };
    let mut number = |key: &str| refusals.number(&join(FIELD, key), cpu.get(key)).filter(|value| *value > 0);
    let (quota, period) = (number("quota"), number("period").unwrap_or(PERIOD));
    let period = period.clamp(*PERIODS.start(), *PERIODS.end());
    let ours = (period * most / 1000).max(1_000);
    let quota = quota.map_or(ours, |quota| quota.min(ours));
    let written = |value: i128| json!(i64::try_from(value).unwrap_or(i64::MAX));
    cpu.insert("quota".to_owned(), written(quota));
    cpu.insert("period".to_owned(), written(period));
    cpu.remove("burst");
}

fn pids(refusals: &mut Refusals, pids: &mut Value, most: Option<u64>) {
    const FIELD: &str = "linux.resources.pids";
    let Some(pids) = refusals.object(FIELD, pids, &["limit"]) else { return };
    if let Some(most) = most {
        lower(refusals, FIELD, pids, "limit", most);
    }
}
