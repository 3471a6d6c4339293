#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::rules::{Comparison, Condition, Grant};

const X86: Arch = Arch::X86_64;

fn rules(grants: &[Grant]) -> Rules {
    Rules { allow: [&[Grant::any("execve")], grants].concat(), ..Rules::default() }
}

fn when(call: &str, conditions: Vec<Condition>) -> Grant {
    Grant { when: conditions, ..Grant::any(call) }
}

fn made(rules: &Rules, theirs: Option<&Value>, told: bool) -> Value {
    container_profile(&Asked { rules, arch: X86, theirs, listener: told.then_some(("/run/agent", "p")) }).unwrap()
}

/// What a profile answers, as a runtime's library reads it: the first rule that fits, else the default.
fn answered(profile: &Value, call: &str, args: [u64; 6]) -> String {
    let fits = |arg: &Value| {
        let number = |key: &str| arg[key].as_u64().unwrap();
        let register = args[usize::try_from(number("index")).unwrap()];
        match arg["op"].as_str().unwrap() {
            "SCMP_CMP_EQ" => register == number("value"),
            "SCMP_CMP_MASKED_EQ" => register & number("value") == number("valueTwo"),
            other => panic!("{other}"),
        }
    };
    let all = profile["syscalls"].as_array().unwrap();
    let found: Vec<_> = all
        .iter()
        .filter(|rule| rule["names"].as_array().unwrap().contains(&json!(call)))
        .filter(|rule| rule["args"].as_array().is_none_or(|args| args.iter().all(fits)))
        .collect();
    assert!(found.len() <= 1, "rules overlap: {found:?}");
    let rule = found.first().map_or(&profile["defaultAction"], |rule| &rule["action"]);
    rule.as_str().unwrap().trim_start_matches("SCMP_ACT_").to_owned()
}

#[test]
fn what_is_refused_is_told_and_what_falls_back_is_not() {
    let unix = when("socket", vec![Condition { arg: 0, op: Comparison::Equals(1) }]);
    let rules = rules(&[unix, Grant::any("read")]);
    let (told, silent) = (made(&rules, None, true), made(&rules, None, false));
    let both = |call, args| (answered(&told, call, args), answered(&silent, call, args));
    let is = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(both("read", [0; 6]), is("ALLOW", "ALLOW"));
    assert_eq!(both("socket", [1, 7, 0, 0, 0, 0]), is("ALLOW", "ALLOW"));
    assert_eq!(both("socket", [2, 524_289, 0, 0, 0, 0]), is("NOTIFY", "ERRNO"));
    assert_eq!(both("socket", [0xffff_ffff_0000_0001, 0, 0, 0, 0, 0]), is("ALLOW", "ALLOW"), "the kernel looks at 32 bits");
    assert_eq!(both("ptrace", [0; 6]), is("NOTIFY", "ERRNO"));
    assert_eq!(both("write", [0; 6]), is("ERRNO", "ERRNO"), "runtimes refuse to be told of it");
    assert_eq!(both("clone3", [0; 6]), is("ERRNO", "ERRNO"));
    assert_eq!((&told["listenerPath"], &told["listenerMetadata"]), (&json!("/run/agent"), &json!("p")));
    assert_eq!(silent.get("listenerPath"), None);
}

#[test]
fn the_profile_that_a_container_came_with_stays_in_force() {
    let theirs = json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [
            { "names": ["execve", "read", "socket"], "action": "SCMP_ACT_ALLOW" },
            { "names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22, "args": [{ "index": 0, "value": 16, "op": "SCMP_CMP_EQ" }] },
            { "names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{ "index": 0, "value": 8, "op": "SCMP_CMP_GE" }, { "index": 0, "value": 9, "op": "SCMP_CMP_LE" }] },
        ],
    });
    let rules = rules(&["read", "write", "socket", "personality"].map(Grant::any));
    let profile = made(&rules, Some(&theirs), true);
    let answered = |call, first| answered(&profile, call, [first, 0, 0, 0, 0, 0]);
    assert_eq!([answered("read", 0), answered("write", 0), answered("ptrace", 0)], ["ALLOW", "ERRNO", "NOTIFY"]);
    assert_eq!([answered("socket", 2), answered("socket", 16)], ["ALLOW", "ERRNO"]);
    assert_eq!([7, 8, 9, 10].map(|value| answered("personality", value)), ["ERRNO", "ALLOW", "ALLOW", "ERRNO"], "the narrower reading");
}

#[test]
fn what_is_no_profile_is_said() {
    let said = |theirs: Value| {
        let rules = rules(&[]);
        container_profile(&Asked { rules: &rules, arch: X86, theirs: Some(&theirs), listener: None }).unwrap_err().to_string()
    };
    assert_eq!(said(json!({})), "seccomp.defaultAction: no action that is known");
    assert_eq!(said(json!({ "defaultAction": "SCMP_ACT_ALLOW", "x": 1 })), "seccomp.x: a field that is not known");
    let call = |args: Value| json!({ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{ "names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [args] }] });
    assert_eq!(said(call(json!({ "index": 6, "op": "SCMP_CMP_EQ" }))), "seccomp.syscalls[0].args[0].index: calls have six arguments");
    assert_eq!(said(call(json!({ "index": 0, "op": "SCMP_CMP_IN" }))), "seccomp.syscalls[0].args[0].op: no comparison that is known");
    let none = Rules { allow: vec![Grant::any("read")], ..Rules::default() };
    let asked = Asked { rules: &none, arch: X86, theirs: None, listener: None };
    assert!(container_profile(&asked).unwrap_err().to_string().starts_with("execve is not granted"));
}

fn comparison() -> impl Strategy<Value = Comparison> {
    let value = || prop_oneof![0..8_u64, any::<u64>()];
    prop_oneof![
        value().prop_map(Comparison::Equals),
        proptest::collection::vec(value(), 1..4).prop_map(Comparison::OneOf),
        value().prop_map(Comparison::AtMost),
        (value(), value()).prop_map(|(mask, value)| Comparison::Masked { mask, value: value & mask }),
    ]
}

fn foreign() -> impl Strategy<Value = Value> {
    let op = proptest::sample::select(vec!["EQ", "NE", "LT", "LE", "GT", "GE"]);
    let value = prop_oneof![0..8_u64, any::<u64>()];
    let arg =
        (0..3_usize, value, op).prop_map(|(index, value, op)| json!({ "index": index, "value": value, "op": format!("SCMP_CMP_{op}") }));
    let rule = (any::<bool>(), proptest::collection::vec(arg, 0..2)).prop_map(
        |(allow, args)| json!({ "names": ["mmap"], "action": if allow { "SCMP_ACT_ALLOW" } else { "SCMP_ACT_ERRNO" }, "args": args }),
    );
    (any::<bool>(), proptest::collection::vec(rule, 0..4))
        .prop_map(|(allow, rules)| json!({ "defaultAction": if allow { "SCMP_ACT_ALLOW" } else { "SCMP_ACT_KILL" }, "syscalls": rules }))
}

/// Whether a foreign profile allows it, in the narrower reading.
fn theirs_allows(profile: &Value, args: [u64; 6]) -> bool {
    let fits = |arg: &Value| {
        let (value, register) = (arg["value"].as_u64().unwrap(), args[usize::try_from(arg["index"].as_u64().unwrap()).unwrap()]);
        match arg["op"].as_str().unwrap() {
            "SCMP_CMP_EQ" => register == value,
            "SCMP_CMP_NE" => register != value,
            "SCMP_CMP_LT" => register < value,
            "SCMP_CMP_LE" => register <= value,
            "SCMP_CMP_GT" => register > value,
            _ => register >= value,
        }
    };
    let rules = profile["syscalls"].as_array().unwrap();
    let hit = |allow: bool| {
        rules.iter().any(|rule| (rule["action"] == "SCMP_ACT_ALLOW") == allow && rule["args"].as_array().unwrap().iter().all(fits))
    };
    !hit(false) && (hit(true) || profile["defaultAction"] == "SCMP_ACT_ALLOW")
}

proptest! {
    /// Exactly what both allow, for every kind of comparison on both sides.
    #[test]
    fn allowed_is_what_both_allow(
        ways in proptest::collection::vec(proptest::collection::vec((0..3_u8, comparison()), 0..3), 1..3),
        theirs in foreign(),
        args in proptest::collection::vec(prop_oneof![0..10_u64, any::<u64>()], 6),
    ) {
        let args: [u64; 6] = args.try_into().unwrap();
        let way = |way: &Vec<(u8, Comparison)>| way.iter().map(|(arg, op)| Condition { arg: *arg, op: op.clone() }).collect::<Vec<_>>();
        let rules = rules(&ways.iter().map(|conditions| when("mmap", way(conditions))).collect::<Vec<_>>());
        let asked = Asked { rules: &rules, arch: X86, theirs: Some(&theirs), listener: Some(("/a", "p")) };
        let Ok(profile) = container_profile(&asked) else { return Ok(()) };
        let masked = |arg: u8| args[usize::from(arg)] & if crate::names::argument_width("mmap", arg) == Some(32) { 0xffff_ffff } else { u64::MAX };
        let ours = ways.iter().any(|way| way.iter().all(|(arg, op)| op.passes(masked(*arg))));
        let told = answered(&profile, "mmap", args);
        prop_assert_eq!(told == "ALLOW", ours && theirs_allows(&theirs, args), "{}", told);
    }
}
