//! Alternatives: sets of comparisons that must all hold, without what is denied, and as policies write them.
//!
//! Always holds: exact, or `None` where it would be too much. Work is bounded by [`WAYS`].

use std::collections::BTreeSet;

use remand_syscalls::{Comparison, Condition};

use super::profile::{Op, Test};
use super::test::{Narrowed, conditions, disjoint, narrowed, negated};

/// Most alternatives looked at for one call.
pub(super) const WAYS: usize = 1024;

/// Comparisons that must all hold, narrowed to the call's widths. An empty one always holds.
pub(super) type Way = BTreeSet<Test>;

/// A group's own conditions as tests; a list of values is several alternatives.
pub(super) fn split(when: &[Condition]) -> Vec<Way> {
    when.iter().fold(vec![Way::new()], |ways, condition| {
        let ops: Vec<_> = match &condition.op {
            Comparison::Equals(value) => vec![Op::Equal(*value)],
            Comparison::OneOf(values) => values.iter().map(|value| Op::Equal(*value)).collect(),
            Comparison::AtMost(most) => vec![Op::AtMost(*most)],
            Comparison::Masked { mask, value } => vec![Op::Masked { mask: *mask, value: *value }],
        };
        ways.iter()
            .flat_map(|way| ops.iter().map(|op| way.iter().copied().chain([Test { arg: condition.arg, op: *op }]).collect()))
            .collect()
    })
}

/// The comparisons in the call's widths: `None` if no value passes, `Err` with the argument that the call does not have.
pub(super) fn way(call: &str, tests: &[Test]) -> Result<Option<Way>, u8> {
    let mut way = Way::new();
    let mut never = false;
    for test in tests {
        match narrowed(*test, max(call, test.arg).ok_or(test.arg)?) {
            Narrowed::Always => {}
            Narrowed::Never => never = true,
            Narrowed::Test(test) => drop(way.insert(test)),
        }
    }
    Ok((!never && possible(&way)).then_some(way))
}

fn max(call: &str, arg: u8) -> Option<u64> {
    remand_syscalls::argument_width(call, arg).map(|bits| if bits == 32 { u32::MAX.into() } else { u64::MAX })
}

fn possible(way: &Way) -> bool {
    !way.iter().any(|one| way.iter().any(|other| disjoint(*one, *other)))
}

/// Whether an argument is compared more than once.
pub(super) fn repeated(tests: &[Test]) -> bool {
    tests.iter().enumerate().any(|(at, test)| tests.iter().skip(at + 1).any(|other| other.arg == test.arg))
}

/// `way` without what `denial` takes: one of the denial's tests must fail.
pub(super) fn minus(way: &Way, denial: &Way) -> Vec<Way> {
    if denial.iter().any(|denied| way.iter().any(|test| disjoint(*test, *denied))) {
        return vec![way.clone()];
    }
    let fails = denial.iter().flat_map(|test| negated(*test));
    fails.map(|test| way.iter().copied().chain([test]).collect()).filter(possible).collect()
}

/// A way as policies write it: the product of what each test comes to; `None` if that is too much.
pub(super) fn written(call: &str, way: &Way) -> Option<Vec<Vec<Condition>>> {
    way.iter().try_fold(vec![Vec::new()], |ways: Vec<Vec<Condition>>, test| {
        let options = conditions(*test, max(call, test.arg)?);
        let more =
            |way: &Vec<Condition>| options.iter().map(|option| [way.as_slice(), std::slice::from_ref(option)].concat()).collect::<Vec<_>>();
        (ways.len() * options.len() <= WAYS).then(|| ways.iter().flat_map(more).collect())
    })
}

/// Alternatives that differ in one argument's value only, joined into one with a list of values.
pub(super) fn joined(ways: Vec<Vec<Condition>>) -> Vec<Vec<Condition>> {
    let mut joined: Vec<Vec<Condition>> = Vec::new();
    for way in ways {
        let fits = |other: &&mut Vec<Condition>| other.len() == way.len() && differing(&way, other).is_some();
        match joined.iter_mut().find(fits) {
            Some(other) => {
                if let Some((at, value)) = differing(&way, other)
                    && let Some(condition) = other.get_mut(at)
                {
                    add(&mut condition.op, value);
                }
            }
            None => joined.push(way),
        }
    }
    joined
}

/// The one place where `way` has a value and `other` another value or a list, all else being equal.
fn differing(way: &[Condition], other: &[Condition]) -> Option<(usize, u64)> {
    let mut differing = way.iter().zip(other).enumerate().filter(|(_, (one, other))| one != other);
    let (at, (one, other)) = differing.next()?;
    match (&one.op, &other.op) {
        (Comparison::Equals(value), Comparison::Equals(_) | Comparison::OneOf(_)) if one.arg == other.arg && differing.next().is_none() => {
            Some((at, *value))
        }
        _ => None,
    }
}

fn add(op: &mut Comparison, value: u64) {
    match op {
        Comparison::OneOf(values) if !values.contains(&value) => values.push(value),
        Comparison::Equals(first) => *op = Comparison::OneOf(vec![*first, value]),
        _ => {}
    }
}
