//! The order of policies, field by field, and narrowing: `effective = policy ⊓ request`.
//!
//! Always holds: `narrow` returns a policy that allows nothing that the ceiling does not; a request that asks for more is refused by field.
//!
//! Fields are compared by meaning: lists of names as sets, system calls by what is granted after groups, `deny` and `kill`. Where it can't be shown
//! that one side allows no more than the other, the field changes, and a request may not change it. Reasons have no meaning here.

mod change;
mod mounts;
mod syscalls;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use remand_syscalls::{Grant, Rules, calls_named};
use serde_json::{Value, json};

use crate::field::{Field, Greater, Names, Saying};
use crate::policy::{Fields, Mount, Policy, Visitor, Word};
use crate::units::Number;
use change::{changed, entry, free, parsed};

pub use change::{Change, Direction};

/// A field of a request that asks for more than its policy allows, or for something that requests can't change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {}", self.reason())]
#[allow(missing_docs)]
pub struct Widened {
    pub field: String,
    pub ceiling: String,
    pub asked: String,
    pub direction: Direction,
}

impl Widened {
    /// What is asked for and what is allowed, without the field.
    #[must_use]
    pub fn reason(&self) -> String {
        let asked = if ["[]", "null"].contains(&self.asked.as_str()) { "leaving it out" } else { &self.asked };
        let ceiling = if ["[]", "null"].contains(&self.ceiling.as_str()) { String::new() } else { format!(" ({})", self.ceiling) };
        match self.direction {
            Direction::Changes => format!("{asked} is not narrower than what the policy says{ceiling}; requests only narrow"),
            _ => format!("{asked} is more than the policy allows{ceiling}"),
        }
    }
}

/// Everything in which `to` differs from `from`, by meaning.
#[must_use]
pub fn compare(from: &Policy, to: &Policy) -> Vec<Change> {
    let mut changes = Vec::new();
    Policy::visit(&mut Compare { from, to, changes: &mut changes });
    changes
}

/// `asked` itself if it is within `ceiling`.
///
/// # Errors
/// Every field that may widen, see [`Change::may_widen`]; of a list, its entries together.
pub fn narrow(ceiling: &Policy, asked: Policy) -> Result<Policy, Vec<Widened>> {
    let mut widened: Vec<Widened> = Vec::new();
    for change in compare(ceiling, &asked).into_iter().filter(Change::may_widen) {
        match widened.iter_mut().find(|widened| widened.field == change.field) {
            Some(widened) => widened.add(&change),
            None => {
                let Change { field, direction, from, to } = change;
                widened.push(Widened { field, ceiling: from, asked: to, direction });
            }
        }
    }
    if widened.is_empty() { Ok(asked) } else { Err(widened) }
}

impl Widened {
    /// Another entry of the same list.
    fn add(&mut self, change: &Change) {
        for (own, entry) in [(&mut self.ceiling, change.from_value()), (&mut self.asked, change.to_value())] {
            if let (Value::Array(mut entries), Value::Array(more)) = (parsed(own), entry) {
                entries.extend(more);
                *own = Value::from(entries).to_string();
            }
        }
        if self.direction != change.direction {
            self.direction = Direction::Changes;
        }
    }
}

/// Compares the fields of a section.
pub(crate) struct Compare<'c, S> {
    pub from: &'c S,
    pub to: &'c S,
    pub changes: &'c mut Vec<Change>,
}

impl<'c, S> Compare<'c, S> {
    fn both<T>(&self, field: &Field<S, T>) -> (&'c T, &'c T) {
        ((field.of)(self.from), (field.of)(self.to))
    }

    /// A field that is shown as `show` writes it.
    fn field<T>(&mut self, field: &Field<S, T>, order: impl FnOnce(&T, &T) -> Option<Ordering>, show: impl Fn(&T) -> Value) {
        let (from, to) = self.both(field);
        let ordering = order(from, to);
        if ordering != Some(Ordering::Equal) {
            entry(self.changes, field.path, ordering, &show(from), &show(to));
        }
    }

    fn list<T>(&mut self, field: &Field<S, T>, name: impl Fn(&T) -> Vec<String>, longer: Greater) {
        let (from, to) = self.both(field);
        change::names(self.changes, field.path, &name(from), &name(to), longer, |wide, narrow| wide == narrow);
    }
}

/// What the names of a list name: of a group, its calls.
pub(crate) fn meant(names: Names, list: &[String]) -> Vec<String> {
    match names {
        Names::Calls => calls_named(list).into_iter().collect(),
        Names::Modules | Names::Builtins | Names::Interpreters | Names::Variables => list.to_vec(),
    }
}

impl<S> Visitor<S> for Compare<'_, S> {
    fn section<T: Fields>(&mut self, field: &Field<S, T>) {
        let (from, to) = self.both(field);
        T::visit(&mut Compare { from, to, changes: self.changes });
    }

    fn number<T: Number>(&mut self, field: &Field<S, T>, _: RangeInclusive<u64>, greater: Greater) {
        self.field(field, |from, to| greater.order(from, to), |value| T::UNIT.json(value.amount()));
    }

    fn flag(&mut self, field: &Field<S, bool>, greater: Greater) {
        self.field(field, |from, to| greater.order(from, to), |value| json!(value));
    }

    fn word<T: Word + Ord>(&mut self, field: &Field<S, T>) {
        self.field(field, |from, to| Some(from.cmp(to)), |value| json!(value.word()));
    }

    fn form<T: Word>(&mut self, field: &Field<S, T>) {
        let (from, to) = self.both(field);
        free(self.changes, field.path, &json!(from.word()), &json!(to.word()));
    }

    fn words<T: Word>(&mut self, field: &Field<S, Vec<T>>) {
        self.list(field, |values| values.iter().map(|value| value.word().to_owned()).collect(), Greater::AllowsMore);
    }

    fn text(&mut self, field: &Field<S, String>, saying: Saying) {
        if matches!(saying, Saying::Name | Saying::Description) {
            let (from, to) = self.both(field);
            return free(self.changes, field.path, &json!(from), &json!(to));
        }
        self.field(field, |from, to| changed(from == to), |value| json!(value));
    }

    fn reason(&mut self, _: &Field<S, Option<String>>, _: fn(&S) -> Option<(&'static str, &'static str)>) {}

    fn names(&mut self, field: &Field<S, Vec<String>>, names: Names, longer: Greater) {
        let (from, to) = self.both(field);
        change::names(self.changes, field.path, &meant(names, from), &meant(names, to), longer, |wide, narrow| names.covers(wide, narrow));
    }

    fn mounts(&mut self, field: &Field<S, Vec<Mount>>) {
        let (from, to) = self.both(field);
        mounts::compare(self.changes, field.path, from, to);
    }

    fn rules(&mut self, field: &Field<S, Rules>) {
        let (from, to) = self.both(field);
        syscalls::compare(self.changes, from, to);
    }

    /// Compared in `rules`, with what takes away from it.
    fn grants(&mut self, _: &Field<S, Vec<Grant>>) {}

    /// Any difference is a change: what a variable's value means, only the program knows.
    fn variables(&mut self, field: &Field<S, Vec<(String, String)>>) {
        let map = |list: &[(String, String)]| list.iter().cloned().collect::<BTreeMap<_, _>>();
        let (from, to) = self.both(field);
        let (from, to) = (map(from), map(to));
        let names: BTreeSet<_> = from.keys().chain(to.keys()).collect();
        for name in names {
            let (from, to) = (from.get(name), to.get(name));
            entry(self.changes, &format!("{}.{name}", field.path), changed(from == to), &json!(from), &json!(to));
        }
    }
}
