//! What can be asked about limits: a word for each, the field that it stands for, and how its values are written.
//!
//! Always holds: every number of a policy of which more allows more can be asked about.

use std::ops::RangeInclusive;

use remand_syscalls::{Grant, Rules};
use serde_json::Value;

use super::error::QuestionError;
use crate::field::{Field, Greater, Names, Saying};
use crate::policy::{Fields, Mount, Policy, Visitor, Word};
use crate::text::quote;
use crate::units::{Bytes, Cpus, Number, Span, Unit};

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The word that questions use.
    pub name: &'static str,
    /// The policy's field.
    pub field: &'static str,
    /// What is counted.
    pub unit: Unit,
}

/// A value that is asked about, in the unit of the plan; `None` is `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub Option<u64>);

/// Every limit, in the order of the policy.
#[must_use]
pub fn measures() -> Vec<Measure> {
    let mut found = Vec::new();
    Policy::visit(&mut Measures(&mut found));
    found
}

/// Finds the numbers of a section.
struct Measures<'m>(&'m mut Vec<Measure>);

impl<S> Visitor<S> for Measures<'_> {
    fn section<T: Fields>(&mut self, _: &Field<S, T>) {
        T::visit(self);
    }

    fn number<T: Number>(&mut self, field: &Field<S, T>, _: RangeInclusive<u64>, greater: Greater) {
        if greater == Greater::AllowsMore {
            let name = match field.path {
                "filesystem.tmp.size" => "tmp",
                "filesystem.tmp.inodes" => "tmp_inodes",
                _ => field.key(),
            };
            self.0.push(Measure { name, field: field.path, unit: T::UNIT });
        }
    }

    fn flag(&mut self, _: &Field<S, bool>, _: Greater) {}
    fn word<T: Word + Ord>(&mut self, _: &Field<S, T>) {}
    fn form<T: Word>(&mut self, _: &Field<S, T>) {}
    fn words<T: Word>(&mut self, _: &Field<S, Vec<T>>) {}
    fn text(&mut self, _: &Field<S, String>, _: Saying) {}
    fn reason(&mut self, _: &Field<S, Option<String>>, _: fn(&S) -> Option<(&'static str, &'static str)>) {}
    fn names(&mut self, _: &Field<S, Vec<String>>, _: Names, _: Greater) {}
    fn mounts(&mut self, _: &Field<S, Vec<Mount>>) {}
    fn rules(&mut self, _: &Field<S, Rules>) {}
    fn grants(&mut self, _: &Field<S, Vec<Grant>>) {}
    fn variables(&mut self, _: &Field<S, Vec<(String, String)>>) {}
}

/// The limit that a word names, by itself or as a field, and what follows a `=` in the word.
pub(crate) fn find(word: &str) -> Option<(Measure, Option<&str>)> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let fits = |measure: &Measure| measure.name == name || measure.field == name || measure.field.strip_prefix("filesystem.") == Some(name);
    measures().into_iter().find(fits).map(|measure| (measure, value))
}

/// The value asked about.
pub(crate) fn parse(measure: &Measure, written: Option<&str>, rest: &[&str]) -> Result<Amount, QuestionError> {
    let example = measure.unit.example();
    let text = match (written, rest) {
        (Some(text), []) => text,
        (None, [text]) => text,
        _ => return Err(QuestionError::new(format!("\"{}\" takes one value", measure.name), format!("write {} {example}", measure.name))),
    };
    if text == "unlimited" {
        return Ok(Amount(None));
    }
    let quantity = match measure.unit {
        Unit::Bytes => text.parse::<Bytes>().map(|bytes| bytes.0),
        Unit::Time => text.parse::<Span>().map(|span| span.0),
        Unit::Cpus => text.parse::<Cpus>().map(|cpus| cpus.0.into()),
        Unit::Count => {
            let count = text
                .parse()
                .map_err(|_| QuestionError::new(format!("{} is no count", quote(text)), format!("write {} {example}", measure.name)));
            return count.map(|count| Amount(Some(count)));
        }
    };
    quantity.map(|value| Amount(Some(value))).map_err(|error| QuestionError { message: error.to_string(), help: error.help() })
}

impl Measure {
    /// A value in the unit of the plan, for people; `None` is `unlimited`.
    #[must_use]
    pub fn show(&self, value: Option<u64>) -> String {
        value.map_or_else(|| "unlimited".to_owned(), |value| self.unit.show(value))
    }

    /// The same as a policy file writes it.
    #[must_use]
    pub fn json(&self, value: Option<u64>) -> Value {
        self.unit.json(value)
    }
}
