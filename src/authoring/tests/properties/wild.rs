//! Random `syscalls` sections and calls, made from bytes: by the fuzzer's, and by those that plain tests draw.
//!
//! Always holds: a section names only what the tables know and asks only about arguments that its calls have, so that the compiler may refuse it for
//! what it says about execve and for its length alone.

use arbitrary::{Result, Unstructured};
use remand_syscalls::bpf::SeccompData;
use remand_syscalls::{Arch, Comparison, Condition, Grant, Rules, argument_count, audit_arch, grants_of_group, is_group, names, number};

use crate::meaning::{Meaning, written};

/// Numbers that no table has: those of x32, the ends of the ranges between and behind.
pub const STRAY: [u32; 10] = [472, 473, 511, 512, 0xffff, 0x3fff_ffff, 0x4000_0000, 0x4000_0207, 0x7fff_ffff, u32::MAX];

/// Calls with a part of their own in the filter.
const KNOTTY: [&str; 12] =
    ["sendmsg", "clone", "execve", "clone3", "ioctl", "mmap", "prctl", "lseek", "openat", "getpid", "socket", "personality"];

pub fn section(u: &mut Unstructured<'_>) -> Result<Rules> {
    let mut allow = Vec::new();
    for _ in 0..u.int_in_range(0..=12)? {
        allow.extend(grants(u)?);
    }
    let deny = (0..u.int_in_range(0..=4)?).map(|_| any_name(u)).collect::<Result<_>>()?;
    let kill = (0..u.int_in_range(0..=4)?).map(|_| any_name(u)).collect::<Result<_>>()?;
    Ok(Rules { allow, deny, kill })
}

/// Alternatives for one name.
fn grants(u: &mut Unstructured<'_>) -> Result<Vec<Grant>> {
    let call = any_name(u)?;
    if call == "clone3" {
        return Ok(Vec::new());
    }
    // Conditions on a group are for all of its calls.
    let arguments = match grants_of_group(&call) {
        Some(grants) => grants.iter().filter_map(|grant| argument_count(&grant.call)).min(),
        None => argument_count(&call),
    };
    let arguments = u8::try_from(arguments.unwrap_or(0)).unwrap_or(6);
    let conditional = arguments > 0 && (!is_group(&call) || u.ratio(1, 4)?) && u.ratio(9, 10)?;
    let alternatives = if conditional { u.int_in_range(1..=6)? } else { 1 };
    (0..alternatives)
        .map(|_| {
            let count = if conditional { u.int_in_range(1..=6)? } else { 0 };
            let when =
                (0..count).map(|_| Ok(Condition { arg: u.int_in_range(0..=arguments - 1)?, op: comparison(u)? })).collect::<Result<_>>()?;
            Ok(Grant { call: call.clone(), when, reason: None })
        })
        .collect()
}

fn comparison(u: &mut Unstructured<'_>) -> Result<Comparison> {
    Ok(match u.int_in_range(0..=6)? {
        0 => Comparison::Equals(word(u)?),
        1 => Comparison::OneOf((0..u.int_in_range(0..=8)?).map(|_| word(u)).collect::<Result<_>>()?),
        // Many values from few bytes: jumps over them are long.
        2 => {
            let (from, step, count) = (word(u)?, u64::from(u.arbitrary::<u16>()?), u.int_in_range(0..=400)?);
            Comparison::OneOf((0..count).map(|index| from.wrapping_add(step.wrapping_mul(index))).collect())
        }
        3 => Comparison::AtMost(word(u)?),
        4 => Comparison::Masked { mask: word(u)?, value: word(u)? },
        _ => {
            let mask = word(u)?;
            Comparison::Masked { mask, value: mask & word(u)? }
        }
    })
}

/// A value near a place where widths, signs or carries matter, or any.
fn word(u: &mut Unstructured<'_>) -> Result<u64> {
    let power = 1_u64 << u.int_in_range(0..=63)?;
    Ok(match u.int_in_range(0..=7)? {
        0 => u.int_in_range(0..=16)?,
        1 => power,
        2 => power - 1,
        3 => power + 1,
        4 => !power,
        5 => u64::from(u.arbitrary::<u32>()?),
        6 => u64::from(u.arbitrary::<u32>()?) << 32,
        _ => u.arbitrary()?,
    })
}

fn any_name(u: &mut Unstructured<'_>) -> Result<String> {
    let name = if u.ratio(1, 3)? { Some(*u.choose(&KNOTTY)?) } else { names().nth(u.choose_index(names().count())?) };
    Ok(name.unwrap_or("read").to_owned())
}

/// A call: mostly one that the section speaks of, with registers at the values that it compares with.
pub fn call(u: &mut Unstructured<'_>, section: &Rules, meaning: &Meaning, arch: Arch) -> Result<SeccompData> {
    let known = |u: &mut Unstructured<'_>| -> Result<Option<String>> {
        let name = match section.allow.get(u.int_in_range(0..=section.allow.len())?) {
            Some(grant) => grant.call.clone(),
            None => any_name(u)?,
        };
        Ok(match grants_of_group(&name) {
            Some(grants) => Some(u.choose(&grants)?.call.clone()),
            None => Some(name),
        })
    };
    let name = if u.ratio(3, 4)? { known(u)? } else { None };
    let nr = match name.as_ref().and_then(|name| number(arch, name)) {
        Some(nr) => nr | if u.ratio(1, 16)? { 0x4000_0000 } else { 0 },
        None if u.arbitrary()? => *u.choose(&STRAY)?,
        None => u.arbitrary::<u32>()? % 1024,
    };
    let values = written(name.as_ref().map_or(&[], |name| meaning.ways(name)));
    let mut args = [0; 6];
    for register in &mut args {
        *register = if u.ratio(7, 8)? { near(u, &values)? } else { u.arbitrary()? };
    }
    let arch = if u.ratio(1, 16)? { u.arbitrary()? } else { audit_arch(arch) };
    Ok(SeccompData { nr, arch, instruction_pointer: u.arbitrary()?, args })
}

/// A register at a written value or beside it, its upper half clean, dirty or as it is.
fn near(u: &mut Unstructured<'_>, values: &[u64]) -> Result<u64> {
    let value = u.choose(values)?.wrapping_add(u.int_in_range(0..=2)?).wrapping_sub(1);
    Ok(match u.int_in_range(0..=3)? {
        0 => value & 0xffff_ffff,
        1 => value | 0xdead_beef << 32,
        _ => value,
    })
}
