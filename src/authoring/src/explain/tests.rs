#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use remand_plan::plan::{Plan, Program};
use remand_plan::{HostFacts, resolve};
use remand_policy::load::{Chain, Loaded, trace};
use remand_policy::source::Source;
use remand_policy::{Policy, shipped};
use serde_json::Value;

use super::text;
use crate::fixtures::{full, python, rootless};

fn load(file: &str, text: &str) -> Option<Loaded> {
    let source = Source { file: file.into(), text: text.as_bytes().to_vec().into() };
    trace(&Chain::shipped(&source), "p").ok()
}

fn plan(policy: &Policy, host: &HostFacts) -> Result<Plan, String> {
    resolve(policy, &Program::Python(&python()), host, &remand_plan::files::Unseen)
        .map_err(|lacks| lacks.iter().map(ToString::to_string).collect())
}

fn explained(loaded: &Loaded, host: &HostFacts) -> String {
    let plan = plan(&loaded.policy, host);
    text(&loaded.policy, loaded, plan.as_ref().map_err(String::as_str))
}

fn shipped_on(name: &str, host: &HostFacts) -> String {
    let source = shipped::source(name).unwrap();
    explained(&trace(&Chain::shipped(&source), name).unwrap(), host)
}

/// The text without its line breaks.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says(text: &str, facts: &[&str]) {
    let flat = flat(text);
    for fact in facts {
        assert!(flat.contains(fact), "{fact}\n{text}");
    }
}

#[test]
fn one_small_policy() {
    let loaded = load(
        "small.jsonc",
        "{\n\"version\": 1,\n\"description\": \"Small\",\n\"limits\": {\"memory\": \"65MiB\"},\n\
         \"syscalls\": {\"allow\": [\"@io\",\n{\"call\": \"ioctl\", \"when\": [{\"arg\": 1, \"equals\": \"0x5412\"}], \"reason\": \"tty\"}]}\n}",
    );
    let text = explained(&loaded.unwrap(), &full());
    assert_eq!(text, include_str!("small.txt"), "{text}");
}

#[test]
fn shipped_policies_say_what_the_kernel_does() {
    let default = shipped_on("default", &full());
    says(
        &default,
        &[
            "(cgroup v2 memory.max; optional). [built-in default:",
            "No swap (cgroup v2 memory.swap.max; optional).",
            "/usr/lib/python3.11",
            "(Landlock ABI 7; required)",
            "No network, not even a loopback",
            "@exec: start processes",
            "Why: threading and concurrent.futures. [built-in default:",
            "namespaces.own_uid is optional",
            "every protection that the policy asks for rests on the real thing",
            "A bug in the kernel behind a granted call.",
            "The variable HOME=\"/tmp\". [built-in default:",
        ],
    );
    let user = shipped_on("default", &rootless());
    says(
        &user,
        &[
            "256MiB - HERE BY A SUBSTITUTE (resident and ",
            "Refused here besides, since no memory cgroup counts what they make: memfd_create, shmget.",
            "Here, memory has only a substitute, since no delegation",
            "no group of the caller's - NOT ENFORCED HERE",
        ],
    );
    let facts = ["Ends the run, with the verdict violated: @debug", "/proc (not mounted: filesystem.proc is false).", "[built-in strict:"];
    says(&shipped_on("strict", &full()), &facts);
    says(&shipped_on("numeric", &full()), &["numpy, pandas", "A run from the packages beside its interpreter"]);
}

#[test]
fn what_cannot_be_planned_says_why() {
    let mut host = full();
    host.landlock_abi = 0;
    host.landlock = remand_plan::host::Fact::Missing { blocker: "no Landlock here".into(), remedy: "Boot with it.".into() };
    let text = shipped_on("default", &host);
    says(&text, &["NOTHING RUNS UNDER IT HERE: landlock_files cannot be had here: no Landlock here. Boot with it. So this says"]);
    assert!(!flat(&text).contains("(cgroup"), "{text}");
}

#[test]
fn odd_grants_say_their_reason_and_danger() {
    let loaded = load(
        "odd.jsonc",
        r#"{"version": 1, "extends": "default", "network": {"mode": "host", "reason": "proxy"},
            "limits": {"pids": "unlimited", "memory": "unlimited"},
            "filesystem": {"tmp": {"exec": true}, "mounts": [{"source": "/srv/x", "writable": true, "exec": true, "reason": "cache"}]},
            "syscalls": {"allow": {"add": [{"call": "ptrace", "reason": "debugger"}]}, "enforce": "optional"}}"#,
    );
    let mut host = full();
    host.seccomp = remand_plan::host::Fact::Missing { blocker: "no seccomp".into(), remedy: String::new() };
    says(
        &explained(&loaded.unwrap(), &host),
        &[
            "EVERY ADDRESS THAT THE HOST REACHES",
            "A network is granted, because of: proxy. Danger: ",
            "ptrace is granted, because of: debugger. Danger: takes over every process",
            "/srv/x is writable, because of: cache. Danger: ",
            "/srv/x is writable and executable",
            "/tmp is executable",
            "limits.pids is lifted",
            "NO FILTER IS IN FORCE HERE",
            "Here, seccomp is missing: no seccomp.",
            "[odd.jsonc:4]",
        ],
    );
}

/// A policy in which every list has an entry and every optional key a value.
const RICH: &str = r#"{"version": 1, "extends": "default", "description": "Rich",
    "network": {"mode": "loopback", "reason": "tests"},
    "filesystem": {"devices": ["null", "zero"], "mounts": [{"source": "/srv/x", "target": "/x", "writable": true, "exec": true, "optional": true, "reason": "cache"}]},
    "syscalls": {"allow": {"add": [{"call": "socket", "when": [{"arg": 0, "equals": 1}, {"arg": 1, "at_most": 2},
            {"arg": 1, "one_of": [0, 1, 2]}, {"arg": 2, "masked": {"mask": 6, "value": 2}}], "reason": "unix"}]},
        "deny": ["statx"], "kill": ["@debug", "mount"], "quiet": ["mbind"]},
    "python": {"stdlib_allow": ["json", "re"], "external_allow": ["numpy"], "builtins_deny": ["eval"]},
    "request": {"interpreters": ["python3.9"], "environment": ["LC_*"],
        "mounts": [{"source": "/srv/x", "target": "/x", "writable": true, "exec": true, "optional": true, "reason": "cache"}]}}"#;

/// What a leaf can be changed to; the first that makes another policy is taken.
fn others(value: &Value) -> Vec<Value> {
    let words = "required optional none 3MiB 99MiB 3s null records replace @keys /other other statfs connect full truncate";
    let mut all: Vec<Value> = words.split(' ').map(Value::from).collect();
    all.extend([0, 1, 2, 3, 5, 10, 20].map(Value::from));
    all.extend([true, false].map(Value::from));
    all.retain(|other| other != value);
    all
}

/// Every leaf of a tree, entries of lists included, as a JSON pointer.
fn leaves(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| leaves(&format!("{at}/{key}"), value, found)),
        Value::Array(list) if !list.is_empty() => list.iter().enumerate().for_each(|(i, value)| leaves(&format!("{at}/{i}"), value, found)),
        _ => found.push(at.to_owned()),
    }
}

#[test]
fn every_field_has_its_word_in_it() {
    let read = |tree: &Value| load("p", &tree.to_string());
    let tree = load("p", RICH).unwrap().policy.tree();
    let base = read(&tree).unwrap();
    let mut all = Vec::new();
    leaves("", &tree, &mut all);
    assert!(all.len() > 80, "{all:?}");
    for pointer in all.iter().filter(|pointer| *pointer != "/version") {
        let with = |other: &Value| {
            let mut tree = tree.clone();
            *tree.pointer_mut(pointer).unwrap() = other.clone();
            read(&tree).filter(|loaded| loaded.policy != base.policy)
        };
        let changed = others(tree.pointer(pointer).unwrap()).iter().find_map(with).unwrap_or_else(|| panic!("{pointer} never changed"));
        for host in [full(), rootless()] {
            assert_ne!(explained(&changed, &host), explained(&base, &host), "{pointer}");
        }
        let without = |loaded: &Loaded| text(&loaded.policy, loaded, Err("no host"));
        assert_ne!(without(&changed), without(&base), "{pointer}");
    }
    let mut renamed = base.clone();
    renamed.policy.name = "other".into();
    assert_ne!(explained(&renamed, &full()), explained(&base, &full()));
}

#[test]
fn no_line_is_wide_but_for_long_words() {
    for line in shipped_on("default", &rootless()).lines() {
        assert!(line.chars().count() <= super::page::WIDTH || line.starts_with("What"), "{line}");
    }
}
