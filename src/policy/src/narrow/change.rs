//! What differs between two policies: one field, or one entry of a list, with its direction; and how the differences are collected.
//!
//! Always holds: a field that is equal by meaning makes no change.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::policy::Policy;

/// Direction of a change of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Allows less.
    Narrows,
    /// Allows more.
    Widens,
    /// Neither (an environment value, a description).
    Changes,
}

impl Direction {
    /// The word for it: `widens`, `narrows`, `changes`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Narrows => "narrows",
            Self::Widens => "widens",
            Self::Changes => "changes",
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

    /// Whether the second policy may allow something that the first does not. Exactly this is refused to requests. Nothing depends on a name or a
    /// description; of any other change without an order, only the program knows what it does.
    #[must_use]
    pub fn may_widen(&self) -> bool {
        self.direction != Direction::Narrows && !["name", "description"].contains(&self.field.as_str())
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

/// Collects changes. Orderings are those of permission, `from` against `to`: `Less` where `to` allows more, `None` where neither allows less.
pub(super) struct Diff<'p> {
    from: &'p Policy,
    to: &'p Policy,
    /// Both policies as text, made when the first difference is found.
    trees: OnceCell<(Value, Value)>,
    pub changes: Vec<Change>,
}

impl<'p> Diff<'p> {
    pub fn new(from: &'p Policy, to: &'p Policy) -> Self {
        Self { from, to, trees: OnceCell::new(), changes: Vec::new() }
    }

    /// A field whose values are given, or a part of them.
    pub fn entry(&mut self, field: &str, ordering: Option<Ordering>, from: &Value, to: &Value) {
        let direction = match ordering {
            Some(Ordering::Equal) => return,
            Some(Ordering::Less) => Direction::Widens,
            Some(Ordering::Greater) => Direction::Narrows,
            None => Direction::Changes,
        };
        self.changes.push(Change { field: field.to_owned(), direction, from: from.to_string(), to: to.to_string() });
    }

    /// A field whose whole values are shown.
    pub fn field(&mut self, field: &str, ordering: Option<Ordering>) {
        if ordering == Some(Ordering::Equal) {
            return;
        }
        let (from, to) = self.trees.get_or_init(|| (self.from.tree(), self.to.tree()));
        let at = |tree: &Value| field.split('.').fold(tree.clone(), |value, key| value.get(key).cloned().unwrap_or_default());
        let (from, to) = (at(from), at(to));
        self.entry(field, ordering, &from, &to);
    }

    /// A field of which the greater value allows more.
    pub fn order<T: Ord>(&mut self, field: &str, from: &T, to: &T) {
        self.field(field, Some(from.cmp(to)));
    }

    /// A list of names of which more allow more, or `reverse`d; `"*"` is all names.
    pub fn names(&mut self, field: &str, from: &[String], to: &[String], reverse: bool) {
        let turned = |ordering: Ordering| Some(if reverse { ordering.reverse() } else { ordering });
        let all = |names: &[String]| names.iter().any(|name| name == "*");
        if all(from) || all(to) {
            return self.entry(field, turned(all(from).cmp(&all(to))), &json!(from), &json!(to));
        }
        let (from, to): (BTreeSet<_>, BTreeSet<_>) = (from.iter().collect(), to.iter().collect());
        for name in from.difference(&to) {
            self.entry(field, turned(Ordering::Greater), &json!([name]), &json!([]));
        }
        for name in to.difference(&from) {
            self.entry(field, turned(Ordering::Less), &json!([]), &json!([name]));
        }
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
