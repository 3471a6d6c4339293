//! Random policies that load: small sets of values, so that two of them often agree, contain one another, or differ by little.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use remand_policy::policy::{
    Choices, Device, Enforce, Filesystem, Landlock, Limits, Mount, Namespaces, Network, NetworkMode, NonFinite, Overflow, Policy, Python,
    Results, Surrogates, Syscalls, Tables, Tmp,
};
use remand_policy::units::{Bytes, Cpus, Limit, Span};
use remand_syscalls::{Comparison, Condition, Grant, Rules};

const KIB: u64 = 1024;

fn enforce() -> impl Strategy<Value = Enforce> {
    select(vec![Enforce::Required, Enforce::Optional])
}

fn limit<T: Clone + std::fmt::Debug>(values: impl Strategy<Value = T>) -> impl Strategy<Value = Limit<T>> {
    prop_oneof![4 => values.prop_map(Limit::At), 1 => Just(Limit::Unlimited)]
}

fn bytes(kib: std::ops::Range<u64>) -> impl Strategy<Value = Bytes> {
    kib.prop_map(|n| Bytes(n * KIB))
}

fn limits() -> impl Strategy<Value = Limits> {
    let time = || limit((1_u64..20).prop_map(|n| Span(n * 1000)));
    let first = (
        time(),
        time(),
        limit((1_u32..8).prop_map(|n| Cpus(n * 500))),
        limit(bytes(1024..1030)),
        limit(1_u64..9),
        16_u64..24,
        limit(bytes(1..9)),
    );
    let second = (bytes(64..70), bytes(1..9), bytes(1..9), bytes(1..9), bytes(1..9));
    let third = (1_u64..9, 1_u64..9, bytes(1..9), enforce(), any::<bool>());
    (first, second, third).prop_map(|(first, second, third)| {
        let (wall_time, cpu_time, cpus, memory, pids, open_files, file_size) = first;
        let (stack, stdout, stderr, prints, result_size) = second;
        let (result_depth, result_nodes, job_size, cgroup, truncates) = third;
        Limits {
            wall_time,
            cpu_time,
            cpus,
            memory,
            pids,
            open_files,
            file_size,
            stack,
            stdin: stdout,
            stdout,
            stderr,
            prints,
            overflow: if truncates { Overflow::Truncate } else { Overflow::End },
            result_size,
            result_depth,
            result_nodes,
            job_size,
            artifacts: result_size,
            artifact_files: result_depth,
            cgroup,
        }
    })
}

fn mounts() -> impl Strategy<Value = Vec<Mount>> {
    // In this order no mount covers an earlier one; the third lies in the second.
    let places = vec![("/a", "/srv/a"), ("/b", "/srv/b"), ("/b/c", "/srv/b/c"), ("/b", "/srv/d")];
    let flags = vec((any::<bool>(), any::<bool>(), any::<bool>()), 4);
    (subsequence(places, 0..=4), flags).prop_map(|(places, flags)| {
        let mount = |((source, target), (writable, exec, optional)): ((&str, &str), (bool, bool, bool))| Mount {
            source: source.into(),
            target: target.into(),
            writable,
            exec,
            optional,
            reason: Some("because".into()),
        };
        places.into_iter().zip(flags).map(mount).collect()
    })
}

fn filesystem() -> impl Strategy<Value = Filesystem> {
    let devices = subsequence(vec![Device::Null, Device::Zero, Device::Full, Device::Random, Device::Urandom], 0..=5);
    (bytes(4..9), 2_u64..9, any::<bool>(), mounts(), any::<bool>(), devices)
        .prop_map(|(size, inodes, exec, mounts, proc, devices)| Filesystem { tmp: Tmp { size, inodes, exec }, mounts, proc, devices })
}

fn comparison() -> impl Strategy<Value = Comparison> {
    let value = || prop_oneof![0_u64..8, Just(0xffff_ffff), Just(0x8000_0001)];
    prop_oneof![
        value().prop_map(Comparison::Equals),
        btree_set(value(), 1..4).prop_map(|values| Comparison::OneOf(values.into_iter().collect())),
        value().prop_map(Comparison::AtMost),
        (value(), value()).prop_map(|(mask, value)| Comparison::Masked { mask, value: value & mask }),
    ]
}

fn grant() -> impl Strategy<Value = Grant> {
    let group = select(vec!["@io", "@threads", "@exec", "@sockets", "@socketpair", "@memory"]).prop_map(|call| (call, Vec::new()));
    let when = vec((0_u8..2, comparison()).prop_map(|(arg, op)| Condition { arg, op }), 0..3);
    let call = (select(vec!["socket", "socketpair", "ioctl", "clone", "kill"]), when);
    prop_oneof![1 => group, 2 => call].prop_map(|(call, when)| Grant { call: call.into(), when, reason: Some("because".into()) })
}

fn syscalls() -> impl Strategy<Value = Syscalls> {
    let names = || subsequence(vec!["@debug", "@threads", "kill", "ioctl", "mount", "@mount", "clone"], 0..=2);
    (vec(grant(), 0..6), names(), names(), names(), enforce()).prop_map(|(mut allow, deny, kill, quiet, enforce)| {
        // What a file may not hold: grants that repeat or swallow one another, conditions listed twice, calls allowed and taken back.
        for grant in &mut allow {
            if grant.when.first() == grant.when.get(1) {
                grant.when.truncate(1);
            }
        }
        let mut kept: Vec<Grant> = Vec::new();
        for grant in allow {
            let taken = deny.iter().chain(&kill).any(|name| *name == grant.call);
            let clash =
                |other: &Grant| other.call == grant.call && (other.when.is_empty() || grant.when.is_empty() || other.when == grant.when);
            if !taken && !kept.iter().any(clash) {
                kept.push(grant);
            }
        }
        let owned = |names: Vec<&str>| names.into_iter().map(Into::into).collect();
        Syscalls { rules: Rules { allow: kept, deny: owned(deny), kill: owned(kill) }, quiet: owned(quiet), enforce }
    })
}

fn namespaces() -> impl Strategy<Value = Namespaces> {
    [enforce(), enforce(), enforce(), enforce(), enforce()].prop_map(|[ipc, uts, network, cgroup, own_uid]| Namespaces {
        ipc,
        uts,
        network,
        cgroup,
        own_uid,
    })
}

fn names(all: bool) -> impl Strategy<Value = Vec<String>> {
    let some = subsequence(vec!["json", "os", "re"], 0..=3).prop_map(|names| names.into_iter().map(Into::into).collect());
    prop_oneof![4 => some, u32::from(all) => Just(vec!["*".to_owned()])]
}

fn python() -> impl Strategy<Value = Python> {
    (select(vec!["python3", "/usr/bin/python3"]), names(true), names(true), names(false), any::<bool>()).prop_map(
        |(interpreter, stdlib_allow, external_allow, builtins_deny, runner_env_deny)| Python {
            interpreter: interpreter.into(),
            stdlib_allow,
            external_allow,
            builtins_deny,
            runner_env_deny,
        },
    )
}

fn result() -> impl Strategy<Value = Results> {
    let parts = (
        select(vec![NonFinite::Error, NonFinite::Null, NonFinite::String]),
        select(vec![Tables::Error, Tables::Records]),
        select(vec![Surrogates::Error, Surrogates::Replace]),
    );
    parts.prop_map(|(nan, pandas, surrogates)| Results { nan, pandas, surrogates })
}

fn choices() -> impl Strategy<Value = Choices> {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let interpreters = prop_oneof![subsequence(vec!["python3", "/opt/venvs", "/opt/venvs/a"], 0..=3), Just(vec!["*"])];
    let environment = prop_oneof![subsequence(vec!["LC_*", "LC_ALL", "KEY"], 0..=3), Just(vec!["*"])];
    (interpreters, environment, mounts(), any::<bool>()).prop_map(move |(interpreters, environment, mounts, tty)| Choices {
        interpreters: owned(interpreters),
        environment: owned(environment),
        mounts,
        tty,
    })
}

/// Any policy, called `p`.
pub fn policy() -> impl Strategy<Value = Policy> {
    let network = (select(vec![NetworkMode::None, NetworkMode::Loopback, NetworkMode::Host]), option::of(Just("because")))
        .prop_map(|(mode, why)| Network { mode, reason: why.or((mode != NetworkMode::None).then_some("because")).map(Into::into) });
    let landlock = (enforce(), 1_u32..8).prop_map(|(enforce, minimum_abi)| Landlock { enforce, minimum_abi });
    let environment = (subsequence(vec!["A", "B"], 0..=2), "[0-1]")
        .prop_map(|(names, value)| names.into_iter().map(|name| (name.into(), value.clone())).collect());
    let parts = (
        limits(),
        filesystem(),
        syscalls(),
        network,
        namespaces(),
        landlock,
        python(),
        result(),
        environment,
        choices(),
        select(vec!["", "x"]),
    );
    parts.prop_map(|(limits, filesystem, syscalls, network, namespaces, landlock, python, result, environment, request, description)| {
        Policy {
            name: "p".into(),
            description: description.into(),
            limits,
            filesystem,
            syscalls,
            network,
            namespaces,
            landlock,
            python,
            result,
            environment,
            request,
        }
    })
}
