//! `process`, of a container and of `exec`: no capability, none to be gained, and the lower of each limit.

use remand_policy::units::{Limit, Span};
use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::refused::{Refusals, join, shown};

const KEYS: &[&str] = &[
    "terminal",
    "consoleSize",
    "user",
    "args",
    "commandLine",
    "env",
    "cwd",
    "capabilities",
    "rlimits",
    "noNewPrivileges",
    "apparmorProfile",
    "oomScoreAdj",
    "scheduler",
    "selinuxLabel",
    "ioPriority",
    "execCPUAffinity",
];

const SETS: &[&str] = &["bounding", "effective", "inheritable", "permitted", "ambient"];

const LIMITS: &[&str] = &[
    "RLIMIT_AS",
    "RLIMIT_CORE",
    "RLIMIT_CPU",
    "RLIMIT_DATA",
    "RLIMIT_FSIZE",
    "RLIMIT_LOCKS",
    "RLIMIT_MEMLOCK",
    "RLIMIT_MSGQUEUE",
    "RLIMIT_NICE",
    "RLIMIT_NOFILE",
    "RLIMIT_NPROC",
    "RLIMIT_RSS",
    "RLIMIT_RTPRIO",
    "RLIMIT_RTTIME",
    "RLIMIT_SIGPENDING",
    "RLIMIT_STACK",
];

pub(super) fn narrow(refusals: &mut Refusals, field: &str, process: &mut Value, pod: bool, asked: &Asked<'_>) {
    let Some(process) = refusals.object(field, process, KEYS) else { return };
    process.insert("noNewPrivileges".to_owned(), json!(true));
    if let Some(capabilities) = process.get_mut("capabilities").filter(|sets| !sets.is_null()) {
        refusals.object(&join(field, "capabilities"), capabilities, SETS);
    }
    let none: Map<_, _> = SETS.iter().map(|set| ((*set).to_owned(), json!([]))).collect();
    process.insert("capabilities".to_owned(), Value::Object(none));
    if let Some(user) = process.get_mut("user").filter(|user| !user.is_null()) {
        refusals.object(&join(field, "user"), user, &["uid", "gid", "umask", "additionalGids", "username"]);
    }
    if let Some(size) = process.get_mut("consoleSize").filter(|size| !size.is_null()) {
        refusals.object(&join(field, "consoleSize"), size, &["height", "width"]);
    }
    limits(refusals, &join(field, "rlimits"), process, asked);
    // The kernel is to end a container before the host's own programs. A pod's comes from its class of service.
    let adjusted = refusals.number(&join(field, "oomScoreAdj"), process.get("oomScoreAdj"));
    if !pod && adjusted.is_some_and(|score| score < 0) {
        process.insert("oomScoreAdj".to_owned(), json!(0));
    }
    priorities(refusals, field, process);
}

/// Priorities before the host's own programs.
fn priorities(refusals: &mut Refusals, field: &str, process: &Map<String, Value>) {
    const USUAL: &str = "the usual classes only: SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, and no nice value below 0";
    if let Some(scheduler) = process.get("scheduler").filter(|scheduler| !scheduler.is_null()) {
        let usual = matches!(scheduler["policy"].as_str(), Some("SCHED_OTHER" | "SCHED_BATCH" | "SCHED_IDLE"));
        let known = scheduler.as_object().is_some_and(|all| all.keys().all(|key| key == "policy" || key == "nice"));
        if !usual || !known || scheduler["nice"].as_i64().unwrap_or(0) < 0 {
            refusals.add(join(field, "scheduler"), shown(scheduler), USUAL);
        }
    }
    let io = process.get("ioPriority").filter(|io| !io.is_null());
    if let Some(io) = io.filter(|io| !matches!(io["class"].as_str(), Some("IOPRIO_CLASS_BE" | "IOPRIO_CLASS_IDLE"))) {
        refusals.add(join(field, "ioPriority"), shown(io), "IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE");
    }
    if let Some(affinity) = process.get("execCPUAffinity").filter(|affinity| !affinity.is_null()) {
        refusals.add(join(field, "execCPUAffinity"), shown(affinity), "a process runs where its container may");
    }
}

/// What the policy says of each process, soft and hard alike.
fn of_policy(asked: &Asked<'_>) -> Vec<(&'static str, u64)> {
    let limits = &asked.policy.limits;
    let whole = |span: Span| span.0.div_ceil(1_000_000).saturating_add(1);
    let at = |name, value: Option<u64>| value.map(|value| (name, value));
    let pids = if let (false, Limit::At(pids)) = (asked.facts.cgroups(), limits.pids) { Some(pids) } else { None };
    [
        at("RLIMIT_CPU", limits.cpu_time.value().map(whole)),
        at("RLIMIT_FSIZE", limits.file_size.value().map(|bytes| bytes.0)),
        at("RLIMIT_NPROC", pids),
        at("RLIMIT_STACK", Some(limits.stack.0)),
        at("RLIMIT_NOFILE", Some(limits.open_files)),
        at("RLIMIT_MEMLOCK", Some(64 << 10)),
        at("RLIMIT_SIGPENDING", Some(256)),
        at("RLIMIT_MSGQUEUE", Some(0)),
        at("RLIMIT_NICE", Some(0)),
        at("RLIMIT_RTPRIO", Some(0)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn limits(refusals: &mut Refusals, field: &str, process: &mut Map<String, Value>, asked: &Asked<'_>) {
    let ours = of_policy(asked);
    let mut all: Vec<(String, u64, u64)> = Vec::new();
    for (at, entry) in refusals.list(field, process.get_mut("rlimits")).iter_mut().enumerate() {
        let place = format!("{field}[{at}]");
        let Some(entry) = refusals.object(&place, entry, &["type", "soft", "hard"]) else { continue };
        let Some(name) = refusals.text(&join(&place, "type"), entry.get("type")).map(str::to_owned) else { continue };
        if !LIMITS.contains(&name.as_str()) || all.iter().any(|(other, ..)| *other == name) {
            refusals.add(join(&place, "type"), shown(&json!(name)), "each limit that the kernel has, once");
            continue;
        }
        // Signed where an engine writes -1 for no limit.
        let mut number =
            |key| refusals.number(&join(&place, key), entry.get(key)).map_or(0, |value| u64::try_from(value).unwrap_or(u64::MAX));
        let (soft, hard) = (number("soft"), number("hard"));
        let most = ours.iter().find(|(limit, _)| *limit == name).map_or(u64::MAX, |(_, most)| *most);
        all.push((name, soft.min(most), hard.min(most)));
    }
    for (name, most) in ours {
        if !all.iter().any(|(other, ..)| other == name) {
            let most = asked.facts.most(name).map_or(most, |here| most.min(here));
            all.push((name.to_owned(), most, most));
        }
    }
    // 1 is the kernel's word for "no dump, not even to a pipe"; 0 stops only files.
    all.retain(|(name, ..)| name != "RLIMIT_CORE");
    let core = asked.facts.most("RLIMIT_CORE").map_or(1, |here| here.min(1));
    all.push(("RLIMIT_CORE".to_owned(), core, core));
    let written = all.iter().map(|(name, soft, hard)| json!({ "type": name, "hard": hard, "soft": soft }));
    process.insert("rlimits".to_owned(), written.collect());
}
