//! Comparisons of a foreign rule, brought to the width of the kernel's own signature, and turned into those that policies have.
//!
//! Always holds: exact for every value that the kernel can see. A 32-bit argument is judged as it reaches the kernel, its upper half zero: a rule that
//! asks for bits above never matches.
//!
//! Policies have no "not equal" and no "above"; both are the union of a few masks (all values whose leading bits are ...), which is how they are written.

use remand_syscalls::{Comparison, Condition};

use super::profile::{Op, Test};

/// What a comparison comes to in a width.
pub(super) enum Narrowed {
    Always,
    Never,
    Test(Test),
}

/// Brings a comparison to values up to `max` (all ones), and to one of: equal, not equal, at most, above, masked.
pub(super) fn narrowed(Test { arg, op }: Test, max: u64) -> Narrowed {
    let op = match op {
        Op::Below(0) => return Narrowed::Never,
        Op::Below(value) => Op::AtMost(value - 1),
        Op::AtLeast(0) => return Narrowed::Always,
        Op::AtLeast(value) => Op::Above(value - 1),
        Op::Masked { mask: u64::MAX, value } => Op::Equal(value),
        other => other,
    };
    match op {
        Op::Equal(value) if value > max => Narrowed::Never,
        Op::NotEqual(value) if value > max => Narrowed::Always,
        Op::AtMost(value) if value >= max => Narrowed::Always,
        Op::Above(value) if value >= max => Narrowed::Never,
        Op::Masked { value, .. } if value > max => Narrowed::Never,
        Op::Masked { mask, .. } if mask & max == 0 => Narrowed::Always,
        Op::Masked { mask, value } if mask & max == max => Narrowed::Test(Test { arg, op: Op::Equal(value) }),
        Op::Masked { mask, value } => Narrowed::Test(Test { arg, op: Op::Masked { mask: mask & max, value } }),
        op => Narrowed::Test(Test { arg, op }),
    }
}

/// Tests of which one holds exactly where `test`, a narrowed one, does not.
pub(super) fn negated(Test { arg, op }: Test) -> Vec<Test> {
    let ops = match op {
        Op::Equal(value) => vec![Op::NotEqual(value)],
        Op::NotEqual(value) => vec![Op::Equal(value)],
        Op::AtMost(value) => vec![Op::Above(value)],
        Op::Above(value) => vec![Op::AtMost(value)],
        // Not narrowed; right all the same.
        Op::Below(value) => vec![Op::AtLeast(value)],
        Op::AtLeast(value) => vec![Op::Below(value)],
        Op::Masked { mask, value } => bits(mask).map(|bit| Op::Masked { mask: bit, value: !value & bit }).collect(),
    };
    ops.into_iter().map(|op| Test { arg, op }).collect()
}

/// Whether no value passes both. `false` where that can't be said.
pub(super) fn disjoint(one: Test, other: Test) -> bool {
    one.arg == other.arg
        && match (one.op, other.op) {
            (Op::Equal(value), op) | (op, Op::Equal(value)) => !passes(value, op),
            (Op::AtMost(most), Op::Above(least)) | (Op::Above(least), Op::AtMost(most)) => least >= most,
            (Op::Masked { mask, value }, Op::Masked { mask: other, value: wanted }) => (value ^ wanted) & mask & other != 0,
            _ => false,
        }
}

/// Whether a value passes.
pub(super) fn passes(argument: u64, op: Op) -> bool {
    match op {
        Op::Equal(value) => argument == value,
        Op::NotEqual(value) => argument != value,
        Op::Below(value) => argument < value,
        Op::AtMost(value) => argument <= value,
        Op::AtLeast(value) => argument >= value,
        Op::Above(value) => argument > value,
        Op::Masked { mask, value } => argument & mask == value,
    }
}

/// Conditions of which one holds exactly where `test`, a narrowed one, does, for values up to `max`.
pub(super) fn conditions(Test { arg, op }: Test, max: u64) -> Vec<Condition> {
    let ops = match op {
        Op::Equal(value) => vec![Comparison::Equals(value)],
        Op::AtMost(most) => vec![Comparison::AtMost(most)],
        Op::Masked { mask, value } => vec![Comparison::Masked { mask, value }],
        Op::Above(value) => above(value, max),
        Op::NotEqual(value) => {
            let below = value.checked_sub(1).map(Comparison::AtMost);
            below.into_iter().chain(above(value, max)).collect()
        }
        Op::Below(value) => value.checked_sub(1).map(Comparison::AtMost).into_iter().collect(),
        Op::AtLeast(value) => match value.checked_sub(1) {
            Some(below) => above(below, max),
            None => vec![Comparison::AtMost(max)],
        },
    };
    ops.into_iter().map(|op| Condition { arg, op }).collect()
}

/// A value above `value` has its leading bits down to one that `value` has not, and that one.
fn above(value: u64, max: u64) -> Vec<Comparison> {
    let leading = |bit: u64| max & !(bit - 1);
    bits(!value & max).map(|bit| Comparison::Masked { mask: leading(bit), value: value & leading(bit) | bit }).collect()
}

fn bits(mask: u64) -> impl Iterator<Item = u64> {
    (0..u64::BITS).map(|bit| 1 << bit).filter(move |bit| mask & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [u64; 12] = [0, 1, 2, 9, 16, 0x7e02_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 1 << 32, u64::MAX];

    fn ops() -> impl Iterator<Item = Op> {
        let one = |v| [Op::Equal(v), Op::NotEqual(v), Op::Below(v), Op::AtMost(v), Op::AtLeast(v), Op::Above(v)];
        let masks = EDGES.into_iter().flat_map(|mask| EDGES.into_iter().map(move |value| Op::Masked { mask, value: value & mask }));
        EDGES.into_iter().flat_map(one).chain(masks)
    }

    fn holds(value: u64, op: &Comparison) -> bool {
        match op {
            Comparison::Equals(wanted) => value == *wanted,
            Comparison::OneOf(values) => values.contains(&value),
            Comparison::AtMost(most) => value <= *most,
            Comparison::Masked { mask, value: wanted } => value & mask == *wanted,
        }
    }

    #[test]
    fn every_form_says_the_same_for_every_value() {
        for max in [u64::from(u32::MAX), u64::MAX] {
            let values: Vec<u64> =
                EDGES.into_iter().flat_map(|v| [v.wrapping_sub(1), v, v.wrapping_add(1)]).filter(|v| *v <= max).collect();
            for op in ops() {
                for &value in &values {
                    let wanted = passes(value, op);
                    match narrowed(Test { arg: 0, op }, max) {
                        Narrowed::Always => assert!(wanted, "{op:?} {value:#x}"),
                        Narrowed::Never => assert!(!wanted, "{op:?} {value:#x}"),
                        Narrowed::Test(test) => {
                            let written = conditions(test, max);
                            assert_eq!(written.iter().any(|c| holds(value, &c.op)), wanted, "{op:?} {value:#x}: {written:?}");
                            assert!(written.iter().all(|c| !matches!(c.op, Comparison::Masked { mask, value } if mask | value > max)));
                            let not = negated(test).into_iter().any(|test| passes(value, test.op));
                            assert_eq!(not, !wanted, "not {op:?} {value:#x}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_disjoint_has_no_common_value() {
        let test = |op| Test { arg: 0, op };
        let mut found = 0;
        for one in ops() {
            for other in ops().filter(|other| disjoint(test(one), test(*other))) {
                found += 1;
                let both = EDGES
                    .into_iter()
                    .flat_map(|v| [v.wrapping_sub(1), v, v.wrapping_add(1)])
                    .find(|v| passes(*v, one) && passes(*v, other));
                assert_eq!(both, None, "{one:?} {other:?}");
            }
        }
        assert!(found > 1000, "{found}");
        assert!(!disjoint(Test { arg: 0, op: Op::Equal(1) }, Test { arg: 1, op: Op::Equal(2) }), "of two arguments");
    }
}
