//! Filters against meaning where it can be tried in full: every number of both instruction sets, x32 and beyond, foreign ones, and every call whose
//! arguments decide, at all values around which the answer can change.

use std::cell::Cell;
use std::collections::BTreeSet;

use arbitrary::Unstructured;
use proptest::prelude::*;
use remand_policy::shipped;
use remand_syscalls::bpf::{Instruction, SeccompData};
use remand_syscalls::{Arch, Comparison, Condition, Grant, KILL, NOTIFY, Rules, audit_arch, is_dangerous, is_group, name, names, number};

use crate::compiler::{BOTH, agree, filter};
use crate::meaning::{Meaning, edges};
use crate::wild;

/// More numbers than any table has.
const NUMBERS: u32 = 600;
const X32: u32 = 0x4000_0000;
/// i386, ARM, big-endian MIPS, none, all bits; and each of ours for the other.
const FOREIGN: [u32; 7] = [0x4000_0003, 0x4000_0028, 8, 0, u32::MAX, 0xc000_00b7, 0xc000_003e];
const REGISTERS: [[u64; 6]; 3] = [[0; 6], [u64::MAX; 6], [0xdead_beef_0000_0005, 1 << 31, 1 << 32, 3, 4, 5]];

fn section(allow: &[&str], deny: &[&str], kill: &[&str]) -> Rules {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Rules { allow: allow.iter().map(|call| Grant::any(call)).collect(), deny: owned(deny), kill: owned(kill) }
}

/// Those shipped, and combinations in which the lists overlap.
fn sections() -> Vec<Rules> {
    let groups: Vec<_> = names().filter(|name| is_group(name)).collect();
    let safe: Vec<_> = groups.iter().copied().filter(|group| !is_dangerous(group)).collect();
    let without = |left_out: &[&str]| safe.iter().copied().filter(|group| !left_out.contains(group)).collect::<Vec<_>>();
    let mut all: Vec<_> =
        shipped::SHIPPED.iter().map(|(name, _)| remand_policy::load::shipped(name).unwrap().unwrap().syscalls.rules).collect();
    all.extend([
        section(&safe, &[], &["ptrace", "@kernel", "@namespaces"]),
        section(&without(&["@threads", "@exec", "@socketpair"]), &["memfd_create"], &["@mount", "@keys", "sendmsg"]),
        section(&[safe.clone(), vec!["@sockets", "@numa", "sendmsg"]].concat(), &["vfork"], &[]),
        section(&groups, &[], &[]),
        section(&groups, &["@exec", "sendmsg"], &["@threads", "@sockets"]),
        section(&[], &[], &[]),
        section(&["@io"], &["@io"], &["read"]),
    ]);
    all
}

fn data(arch: Arch, nr: u32, args: [u64; 6]) -> SeccompData {
    SeccompData { nr, arch: audit_arch(arch), instruction_pointer: 0x7fff_1234_5678, args }
}

/// One filter, compared with what its policy means.
struct Trial<'s> {
    section: &'s Rules,
    meaning: &'s Meaning,
    arch: Arch,
    program: Vec<Instruction>,
}

impl Trial<'_> {
    fn agree(&self, data: &SeccompData) {
        agree(&self.program, self.meaning, self.arch, data, self.section);
    }

    fn every_number(&self, registers: &[[u64; 6]]) {
        for args in registers {
            (0..NUMBERS).chain(wild::STRAY).for_each(|nr| self.agree(&data(self.arch, nr, *args)));
        }
        for nr in (0..NUMBERS).map(|nr| nr | X32) {
            let data = data(self.arch, nr, [5; 6]);
            assert_eq!(self.meaning.answer(self.arch, &data), NOTIFY);
            self.agree(&data);
        }
    }

    fn foreign(&self) {
        for foreign in FOREIGN.into_iter().filter(|foreign| *foreign != audit_arch(self.arch)) {
            for nr in (0..NUMBERS).chain(wild::STRAY) {
                let data = SeccompData { arch: foreign, ..data(self.arch, nr, [5; 6]) };
                assert_eq!(self.meaning.answer(self.arch, &data), KILL);
                self.agree(&data);
            }
        }
    }

    /// Each register that conditions ask about, and all at once, at up to `most` edges, while the others hold what meets one of the alternatives, 0 or 1;
    /// so that each condition is seen to decide.
    fn arguments(&self, most: usize) {
        let calls = (0..NUMBERS).filter_map(|nr| Some((nr, name(self.arch, nr)?)));
        for (nr, call) in calls.filter(|(_, call)| self.meaning.depends(call)) {
            let ways = self.meaning.ways(call);
            let asked: BTreeSet<_> = ways.iter().flatten().map(|condition| usize::from(condition.arg)).chain([0]).collect();
            let others: BTreeSet<_> = ways.iter().map(|way| meeting(way)).chain([[0; 6], [1; 6]]).collect();
            let edges = edges(ways);
            for edge in edges.iter().step_by(edges.len().div_ceil(most)) {
                self.agree(&data(self.arch, nr, [*edge; 6]));
                for (other, position) in others.iter().flat_map(|other| asked.iter().map(move |position| (*other, *position))) {
                    let mut args = other;
                    args[position] = *edge;
                    self.agree(&data(self.arch, nr, args));
                }
            }
        }
    }
}

/// Registers that meet every condition of an alternative, where its conditions are of different arguments.
fn meeting(way: &[Condition]) -> [u64; 6] {
    let mut args = [0; 6];
    for Condition { arg, op } in way {
        args[usize::from(*arg)] = match op {
            Comparison::Equals(value) | Comparison::AtMost(value) | Comparison::Masked { value, .. } => *value,
            Comparison::OneOf(values) => values.last().copied().unwrap_or(0),
        };
    }
    args
}

fn trials(section: &Rules, each: impl Fn(&Trial<'_>)) {
    let meaning = Meaning::of(section);
    for arch in BOTH {
        if let Some(program) = filter(section, &meaning, arch) {
            each(&Trial { section, meaning: &meaning, arch, program });
        }
    }
}

#[test]
fn every_number_of_every_abi_means_what_the_policy_says() {
    sections().iter().for_each(|section| trials(section, |trial| trial.every_number(&REGISTERS)));
}

#[test]
fn every_group_alone_means_what_it_grants() {
    for group in names().filter(|name| is_group(name)) {
        trials(&section(&[group], &[], &[]), |trial| trial.every_number(&REGISTERS[..1]));
    }
}

#[test]
fn foreign_instruction_sets_end_the_run_whatever_the_number() {
    sections().iter().for_each(|section| trials(section, |trial| trial.foreign()));
}

#[test]
fn arguments_are_judged_in_the_kernels_width() {
    sections().iter().for_each(|section| trials(section, |trial| trial.arguments(usize::MAX)));
}

/// Each comparison alone, on an argument of 32 and of 64 bits, at each value where halves and signs meet.
#[test]
fn every_comparison_turns_where_it_says() {
    let places = [0, 1, 1 << 31, 1 << 32, 1 << 63].into_iter().flat_map(|place: u64| [place.wrapping_sub(1), place, place + 1]);
    for value in places.chain([0xdead_beef_8000_0001]) {
        let comparisons = [
            Comparison::Equals(value),
            Comparison::AtMost(value),
            Comparison::OneOf(vec![value, 7, value]),
            Comparison::Masked { mask: value, value },
            Comparison::Masked { mask: value, value: 0 },
            Comparison::Masked { mask: !value, value: 1 },
        ];
        for (op, (call, arg)) in comparisons.iter().flat_map(|op| [("kill", 1), ("lseek", 1)].map(|argument| (op, argument))) {
            let when = vec![Condition { arg, op: op.clone() }];
            let section = Rules { allow: vec![Grant { when, ..Grant::any(call) }], ..section(&[], &[], &[]) };
            trials(&section, |trial| trial.arguments(usize::MAX));
        }
    }
}

/// Lists of values longer than a conditional jump reaches, one of 32 and one of 64 bits, up to more than the kernel takes.
#[test]
fn long_conditions_jump_right_or_are_refused() {
    for (arg, fits, refused) in [(0, vec![100, 254, 255, 256, 257, 1500, 3500], 5000), (1, vec![60, 63, 64, 65, 700], 2000)] {
        let with = |count| {
            let values = (0..count).map(|value| value * 3).collect();
            let when = vec![Condition { arg, op: Comparison::OneOf(values) }, Condition { arg: 1, op: Comparison::AtMost(1 << 40) }];
            Rules { allow: vec![Grant { when, ..Grant::any("lseek") }, Grant::any("read"), Grant::any("mseal")], ..section(&[], &[], &[]) }
        };
        for count in fits {
            let section = with(count);
            let last = 3 * (count - 1);
            let tried = Cell::new(0);
            trials(&section, |trial| {
                trial.every_number(&[[3; 6]]);
                let nr = number(trial.arch, "lseek").unwrap();
                for edge in [0, 1, 3, last - 3, last - 1, last, last + 3, 1 << 32 | 3, 1 << 33 | 1] {
                    trial.agree(&data(trial.arch, nr, [edge; 6]));
                }
                tried.set(tried.get() + 1);
            });
            assert_eq!(tried.get(), 2, "{count} values of argument {arg}");
        }
        trials(&with(refused), |trial| panic!("{} instructions", trial.program.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_policy_compiles_to_what_it_means(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        let section = wild::section(&mut Unstructured::new(&bytes)).unwrap();
        trials(&section, |trial| {
            trial.every_number(&REGISTERS[2..]);
            trial.arguments(50);
        });
    }
}
