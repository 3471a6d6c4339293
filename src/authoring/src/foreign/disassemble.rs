//! Classic BPF for people, and for programs: a disassembly in the shape of other dumps, and the raw array that the kernel takes.
//!
//! Always holds: every instruction has a line, also one that seccomp would refuse; jump targets are absolute. A comment is written only where it holds on
//! every way to the instruction.

use std::fmt::Write;

use remand_syscalls::bpf::{Instruction, code};
use remand_syscalls::{ALLOW, Arch, KILL, NOTIFY, audit_arch};

/// What the accumulator holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// No way leads here yet.
    Nothing,
    Word(u32),
    Unknown,
}

/// The program as the kernel's `struct sock_filter` array: 8 bytes per instruction, little-endian as both our machines are.
#[must_use]
pub fn raw(program: &[Instruction]) -> Vec<u8> {
    let bytes = |Instruction { code, jt, jf, k }: &Instruction| {
        let ([c0, c1], [k0, k1, k2, k3]) = (code.to_le_bytes(), k.to_le_bytes());
        [c0, c1, *jt, *jf, k0, k1, k2, k3]
    };
    program.iter().flat_map(bytes).collect()
}

/// A line per instruction: address, the four fields in hexadecimal, the mnemonic, and what it is about.
#[must_use]
pub fn disassembly(program: &[Instruction], arch: Arch) -> String {
    let mut holds = vec![Holds::Nothing; program.len()];
    let mut now = Holds::Unknown;
    let mut text = String::from(" line  OP   JT   JF   K\n=================================\n");
    for (at, instruction) in program.iter().enumerate() {
        now = meet(now, holds.get(at).copied().unwrap_or(Holds::Nothing));
        let Instruction { code: op, jt, jf, k } = *instruction;
        let (shown, about) = (mnemonic(at, *instruction), comment(*instruction, now, arch));
        let _ = write!(text, " {at:04}: {op:#04x} {jt:#04x} {jf:#04x} {k:#010x}  {shown}");
        let _ = if about.is_empty() {
            writeln!(text)
        } else {
            writeln!(text, "{}; {about}", " ".repeat(34_usize.saturating_sub(shown.len()).max(1)))
        };
        now = after(*instruction, now);
        let mut jump = |offset: u32| {
            let target = usize::try_from(offset).ok().and_then(|offset| at.checked_add(1)?.checked_add(offset));
            if let Some(there) = target.and_then(|target| holds.get_mut(target)) {
                *there = meet(*there, now);
            }
        };
        match op & 0x07 {
            5 if op == code::JA => {
                jump(k);
                now = Holds::Nothing;
            }
            5 => {
                jump(jt.into());
                jump(jf.into());
                now = Holds::Nothing;
            }
            6 => now = Holds::Nothing,
            _ => {}
        }
    }
    text
}

fn meet(one: Holds, other: Holds) -> Holds {
    match (one, other) {
        (Holds::Nothing, known) | (known, Holds::Nothing) => known,
        (one, other) if one == other => one,
        _ => Holds::Unknown,
    }
}

fn after(Instruction { code: op, k, .. }: Instruction, before: Holds) -> Holds {
    match op {
        code::LD_ABS => Holds::Word(k),
        // A masked word is a word still; stores, jumps and the index register leave it alone.
        code::AND_K | code::ST | code::STX | code::TAX | code::LDX_IMM | code::LDX_MEM | code::LDX_LEN => before,
        _ if matches!(op & 0x07, 5 | 6) => before,
        _ => Holds::Unknown,
    }
}

fn mnemonic(at: usize, Instruction { code: op, jt, jf, k }: Instruction) -> String {
    let target = |offset: u64| format!("{:04}", at as u64 + 1 + offset);
    let operand = if op & 0x08 == 0 { format!("#{k:#x}") } else { "x".into() };
    let jump = |name: &str| format!("{name:<4} {operand}, true:{}, false:{}", target(jt.into()), target(jf.into()));
    let alu = |name: &str| format!("{name:<4} {operand}");
    match op {
        code::LD_ABS => format!("ld   [{k}]"),
        code::LD_LEN => "ld   len".into(),
        code::LDX_LEN => "ldx  len".into(),
        code::LD_IMM => format!("ld   #{k:#x}"),
        code::LDX_IMM => format!("ldx  #{k:#x}"),
        code::LD_MEM => format!("ld   M[{k}]"),
        code::LDX_MEM => format!("ldx  M[{k}]"),
        code::ST => format!("st   M[{k}]"),
        code::STX => format!("stx  M[{k}]"),
        code::NEG => "neg".into(),
        code::JA => format!("jmp  {}", target(k.into())),
        code::RET_K => format!("ret  #{k:#x}"),
        code::RET_A => "ret  a".into(),
        code::TAX => "tax".into(),
        code::TXA => "txa".into(),
        _ => match (op & 0x07, op & 0xfff0) {
            (4, 0x00) => alu("add"),
            (4, 0x10) => alu("sub"),
            (4, 0x20) => alu("mul"),
            (4, 0x30) => alu("div"),
            (4, 0x40) => alu("or"),
            (4, 0x50) => alu("and"),
            (4, 0x60) => alu("lsh"),
            (4, 0x70) => alu("rsh"),
            (4, 0xa0) => alu("xor"),
            (5, 0x10) => jump("jeq"),
            (5, 0x20) => jump("jgt"),
            (5, 0x30) => jump("jge"),
            (5, 0x40) => jump("jset"),
            _ => "(none of seccomp's)".into(),
        },
    }
}

fn comment(Instruction { code: op, k, .. }: Instruction, holds: Holds, arch: Arch) -> String {
    match op {
        code::LD_ABS => word(k),
        code::RET_K => answer(k),
        code::JEQ_K | code::JGT_K | code::JGE_K => match holds {
            Holds::Word(0) => match (remand_syscalls::name(arch, k), op) {
                (Some(name), code::JEQ_K) => name.into(),
                (Some(name), _) => format!("from {name} on"),
                (None, _) => "no call of this number".into(),
            },
            Holds::Word(4) if k == audit_arch(Arch::X86_64) => "AUDIT_ARCH_X86_64".into(),
            Holds::Word(4) if k == audit_arch(Arch::Aarch64) => "AUDIT_ARCH_AARCH64".into(),
            Holds::Word(offset) if offset >= 16 => word(offset),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// A word of `struct seccomp_data`.
fn word(offset: u32) -> String {
    match offset {
        0 => "number".into(),
        4 => "instruction set".into(),
        8 | 12 => "instruction pointer".into(),
        16..64 => format!("arg{}, {} half", (offset - 16) / 8, if offset.is_multiple_of(8) { "lower" } else { "upper" }),
        _ => "outside of the call's data".into(),
    }
}

/// A return value's name.
fn answer(value: u32) -> String {
    let data = value & 0xffff;
    match value & 0xffff_0000 {
        KILL => "KILL_PROCESS".into(),
        0x0000_0000 => "KILL_THREAD".into(),
        0x0003_0000 => format!("TRAP {data}"),
        0x0005_0000 => match data {
            1 => "ERRNO EPERM".into(),
            38 => "ERRNO ENOSYS".into(),
            _ => format!("ERRNO {data}"),
        },
        NOTIFY => "USER_NOTIF".into(),
        0x7ff0_0000 => format!("TRACE {data}"),
        0x7ffc_0000 => "LOG".into(),
        ALLOW => "ALLOW".into(),
        _ => "KILL_PROCESS, as an unknown action".into(),
    }
}
