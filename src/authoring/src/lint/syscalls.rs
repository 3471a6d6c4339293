//! Grants of which nothing is left, that grant nothing new, or that can never match; denials of what nothing grants.
//!
//! Always holds: judged by what [`granted`] says a section means. Work is bounded: where a file lists very many values, coverage is not looked for.

use std::collections::BTreeMap;

use remand_policy::policy::Syscalls;
use remand_policy::text::quote;
use remand_syscalls::{Alternatives, Comparison, Condition, Grant, Rules, argument_width, covered, granted, grants_of_group};

use super::advice::{Found, Spot};

/// Values in conditions up to which grants are compared with each other.
const COMPARED: usize = 2000;

type Granted = BTreeMap<&'static str, Alternatives>;

pub(super) fn advise(rules: &Rules, found: &mut Found) {
    let Rules { allow, deny, kill } = rules;
    let alone = |grant: &Grant| granted(&Rules { allow: vec![grant.clone()], deny: Vec::new(), kill: Vec::new() });
    let Ok(alone) = allow.iter().map(alone).collect::<Result<Vec<Granted>, _>>() else { return };
    for (index, grant) in allow.iter().enumerate() {
        matches_nothing(index, grant, found);
    }
    dead(rules, &alone, found);
    redundant(allow, &alone, found);
    idle(deny, kill, &alone, found);
}

/// Calls in `quiet` that no run is denied: there is nothing to be silent about.
pub(super) fn never_denied(Syscalls { rules, quiet, .. }: &Syscalls, found: &mut Found) {
    let Ok(granted) = granted(rules) else { return };
    let killed: Vec<_> = rules.kill.iter().flat_map(|name| calls(name)).collect();
    for (index, name) in quiet.iter().enumerate() {
        let named = calls(name);
        let at = || [Spot::Entry("syscalls.quiet", index)];
        let allowed = |call: &String| granted.get(call.as_str()).is_some_and(|ways| ways.iter().any(Vec::is_empty));
        if named.iter().all(allowed) {
            let message =
                format!("{} is granted by syscalls.allow, so it is never denied, and there is nothing to keep quiet", quote(name));
            found.say(at(), message, "take one of the two out");
        } else if named.iter().all(|call| killed.contains(call)) {
            found.say(at(), format!("{} in syscalls.kill ends the run, which is never quiet", quote(name)), "take one of the two out");
        }
    }
}

/// The calls that a name in `deny` or `kill` takes.
pub(super) fn calls(name: &str) -> Vec<String> {
    grants_of_group(name).map_or_else(|| vec![name.to_owned()], |grants| grants.into_iter().map(|grant| grant.call).collect())
}

fn matches_nothing(index: usize, grant: &Grant, found: &mut Found) {
    let at = || [Spot::Entry("syscalls.allow", index)];
    for arg in 0..6 {
        let on: Vec<_> = grant.when.iter().filter(|condition| condition.arg == arg).map(|condition| &condition.op).collect();
        let call = &grant.call;
        if !can_hold(&on) {
            let message = format!("the conditions on argument {arg} of {call} contradict each other: this grant never matches");
            found.say(at(), message, "conditions of one grant must all hold; alternatives are grants of their own");
        } else if on.iter().any(|op| holds_always(op, argument_width(call, arg))) {
            found.say(at(), format!("a condition on argument {arg} of {call} holds for every value"), "take it out, or narrow it");
        }
    }
}

/// Whether some arguments meet all conditions.
pub(crate) fn can_match(when: &[Condition]) -> bool {
    (0..6).all(|arg| can_hold(&when.iter().filter(|condition| condition.arg == arg).map(|condition| &condition.op).collect::<Vec<_>>()))
}

/// Whether some value passes all comparisons.
fn can_hold(on: &[&Comparison]) -> bool {
    let passes = |value: u64| on.iter().all(|op| op.passes(value));
    let listed = on.iter().find_map(|op| match op {
        Comparison::Equals(value) => Some(std::slice::from_ref(value)),
        Comparison::OneOf(values) => Some(values.as_slice()),
        _ => None,
    });
    if let Some(values) = listed {
        return values.iter().any(|value| passes(*value));
    }
    // The least value that has all the bits asked for; if that does not pass, a bit must be set and clear, or it is above a bound.
    passes(on.iter().fold(0, |bits, op| if let Comparison::Masked { value, .. } = op { bits | value } else { bits }))
}

fn holds_always(op: &Comparison, width: Option<u32>) -> bool {
    let most = if width == Some(32) { u32::MAX.into() } else { u64::MAX };
    match op {
        Comparison::AtMost(value) => *value >= most,
        Comparison::Masked { mask, .. } => *mask == 0,
        Comparison::Equals(_) | Comparison::OneOf(_) => false,
    }
}

/// Grants that `deny` and `kill` take wholly. That they name the same thing is an error already.
fn dead(rules: &Rules, alone: &[Granted], found: &mut Found) {
    let lists = [("syscalls.kill", &rules.kill), ("syscalls.deny", &rules.deny)];
    let taken: Vec<_> =
        lists.iter().flat_map(|(list, names)| names.iter().enumerate().map(move |(at, name)| (*list, at, name, calls(name)))).collect();
    for (index, (grant, calls)) in rules.allow.iter().zip(alone).enumerate() {
        let takes = |call: &str| taken.iter().find(|(_, _, name, calls)| **name != grant.call && calls.iter().any(|taken| taken == call));
        let takers: Option<Vec<_>> = calls.keys().map(|call| takes(call)).collect();
        let Some((list, at, name, _)) = takers.and_then(|takers| takers.first().copied()) else { continue };
        let message = format!("{} in {list} leaves nothing of the grant of {}", quote(name), quote(&grant.call));
        found.say([Spot::Entry("syscalls.allow", index), Spot::Entry(list, *at)], message, "take one of the two out");
    }
}

/// Grants whose every way is another grant's too.
fn redundant(allow: &[Grant], alone: &[Granted], found: &mut Found) {
    let values = allow.iter().flat_map(|grant| &grant.when).map(|on| if let Comparison::OneOf(values) = &on.op { values.len() } else { 1 });
    if values.sum::<usize>() > COMPARED {
        return;
    }
    let mut left: Vec<_> = (0..allow.len()).collect();
    // From the end on, so that of two equal grants the later one is the redundant one.
    for (index, grant) in allow.iter().enumerate().rev() {
        let Some(ways) = alone.get(index) else { continue };
        let by = left.iter().copied().find(|other| *other != index && alone.get(*other).is_some_and(|others| within(ways, others)));
        if let Some(by) = by.and_then(|by| allow.get(by)) {
            left.retain(|other| *other != index);
            let (call, by) = (quote(&grant.call), quote(&by.call));
            let (message, help) = if grant.when.is_empty() {
                (format!("{by} grants all of {call} already"), "take it out")
            } else {
                (format!("the condition has no effect: {by} grants {call} with these arguments already"), "take one of the two out")
            };
            found.say([Spot::Entry("syscalls.allow", index)], message, help);
        }
    }
}

fn within(inner: &Granted, outer: &Granted) -> bool {
    let all = |ways: &[Vec<Condition>], others: &[Vec<Condition>]| ways.iter().all(|way| covered(way, others));
    inner.iter().all(|(call, ways)| outer.get(call).is_some_and(|others| all(ways, others)))
}

/// Names in `deny` that change nothing. In `kill` nothing is idle: it changes the answer to a call that is not granted.
fn idle(deny: &[String], kill: &[String], alone: &[Granted], found: &mut Found) {
    for (index, name) in deny.iter().enumerate() {
        let denied = calls(name);
        let within = |other: &&String| {
            let others = calls(other);
            denied.iter().all(|call| others.contains(call))
        };
        let wider = |other: &&String| calls(other).len() > denied.len();
        let at = [Spot::Entry("syscalls.deny", index)];
        let name = quote(name);
        if !denied.iter().any(|call| alone.iter().any(|granted| granted.contains_key(call.as_str()))) {
            found.say(at, format!("nothing in syscalls.allow grants {name}, so denying it has no effect"), "take it out");
        } else if let Some(other) = kill.iter().find(within).or_else(|| deny.iter().filter(wider).find(within)) {
            found.say(at, format!("{} takes all of {name} already", quote(other)), "take it out");
        }
    }
}
