//! The JSON Schema of policy files, for editors, and the field reference: both generated from the types, their comments and the loader's ranges.
//!
//! Always holds: what the schema refuses, the loader refuses too. The other way round some mistakes are the loader's alone: what depends on another value,
//! on a base, or on arithmetic with units.

mod groups;
mod reference;
mod written;

use std::fmt::Display;
use std::ops::RangeInclusive;

use schemars::Schema;
use serde_json::{Map, Number, Value, json};

use crate::ask::Is;
use crate::load::QUESTIONS;
use crate::policy::{Policy, Word};
use crate::units::{Bytes, Cpus, Limit, Span};

pub use groups::groups;
pub use reference::reference;
pub(crate) use written::{Edit, Interpreter, Module, Name, PythonName, Reason, SourcePath, TargetPath, Text, Variables};

/// The schema of a policy file, the same text at every call.
#[must_use]
pub fn file() -> Value {
    let mut schema = schemars::schema_for!(Policy);
    schema.insert("title".into(), json!("A policy of remand"));
    schema.remove("description");
    let mut properties = head();
    if let Some(Value::Object(sections)) = schema.remove("properties") {
        properties.extend(sections);
    }
    schema.insert("properties".into(), properties.into());
    schema.insert("required".into(), json!(["version"]));
    // With a base, the reason may stand there.
    schema.insert(
        "if".into(),
        json!({
            "not": { "required": ["extends"] },
            "properties": { "network": { "required": ["mode"], "properties": { "mode": { "enum": ["loopback", "host"] } } } },
            "required": ["network"],
        }),
    );
    schema.insert("then".into(), json!({ "properties": { "network": { "required": ["reason"] } } }));
    let mut tree = schema.to_value();
    tidy(&mut tree);
    tree
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
                "maxLength": crate::load::ranges::TEXT,
                "examples": ["default", "strict", "numeric"],
                "description": "The policy that this one starts from: a built-in one, or NAME for /etc/remand/policies/NAME.jsonc. Without it every key that is \
                    left out has the narrowest value.",
            }),
        ),
        ("expect", expect()),
    ];
    keys.into_iter().map(|(key, schema)| (key.to_owned(), schema)).collect()
}

/// A question under one key, and its answer.
fn expect() -> Value {
    let text = |words: &str| json!({ "type": "string", "maxLength": crate::load::ranges::TEXT, "description": words });
    let mut properties: Map<String, Value> =
        QUESTIONS.iter().map(|(key, first)| ((*key).to_owned(), text(&format!("The question `{first}...`.")))).collect();
    let one: Vec<_> = QUESTIONS.iter().map(|(key, _)| json!({ "required": [key] })).collect();
    properties.insert("is".into(), json!({ "enum": Is::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>() }));
    properties.insert("reason".into(), text("Why it is expected."));
    json!({
        "type": "array",
        "maxItems": crate::load::ranges::ENTRIES,
        "items": { "type": "object", "properties": properties, "additionalProperties": false, "required": ["is"], "oneOf": one },
        "description": "What the policy says about itself; `remand policy test` asks it. Not inherited, and no part of the policy.",
    })
}

/// Paragraphs without line breaks, and the width of integers as a bound.
fn tidy(tree: &mut Value) {
    match tree {
        Value::Object(map) => {
            map.remove("format");
            if map.get("type").is_some_and(|kind| kind == "integer") {
                map.entry("maximum").or_insert(u64::MAX.into());
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// Makes no key of an object necessary: a policy file leaves out what it inherits.
pub(crate) fn optional(schema: &mut Schema) {
    schema.remove("required");
}

/// A mount needs its source, and a reason where it is writable.
pub(crate) fn mount(schema: &mut Schema) {
    schema.insert("required".into(), json!(["source"]));
    schema.insert("if".into(), json!({ "properties": { "writable": { "const": true } }, "required": ["writable"] }));
    schema.insert("then".into(), json!({ "required": ["reason"] }));
}

/// Puts a field's range into its schema: numbers as `minimum` and `maximum`, and all as the last paragraph of the description.
pub(crate) fn within<T: Bound>(range: &'static RangeInclusive<T>) -> impl FnMut(&mut Schema) {
    move |schema| {
        let (least, most) = (range.start(), range.end());
        let text = if most.is_open() { format!("From {least}.") } else { format!("From {least} to {most}.") };
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = format!("{description}\n\n{text}");
        }
        let slot = if schema.get("anyOf").is_some() {
            schema.pointer_mut("/anyOf/0").and_then(Value::as_object_mut)
        } else {
            schema.as_object_mut()
        };
        let Some(slot) = slot else { return };
        for (key, bound) in [("minimum", least), ("maximum", most)] {
            if let Some(number) = bound.number() {
                slot.insert(key.into(), Value::Number(number));
            }
        }
    }
}

/// A value that ranges are made of.
pub(crate) trait Bound: Display {
    /// As JSON, where files write it as a number.
    fn number(&self) -> Option<Number>;

    /// Whether it is no bound that people would meet.
    fn is_open(&self) -> bool {
        false
    }
}

/// The largest count that the kernel takes; as an upper bound it says nothing.
const COUNTABLE: u64 = i64::MAX as u64;

impl Bound for u64 {
    fn number(&self) -> Option<Number> {
        Some((*self).into())
    }

    fn is_open(&self) -> bool {
        *self >= COUNTABLE
    }
}

impl Bound for u32 {
    fn number(&self) -> Option<Number> {
        Some((*self).into())
    }
}

impl Bound for Bytes {
    fn number(&self) -> Option<Number> {
        None
    }

    fn is_open(&self) -> bool {
        self.0 >= COUNTABLE
    }
}

impl Bound for Span {
    fn number(&self) -> Option<Number> {
        None
    }
}

impl Bound for Cpus {
    fn number(&self) -> Option<Number> {
        // The exact decimal digits.
        self.to_string().parse().ok()
    }
}

impl<T: Bound> Bound for Limit<T> {
    fn number(&self) -> Option<Number> {
        match self {
            Self::At(value) => value.number(),
            Self::Unlimited => None,
        }
    }
}

#[cfg(test)]
mod tests;
