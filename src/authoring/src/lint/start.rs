//! System calls that the interpreter can't start without.

use remand_policy::text::quote;
use remand_syscalls::{Arch, Rules, Starting, grants_of_group, is_dangerous, is_group, missing_to_start, names};

use super::advice::{Found, Spot, field};
use super::syscalls::calls;

/// Policies are the same everywhere; what is needed is asked for the machine that the question is asked on.
const ARCH: Arch = if cfg!(target_arch = "aarch64") { Arch::Aarch64 } else { Arch::X86_64 };

pub(super) fn advise(rules: &Rules, found: &mut Found) {
    let missing = missing_to_start(rules, ARCH, Starting::Python(None), None);
    if missing.is_empty() {
        return;
    }
    let lists = [("syscalls.kill", &rules.kill), ("syscalls.deny", &rules.deny)];
    let takers: Vec<_> = lists
        .iter()
        .flat_map(|(list, names)| names.iter().enumerate().map(move |(index, name)| (*list, index, name)))
        .filter(|(_, _, name)| calls(name).iter().any(|call| missing.contains(&call.as_str())))
        .collect();
    let help = match takers.first() {
        Some((list, _, name)) => format!("take {} out of {list}", quote(name)),
        None => format!("grant {}", groups(&missing).join(", ")),
    };
    let message = format!("no Python starts under this policy: it needs {}; `remand exec` starts programs that do not", missing.join(", "));
    let spots = takers.iter().map(|(list, index, _)| Spot::Entry(list, *index));
    found.say(spots.chain([field("syscalls.allow"), Spot::File]), message, help);
}

/// The harmless groups that grant these calls.
fn groups(calls: &[&str]) -> Vec<String> {
    let safe = names().filter(|name| is_group(name) && !is_dangerous(name));
    let grants = |group: &&str| grants_of_group(group).is_some_and(|all| all.iter().any(|grant| calls.contains(&grant.call.as_str())));
    safe.filter(grants).map(quote).collect()
}
