//! What a `syscalls` section means for one call, said a second time: from its three lists, the tables of groups and the written precedence.
//!
//! Always holds: nothing of the compiler or of `granted` is used; `kill` wins over `deny`, `deny` over `allow`.

use std::collections::{BTreeMap, BTreeSet};

use remand_syscalls::bpf::SeccompData;
use remand_syscalls::{
    ALLOW, Arch, Comparison, Condition, KILL, NO_SUCH_CALL, NOTIFY, Rules, argument_width, audit_arch, grants_of_group, name,
};

/// A section, sorted by call.
pub struct Meaning {
    kill: BTreeSet<String>,
    deny: BTreeSet<String>,
    allow: BTreeMap<String, Vec<Vec<Condition>>>,
}

impl Meaning {
    pub fn of(section: &Rules) -> Self {
        let calls = |names: &[String]| names.iter().flat_map(|name| members(name)).map(|(call, _)| call).collect();
        let mut allow = BTreeMap::<_, Vec<_>>::new();
        for grant in &section.allow {
            for (call, mut when) in members(&grant.call) {
                when.extend(grant.when.iter().cloned());
                allow.entry(call).or_default().push(when);
            }
        }
        Self { kill: calls(&section.kill), deny: calls(&section.deny), allow }
    }

    /// What the filter must answer.
    pub fn answer(&self, arch: Arch, data: &SeccompData) -> u32 {
        if data.arch != audit_arch(arch) {
            return KILL;
        }
        match name(arch, data.nr) {
            None => NOTIFY,
            // Its flags lie in memory: C libraries are to fall back to clone, whatever the policy says.
            Some("clone3") => NO_SUCH_CALL,
            Some(call) if self.kill.contains(call) => KILL,
            Some(call) if self.deny.contains(call) => NOTIFY,
            Some(call) if self.ways(call).iter().any(|way| way.iter().all(|condition| holds(call, condition, &data.args))) => ALLOW,
            Some(_) => NOTIFY,
        }
    }

    /// The alternatives that `allow` writes for a call.
    pub fn ways(&self, call: &str) -> &[Vec<Condition>] {
        self.allow.get(call).map_or(&[], Vec::as_slice)
    }

    pub fn kills(&self, call: &str) -> bool {
        self.kill.contains(call)
    }

    /// Whether the answer for a call depends on its arguments.
    pub fn depends(&self, call: &str) -> bool {
        let taken = self.kill.contains(call) || self.deny.contains(call);
        !taken && !self.ways(call).is_empty() && !self.ways(call).iter().any(Vec::is_empty)
    }
}

/// The calls behind a name, each with the conditions that stand in the group.
fn members(name: &str) -> Vec<(String, Vec<Condition>)> {
    match grants_of_group(name) {
        Some(grants) => grants.into_iter().map(|grant| (grant.call, grant.when)).collect(),
        None => vec![(name.to_owned(), Vec::new())],
    }
}

fn holds(call: &str, condition: &Condition, args: &[u64; 6]) -> bool {
    let register = args[usize::from(condition.arg)];
    // The kernel looks at no more than its own signature has.
    let argument = if argument_width(call, condition.arg) == Some(32) { register << 32 >> 32 } else { register };
    match &condition.op {
        Comparison::Equals(value) => argument == *value,
        Comparison::OneOf(values) => values.contains(&argument),
        Comparison::AtMost(most) => argument <= *most,
        Comparison::Masked { mask, value } => argument & mask == *value,
    }
}

/// Values at which the answer for a call can change: 0, 2^31, 2^32, 2^63 and all that is written for it.
pub fn written(ways: &[Vec<Condition>]) -> Vec<u64> {
    let mut values = vec![0, 1 << 31, 1 << 32, 1 << 63];
    for condition in ways.iter().flatten() {
        match &condition.op {
            Comparison::Equals(value) | Comparison::AtMost(value) => values.push(*value),
            Comparison::OneOf(all) => values.extend(all),
            Comparison::Masked { mask, value } => values.extend([*mask, *value, mask | value, !mask, *value | !mask]),
        }
    }
    values
}

/// Those values and their neighbours, each with clean and with dirty upper half.
pub fn edges(ways: &[Vec<Condition>]) -> Vec<u64> {
    let near = written(ways).into_iter().flat_map(|value| [value.wrapping_sub(1), value, value.wrapping_add(1)]);
    let all: BTreeSet<_> = near.flat_map(|value| [value, value | 0xdead_beef << 32, value & 0xffff_ffff]).collect();
    all.into_iter().collect()
}
