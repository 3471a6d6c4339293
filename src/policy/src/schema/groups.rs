//! The groups of system calls as Markdown: purpose, danger, and every call with the conditions under which the group grants it.
//!
//! Always holds: made from the tables that filters are compiled from.

use remand_syscalls::{Comparison, Condition, danger, grants_of_group, is_group, names, purpose};

const HEAD: &str = "
## Groups of system calls

A group grants each of its calls with any arguments, except where a condition is given: arguments count from 0, and only the bits that the kernel looks at are \
compared. A call that stands in a harmless group under a condition has a dangerous group as well, which grants it whole. To grant a dangerous group, or a single call \
of one, a policy must give a `reason`.
";

/// A chapter of the reference.
#[must_use]
pub fn groups() -> String {
    names().filter(|name| is_group(name)).fold(HEAD.to_owned(), |text, name| text + &group(name))
}

fn group(name: &str) -> String {
    let danger = danger(name).map_or_else(String::new, |danger| format!("**Dangerous:** {danger}.\n\n"));
    let mut calls: Vec<(String, Vec<String>)> = Vec::new();
    for grant in grants_of_group(name).unwrap_or_default() {
        let when = grant.when.iter().map(condition).collect::<Vec<_>>().join(" and ");
        match calls.iter_mut().find(|(call, _)| *call == grant.call) {
            Some((_, alternatives)) => alternatives.push(when),
            None => calls.push((grant.call, vec![when])),
        }
    }
    calls.sort();
    let shown = |(call, alternatives): &(String, Vec<String>)| match alternatives.iter().any(String::is_empty) {
        true => format!("`{call}`"),
        false => format!("`{call}` where {}", alternatives.join(", or ")),
    };
    let (free, bound): (Vec<_>, Vec<_>) = calls.iter().partition(|(_, alternatives)| alternatives.iter().any(String::is_empty));
    let free = free.into_iter().map(shown).collect::<Vec<_>>().join(", ");
    let bound = bound.into_iter().map(|call| format!("- {}\n", shown(call))).collect::<String>();
    let free = if free.is_empty() { free } else { format!("{free}\n\n") };
    format!("\n### `{name}`\n\nFor: {}.\n\n{danger}{free}{bound}", purpose(name).unwrap_or_default()).trim_end().to_owned() + "\n"
}

fn condition(condition: &Condition) -> String {
    let arg = condition.arg;
    match &condition.op {
        Comparison::Equals(value) => format!("argument {arg} is {value:#x}"),
        Comparison::OneOf(values) => {
            format!("argument {arg} is one of {}", values.iter().map(|value| format!("{value:#x}")).collect::<Vec<_>>().join(", "))
        }
        Comparison::AtMost(most) => format!("argument {arg} is at most {most:#x}"),
        Comparison::Masked { mask, value } => format!("argument {arg} has of the bits {mask:#x} exactly {value:#x}"),
    }
}
