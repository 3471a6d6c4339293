//! What differs between two policies: one field, or one entry of a list, with its direction.
//!
//! Always holds: a field that is equal by meaning makes no change.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::field::Greater;

/// Direction of a change of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Allows less.
    Narrows,
    /// Allows more.
    Widens,
    /// Neither (an environment value).
    Changes,
    /// Neither, and nothing that a run may do depends on it (a description, a form of the result): a request is free to make it.
    Free,
}

impl Direction {
    /// The word for it: `widens`, `narrows`, `changes`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Narrows => "narrows",
            Self::Widens => "widens",
            Self::Changes | Self::Free => "changes",
        }
    }
}

/// One field, or one entry of a list, that differs between two policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Dotted path, such as `limits.memory`, `environment.HOME` or `syscalls.allow`. A list has a change for each entry: for each call of
    /// `syscalls`, each target of `filesystem.mounts`, each name.
    pub field: String,
    /// Direction from the first policy to the second.
    pub direction: Direction,
    /// JSON text of the first policy's value, as a policy file writes it; of a list, an array of what differs; `null` for a variable that is not set.
    pub from: String,
    /// The second's.
    pub to: String,
}

impl Change {
    /// The section that the field belongs to; `policy` for what stands above the sections.
    #[must_use]
    pub fn mechanism(&self) -> &str {
        self.field.split_once('.').map_or("policy", |(section, _)| section)
    }

    /// Whether the second policy may allow something that the first does not. Exactly this is refused to requests. Of a change without an order only the
    /// program knows what it does.
    #[must_use]
    pub fn may_widen(&self) -> bool {
        matches!(self.direction, Direction::Widens | Direction::Changes)
    }

    /// [`Change::from`] as a value.
    #[must_use]
    pub fn from_value(&self) -> Value {
        parsed(&self.from)
    }

    /// [`Change::to`] as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        parsed(&self.to)
    }
}

/// A text that is no JSON was not made here, and stands for itself.
pub(super) fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Value::from(json))
}

/// Adds a change of a field, or of an entry of it. The ordering is that of permission, `from` against `to`: `Less` where `to` allows more, `None` where
/// neither allows less.
pub(super) fn entry(changes: &mut Vec<Change>, field: &str, ordering: Option<Ordering>, from: &Value, to: &Value) {
    let direction = match ordering {
        Some(Ordering::Equal) => return,
        Some(Ordering::Less) => Direction::Widens,
        Some(Ordering::Greater) => Direction::Narrows,
        None => Direction::Changes,
    };
    changes.push(Change { field: field.to_owned(), direction, from: from.to_string(), to: to.to_string() });
}

/// Adds a change that a request is free to make.
pub(super) fn free(changes: &mut Vec<Change>, field: &str, from: &Value, to: &Value) {
    if from != to {
        changes.push(Change { field: field.to_owned(), direction: Direction::Free, from: from.to_string(), to: to.to_string() });
    }
}

/// Lists of names as sets, a change for each name that no other list has, or has in a wider one; `"*"` is every name.
pub(super) fn names(
    changes: &mut Vec<Change>,
    field: &str,
    from: &[String],
    to: &[String],
    longer: Greater,
    covers: impl Fn(&str, &str) -> bool,
) {
    let all = |names: &[String]| names.iter().any(|name| name == "*");
    if all(from) || all(to) {
        return entry(changes, field, longer.order(&all(from), &all(to)), &json!(from), &json!(to));
    }
    let (from, to): (BTreeSet<_>, BTreeSet<_>) = (from.iter().collect(), to.iter().collect());
    let covered = |by: &BTreeSet<&String>, name: &String| by.iter().any(|wide| covers(wide, name));
    for name in from.iter().filter(|name| !covered(&to, name)) {
        entry(changes, field, longer.order(&1, &0), &json!([name]), &json!([]));
    }
    for name in to.iter().filter(|name| !covered(&from, name)) {
        entry(changes, field, longer.order(&0, &1), &json!([]), &json!([name]));
    }
}

impl Greater {
    /// The order of permission of two values.
    pub(super) fn order<T: Ord>(self, from: &T, to: &T) -> Option<Ordering> {
        Some(match self {
            Self::AllowsMore => from.cmp(to),
            Self::AllowsLess => to.cmp(from),
        })
    }
}

pub(super) fn changed(equal: bool) -> Option<Ordering> {
    equal.then_some(Ordering::Equal)
}

/// The order of values that consist of parts: one direction for all parts, or none.
pub(super) fn together(parts: impl IntoIterator<Item = Option<Ordering>>) -> Option<Ordering> {
    parts.into_iter().try_fold(Ordering::Equal, |whole, part| match (whole, part?) {
        (Ordering::Equal, part) => Some(part),
        (whole, Ordering::Equal) => Some(whole),
        (whole, part) => (whole == part).then_some(whole),
    })
}
