//! Import of foreign policies: what is imported loads, and allows no call that the source certainly denies.
//!
//! "Certainly" leaves out what depends on capabilities, kernel versions and architectures: a rule that is bound to them counts as allowing, and not as
//! denying.

use remand_authoring::foreign::{Kind, import};
use remand_policy::Policy;
use remand_policy::load::{Chain, parse};
use remand_policy::source::Source;
use remand_policy::units::{Bytes, Limit};
use remand_syscalls::bpf::SeccompData;
use remand_syscalls::{ALLOW, argument_width, audit_arch, names, number};
use serde_json::Value;

use crate::compiler::BOTH;
use crate::loader::check_canonical;
use crate::meaning::Meaning;

pub fn holds(bytes: &[u8]) {
    let guessed = import(bytes, "profile.json", None).ok();
    let asked = [Kind::Seccomp, Kind::Container].map(|kind| import(bytes, "profile.json", Some(kind)).ok());
    for imported in asked.into_iter().flatten().filter(|one| guessed.as_ref() != Some(one)).chain(guessed.clone()) {
        let source = Source { file: "imported".into(), text: imported.policy.clone().into_bytes().into() };
        let policy = parse(&Chain::shipped(&source), "imported").unwrap_or_else(|problems| panic!("{problems:?} in {}", imported.policy));
        check_canonical(&policy);
        let Ok(root) = serde_json::from_slice::<Value>(bytes) else { continue };
        if imported.kind == Kind::Container {
            check_limits(&root["linux"]["resources"], &policy.limits);
        }
        check_filter(if imported.kind == Kind::Seccomp { &root } else { &root["linux"]["seccomp"] }, &policy);
    }
}

fn check_filter(profile: &Value, policy: &Policy) {
    let Some(default) = profile.get("defaultAction") else { return };
    let meaning = Meaning::of(&policy.syscalls.rules);
    for call in names().filter(|call| !meaning.ways(call).is_empty()) {
        let Some((arch, nr)) = BOTH.into_iter().find_map(|arch| Some((arch, number(arch, call)?))) else { continue };
        let rules: Vec<_> = rules(profile, call).collect();
        for args in probes(&rules, call) {
            let data = SeccompData { nr, arch: audit_arch(arch), instruction_pointer: 0, args };
            let allowed = meaning.answer(arch, &data) == ALLOW;
            assert!(!allowed || !denies(default, &rules, &args), "{call} {args:x?}: {profile} became {:?}", policy.syscalls);
        }
    }
}

fn check_limits(resources: &Value, limits: &remand_policy::policy::Limits) {
    let most = |value: &Value| value.as_u64().filter(|most| *most > 0);
    if let Some(most) = most(&resources["memory"]["limit"]) {
        assert!(matches!(limits.memory, Limit::At(Bytes(bytes)) if bytes <= most), "{:?} of {resources}", limits.memory);
    }
    if let Some(most) = most(&resources["pids"]["limit"]) {
        assert!(matches!(limits.pids, Limit::At(count) if count <= most), "{:?} of {resources}", limits.pids);
    }
}

fn rules<'p>(profile: &'p Value, call: &'p str) -> impl Iterator<Item = &'p Value> {
    let named =
        move |rule: &&Value| rule["name"] == call || rule["names"].as_array().is_some_and(|names| names.iter().any(|name| name == call));
    profile["syscalls"].as_array().into_iter().flatten().filter(named)
}

fn allowing(action: &Value) -> bool {
    action == "SCMP_ACT_ALLOW" || action == "SCMP_ACT_LOG"
}

/// Whether the source's filter denies the call of these rules in every container, on every host.
fn denies(default: &Value, rules: &[&Value], args: &[u64; 6]) -> bool {
    if rules.iter().any(|rule| allowing(&rule["action"]) && may_match(rule, args)) {
        return false;
    }
    let plain = |rule: &Value, key: &str| rule.get(key).is_none_or(|value| value.as_object().is_some_and(serde_json::Map::is_empty));
    let surely = |rule: &&Value| {
        let bare = rule["args"].as_array().is_none_or(Vec::is_empty);
        !allowing(&rule["action"]) && bare && plain(rule, "includes") && plain(rule, "excludes")
    };
    !allowing(default) || rules.iter().any(surely)
}

/// Whether the arguments can match: several tests of one argument are alternatives for some runtimes.
fn may_match(rule: &Value, args: &[u64; 6]) -> bool {
    let tests: Vec<_> = rule["args"].as_array().into_iter().flatten().collect();
    let several = tests.iter().any(|one| tests.iter().filter(|other| other["index"] == one["index"]).count() > 1);
    several || tests.iter().all(|test| passes(test, args))
}

fn passes(test: &Value, args: &[u64; 6]) -> bool {
    let number = |key: &str| test[key].as_u64().unwrap_or(0);
    let Some(argument) = usize::try_from(number("index")).ok().and_then(|index| args.get(index).copied()) else { return true };
    let (value, two) = (number("value"), number("valueTwo"));
    match test["op"].as_str() {
        Some("SCMP_CMP_NE") => argument != value,
        Some("SCMP_CMP_LT") => argument < value,
        Some("SCMP_CMP_LE") => argument <= value,
        Some("SCMP_CMP_EQ") => argument == value,
        Some("SCMP_CMP_GE") => argument >= value,
        Some("SCMP_CMP_GT") => argument > value,
        // libseccomp cuts the second value to the mask.
        Some("SCMP_CMP_MASKED_EQ") => argument & value == two & value,
        _ => true,
    }
}

/// Registers at the values that the source compares with, cut to the width that the kernel looks at.
fn probes(rules: &[&Value], call: &str) -> Vec<[u64; 6]> {
    let tests = rules.iter().flat_map(|rule| rule["args"].as_array().into_iter().flatten()).take(12);
    let values = tests.flat_map(|test| [test["value"].as_u64(), test["valueTwo"].as_u64()]).flatten();
    let near = values.flat_map(|value| [value.wrapping_sub(1), value, value.wrapping_add(1), !value]);
    let cut = |value: u64| {
        let mut args = [value; 6];
        for (index, arg) in (0_u8..).zip(&mut args) {
            *arg &= if argument_width(call, index) == Some(32) { u64::from(u32::MAX) } else { u64::MAX };
        }
        args
    };
    [0, 1, u64::MAX].into_iter().chain(near).map(cut).collect()
}
