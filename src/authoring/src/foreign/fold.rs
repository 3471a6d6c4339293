//! From what a profile allows to the entries of `syscalls`: groups where nearly all of a harmless one is allowed, single calls otherwise.
//!
//! Always holds: the entries grant what is allowed and no call more. What a group has and the profile has not stands in `deny`; a group of which a call
//! is allowed under narrower conditions than its own is not used.

use std::collections::BTreeMap;

use remand_syscalls::{Comparison, Condition, Grant, covered, grants_of_group};

use super::meaning::{Allowed, Meaning};
use super::omissions::{Effect, Omissions};

/// Entries that a list may have.
const ENTRIES: usize = 512;

/// The entries, each with the rules that it comes from.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub allow: Vec<(Grant, Vec<String>)>,
    pub deny: Vec<(String, &'static str)>,
    pub kill: Vec<(String, String)>,
}

/// Folds. `reason` stands with dangerous grants.
pub(super) fn fold(meaning: &Meaning<'_>, reason: &str, omissions: &mut Omissions) -> Folded {
    let mut folded = Folded::default();
    let mut in_groups: BTreeMap<String, Vec<Vec<Condition>>> = BTreeMap::new();
    for group in remand_syscalls::names().filter(|name| remand_syscalls::is_group(name) && !remand_syscalls::is_dangerous(name)) {
        let grants = grants_of_group(group).unwrap_or_default();
        let Some((missing, from)) = whole(&grants, meaning) else { continue };
        folded.allow.push((Grant { call: group.to_owned(), when: Vec::new(), reason: None }, from));
        folded.deny.extend(missing.into_iter().map(|call| (call, group)));
        for Grant { call, when, .. } in grants {
            in_groups.entry(call).or_default().push(when);
        }
    }
    folded.deny.sort_unstable();
    folded.deny.dedup_by(|one, other| one.0 == other.0);
    singles(meaning, &in_groups, reason, &mut folded, omissions);
    folded.kill = meaning.killed.iter().map(|(call, path)| ((*call).to_owned(), path.clone())).collect();
    folded
}

/// Whether a group can stand for what is allowed: the calls in it that are not, and the rules of those that are.
fn whole(grants: &[Grant], meaning: &Meaning<'_>) -> Option<(Vec<String>, Vec<String>)> {
    let (mut missing, mut from) = (Vec::new(), Vec::new());
    for Grant { call, when, .. } in grants {
        match meaning.allowed.get(call.as_str()) {
            Some(allowed) if each(when).iter().all(|when| covered(when, &allowed.ways)) => from.extend(allowed.from.iter().cloned()),
            Some(_) => return None,
            None => missing.push(call.clone()),
        }
    }
    let enough = missing.len() * 4 <= grants.len();
    missing.retain(|call| !meaning.killed.contains_key(call.as_str()));
    from.sort_unstable();
    from.dedup();
    enough.then_some((missing, from))
}

/// A list of values as one alternative per value.
fn each(when: &[Condition]) -> Vec<Vec<Condition>> {
    when.iter().fold(vec![Vec::new()], |ways, condition| {
        let ops = match &condition.op {
            Comparison::OneOf(values) => values.iter().map(|value| Comparison::Equals(*value)).collect(),
            other => vec![other.clone()],
        };
        let with = |way: &Vec<Condition>, op: &Comparison| [way.as_slice(), &[Condition { arg: condition.arg, op: op.clone() }]].concat();
        ways.iter().flat_map(|way| ops.iter().map(|op| with(way, op)).collect::<Vec<_>>()).collect()
    })
}

/// What no group grants, call by call; those with the fewest entries first in line where not all can stand.
fn singles(
    meaning: &Meaning<'_>,
    in_groups: &BTreeMap<String, Vec<Vec<Condition>>>,
    reason: &str,
    folded: &mut Folded,
    omissions: &mut Omissions,
) {
    let rest = |(call, allowed): (&&str, &Allowed)| {
        let groups = in_groups.get(*call).map_or(&[][..], Vec::as_slice);
        let ways: Vec<_> = allowed.ways.iter().filter(|way| !each(way).iter().all(|way| covered(way, groups))).cloned().collect();
        ((*call).to_owned(), ways, allowed.from.clone())
    };
    let mut rest: Vec<_> = meaning.allowed.iter().map(rest).collect();
    rest.sort_by_key(|(_, ways, _)| ways.len());
    let mut room = ENTRIES.saturating_sub(folded.allow.len());
    let mut entries = Vec::new();
    for (call, ways, from) in rest {
        if ways.len() > room {
            omissions.add(
                Effect::Refused,
                from.first().map_or("$", String::as_str),
                call,
                format!("a policy has no room for more than {ENTRIES} entries"),
            );
            continue;
        }
        room -= ways.len();
        let reason = remand_syscalls::is_dangerous(&call).then(|| reason.to_owned());
        entries.extend(ways.into_iter().map(|when| (Grant { call: call.clone(), when, reason: reason.clone() }, from.clone())));
    }
    // In the order of names again.
    entries.sort_by(|(one, _), (other, _)| one.call.cmp(&other.call));
    // A group that has nothing but parts of what single grants allow says nothing more.
    let alone = |Grant { call, when, .. }: &Grant| {
        let ways: Vec<_> = entries.iter().filter(|(single, _)| single.call == *call).map(|(single, _)| single.when.clone()).collect();
        covered(when, &ways)
    };
    folded.allow.retain(|(group, _)| !grants_of_group(&group.call).unwrap_or_default().iter().all(alone));
    folded.allow.extend(entries);
}
