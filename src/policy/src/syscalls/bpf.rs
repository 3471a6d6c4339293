//! Classic BPF as seccomp uses it: the instruction, the kernel's check of a program, and an interpreter for tests and explanations.
//!
//! Always holds: [`run`] ends for every program, after at most as many steps as the program is long, since jumps only go forward; it answers what the
//! kernel would, or says why the kernel would not have taken the program.

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
        Kind::Load { from: Source::Data, .. } if k >= DATA || k % 4 != 0 => Err(Invalid::Offset(at, k)),
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
/// What [`check`] says of the program, or a division by a register that is zero.
pub fn run(program: &[Instruction], data: &SeccompData) -> Result<u32, Invalid> {
    check(program)?;
    let (mut a, mut x, mut cells) = (0_u32, 0_u32, [0_u32; CELLS]);
    let mut at = 0;
    while let Some(&Instruction { code, jt, jf, k }) = program.get(at) {
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
        let half = |value: u64| if offset % 8 == 0 { value as u32 } else { (value >> 32) as u32 };
        match offset {
            0 => self.nr,
            4 => self.arch,
            8 | 12 => half(self.instruction_pointer),
            _ => half(self.args.get((offset as usize).saturating_sub(16) / 8).copied().unwrap_or_default()),
        }
    }
}
