//! From a policy's `syscalls` to a seccomp filter: a binary search over call numbers, with argument conditions in its leaves.
//!
//! Always holds: what is not allowed is never answered with "allow": numbers that no table knows (x32 ones among them) and denied calls go to the
//! supervisor, foreign instruction sets end the run. In a run's filter that, too, is the supervisor's doing: the kernel ends only the process that
//! called, and tells nobody of it. Arguments are compared in the width that the kernel uses. A filter that observes allows less, never
//! more: some calls that it would allow go to the supervisor too.
//!
//! An own emitter, and not seccompiler: that has one action for a match and one for a mismatch, where a run's filter has four answers (allow, ask the
//! supervisor, no such call, end the run); its way to install a filter takes the descriptor of a listener for an error; and it writes a linear chain, which
//! takes three times as long to install. The kernel runs a filter only where the answer depends on arguments or is not "allow": it keeps the others in a
//! bitmap. Tests hold the emitter against seccompiler where that has words for a policy.

use crate::arch::Arch;
use crate::bpf::{Instruction, MAX_LENGTH, code};
use crate::emit::{Emitter, Label};
use crate::granted::{Access, InvalidRules, access};
use crate::groups::{Group, Test};
use crate::kept::{Around, END, Kept, kept};
use crate::rules::{Comparison, Condition, Rules};
use crate::seccomp::{ALLOW, ARCH, ARGUMENTS, KILL, NO_SUCH_CALL, NOTIFY, NUMBER, audit_arch};
use crate::table::{CALLS, NUMBERS, at, find};
use crate::{handover, paths};

/// Instructions that a policy can have: the start puts its own before them.
const ROOM: usize = MAX_LENGTH - handover::LENGTH;

/// A `syscalls` section that cannot become a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It means nothing.
    #[error("syscalls: {0}")]
    InvalidRules(#[from] InvalidRules),
    /// The filter is in force when the program is executed.
    #[error("syscalls.kill: execve cannot end the run, since the start itself needs one; write it in syscalls.deny")]
    KilledStart,
    /// What a filter can compare of it are addresses, which say nothing; and a start that met the conditions would leave its one permitted execve to the code.
    #[error("syscalls.allow: execve is granted whole or not at all: its arguments are addresses, whose values mean nothing")]
    ConditionalStart,
    /// The kernel takes no more.
    #[error("the filter would have {0} instructions, where there is room for {ROOM}: use fewer values in conditions (masks, at_most)")]
    TooLong(usize),
}

/// Compiles a policy's system calls for one instruction set: what it grants is allowed.
///
/// # Errors
/// See [`CompileError`].
pub fn compile(syscalls: &Rules, arch: Arch) -> Result<Vec<Instruction>, CompileError> {
    emit(&with_start(access(syscalls)?, KILL)?, arch, KILL)
}

/// The filter of a run: allows what [`compile`] does, but for the calls that are kept from the kernel, which are served ([`super::SERVE`]) or done with
/// ([`super::DONE`]); what ends the run goes to the supervisor ([`END`]); where no memory cgroup
/// counts what the run makes, the supervisor is told of what it could not see ([`super::COUNT`]).
///
/// # Errors
/// See [`CompileError`].
pub fn compile_for_run(syscalls: &Rules, arch: Arch, around: Around) -> Result<Vec<Instruction>, CompileError> {
    emit(&of_run(syscalls, around)?, arch, END)
}

/// The filter for learning: calls that look a path up and would be allowed go to the supervisor too, which knows by the filter of [`compile_for_run`] which
/// they are.
///
/// # Errors
/// See [`CompileError`].
pub fn compile_learning(syscalls: &Rules, arch: Arch, around: Around) -> Result<Vec<Instruction>, CompileError> {
    let mut rows = of_run(syscalls, around)?;
    for row in paths::rows() {
        if let Some(row) = rows.get_mut(row).filter(|row| row.otherwise == NOTIFY) {
            row.access = Access::Denied;
        }
    }
    emit(&rows, arch, END)
}

fn of_run(syscalls: &Rules, around: Around) -> Result<Vec<Row>, CompileError> {
    let mut rows = with_start(access(syscalls)?, END)?;
    for (row, call) in rows.iter_mut().zip(CALLS) {
        row.kept = kept(call.name, around);
    }
    Ok(rows)
}

/// What becomes of a call.
struct Row {
    access: Access,
    /// The answer where it is not allowed.
    otherwise: u32,
    /// What stands in the place of "allow".
    kept: Option<&'static Kept>,
}

/// `foreign`: the answer to other instruction sets.
fn emit(access: &[Row], arch: Arch, foreign: u32) -> Result<Vec<Instruction>, CompileError> {
    let mut emitter = Emitter::default();
    // Written from the end: the search, then what comes before it. First of all is the instruction set: the same number is another call elsewhere.
    let foreign = emitter.answer(foreign);
    let tree = tree(&mut emitter, access, &ranges(access, arch));
    emitter.go(tree);
    let number = emitter.plain(code::LD_ABS, NUMBER);
    emitter.branch(code::JEQ_K, audit_arch(arch), number, foreign);
    emitter.plain(code::LD_ABS, ARCH);
    let program = emitter.finish();
    if program.len() > ROOM { Err(CompileError::TooLong(program.len())) } else { Ok(program) }
}

/// What becomes of a range of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaf<'a> {
    Answer(u32),
    /// Allowed where an alternative holds, of this call.
    When(&'a [Vec<Condition>], usize),
}

/// Alternatives of which one always holds.
static ALWAYS: [Vec<Condition>; 1] = [Vec::new()];

/// What each call is answered where it is not allowed. The start needs execve, which must reach the supervisor.
fn with_start(access: Vec<Access>, fatal: u32) -> Result<Vec<Row>, CompileError> {
    match find("execve").and_then(|row| access.get(row)) {
        Some(Access::Killed) => return Err(CompileError::KilledStart),
        Some(Access::When(_)) => return Err(CompileError::ConditionalStart),
        _ => {}
    }
    let otherwise: Vec<u32> = access.iter().map(|access| if *access == Access::Killed { fatal } else { NOTIFY }).collect();
    Ok(access.into_iter().zip(otherwise).map(|(access, otherwise)| Row { access, otherwise, kept: None }).collect())
}

/// Ranges of numbers with one answer each, by their first number; the last one reaches to the end, x32 numbers included.
fn ranges(access: &[Row], arch: Arch) -> Vec<(u32, Leaf<'_>)> {
    let mut ranges: Vec<(u32, Leaf<'_>)> = Vec::new();
    for number in 0..=NUMBERS {
        let leaf = leaf(access, at(arch, number));
        if ranges.last().is_none_or(|(_, last)| *last != leaf) {
            ranges.push((number, leaf));
        }
    }
    ranges
}

fn leaf(access: &[Row], row: Option<usize>) -> Leaf<'_> {
    let Some((row, Row { access, otherwise, kept })) = row.and_then(|row| Some((row, access.get(row)?))) else {
        return Leaf::Answer(NOTIFY);
    };
    match (access, kept) {
        _ if CALLS.get(row).is_some_and(|call| call.home == Group::Never) => Leaf::Answer(NO_SUCH_CALL),
        (Access::Any, None) => Leaf::Answer(ALLOW),
        (Access::Any, Some(Kept { when: None, answer, .. })) => Leaf::Answer(*answer),
        (Access::Any, Some(_)) => Leaf::When(&ALWAYS, row),
        (Access::When(alternatives), _) => Leaf::When(alternatives, row),
        (Access::Denied | Access::Killed, _) => Leaf::Answer(*otherwise),
    }
}

/// A balanced search tree: the right half is written first, since it comes last. The accumulator holds the number.
fn tree(emitter: &mut Emitter, access: &[Row], ranges: &[(u32, Leaf<'_>)]) -> Label {
    match ranges {
        [] => emitter.answer(NOTIFY),
        [(_, Leaf::Answer(value))] => emitter.answer(*value),
        [(_, Leaf::When(alternatives, row))] => granted(emitter, access, alternatives, *row),
        _ => {
            let (left, right) = ranges.split_at(ranges.len() / 2);
            let from = right.first().map_or(0, |(number, _)| *number);
            let right = tree(emitter, access, right);
            let left = tree(emitter, access, left);
            emitter.branch(code::JGE_K, from, right, left)
        }
    }
}

/// One call: allowed, or what stands in its place, where an alternative holds.
fn granted(emitter: &mut Emitter, access: &[Row], alternatives: &[Vec<Condition>], row: usize) -> Label {
    let (otherwise, kept) = access.get(row).map_or((NOTIFY, None), |row| (row.otherwise, row.kept));
    match kept {
        None => conditions(emitter, alternatives, row, [ALLOW, otherwise]),
        Some(Kept { when: None, answer, .. }) => conditions(emitter, alternatives, row, [*answer, otherwise]),
        Some(Kept { when: Some((arg, kept)), answer, .. }) => {
            let Test::In(values) = kept else {
                let left = conditions(emitter, alternatives, row, [ALLOW, otherwise]);
                let done = conditions(emitter, alternatives, row, [*answer, otherwise]);
                return test(emitter, &Condition { arg: *arg, op: kept.comparison() }, row, done, left);
            };
            // Only those that such a value, or another, can meet: the filter stays short.
            let on = |when: &Vec<Condition>| {
                when.iter().filter(|condition| condition.arg == *arg).map(|condition| condition.op.clone()).collect::<Vec<_>>()
            };
            let some = |when: &&Vec<Condition>| values.iter().any(|value| on(when).iter().all(|op| op.passes(*value)));
            let others = |when: &&Vec<Condition>| {
                !on(when).iter().any(|op| matches!(op, Comparison::OneOf(listed) if listed.iter().all(|value| values.contains(value))))
            };
            let [kept, left] =
                [alternatives.iter().filter(some).cloned().collect::<Vec<_>>(), alternatives.iter().filter(others).cloned().collect()];
            let left = conditions(emitter, &left, row, [ALLOW, otherwise]);
            let kept = conditions(emitter, &kept, row, [*answer, otherwise]);
            test(emitter, &Condition { arg: *arg, op: Comparison::OneOf(values.to_vec()) }, row, kept, left)
        }
    }
}

/// Alternatives from last to first; where one fails, the next is tried.
fn conditions(emitter: &mut Emitter, alternatives: &[Vec<Condition>], row: usize, [holds, otherwise]: [u32; 2]) -> Label {
    let mut failed = emitter.answer(otherwise);
    for when in alternatives.iter().rev() {
        let mut passed = emitter.answer(holds);
        for condition in when.iter().rev() {
            passed = test(emitter, condition, row, passed, failed);
        }
        failed = passed;
    }
    failed
}

/// One condition on one argument.
fn test(emitter: &mut Emitter, condition: &Condition, row: usize, passed: Label, failed: Label) -> Label {
    let mask = CALLS.get(row).map_or(u64::MAX, |call| call.mask(condition.arg));
    let argument = Argument { offset: ARGUMENTS + 8 * u32::from(condition.arg), wide: mask > u32::MAX.into() };
    match &condition.op {
        Comparison::Equals(value) => argument.masked(emitter, mask, *value, passed, failed),
        Comparison::OneOf(values) => argument.one_of(emitter, values, passed, failed),
        Comparison::AtMost(most) => argument.at_most(emitter, *most, passed, failed),
        Comparison::Masked { mask: bits, value } => argument.masked(emitter, mask & bits, *value, passed, failed),
    }
}

/// An argument register: its low word at `offset`, its high word behind. The high word of a narrow one is nobody's business, the kernel's neither.
#[derive(Clone, Copy)]
struct Argument {
    offset: u32,
    wide: bool,
}

impl Argument {
    /// `argument & mask == value`. A value with bits outside of the mask is never met.
    fn masked(self, emitter: &mut Emitter, mask: u64, value: u64, passed: Label, failed: Label) -> Label {
        if value & !mask != 0 {
            return failed;
        }
        let low = word(emitter, self.offset, low(mask), low(value), passed, failed);
        word(emitter, self.offset + 4, high(mask), high(value), low, failed)
    }

    /// `argument == value` for one of the values.
    fn one_of(self, emitter: &mut Emitter, values: &[u64], mut passed: Label, failed: Label) -> Label {
        if self.wide {
            return values.iter().rev().fold(failed, |failed, value| self.masked(emitter, u64::MAX, *value, passed, failed));
        }
        let mut next = failed;
        for value in values.iter().rev().filter_map(|value| u32::try_from(*value).ok()) {
            passed = emitter.near(passed);
            next = emitter.branch(code::JEQ_K, value, passed, next);
        }
        // One load for all values: comparing leaves the accumulator alone.
        if next == failed { failed } else { emitter.plain(code::LD_ABS, self.offset) }
    }

    /// `argument <= most`.
    fn at_most(self, emitter: &mut Emitter, most: u64, passed: Label, failed: Label) -> Label {
        if !self.wide && most >= u32::MAX.into() {
            return passed;
        }
        emitter.branch(code::JGT_K, low(most), failed, passed);
        let mut start = emitter.plain(code::LD_ABS, self.offset);
        if self.wide {
            let below = emitter.branch(code::JEQ_K, high(most), start, passed);
            emitter.branch(code::JGT_K, high(most), failed, below);
            start = emitter.plain(code::LD_ABS, self.offset + 4);
        }
        start
    }
}

/// `word & mask == value`; nothing where no bit is asked for.
fn word(emitter: &mut Emitter, offset: u32, mask: u32, value: u32, passed: Label, failed: Label) -> Label {
    if mask == 0 {
        return passed;
    }
    emitter.branch(code::JEQ_K, value, passed, failed);
    if mask != u32::MAX {
        emitter.plain(code::AND_K, mask);
    }
    emitter.plain(code::LD_ABS, offset)
}

#[allow(clippy::cast_possible_truncation)] // the low half is what is asked for
fn low(value: u64) -> u32 {
    value as u32
}

fn high(value: u64) -> u32 {
    low(value >> 32)
}

#[cfg(test)]
mod tests;
