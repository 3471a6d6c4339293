//! The filter compiler: what the kernel is given answers what the policy means.

use arbitrary::{Result, Unstructured};
use remand_syscalls::bpf::{Instruction, MAX_LENGTH, SeccompData, check, code, run};
use remand_syscalls::{Arch, Comparison, CompileError, Rules, compile, with_handover};

use crate::meaning::Meaning;
use crate::wild;

pub const BOTH: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

/// For any section and calls made from these bytes.
pub fn holds(bytes: &[u8]) {
    // Running out of bytes makes a smaller case, never an error.
    let _ = from(&mut Unstructured::new(bytes));
}

fn from(u: &mut Unstructured<'_>) -> Result<()> {
    let section = wild::section(u)?;
    let meaning = Meaning::of(&section);
    let filters = BOTH.map(|arch| (arch, filter(&section, &meaning, arch)));
    for _ in 0..32 {
        for (arch, program) in &filters {
            let Some(program) = program else { continue };
            agree(program, &meaning, *arch, &wild::call(u, &section, &meaning, *arch)?, &section);
        }
    }
    Ok(())
}

/// The filter of a section; `None` where the compiler refuses it for a reason that holds.
pub fn filter(section: &Rules, meaning: &Meaning, arch: Arch) -> Option<Vec<Instruction>> {
    let conditional = meaning.depends("execve");
    match compile(section, arch) {
        Ok(program) => {
            assert_eq!(check(&program), Ok(()), "{section:?}");
            assert!(!meaning.kills("execve") && !conditional, "no start under {section:?}");
            Some(program)
        }
        Err(CompileError::KilledStart) => {
            assert!(meaning.kills("execve"), "{section:?}");
            None
        }
        Err(CompileError::ConditionalStart) => {
            assert!(conditional, "{section:?}");
            None
        }
        Err(CompileError::TooLong(length)) => {
            // The search needs at most three instructions for each number and a value six, its share of jumps included.
            let room = MAX_LENGTH - with_handover(&[], Arch::X86_64, [0; 3]).len();
            assert!(length > room && 6 * values(section) + 1500 > MAX_LENGTH, "{length} for {section:?}");
            None
        }
        Err(error @ CompileError::InvalidRules(_)) => panic!("{error}: {section:?}"),
    }
}

fn values(section: &Rules) -> usize {
    let size = |op: &Comparison| if let Comparison::OneOf(values) = op { values.len() } else { 1 };
    // A group's conditions stand in each of its calls.
    let calls = |name| remand_syscalls::grants_of_group(name).map_or(1, |grants| grants.len());
    section.allow.iter().map(|grant| calls(&grant.call) * grant.when.iter().map(|condition| size(&condition.op)).sum::<usize>()).sum()
}

/// Policy, interpreter and a second reading of the instructions say the same of one call.
pub fn agree(program: &[Instruction], meaning: &Meaning, arch: Arch, data: &SeccompData, section: &Rules) {
    let answer = run(program, data);
    assert_eq!(answer, Ok(meaning.answer(arch, data)), "{arch:?} {data:x?} under {section:?}");
    assert_eq!(answer.ok(), read(program, data), "{arch:?} {data:x?} under {section:?}");
}

/// The seven instructions that the compiler writes, by their description in the kernel's documentation.
fn read(program: &[Instruction], data: &SeccompData) -> Option<u32> {
    let mut bytes = [data.nr.to_le_bytes(), data.arch.to_le_bytes()].concat();
    bytes.extend([data.instruction_pointer].iter().chain(&data.args).flat_map(|register| register.to_le_bytes()));
    let mut accumulator = 0;
    let mut rest = program.iter();
    loop {
        let Instruction { code, jt, jf, k } = *rest.next()?;
        let decided = match code {
            code::RET_K => return Some(k),
            code::LD_ABS => {
                let word = bytes.get(k as usize..)?.first_chunk()?;
                accumulator = u32::from_le_bytes(*word);
                continue;
            }
            code::AND_K => {
                accumulator &= k;
                continue;
            }
            code::JA => {
                rest = rest.as_slice().get(k as usize..)?.iter();
                continue;
            }
            code::JEQ_K => accumulator == k,
            code::JGT_K => accumulator > k,
            code::JGE_K => accumulator >= k,
            _ => return None,
        };
        rest = rest.as_slice().get(usize::from(if decided { jt } else { jf })..)?.iter();
    }
}
