//! The names that a policy can write, and what is known of each.

use crate::arch::Arch;
use crate::groups::{GROUPS, Group};
use crate::table::{CALLS, at, find};

/// Whether this is the name of a system call on any supported instruction set.
#[must_use]
pub fn is_call(name: &str) -> bool {
    find(name).is_some()
}

/// Whether this is the name of a group, such as `@io`.
#[must_use]
pub fn is_group(name: &str) -> bool {
    Group::named(name).is_some()
}

/// What granting a group, or a call with any arguments, endangers; `None` where it is harmless or no name.
#[must_use]
pub fn danger(name: &str) -> Option<&'static str> {
    let group = Group::named(name).or_else(|| CALLS.get(find(name)?).map(|call| call.home))?;
    match group.info() {
        Some(info) => info.danger,
        None => Some("its arguments lie in memory, where no filter sees them"),
    }
}

/// Whether granting this name needs a reason.
#[must_use]
pub fn is_dangerous(name: &str) -> bool {
    danger(name).is_some()
}

/// Whether a policy can grant this name at all.
#[must_use]
pub fn can_be_granted(name: &str) -> bool {
    is_group(name) || find(name).and_then(|row| CALLS.get(row)).is_some_and(|call| call.home != Group::Never)
}

/// What a group is for.
#[must_use]
pub fn purpose(group: &str) -> Option<&'static str> {
    Group::named(group)?.info().map(|info| info.purpose)
}

/// All names that a policy can write: groups first, then calls.
pub fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().map(|info| info.name).chain(CALLS.iter().map(|call| call.name))
}

/// A call's number.
#[must_use]
pub fn number(arch: Arch, name: &str) -> Option<u32> {
    CALLS.get(find(name)?)?.number(arch)
}

/// The name behind a number.
#[must_use]
pub fn name(arch: Arch, number: u32) -> Option<&'static str> {
    CALLS.get(at(arch, number)?).map(|call| call.name)
}

/// How many arguments a call has.
#[must_use]
pub fn argument_count(name: &str) -> Option<usize> {
    CALLS.get(find(name)?).map(|call| call.widths.len())
}

/// How many bits of an argument the kernel looks at, 32 or 64; `None` where there is no such argument.
#[must_use]
pub fn argument_width(name: &str, argument: u8) -> Option<u32> {
    let call = CALLS.get(find(name)?)?;
    (usize::from(argument) < call.widths.len()).then(|| call.mask(argument).count_ones())
}
