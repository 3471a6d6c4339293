//! Which answers a filter can give where some arguments are open.
//!
//! Always holds: an answer is listed only with a witness, arguments for which [`bpf::run`] gives it. Every way through the program is followed whose
//! conditions can hold together, until the call is known to depend on them; where that are too many, `all` is false and more answers may exist.

use std::collections::{BTreeMap, BTreeSet};

use remand_syscalls::bpf::{self, Instruction, SeccompData, code};
use remand_syscalls::{ALLOW, DONE, SERVE};

/// Instructions followed on all ways together.
const WORK: usize = 200_000;
/// Bytes of `seccomp_data` before the arguments.
const ARGUMENTS: u32 = 16;

/// What a filter can answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Each answer with arguments that get it.
    pub answers: BTreeMap<u32, [u64; 6]>,
    /// Open arguments that some way looks at.
    pub looked_at: BTreeSet<u8>,
    /// Whether every way was followed.
    pub all: bool,
}

impl Reach {
    /// Whether more answers would tell nothing new: a filter of ours lets a call through, keeps it from the kernel, or refuses it in one way.
    fn settled(&self) -> bool {
        let refused = self.answers.keys().filter(|answer| ![ALLOW, SERVE, DONE].contains(answer)).count();
        refused > 0 && self.answers.len() > 1
    }
}

/// A condition that a way has met on one word of the call's data.
#[derive(Clone, Copy, Debug)]
struct Met {
    offset: u32,
    mask: u32,
    operation: u16,
    k: u32,
    holds: bool,
}

/// What the accumulator holds.
#[derive(Clone, Copy)]
enum Value {
    Known(u32),
    /// An open word of the data, masked.
    Open {
        offset: u32,
        mask: u32,
    },
}

struct Way {
    at: usize,
    value: Value,
    met: Vec<Met>,
}

/// Follows a filter for a call of this number.
pub(super) fn reach(filter: &[Instruction], data: SeccompData, open: [bool; 6]) -> Reach {
    let mut reach = Reach { all: true, ..Reach::default() };
    let mut ways = vec![Way { at: 0, value: Value::Known(0), met: Vec::new() }];
    let mut work = 0;
    while let Some(mut way) = ways.pop() {
        loop {
            work += 1;
            if work > WORK || reach.settled() {
                reach.all &= work <= WORK;
                return reach;
            }
            match step(filter, &data, open, &mut way, &mut reach.looked_at) {
                Step::On => {}
                Step::Fork(other) => ways.extend(other),
                Step::End => {
                    if let Some(args) = witness(&data, &way.met)
                        && let Ok(answer) = bpf::run(filter, &SeccompData { args, ..data })
                    {
                        reach.answers.entry(answer).or_insert(args);
                    }
                    break;
                }
                Step::Dead => break,
                Step::Foreign => {
                    reach.all = false;
                    break;
                }
            }
        }
    }
    reach
}

enum Step {
    On,
    Fork(Option<Way>),
    End,
    /// The conditions exclude each other.
    Dead,
    /// An instruction that our compiler does not write.
    Foreign,
}

fn step(filter: &[Instruction], data: &SeccompData, open: [bool; 6], way: &mut Way, looked_at: &mut BTreeSet<u8>) -> Step {
    let Some(Instruction { code, jt, jf, k }) = filter.get(way.at).copied() else { return Step::Foreign };
    way.at += 1;
    match code {
        code::LD_ABS => {
            let argument = k.checked_sub(ARGUMENTS).and_then(|offset| u8::try_from(offset / 8).ok());
            match argument.filter(|index| open.get(usize::from(*index)).copied().unwrap_or(false)) {
                Some(argument) => {
                    looked_at.insert(argument);
                    way.value = Value::Open { offset: k, mask: u32::MAX };
                }
                None => way.value = Value::Known(word(data, k)),
            }
            Step::On
        }
        code::AND_K => {
            way.value = match way.value {
                Value::Known(value) => Value::Known(value & k),
                Value::Open { offset, mask } => Value::Open { offset, mask: mask & k },
            };
            Step::On
        }
        code::JA => {
            way.at += k as usize;
            Step::On
        }
        code::JEQ_K | code::JGT_K | code::JGE_K => jump(way, code, k, jt, jf),
        code::RET_K => Step::End,
        _ => Step::Foreign,
    }
}

fn jump(way: &mut Way, operation: u16, k: u32, jt: u8, jf: u8) -> Step {
    let (offset, mask) = match way.value {
        Value::Known(value) => {
            way.at += usize::from(if compare(operation, value, k) { jt } else { jf });
            return Step::On;
        }
        Value::Open { offset, mask } => (offset, mask),
    };
    let met = |holds| Met { offset, mask, operation, k, holds };
    let mut other = Way { at: way.at + usize::from(jf), value: way.value, met: way.met.clone() };
    other.met.push(met(false));
    way.at += usize::from(jt);
    way.met.push(met(true));
    let other = solve(offset, &other.met).map(|_| other);
    match (solve(offset, &way.met), other) {
        (Some(_), other) => Step::Fork(other),
        (None, Some(other)) => {
            *way = other;
            Step::On
        }
        (None, None) => Step::Dead,
    }
}

fn compare(operation: u16, a: u32, b: u32) -> bool {
    match operation {
        code::JEQ_K => a == b,
        code::JGT_K => a > b,
        _ => a >= b,
    }
}

/// A value of one word that meets all conditions on it. The candidates are the edges of each condition, laid over the bits that equalities fix.
fn solve(offset: u32, met: &[Met]) -> Option<u32> {
    let met: Vec<&Met> = met.iter().filter(|met| met.offset == offset).collect();
    let (mut fixed, mut bits) = (0_u32, 0_u32);
    for equal in met.iter().filter(|met| met.holds && met.operation == code::JEQ_K) {
        fixed |= equal.mask;
        bits |= equal.k;
    }
    let fits = |value: u32| met.iter().all(|met| compare(met.operation, value & met.mask, met.k) == met.holds);
    let over = |value: u32| value & !fixed | bits & fixed;
    let edges = met.iter().flat_map(|met| [met.k, met.k.wrapping_add(1), met.k.wrapping_sub(1), met.k | !met.mask]);
    let flips = (0..32).flat_map(|bit| [1_u32 << bit, !(1_u32 << bit)]);
    let pairs = (0..32_u32).flat_map(|a| (0..a).map(move |b| 1_u32 << a | 1_u32 << b));
    [0, u32::MAX].into_iter().chain(edges).chain(flips).chain(pairs).map(over).find(|value| fits(*value))
}

/// Arguments that go this way.
fn witness(data: &SeccompData, met: &[Met]) -> Option<[u64; 6]> {
    let mut args = data.args;
    for offset in met.iter().map(|met| met.offset).collect::<BTreeSet<_>>() {
        let value = u64::from(solve(offset, met)?);
        let from = offset.checked_sub(ARGUMENTS)?;
        let shift = if from.is_multiple_of(8) { 0 } else { 32 };
        let slot = args.get_mut(usize::try_from(from / 8).ok()?)?;
        *slot = *slot & !(u64::from(u32::MAX) << shift) | value << shift;
    }
    Some(args)
}

#[allow(clippy::cast_possible_truncation)] // the two halves of 64 bits
fn word(data: &SeccompData, offset: u32) -> u32 {
    let half = |value: u64| if offset.is_multiple_of(8) { value as u32 } else { (value >> 32) as u32 };
    match offset {
        0 => data.nr,
        4 => data.arch,
        8 | 12 => half(data.instruction_pointer),
        _ => half(data.args.get((offset as usize).saturating_sub(16) / 8).copied().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use remand_syscalls::{Arch, Comparison, Condition, Grant, Rules, audit_arch, compile, number};

    use super::*;

    fn comparison() -> impl Strategy<Value = Comparison> {
        let value = prop_oneof![0..8_u64, Just(u64::from(u32::MAX)), Just(1 << 32), any::<u64>()];
        prop_oneof![
            value.clone().prop_map(Comparison::Equals),
            prop::collection::vec(value.clone(), 1..4).prop_map(Comparison::OneOf),
            value.clone().prop_map(Comparison::AtMost),
            (value.clone(), value).prop_map(|(mask, value)| Comparison::Masked { mask, value: value & mask }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() })]

        /// No value that is tried gets an answer that was not foreseen.
        #[test]
        fn every_answer_is_foreseen(
            ways in prop::collection::vec(prop::collection::vec((0..3_u8, comparison()), 0..3), 1..4),
            tried in prop::collection::vec((0..9_u64, 0..9_u64, any::<u64>()), 40),
            open in any::<[bool; 2]>(),
        ) {
            let grant = |when: &Vec<(u8, Comparison)>| {
                let when = when.iter().map(|(arg, op)| Condition { arg: *arg, op: op.clone() }).collect();
                Grant { call: "lookup_dcookie".into(), when, reason: None }
            };
            let syscalls = Rules { allow: ways.iter().map(grant).collect(), deny: vec![], kill: vec![] };
            let filter = compile(&syscalls, Arch::X86_64).unwrap();
            let nr = number(Arch::X86_64, "lookup_dcookie").unwrap();
            let data = SeccompData { nr, arch: audit_arch(Arch::X86_64), ..SeccompData::default() };
            let open = [open[0], open[1], true, false, false, false];
            let found = reach(&filter, data, open);
            prop_assert!(found.all);
            for (first, second, third) in tried {
                let values = [first, second, third];
                let mut args = data.args;
                for index in 0..3 {
                    if open[index] { args[index] = values[index]; }
                }
                let answer = bpf::run(&filter, &SeccompData { args, ..data }).unwrap();
                prop_assert!(found.answers.contains_key(&answer), "{:?} gets {answer:#x}, foreseen {:?}", args, found.answers);
            }
            for (answer, args) in &found.answers {
                prop_assert_eq!(bpf::run(&filter, &SeccompData { args: *args, ..data }).unwrap(), *answer);
            }
        }
    }
}
