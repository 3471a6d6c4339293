//! The order of the `syscalls` section, by what is granted in the end.
//!
//! Always holds: a grant counts as covered only where each of its conditions' values satisfies a grant of the other side; two grants that cover a
//! third one only together do not count. So the order may miss a narrowing, and never takes a widening for one.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use remand_syscalls::{Alternatives, Condition, Grant, Rules, calls_named, covered, granted};
use serde_json::Value;

use super::change::{Change, entry, names};
use crate::field::Greater;
use crate::write::write_grant;

const ALLOW: &str = "syscalls.allow";

pub(super) fn compare(changes: &mut Vec<Change>, from: &Rules, to: &Rules) {
    if from == to {
        return;
    }
    match (granted(from), granted(to)) {
        (Ok(old), Ok(new)) => {
            let calls: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
            for call in calls {
                let ways = |granted: &BTreeMap<_, Alternatives>| granted.get(call).cloned().unwrap_or_default();
                compare_call(changes, call, &ways(&old), &ways(&new));
            }
        }
        // Names that mean nothing have no order.
        _ => {
            let [from, to] = [from, to].map(|rules| Value::from_iter(rules.allow.iter().map(write_grant)));
            entry(changes, ALLOW, None, &from, &to);
        }
    }
    let kills = |rules: &Rules| calls_named(&rules.kill).into_iter().collect::<Vec<_>>();
    names(changes, "syscalls.kill", &kills(from), &kills(to), Greater::AllowsLess, |wide, narrow| wide == narrow);
}

/// One call, with the alternatives under which each side grants it; none: not at all.
fn compare_call(changes: &mut Vec<Change>, call: &str, from: &Alternatives, to: &Alternatives) {
    let (less, more) = (uncovered(from, to), uncovered(to, from));
    let ordering = match (less.is_empty(), more.is_empty()) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    };
    let written = |ways: Vec<&Vec<Condition>>| {
        let grant = |way: &Vec<Condition>| write_grant(&Grant { call: call.to_owned(), when: way.clone(), reason: None });
        Value::from_iter(ways.into_iter().map(grant))
    };
    entry(changes, ALLOW, ordering, &written(less), &written(more));
}

/// The alternatives that are not within one of the others.
fn uncovered<'w>(ways: &'w Alternatives, others: &Alternatives) -> Vec<&'w Vec<Condition>> {
    ways.iter().filter(|way| !covered(way, others)).collect()
}
