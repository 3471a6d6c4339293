//! System calls that the interpreter can't start without.

use std::slice;

use remand_policy::text::quote;
use remand_syscalls::{Arch, Blocked, Rules, Starting, blocked, calls_named, grants_of_group, is_dangerous, is_group, names};

use super::advice::{Found, Spot, field};

/// Policies are the same everywhere; what is needed is asked for the machine that the question is asked on.
const ARCH: Arch = Arch::HERE;

pub(super) fn advise(rules: &Rules, found: &mut Found) {
    let (list, names, does, calls) = match blocked(rules, ARCH, Starting::Python(None), None) {
        None => return,
        Some(Blocked::Killed(calls)) => ("syscalls.kill", &rules.kill[..], "tries (which ends the run)", calls),
        Some(Blocked::Denied(calls)) => ("syscalls.deny", &rules.deny[..], "needs", calls),
        Some(Blocked::Missing(calls)) => ("syscalls.allow", &[][..], "needs", calls),
    };
    let takes = |name: &String| calls_named(slice::from_ref(name)).iter().any(|call| calls.contains(&call.as_str()));
    let takers: Vec<_> = names.iter().enumerate().filter(|(_, name)| takes(name)).collect();
    let help = match takers.first() {
        Some((_, name)) => format!("take {} out of {list}", quote(name)),
        None => format!("grant {}", groups(&calls).join(", ")),
    };
    let message = format!("no Python starts under this policy: it {does} {}; `remand exec` starts programs that do not", calls.join(", "));
    let spots = takers.iter().map(|(index, _)| Spot::Entry(list, *index));
    found.say(spots.chain([field("syscalls.allow"), Spot::File]), message, help);
}

/// The harmless groups that grant these calls.
fn groups(calls: &[&str]) -> Vec<String> {
    let safe = names().filter(|name| is_group(name) && !is_dangerous(name));
    let grants = |group: &&str| grants_of_group(group).is_some_and(|all| all.iter().any(|grant| calls.contains(&grant.call.as_str())));
    safe.filter(grants).map(quote).collect()
}
