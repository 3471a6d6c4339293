//! A policy as text: one stable JSON per meaning of every field, for hashes and diffs.
//!
//! Always holds: the text is a complete policy file, which reads back as the same policy.

use std::ops::RangeInclusive;

use remand_syscalls::{Comparison, Condition, Grant, Rules};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::field::{Field, Greater, Names, Saying};
use crate::policy::{Fields, Mount, Policy, Visitor, Word};
use crate::units::Number;

impl Policy {
    /// All fields but the name, as compact JSON in a fixed order. It is a policy file without `extends`.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.tree().to_string()
    }

    /// SHA-256 of [`Policy::canonical`], in lower-case hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        Sha256::digest(self.canonical()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The tree that [`Policy::canonical`] writes.
    #[must_use]
    pub fn tree(&self) -> Value {
        let mut tree = Map::from_iter([("version".to_owned(), json!(1))]);
        Policy::visit(&mut Writer { from: self, into: &mut tree });
        tree.into()
    }
}

/// Writes the fields of a section into an object.
struct Writer<'w, S> {
    from: &'w S,
    into: &'w mut Map<String, Value>,
}

impl<S> Writer<'_, S> {
    fn put<T>(&mut self, field: &Field<S, T>, value: impl Into<Value>) {
        self.into.insert(field.key().to_owned(), value.into());
    }
}

impl<S> Visitor<S> for Writer<'_, S> {
    fn section<T: Fields>(&mut self, field: &Field<S, T>) {
        self.put(field, tree_of((field.of)(self.from)));
    }

    fn number<T: Number>(&mut self, field: &Field<S, T>, _: RangeInclusive<u64>, _: Greater) {
        self.put(field, T::UNIT.json((field.of)(self.from).amount()));
    }

    fn flag(&mut self, field: &Field<S, bool>, _: Greater) {
        self.put(field, *(field.of)(self.from));
    }

    fn word<T: Word + Ord>(&mut self, field: &Field<S, T>) {
        self.put(field, (field.of)(self.from).word());
    }

    fn form<T: Word>(&mut self, field: &Field<S, T>) {
        self.put(field, (field.of)(self.from).word());
    }

    fn words<T: Word>(&mut self, field: &Field<S, Vec<T>>) {
        self.put(field, Value::from_iter((field.of)(self.from).iter().map(|value| value.word())));
    }

    fn text(&mut self, field: &Field<S, String>, saying: Saying) {
        if saying != Saying::Name {
            self.put(field, (field.of)(self.from).as_str());
        }
    }

    fn reason(&mut self, field: &Field<S, Option<String>>, _: fn(&S) -> Option<(&'static str, &'static str)>) {
        if let Some(reason) = (field.of)(self.from) {
            self.put(field, reason.as_str());
        }
    }

    fn names(&mut self, field: &Field<S, Vec<String>>, _: Names, _: Greater) {
        self.put(field, (field.of)(self.from).clone());
    }

    fn mounts(&mut self, field: &Field<S, Vec<Mount>>) {
        self.put(field, Value::from_iter((field.of)(self.from).iter().map(write_mount)));
    }

    fn rules(&mut self, field: &Field<S, Rules>) {
        Rules::visit(&mut Writer { from: (field.of)(self.from), into: self.into });
    }

    fn grants(&mut self, field: &Field<S, Vec<Grant>>) {
        self.put(field, Value::from_iter((field.of)(self.from).iter().map(write_grant)));
    }

    fn variables(&mut self, field: &Field<S, Vec<(String, String)>>) {
        self.put(field, Value::from_iter((field.of)(self.from).iter().cloned()));
    }
}

/// The fields of a section.
pub(crate) fn tree_of<S: Fields>(from: &S) -> Value {
    let mut into = Map::new();
    S::visit(&mut Writer { from, into: &mut into });
    into.into()
}

/// One mount, as a policy file writes it.
#[must_use]
pub fn write_mount(mount: &Mount) -> Value {
    tree_of(mount)
}

/// One grant.
#[must_use]
pub fn write_grant(grant: &Grant) -> Value {
    let Grant { call, when, reason } = grant;
    if when.is_empty() && reason.is_none() {
        return json!(call);
    }
    let mut tree = json!({ "call": call });
    if !when.is_empty() {
        tree["when"] = when.iter().map(write_condition).collect();
    }
    if let Some(reason) = reason {
        tree["reason"] = json!(reason);
    }
    tree
}

/// One condition of a grant.
#[must_use]
pub fn write_condition(condition: &Condition) -> Value {
    let Condition { arg, op } = condition;
    match op {
        Comparison::Equals(value) => json!({ "arg": arg, "equals": value }),
        Comparison::OneOf(values) => json!({ "arg": arg, "one_of": values }),
        Comparison::AtMost(most) => json!({ "arg": arg, "at_most": most }),
        Comparison::Masked { mask, value } => json!({ "arg": arg, "masked": { "mask": mask, "value": value } }),
    }
}
