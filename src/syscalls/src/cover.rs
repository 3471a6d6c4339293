//! Which grants cover which: the order of rules by what they let through. A *way* is one alternative of a grant: conditions that must all hold.
//!
//! Always holds: a way counts as covered only by a single other way, each of whose conditions it implies; two that cover it only together do not count. So
//! of two policies, one that is narrower may be taken for a wider one, but never a wider one for narrower.

use std::collections::BTreeSet;

use crate::granted::grants_of_group;
use crate::rules::{Comparison, Condition};

/// The calls that names of `deny` or `kill` stand for.
#[must_use]
pub fn calls_named(names: &[String]) -> BTreeSet<String> {
    let members = |name: &String| match grants_of_group(name) {
        Some(grants) => grants.into_iter().map(|grant| grant.call).collect(),
        None => vec![name.clone()],
    };
    names.iter().flat_map(members).collect()
}

/// Whether one of `others` holds wherever `way` holds.
#[must_use]
pub fn covered(way: &[Condition], others: &[Vec<Condition>]) -> bool {
    let holds = |wanted: &Condition| way.iter().any(|given| given.arg == wanted.arg && implies(&given.op, &wanted.op));
    others.iter().any(|other| other.iter().all(holds))
}

/// Whether every value that passes `given` passes `wanted`.
fn implies(given: &Comparison, wanted: &Comparison) -> bool {
    match given {
        Comparison::Equals(value) => wanted.passes(*value),
        Comparison::OneOf(values) => values.iter().all(|value| wanted.passes(*value)),
        Comparison::AtMost(most) => match wanted {
            Comparison::AtMost(other) => most <= other,
            // Up to the highest bit of `most`, any bit may be set.
            Comparison::Masked { mask, value } => *value == 0 && mask & bits_below(*most) == 0,
            Comparison::Equals(value) => *most == 0 && *value == 0,
            Comparison::OneOf(values) => *most <= 64 && (0..=*most).all(|candidate| values.contains(&candidate)),
        },
        Comparison::Masked { mask, value } => match wanted {
            Comparison::Masked { mask: other, value: wanted } => mask & other == *other && value & other == *wanted,
            Comparison::AtMost(most) => value | !mask <= *most,
            Comparison::Equals(wanted) => *mask == u64::MAX && value == wanted,
            Comparison::OneOf(values) => *mask == u64::MAX && values.contains(value),
        },
    }
}

/// All ones from bit 0 to the highest bit of `value`.
fn bits_below(value: u64) -> u64 {
    u64::MAX.checked_shr(value.leading_zeros()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All comparisons over a few values, small, at the 32-bit edge and at the 64-bit edge.
    fn comparisons() -> Vec<Comparison> {
        const VALUES: [u64; 8] = [0, 1, 2, 3, 5, 7, 0xffff_ffff, u64::MAX];
        let singles =
            VALUES.into_iter().flat_map(|value| [Comparison::Equals(value), Comparison::AtMost(value), Comparison::OneOf(vec![value])]);
        let pairs = VALUES.into_iter().flat_map(|one| VALUES.into_iter().map(move |other| (one, other)));
        let paired =
            pairs.flat_map(|(one, other)| [Comparison::OneOf(vec![one, other]), Comparison::Masked { mask: one, value: other & one }]);
        let masks = [!0, !1, !3, !7, !5].into_iter().map(|mask| Comparison::Masked { mask, value: 0 });
        singles.chain(paired).chain(masks).collect()
    }

    #[test]
    fn what_is_implied_holds_for_every_value() {
        let values: Vec<u64> = (0..20).chain([0xffff_fffe, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX]).collect();
        let all = comparisons();
        let mut implied = 0;
        for given in &all {
            assert!(implies(given, given), "{given:?}");
            for wanted in &all {
                if implies(given, wanted) {
                    implied += 1;
                    let counter = values.iter().find(|value| given.passes(**value) && !wanted.passes(**value));
                    assert_eq!(counter, None, "{given:?} does not imply {wanted:?}");
                }
            }
        }
        assert!(implied > 2 * all.len(), "hardly anything is implied: {implied}");
    }
}
