#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use remand_policy::narrow::compare;
use remand_policy::policy::{Mount, Policy};
use remand_syscalls::Grant;

use super::text;

fn shipped(name: &str) -> Policy {
    remand_policy::load::shipped(name).unwrap().unwrap()
}

/// What is told of a change to the default policy.
fn told(change: impl FnOnce(&mut Policy)) -> String {
    let from = shipped("default");
    let mut to = from.clone();
    change(&mut to);
    text(&compare(&from, &to))
}

#[test]
fn nothing_is_told_of_no_change() {
    assert_eq!(told(|_| {}), "");
}

#[test]
fn each_mechanism_has_its_lines() {
    let text = told(|policy| {
        policy.limits.memory = remand_policy::units::Limit::Unlimited;
        policy.limits.pids = remand_policy::units::Limit::At(3);
        policy.filesystem.devices.pop();
        policy.filesystem.mounts.push(Mount {
            source: "/srv/da ta".into(),
            target: "/data".into(),
            writable: true,
            exec: false,
            optional: true,
            reason: Some("x".into()),
        });
        policy.python.stdlib_allow = vec!["json".into(), "re".into()];
        policy.environment = vec![("HOME".into(), "/tmp".into()), ("LANG".into(), String::new()), ("A".into(), "b".into())];
    });
    assert_eq!(
        text,
        "limits\n  widens   limits.memory: 256MiB -> unlimited\n  narrows  limits.pids: 64 -> 3\n\
         filesystem\n  widens   filesystem.mounts: adds \"/srv/da ta\" at /data, writable, optional\n  narrows  filesystem.devices: drops urandom\n\
         python\n  narrows  python.stdlib_allow: * -> json, re\n\
         environment\n  changes  environment.A: (none) -> b\n  changes  environment.LANG: C.UTF-8 -> \"\"\n"
    );
}

#[test]
fn system_calls_are_folded_into_groups_and_dangers_are_named() {
    let text = told(|policy| {
        policy.syscalls.rules.allow.retain(|grant| grant.call != "@pipes");
        policy.syscalls.rules.allow.extend(["@leases", "ptrace", "@sockets"].map(Grant::any));
        policy.syscalls.rules.kill = vec!["@keys".into(), "mount".into()];
    });
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "syscalls");
    assert!(lines.contains(&"  narrows  syscalls.allow: drops @pipes"), "{text}");
    assert!(lines.contains(&"  narrows  syscalls.kill: adds @keys, mount"), "{text}");
    let dangerous = |name: &str| format!("(dangerous: {})", remand_syscalls::danger(name).unwrap());
    for (start, danger) in [("adds getsockopt, recvmmsg, ", "@sockets"), ("adds ptrace ", "@debug"), ("adds @leases", "@leases")] {
        let found = lines.iter().any(|line| line.contains(start) && line.ends_with(&dangerous(danger)));
        assert!(found, "{start}: {text}");
    }
}

#[test]
fn a_condition_is_told() {
    use remand_syscalls::{Comparison, Condition};
    let with = |op| {
        told(|policy| {
            policy.syscalls.rules.allow.push(Grant { when: vec![Condition { arg: 1, op }], ..Grant::any("ioctl") });
        })
    };
    let danger = remand_syscalls::danger("ioctl").unwrap();
    assert_eq!(
        with(Comparison::Equals(0x5412)),
        format!("syscalls\n  widens   syscalls.allow: adds ioctl(arg 1 is 0x5412) (dangerous: {danger})\n")
    );
    assert!(with(Comparison::AtMost(3)).contains("ioctl(arg 1 at most 3)"));
    assert!(with(Comparison::OneOf((1..9).collect())).contains("ioctl(arg 1 one of 1 2 3 4 5 6 and 2 more)"));
    assert!(with(Comparison::Masked { mask: 0xf0, value: 0x10 }).contains("ioctl(arg 1 & 0xf0 is 0x10)"));
    assert_eq!(with(Comparison::Equals(0x5401)), "", "granted already");
}
