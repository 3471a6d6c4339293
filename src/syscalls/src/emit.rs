//! Writes classic BPF from the end to the beginning, so that every jump's distance is known when it is written.
//!
//! Always holds: a jump of any length is right. Conditional jumps reach 255 instructions; where that is not enough, an unconditional one, which reaches
//! everywhere, is put between.

use crate::bpf::{Instruction, code};

/// A place in the program, counted from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(usize);

/// A program in the making.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    /// Last instruction first.
    reversed: Vec<Instruction>,
    /// Returns written so far, by their value; the latest is the nearest.
    returns: Vec<(u32, Label)>,
}

/// How far a conditional jump reaches.
const REACH: usize = u8::MAX as usize;

impl Emitter {
    /// The place of what was written last.
    pub(crate) fn here(&self) -> Label {
        Label(self.reversed.len())
    }

    fn distance(&self, to: Label) -> usize {
        self.reversed.len() - to.0
    }

    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(Instruction { code, jt, jf, k });
        self.here()
    }

    /// An instruction without jumps, before what was written last.
    pub(crate) fn plain(&mut self, code: u16, k: u32) -> Label {
        self.push(code, 0, 0, k)
    }

    /// A return, or the nearest one of this value if a jump from here reaches it.
    pub(crate) fn answer(&mut self, value: u32) -> Label {
        // Two instructions of margin: those that may still come before the jump.
        let near = self.returns.iter().rev().find(|(known, label)| *known == value && self.distance(*label) + 2 <= REACH);
        if let Some((_, label)) = near {
            return *label;
        }
        let label = self.plain(code::RET_K, value);
        self.returns.push((value, label));
        label
    }

    /// Goes on at `to`: nothing if that was written last.
    pub(crate) fn go(&mut self, to: Label) -> Label {
        let distance = self.distance(to);
        // A program that long is refused for its length.
        if distance == 0 { to } else { self.plain(code::JA, u32::try_from(distance).unwrap_or(u32::MAX)) }
    }

    /// The label, or a stop on the way to it that several jumps from here can share.
    pub(crate) fn near(&mut self, to: Label) -> Label {
        if self.distance(to) + 2 > REACH { self.go(to) } else { to }
    }

    /// A comparison of the accumulator with `k` that goes on at `yes` or `no`.
    pub(crate) fn branch(&mut self, code: u16, k: u32, mut yes: Label, mut no: Label) -> Label {
        loop {
            match (u8::try_from(self.distance(yes)), u8::try_from(self.distance(no))) {
                (Ok(jt), Ok(jf)) => return self.push(code, jt, jf, k),
                (Err(_), _) => yes = self.go(yes),
                (_, Err(_)) => no = self.go(no),
            }
        }
    }

    /// The program, first instruction first.
    pub(crate) fn finish(mut self) -> Vec<Instruction> {
        self.reversed.reverse();
        self.reversed
    }
}
