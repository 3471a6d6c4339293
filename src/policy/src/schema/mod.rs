//! The JSON Schema of policy files, for editors, and the field reference: both generated from the types, their comments and the loader's ranges.
//!
//! Always holds: what the schema refuses, the loader refuses too. The other way round some mistakes are the loader's alone: what depends on another value,
//! on a base, or on arithmetic with units.

mod groups;
mod reference;

use serde_json::{Map, Value, json};

use crate::policy::{Policy, Word};
use crate::question::{Is, QUESTIONS};

pub use groups::groups;
pub use reference::reference;

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
                "maxLength": crate::ranges::TEXT,
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

#[cfg(test)]
mod tests;
