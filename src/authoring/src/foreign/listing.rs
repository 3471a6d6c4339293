//! A compiled filter as text: a line for each call, and for each range of numbers that are none, with conditions and answer.
//!
//! Always holds: sorted by number; the answers are the filter's own, asked through the interpreter.

use std::fmt::Write;

use remand_syscalls::bpf::{Instruction, SeccompData, run};
use remand_syscalls::{
    self, ALLOW, Alternatives, Arch, Comparison, CompileError, Condition, KILL, NO_SUCH_CALL, NOTIFY, Rules, argument_width, audit_arch,
    compile, granted,
};

/// One more than the highest number that is looked at; above are no calls.
const NUMBERS: u32 = 1024;

/// The text.
///
/// # Errors
/// The section can't be compiled.
pub fn listing(section: &Rules, arch: Arch) -> Result<String, CompileError> {
    let program = compile(section, arch)?;
    let granted = granted(section)?;
    let mut lines: Vec<(u32, u32, String)> = Vec::new();
    for number in 0..NUMBERS {
        let line = match remand_syscalls::name(arch, number) {
            Some(name) => format!("{name:<24} {}", told(&program, arch, number, granted.get(name), name)),
            None => format!("{:<24} {}", "(no call)", answered(&program, arch, number)),
        };
        match lines.last_mut() {
            Some((_, last, text)) if *text == line => *last = number,
            _ => lines.push((number, number, line)),
        }
    }
    let name = arch.name();
    let mut text = format!(
        "# {} instructions for {name}; arguments are unsigned, :32 marks those of which the kernel looks at 32 bits only\n\
         # calls of other instruction sets: kill\n",
        program.len()
    );
    for (first, last, line) in lines {
        let range = match (first, last) {
            (first, last) if first == last => first.to_string(),
            (first, last) if last == NUMBERS - 1 => format!("{first}-"),
            (first, last) => format!("{first}-{last}"),
        };
        let _ = writeln!(text, "{range:<9} {line}");
    }
    Ok(text)
}

fn told(program: &[Instruction], arch: Arch, number: u32, ways: Option<&Alternatives>, call: &str) -> String {
    match ways {
        Some(ways) if !ways.iter().any(Vec::is_empty) => {
            let ways: Vec<_> = ways.iter().map(|way| way.iter().map(|c| condition(call, c)).collect::<Vec<_>>().join(" and ")).collect();
            // Arguments that pass no condition show what the others get; where none can be found, every one is allowed.
            let probes = [u64::MAX, 0, 0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa];
            let otherwise = probes.into_iter().map(|value| ask(program, arch, number, value)).find(|answer| *answer != ALLOW);
            format!("allow if {}; otherwise {}", ways.join(", or "), word(otherwise.unwrap_or(NOTIFY), arch, number))
        }
        _ => answered(program, arch, number),
    }
}

fn ask(program: &[Instruction], arch: Arch, number: u32, value: u64) -> u32 {
    let data = SeccompData { nr: number, arch: audit_arch(arch), instruction_pointer: 0, args: [value; 6] };
    // A compiled program is sound; of one that is not, the kernel would take nothing.
    run(program, &data).unwrap_or(KILL)
}

fn answered(program: &[Instruction], arch: Arch, number: u32) -> String {
    word(ask(program, arch, number, u64::MAX), arch, number)
}

fn word(answer: u32, arch: Arch, number: u32) -> String {
    match answer {
        ALLOW => "allow".into(),
        KILL => "kill".into(),
        NO_SUCH_CALL => "ENOSYS".into(),
        NOTIFY => format!(
            "{}, recorded",
            if remand_syscalls::answer(arch, number) == remand_syscalls::Denial::Eperm { "EPERM" } else { "ENOSYS" }
        ),
        other => format!("{other:#010x}"),
    }
}

fn condition(call: &str, Condition { arg, op }: &Condition) -> String {
    let width = if argument_width(call, *arg) == Some(32) { ":32" } else { "" };
    let shown = |value: &u64| if *value < 1024 { value.to_string() } else { format!("{value:#x}") };
    match op {
        Comparison::Equals(value) => format!("arg{arg}{width} == {}", shown(value)),
        Comparison::OneOf(values) => format!("arg{arg}{width} in {{{}}}", values.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Comparison::AtMost(most) => format!("arg{arg}{width} <= {}", shown(most)),
        Comparison::Masked { mask, value } => format!("arg{arg}{width} & {} == {}", shown(mask), shown(value)),
    }
}
