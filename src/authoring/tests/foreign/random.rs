//! Random profiles: an import never widens, and what it loses is in the list.

use proptest::prelude::*;
use remand_policy::source::LARGEST;
use serde_json::json;

use super::*;

/// Calls of every sort: conditional in harmless groups, dangerous, of one instruction set, never granted, with narrow and wide arguments, unknown.
const CALLS: &[&str] = &[
    "read",
    "clone",
    "clone3",
    "socket",
    "prctl",
    "personality",
    "ioctl",
    "fcntl",
    "mmap",
    "open",
    "openat",
    "execve",
    "sendmsg",
    "ptrace",
    "getrandom",
    "arch_prctl",
    "mknodat",
    "io_uring_setup",
    "_llseek",
    "getpid",
];

fn value() -> impl Strategy<Value = u64> {
    let near = prop::sample::select(vec![0, 1, 2, 5, 9, 16, 0x7e02_0000, 1 << 31, u32::MAX.into(), 1 << 32, 1 << 63, u64::MAX]);
    prop_oneof![4 => near.clone(), 2 => (near, -1..2_i64).prop_map(|(value, by)| value.wrapping_add_signed(by)), 1 => any::<u64>()]
}

fn test() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["EQ", "EQ", "EQ", "NE", "LT", "LE", "GE", "GT", "MASKED_EQ", "MASKED_EQ"]);
    (0..6_u8, value(), value(), op)
        .prop_map(|(index, value, two, op)| json!({ "index": index, "value": value, "valueTwo": two, "op": format!("SCMP_CMP_{op}") }))
}

fn filter() -> impl Strategy<Value = Value> {
    let some = |of: Vec<&'static str>| prop::collection::vec(prop::sample::select(of), 0..2);
    let parts = (
        some(vec!["CAP_SYS_ADMIN"]),
        some(vec!["amd64", "arm64", "s390x"]),
        prop::option::weighted(0.2, prop::sample::select(vec!["4.8", "6.6"])),
    );
    prop_oneof![3 => Just(json!({})), 1 => parts.prop_map(|(caps, arches, kernel)| json!({ "caps": caps, "arches": arches, "minKernel": kernel }))]
}

fn rule() -> impl Strategy<Value = Value> {
    let action = prop::sample::select(vec!["ALLOW", "ALLOW", "ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "TRAP", "TRACE", "LOG", "NOTIFY"]);
    let names = prop::collection::vec(prop::sample::select(CALLS), 1..4);
    let args = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(test(), 0..3)];
    (names, action, args, filter(), filter(), prop::option::of(0..140_u32)).prop_map(|(names, action, args, includes, excludes, errno)| {
        json!({ "names": names, "action": format!("SCMP_ACT_{action}"), "args": args, "includes": includes, "excludes": excludes, "errnoRet": errno.unwrap_or(1) })
    })
}

pub fn profile() -> impl Strategy<Value = Value> {
    let default = prop::sample::select(vec!["ERRNO", "ERRNO", "ERRNO", "KILL", "ALLOW", "TRAP"]);
    (default, prop::collection::vec(rule(), 0..12))
        .prop_map(|(default, rules)| json!({ "defaultAction": format!("SCMP_ACT_{default}"), "syscalls": rules }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_import_never_widens(profile in profile()) {
        let (imported, policy) = imported(&profile);
        compare(&profile, &imported, &policy.syscalls.rules);
        prop_assert!(imported.policy.len() < LARGEST);
    }
}
