//! What a profile means, read from its JSON by no code of the importer's: all comparisons of a rule must hold, one rule is enough, 64 bits are compared.

use std::collections::BTreeSet;

use remand_syscalls::Arch;
use serde_json::Value;

/// What a profile says of one call.
pub struct Account {
    allowed_by_default: bool,
    /// Of each rule that applies: whether it allows, and its comparisons.
    rules: Vec<(bool, Vec<Test>)>,
}

/// Argument, comparison, value, second value.
type Test = (usize, String, u64, u64);

/// For a container without capabilities, on a new kernel.
pub fn account(profile: &Value, arch: Arch, call: &str) -> Account {
    let arch = if arch == Arch::X86_64 { "amd64" } else { "arm64" };
    let rule = |rule: &Value| (rule["action"] == "SCMP_ACT_ALLOW", tests(rule).iter().map(test).collect());
    let rules = rules(profile, call).into_iter().filter(|rule| applies(rule, arch)).map(rule).collect();
    Account { allowed_by_default: profile["defaultAction"] == "SCMP_ACT_ALLOW", rules }
}

impl Account {
    /// Whether these arguments are allowed: some rule allows them and no rule does anything else; the default where no rule says anything.
    pub fn allows(&self, args: &[u64; 6]) -> bool {
        let mut matching =
            self.rules.iter().filter(|(_, tests)| tests.iter().all(|test| holds(test, args))).map(|(allows, _)| *allows).peekable();
        if matching.peek().is_none() { self.allowed_by_default } else { matching.all(|allows| allows) }
    }
}

/// The rules that name a call.
pub fn rules<'p>(profile: &'p Value, call: &str) -> Vec<&'p Value> {
    let names = |rule: &Value| rule["name"] == call || rule["names"].as_array().is_some_and(|names| names.iter().any(|name| name == call));
    profile["syscalls"].as_array().map_or(Vec::new(), |rules| rules.iter().filter(|rule| names(rule)).collect())
}

/// A grant must hold on every kernel from 5.13 on; a denial counts if it holds on one.
fn applies(rule: &Value, arch: &str) -> bool {
    let allows = rule["action"] == "SCMP_ACT_ALLOW";
    let old = |filter: &str| rule[filter]["minKernel"].as_str().is_some_and(|version| ["3.0", "4.8", "5.13"].contains(&version));
    let asked = |filter: &str| rule[filter]["minKernel"].as_str().is_some_and(|version| !version.is_empty());
    let kernel = !old("excludes") && (!allows || !asked("excludes")) && (!allows || !asked("includes") || old("includes"));
    let list = |filter: &str, key: &str| rule[filter][key].as_array().cloned().unwrap_or_default();
    let arches = list("includes", "arches");
    list("includes", "caps").is_empty()
        && (arches.is_empty() || arches.iter().any(|name| name == arch))
        && !list("excludes", "arches").iter().any(|name| name == arch)
        && kernel
}

fn tests(rule: &Value) -> Vec<Value> {
    rule["args"].as_array().cloned().unwrap_or_default()
}

fn word(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn test(test: &Value) -> Test {
    (usize::try_from(word(&test["index"])).unwrap(), test["op"].as_str().unwrap().to_owned(), word(&test["value"]), word(&test["valueTwo"]))
}

fn holds((index, op, one, two): &Test, args: &[u64; 6]) -> bool {
    let argument = args[*index];
    match op.as_str() {
        "SCMP_CMP_EQ" => argument == *one,
        "SCMP_CMP_NE" => argument != *one,
        "SCMP_CMP_LT" => argument < *one,
        "SCMP_CMP_LE" => argument <= *one,
        "SCMP_CMP_GE" => argument >= *one,
        "SCMP_CMP_GT" => argument > *one,
        "SCMP_CMP_MASKED_EQ" => argument & one == two & one,
        other => panic!("{other}"),
    }
}

/// Argument registers around every value that the profile compares this call's with, each rule met and then missed in one argument; dirty upper halves.
pub fn registers(profile: &Value, call: &str) -> Vec<[u64; 6]> {
    if rules(profile, call).is_empty() {
        return vec![[0; 6], [u64::MAX; 6]];
    }
    let mut all = BTreeSet::from([[0; 6], [1; 6], [5; 6], [u64::MAX; 6], [1 << 31; 6], [1 << 32; 6], [u64::from(u32::MAX); 6]]);
    for rule in rules(profile, call) {
        for fill in [0, 2, u64::MAX] {
            let mut met = [fill; 6];
            for test in tests(rule) {
                met[usize::try_from(word(&test["index"])).unwrap()] = passing(&test);
            }
            all.insert(met);
            for test in tests(rule) {
                let values = [word(&test["value"]), word(&test["valueTwo"]), passing(&test), 0, 1 << 31, 1 << 32, 1 << 63];
                for value in values.into_iter().flat_map(|value| [value.wrapping_sub(1), value, value.wrapping_add(1)]) {
                    for value in [value, value & 0xffff_ffff, value | 0xdead_beef << 32] {
                        let mut near = met;
                        near[usize::try_from(word(&test["index"])).unwrap()] = value;
                        all.insert(near);
                    }
                }
            }
        }
    }
    all.into_iter().collect()
}

fn passing(test: &Value) -> u64 {
    let (one, two) = (word(&test["value"]), word(&test["valueTwo"]));
    match test["op"].as_str().unwrap() {
        "SCMP_CMP_NE" | "SCMP_CMP_GT" => one.wrapping_add(1),
        "SCMP_CMP_LT" => one.wrapping_sub(1),
        "SCMP_CMP_MASKED_EQ" => two & one,
        _ => one,
    }
}
