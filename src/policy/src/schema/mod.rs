//! The JSON Schema of policy files, for editors, and the field reference: both generated from the fields, their comments and ranges.
//!
//! Always holds: what the schema refuses, the loader refuses too. The other way round some mistakes are the loader's alone: what depends on another value,
//! on a base, or on arithmetic with units.

mod groups;
mod reference;
mod shape;

use std::ops::RangeInclusive;

use remand_syscalls::{Grant, Rules};
use serde_json::{Map, Value, json};

use crate::field::{Field, Greater, Names, Saying};
use crate::policy::{Fields, Mount, Policy, Visitor, Word};
use crate::question::{Is, QUESTIONS};
use crate::units::Number;

pub use groups::groups;
pub use reference::reference;

/// The schema of a policy file, the same text at every call.
#[must_use]
pub fn file() -> Value {
    let mut properties = head();
    Policy::visit(&mut Drawing(&mut properties));
    let mut mount = drawn::<Mount>();
    mount["required"] = json!(["source"]);
    mount["description"] = shape::paragraphs(Mount::ABOUT).into();
    mount["if"] = json!({ "properties": { "writable": { "const": true } }, "required": ["writable"] });
    mount["then"] = json!({ "required": ["reason"] });
    json!({
        "type": "object",
        "additionalProperties": false,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": shape::definitions(mount),
        "title": "A policy of remand",
        "properties": properties,
        "required": ["version"],
        // With a base, the reason may stand there.
        "if": {
            "not": { "required": ["extends"] },
            "properties": { "network": { "required": ["mode"], "properties": { "mode": { "enum": ["loopback", "host"] } } } },
            "required": ["network"],
        },
        "then": { "properties": { "network": { "required": ["reason"] } } },
    })
}

/// An object with the fields of `S`.
fn drawn<S: Fields>() -> Value {
    let mut properties = Map::new();
    S::visit(&mut Drawing(&mut properties));
    shape::object(properties)
}

/// Draws the fields of a section as properties of an object.
struct Drawing<'d>(&'d mut Map<String, Value>);

impl Drawing<'_> {
    fn put<S, T>(&mut self, field: &Field<S, T>, mut schema: Value, range: Option<String>) {
        let told = shape::paragraphs(field.told);
        schema["description"] = range.map_or(told.clone(), |range| format!("{told}\n\n{range}")).into();
        self.0.insert(field.key().to_owned(), schema);
    }
}

impl<S> Visitor<S> for Drawing<'_> {
    fn section<T: Fields>(&mut self, field: &Field<S, T>) {
        self.put(field, drawn::<T>(), None);
    }

    fn number<T: Number>(&mut self, field: &Field<S, T>, range: RangeInclusive<u64>, _: Greater) {
        let (schema, range) = shape::number(T::UNIT, T::LIFTS, &range);
        self.put(field, schema, Some(range));
    }

    fn flag(&mut self, field: &Field<S, bool>, _: Greater) {
        self.put(field, json!({ "type": "boolean" }), None);
    }

    fn word<T: Word + Ord>(&mut self, field: &Field<S, T>) {
        self.put(field, shape::word::<T>(), None);
    }

    fn form<T: Word>(&mut self, field: &Field<S, T>) {
        self.put(field, shape::word::<T>(), None);
    }

    fn words<T: Word>(&mut self, field: &Field<S, Vec<T>>) {
        self.put(field, shape::edited(&shape::word::<T>()), None);
    }

    fn text(&mut self, field: &Field<S, String>, saying: Saying) {
        let schema = match saying {
            Saying::Name => return,
            Saying::Description => shape::line(),
            Saying::Interpreter => shape::interpreter(),
            Saying::Source => shape::source(),
            Saying::Target => shape::target(),
        };
        self.put(field, schema, None);
    }

    fn reason(&mut self, field: &Field<S, Option<String>>, _: fn(&S) -> Option<(&'static str, &'static str)>) {
        self.put(field, shape::reason(), None);
    }

    fn names(&mut self, field: &Field<S, Vec<String>>, names: Names, _: Greater) {
        let entry = match names {
            Names::Modules => shape::module(),
            Names::Builtins => shape::identifier(),
            Names::Calls => shape::definition("Name"),
            Names::Interpreters => shape::interpreters(),
            Names::Variables => shape::pattern(),
        };
        self.put(field, shape::edited(&entry), None);
    }

    fn mounts(&mut self, field: &Field<S, Vec<Mount>>) {
        self.put(field, shape::edited(&shape::definition("Mount")), None);
    }

    fn rules(&mut self, _: &Field<S, Rules>) {
        Rules::visit(self);
    }

    fn grants(&mut self, field: &Field<S, Vec<Grant>>) {
        self.put(field, shape::edited(&shape::definition("Grant")), None);
    }

    fn variables(&mut self, field: &Field<S, Vec<(String, String)>>) {
        self.put(field, shape::variables(), None);
    }
}

/// What stands above the sections; the loader reads it apart from them.
fn head() -> Map<String, Value> {
    let keys = [
        ("$schema", json!({ "description": "Where editors find this schema; remand ignores it." })),
        (
            "version",
            json!({ "const": 1, "description": "The version of this format.\n\nNothing: a file without it, or with another, is refused." }),
        ),
        (
            "extends",
            json!({
                "type": "string",
                "maxLength": crate::ranges::TEXT,
                "examples": ["default", "strict", "numeric", "compile", "judge", "n8n", "./base.jsonc"],
                "description": "The policy that this one starts from: a built-in one, NAME for NAME.jsonc in /etc/remand/policies or ~/.config/remand/policies, \
                    or a file by its path from this one. Without it every key that is left out has the narrowest value.",
            }),
        ),
        ("expect", expect()),
    ];
    keys.into_iter().map(|(key, schema)| (key.to_owned(), schema)).collect()
}

/// A question under one key, and its answer.
fn expect() -> Value {
    let text = |words: &str| json!({ "type": "string", "maxLength": crate::ranges::TEXT, "description": words });
    let mut properties: Map<String, Value> =
        QUESTIONS.iter().map(|(key, first)| ((*key).to_owned(), text(&format!("The question `{first}...`.")))).collect();
    let one: Vec<_> = QUESTIONS.iter().map(|(key, _)| json!({ "required": [key] })).collect();
    properties.insert("is".into(), json!({ "enum": Is::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>() }));
    properties.insert("reason".into(), text("Why it is expected."));
    json!({
        "type": "array",
        "maxItems": crate::ranges::ENTRIES,
        "items": { "type": "object", "properties": properties, "additionalProperties": false, "required": ["is"], "oneOf": one },
        "description": "What the policy says about itself; `remand policy test` asks it. Not inherited, and no part of the policy.",
    })
}

#[cfg(test)]
mod tests;
