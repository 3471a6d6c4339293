//! Classic BPF as seccomp uses it: the instruction, the kernel's check of a program, and an interpreter for tests and explanations.
//!
//! Always holds: [`run`] ends for every program, after at most as many steps as the program is long, since jumps only go forward. For a program that
//! passes [`check`] it answers what the kernel would; of any other it refuses the first wrong instruction that it comes to.

/// One classic BPF instruction, laid out as the kernel's `struct sock_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Instruction {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

/// What a filter is run on, the kernel's `struct seccomp_data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct SeccompData {
    pub nr: u32,
    pub arch: u32,
    pub instruction_pointer: u64,
    pub args: [u64; 6],
}

/// Why a program is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Invalid {
    #[error("a filter has 1 to {MAX_LENGTH} instructions, not {0}")]
    Length(usize),
    #[error("instruction {0}: code {1:#06x} is none that seccomp takes")]
    Code(usize, u16),
    #[error("instruction {0}: the jump leaves the program")]
    Jump(usize),
    #[error("instruction {0}: offset {1} is not a word of the call's data")]
    Offset(usize, u32),
    #[error("instruction {0}: division by zero")]
    Division(usize),
    #[error("instruction {0}: shift by 32 bits or more")]
    Shift(usize),
    #[error("instruction {0}: no memory cell {1}")]
    Cell(usize, u32),
    #[error("instruction {0}: memory cell {1} is read before it is written")]
    Uninitialised(usize, u32),
    #[error("the last instruction is no return")]
    NoReturn,
}

/// Most instructions of a program (`BPF_MAXINSNS`).
pub const MAX_LENGTH: usize = 4096;
/// Bytes of `struct seccomp_data`.
const DATA: u32 = 64;
/// Memory cells.
const CELLS: usize = 16;

/// Instruction codes, as `class | size or operation | mode or operand`.
#[allow(missing_docs)]
pub mod code {
    pub const LD_ABS: u16 = 0x20;
    pub const LD_LEN: u16 = 0x80;
    pub const LDX_LEN: u16 = 0x81;
    pub const LD_IMM: u16 = 0x00;
    pub const LDX_IMM: u16 = 0x01;
    pub const LD_MEM: u16 = 0x60;
    pub const LDX_MEM: u16 = 0x61;
    pub const ST: u16 = 0x02;
    pub const STX: u16 = 0x03;
    pub const AND_K: u16 = 0x54;
    pub const XOR_K: u16 = 0xa4;
    pub const OR_X: u16 = 0x4c;
    pub const NEG: u16 = 0x84;
    pub const JA: u16 = 0x05;
    pub const JEQ_K: u16 = 0x15;
    pub const JGT_K: u16 = 0x25;
    pub const JGE_K: u16 = 0x35;
    pub const RET_K: u16 = 0x06;
    pub const RET_A: u16 = 0x16;
    pub const TAX: u16 = 0x07;
    pub const TXA: u16 = 0x87;
}
use code::*;

/// What an instruction does.
#[derive(Clone, Copy)]
enum Kind {
    Load { index: bool, from: Source },
    Store { index: bool },
    Alu { operation: u16, by_x: bool },
    Jump { operation: u16, by_x: bool },
    Always,
    Return { accumulator: bool },
    Move { to_index: bool },
}

#[derive(Clone, Copy)]
enum Source {
    Data,
    Length,
    Immediate,
    Memory,
}

/// Decodes an instruction code; `None` for those that seccomp refuses.
fn kind(code: u16) -> Option<Kind> {
    let by_x = code & 0x08 != 0;
    Some(match code {
        LD_ABS => Kind::Load { index: false, from: Source::Data },
        LD_LEN | LDX_LEN => Kind::Load { index: code == LDX_LEN, from: Source::Length },
        LD_IMM | LDX_IMM => Kind::Load { index: code == LDX_IMM, from: Source::Immediate },
        LD_MEM | LDX_MEM => Kind::Load { index: code == LDX_MEM, from: Source::Memory },
        ST | STX => Kind::Store { index: code == STX },
        NEG => Kind::Alu { operation: NEG & 0xf0, by_x: false },
        JA => Kind::Always,
        RET_K | RET_A => Kind::Return { accumulator: code == RET_A },
        TAX | TXA => Kind::Move { to_index: code == TAX },
        // Add, subtract, multiply, divide, or, and, shift left, shift right, xor; seccomp takes no modulo.
        _ if code & 0x07 == 4 && matches!(code & 0xfff0, 0x00 | 0x10 | 0x20 | 0x30 | 0x40 | 0x50 | 0x60 | 0x70 | 0xa0) => {
            Kind::Alu { operation: code & 0xf0, by_x }
        }
        // Equal, greater, greater or equal, any bit set.
        _ if code & 0x07 == 5 && matches!(code & 0xfff0, 0x10 | 0x20 | 0x30 | 0x40) => Kind::Jump { operation: code & 0xf0, by_x },
        _ => return None,
    })
}

/// Checks a program as the kernel does before it installs one.
///
/// # Errors
/// The first instruction that the kernel would refuse.
pub fn check(program: &[Instruction]) -> Result<(), Invalid> {
    if program.is_empty() || program.len() > MAX_LENGTH {
        return Err(Invalid::Length(program.len()));
    }
    // For each instruction, the cells that are written on every way to it; all, as long as no way is known.
    let mut written = vec![u16::MAX; program.len()];
    let mut cells = 0;
    for (at, instruction) in program.iter().enumerate() {
        cells &= written.get(at).copied().unwrap_or_default();
        check_one(program.len(), at, *instruction)?;
        cells = check_cells(&mut written, at, *instruction, cells)?;
    }
    match program.last().and_then(|last| kind(last.code)) {
        Some(Kind::Return { .. }) => Ok(()),
        _ => Err(Invalid::NoReturn),
    }
}

fn check_one(length: usize, at: usize, Instruction { code, jt, jf, k }: Instruction) -> Result<(), Invalid> {
    let inside = |offset: usize| if offset < length - at - 1 { Ok(()) } else { Err(Invalid::Jump(at)) };
    match kind(code).ok_or(Invalid::Code(at, code))? {
        Kind::Load { from: Source::Data, .. } if k >= DATA || !k.is_multiple_of(4) => Err(Invalid::Offset(at, k)),
        Kind::Load { from: Source::Memory, .. } | Kind::Store { .. } if k as usize >= CELLS => Err(Invalid::Cell(at, k)),
        Kind::Alu { operation: 0x30, by_x: false } if k == 0 => Err(Invalid::Division(at)),
        Kind::Alu { operation: 0x60 | 0x70, by_x: false } if k >= 32 => Err(Invalid::Shift(at)),
        Kind::Always => inside(k as usize),
        Kind::Jump { .. } => inside(jt.into()).and(inside(jf.into())),
        _ => Ok(()),
    }
}

/// Follows which memory cells are certainly written; returns those after this instruction on the way straight on.
fn check_cells(written: &mut [u16], at: usize, Instruction { code, jt, jf, k }: Instruction, cells: u16) -> Result<u16, Invalid> {
    let mut meet = |offset: usize| {
        if let Some(there) = written.get_mut(at + 1 + offset) {
            *there &= cells;
        }
    };
    match kind(code) {
        Some(Kind::Store { .. }) => Ok(cells | 1 << (k & 15)),
        Some(Kind::Load { from: Source::Memory, .. }) if cells & 1 << (k & 15) == 0 => Err(Invalid::Uninitialised(at, k)),
        Some(Kind::Always) => {
            meet(k as usize);
            Ok(u16::MAX)
        }
        Some(Kind::Jump { .. }) => {
            meet(jt.into());
            meet(jf.into());
            Ok(u16::MAX)
        }
        _ => Ok(cells),
    }
}

/// Runs a program on a call's data and returns the filter's answer, such as `SECCOMP_RET_ALLOW`.
///
/// # Errors
/// An instruction that [`check`] would refuse, or a division by a register that is zero.
pub fn run(program: &[Instruction], data: &SeccompData) -> Result<u32, Invalid> {
    let (mut a, mut x, mut cells) = (0_u32, 0_u32, [0_u32; CELLS]);
    let mut at = 0;
    while let Some(&instruction) = program.get(at) {
        let Instruction { code, jt, jf, k } = instruction;
        check_one(program.len(), at, instruction)?;
        let cell = (k as usize).min(CELLS - 1);
        let mut skip = 0;
        match kind(code).ok_or(Invalid::Code(at, code))? {
            Kind::Load { index, from } => {
                let value = match from {
                    Source::Data => data.word(k),
                    Source::Length => DATA,
                    Source::Immediate => k,
                    Source::Memory => cells[cell],
                };
                *if index { &mut x } else { &mut a } = value;
            }
            Kind::Store { index } => cells[cell] = if index { x } else { a },
            Kind::Alu { operation, by_x } => a = alu(operation, a, if by_x { x } else { k }).ok_or(Invalid::Division(at))?,
            Kind::Jump { operation, by_x } => skip = usize::from(if holds(operation, a, if by_x { x } else { k }) { jt } else { jf }),
            Kind::Always => skip = k as usize,
            Kind::Return { accumulator } => return Ok(if accumulator { a } else { k }),
            Kind::Move { to_index } => *if to_index { &mut x } else { &mut a } = if to_index { a } else { x },
        }
        at += 1 + skip;
    }
    Err(Invalid::NoReturn)
}

fn alu(operation: u16, a: u32, b: u32) -> Option<u32> {
    Some(match operation {
        0x00 => a.wrapping_add(b),
        0x10 => a.wrapping_sub(b),
        0x20 => a.wrapping_mul(b),
        0x30 => a.checked_div(b)?,
        0x40 => a | b,
        0x50 => a & b,
        0x60 => a.wrapping_shl(b),
        0x70 => a.wrapping_shr(b),
        0x80 => a.wrapping_neg(),
        _ => a ^ b,
    })
}

fn holds(operation: u16, a: u32, b: u32) -> bool {
    match operation {
        0x10 => a == b,
        0x20 => a > b,
        0x30 => a >= b,
        _ => a & b != 0,
    }
}

impl SeccompData {
    /// The word at a byte offset, on a little-endian machine as both of ours are.
    #[allow(clippy::cast_possible_truncation)] // the two halves of 64 bits
    fn word(&self, offset: u32) -> u32 {
        let half = |value: u64| if offset.is_multiple_of(8) { value as u32 } else { (value >> 32) as u32 };
        match offset {
            0 => self.nr,
            4 => self.arch,
            8 | 12 => half(self.instruction_pointer),
            _ => half(self.args.get((offset as usize).saturating_sub(16) / 8).copied().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn i(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
        Instruction { code, jt, jf, k }
    }

    const ADD_K: u16 = 0x04;
    const DIV_K: u16 = 0x34;
    const DIV_X: u16 = 0x3c;
    const LSH_K: u16 = 0x64;
    const MOD_K: u16 = 0x94;
    const JSET_X: u16 = 0x4d;

    const DATA: SeccompData =
        SeccompData { nr: 59, arch: 0xc000_003e, instruction_pointer: 7 << 32 | 8, args: [1 << 32 | 2, 0, 0, 0, 0, 3 << 32 | 4] };

    #[test]
    fn loads_arithmetic_and_jumps_do_what_the_kernel_does() {
        for (offset, word) in [(0, 59), (4, 0xc000_003e), (8, 8), (12, 7), (16, 2), (20, 1), (56, 4), (60, 3)] {
            assert_eq!(run(&[i(LD_ABS, 0, 0, offset), i(RET_A, 0, 0, 0)], &DATA), Ok(word), "{offset}");
        }
        let program = [
            i(LD_LEN, 0, 0, 0),
            i(ST, 0, 0, 3),
            i(LDX_MEM, 0, 0, 3),
            i(LD_IMM, 0, 0, 640),
            i(DIV_X, 0, 0, 0),
            i(NEG, 0, 0, 0),
            i(ADD_K, 0, 0, 11),
            i(LDX_IMM, 0, 0, 1),
            i(JSET_X, 0, 1, 0),
            i(RET_K, 0, 0, 1),
            i(JA, 0, 0, 1),
            i(RET_K, 0, 0, 2),
            i(RET_K, 0, 0, 3),
        ];
        check(&program).unwrap();
        assert_eq!(run(&program, &DATA), Ok(1), "64 - 640 / 64 + 1 is odd");
    }

    #[test]
    fn what_the_kernel_refuses_is_refused() {
        let end = i(RET_K, 0, 0, 0);
        assert_eq!(check(&[]), Err(Invalid::Length(0)));
        assert_eq!(check(&vec![end; 4097]), Err(Invalid::Length(4097)));
        assert_eq!(check(&vec![end; 4096]), Ok(()));
        for (first, error) in [
            (i(LD_ABS, 0, 0, 2), Invalid::Offset(0, 2)),
            (i(LD_ABS, 0, 0, 64), Invalid::Offset(0, 64)),
            (i(0x28, 0, 0, 0), Invalid::Code(0, 0x28)),
            (i(MOD_K, 0, 0, 2), Invalid::Code(0, MOD_K)),
            (i(0xffff, 0, 0, 0), Invalid::Code(0, 0xffff)),
            (i(JA, 0, 0, 1), Invalid::Jump(0)),
            (i(JA, 0, 0, u32::MAX), Invalid::Jump(0)),
            (i(JEQ_K, 1, 0, 0), Invalid::Jump(0)),
            (i(JEQ_K, 0, 255, 0), Invalid::Jump(0)),
            (i(DIV_K, 0, 0, 0), Invalid::Division(0)),
            (i(LSH_K, 0, 0, 32), Invalid::Shift(0)),
            (i(ST, 0, 0, 16), Invalid::Cell(0, 16)),
        ] {
            assert_eq!(check(&[first, end]), Err(error));
            assert_eq!(run(&[first, end], &DATA), Err(error));
        }
        assert_eq!(check(&[i(LD_MEM, 0, 0, 1), end]), Err(Invalid::Uninitialised(0, 1)));
        assert_eq!(check(&[i(LD_IMM, 0, 0, 1)]), Err(Invalid::NoReturn));
        assert_eq!(run(&[i(LDX_IMM, 0, 0, 0), i(DIV_X, 0, 0, 0), end], &DATA), Err(Invalid::Division(1)));
        // Written on one way only.
        let maybe = [i(JEQ_K, 0, 1, 0), i(ST, 0, 0, 1), i(LD_MEM, 0, 0, 1), end];
        assert_eq!(check(&maybe), Err(Invalid::Uninitialised(2, 1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_program_ends(program in prop::collection::vec((any::<u16>(), 0..8_u8, 0..8_u8, 0..70_u32), 0..40)) {
            let codes = [LD_ABS, LD_LEN, LDX_IMM, LD_MEM, ST, STX, AND_K, NEG, JA, JEQ_K, JGT_K, JGE_K, RET_K, TAX, DIV_X, LSH_K];
            let program: Vec<_> = program.iter().map(|&(code, jt, jf, k)| i(codes[usize::from(code) % codes.len()], jt, jf, k)).collect();
            let (checked, answer) = (check(&program), run(&program, &DATA));
            prop_assert!(checked.is_err() || matches!(answer, Ok(_) | Err(Invalid::Division(_))), "{:?}", answer);
        }
    }
}
