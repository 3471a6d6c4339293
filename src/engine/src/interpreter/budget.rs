//! What a look at files of the host may cost: hostile ones could ask for any amount of work and memory.
//!
//! Always holds: whatever is looked at, read, kept or tried is paid for before more is; where it cannot be paid, nothing more is found.

use std::cell::Cell;

/// Of all that is looked at for one command. A unit is some nanoseconds of work and a fraction of a byte that is kept: a few seconds, and 100 MB. Large
/// programs take 2 million; numpy and pandas 8.
const ALL: usize = 500_000_000;
/// The part of it, one of so many, for a program with its libraries, or for one library that is loaded later.
const SHARE: usize = 20;
/// Of one question to the kernel.
const OPERATION: usize = 2048;
/// Of each byte of a path or a list, which is copied and compared more than once.
const BYTE: usize = 4;
/// Of each text, however short.
const TEXT: usize = 64;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    share: usize,
    all: Cell<usize>,
    one: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(ALL)
    }
}

impl Budget {
    pub(super) fn of(all: usize) -> Self {
        Self { share: all / SHARE, all: Cell::new(all), one: Cell::new(usize::MAX) }
    }

    /// What comes now may cost at most one share.
    pub(super) fn begin(&self) {
        self.one.set(self.share);
    }

    /// What comes now may cost all that is left.
    pub(super) fn end(&self) {
        self.one.set(usize::MAX);
    }

    /// Pays for a text of this length and for so many questions to the kernel. False if that cannot be paid.
    pub(super) fn pay(&self, length: usize, questions: usize) -> bool {
        let cost = length.saturating_mul(BYTE).saturating_add(TEXT).saturating_add(questions.saturating_mul(OPERATION));
        for purse in [&self.all, &self.one] {
            purse.set(purse.get().saturating_sub(cost));
        }
        !self.is_out()
    }

    /// Nothing is left of what the present one may cost.
    pub(super) fn is_out(&self) -> bool {
        self.one.get() == 0 || self.is_all_out()
    }

    /// Nothing is left at all.
    pub(super) fn is_all_out(&self) -> bool {
        self.all.get() == 0
    }

    /// Why a file cannot be used.
    pub(super) fn refused(file: &str) -> String {
        format!(
            "finding out what {file} loads takes more work than for any true program: its names, search paths and lists are too long or too many"
        )
    }
}
