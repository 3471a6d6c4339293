//! The differences between two policies, for people: grouped by mechanism, a line for each, with its direction.
//!
//! Always holds: every change is told; nothing here decides a direction, [`remand_policy::narrow`] did. Values are told as files write them: what a file put
//! there may hold any character, so whoever prints this escapes it.

mod calls;
mod line;
mod places;
mod value;

use std::fmt::Write;

use line::{Line, merged};
use remand_policy::load::Loaded;
use remand_policy::narrow::Change;

pub(crate) use value::conditions;

/// The changes as lines below the name of their mechanism; empty where there are none. System calls are folded into the groups that hold them, and
/// what comes in dangerous says its danger.
#[must_use]
pub fn text(changes: &[Change]) -> String {
    written(changes, &|_| String::new())
}

/// [`text`], each line with where both policies wrote it.
#[must_use]
pub fn placed(changes: &[Change], from: &Loaded, to: &Loaded) -> String {
    written(changes, &|line| places::told(line, from, to))
}

fn written(changes: &[Change], places: &dyn Fn(&Line<'_>) -> String) -> String {
    let mut mechanisms: Vec<&str> = Vec::new();
    for change in changes {
        if !mechanisms.contains(&change.mechanism()) {
            mechanisms.push(change.mechanism());
        }
    }
    let mut text = String::new();
    for mechanism in mechanisms {
        let _ = writeln!(text, "{mechanism}"); // writing to a String cannot fail
        for line in merged(changes.iter().filter(|change| change.mechanism() == mechanism)).iter().flat_map(Line::split) {
            let _ = writeln!(text, "  {:<7}  {}: {}{}", line.direction.word(), line.field, line.told, places(&line));
        }
    }
    text
}

#[cfg(test)]
mod tests;
