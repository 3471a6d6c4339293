//! How values are written in a policy file, as JSON Schema: quantities, names, paths, lists, grants.
//!
//! Always holds: a pattern uses only what ECMAScript and Python understand alike, since editors bring their own engine.

use std::ops::RangeInclusive;

use remand_syscalls::{can_be_granted, danger, is_dangerous, is_group, names, purpose};
use serde_json::{Map, Value, json};

use crate::field::Word;
use crate::places::{CLOSED_SOURCES, CLOSED_TARGETS};
use crate::ranges::{ARGUMENT, ENTRIES, LONGEST_VARIABLE, MOST, TEXT};
use crate::units::Unit;

/// Characters that no text may hold.
const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f";
/// A Python name, as far as a pattern that every engine understands can tell: outside ASCII the loader decides.
const IDENTIFIER: &str = r"[^\u0000-@\[-\^`{-\u007f][^\u0000-/:-@\[-\^`{-\u007f]*";

/// A number, and its range in words.
pub(super) fn number(unit: Unit, lifts: bool, range: &RangeInclusive<u64>) -> (Value, String) {
    let (least, most) = (*range.start(), *range.end());
    let number = match unit {
        Unit::Bytes => quantity("(B|KiB|MiB|GiB|TiB)", &["64MiB", "1.5GiB", "10000B"]),
        Unit::Time => quantity("(us|ms|s|min|h)", &["10s", "250ms", "2min"]),
        Unit::Cpus => {
            json!({ "type": "number", "minimum": unit.json(Some(least)), "maximum": unit.json(Some(u32::MAX.into())), "examples": [1, 0.5] })
        }
        Unit::Count => json!({ "type": "integer", "minimum": least, "maximum": most }),
    };
    let least = unit.show(least);
    if lifts {
        return (json!({ "anyOf": [number, { "const": "unlimited" }] }), format!("From {least} to unlimited."));
    }
    // The largest count that the kernel takes says nothing.
    (number, if most >= MOST { format!("From {least}.") } else { format!("From {least} to {}.", unit.show(most)) })
}

/// One of some words, each with its meaning if it has one.
pub(super) fn word<T: Word>() -> Value {
    let told = |((word, _), told): (&(&str, T), &&str)| match *word {
        "null" => json!({ "enum": [word, null], "description": paragraphs(told) }),
        word => json!({ "type": "string", "const": word, "description": paragraphs(told) }),
    };
    if T::MEANINGS.iter().any(|told| told.is_empty()) {
        let words: Vec<_> = T::WORDS.iter().map(|(word, _)| word).collect();
        return json!({ "description": paragraphs(T::ABOUT), "type": "string", "enum": words });
    }
    json!({ "oneOf": T::WORDS.iter().zip(T::MEANINGS).map(told).collect::<Vec<_>>() })
}

/// The text of a comment: lines joined, paragraphs kept apart.
pub(super) fn paragraphs(told: &str) -> String {
    let lines: Vec<_> = told.lines().map(str::trim).collect();
    lines.split(|line| line.is_empty()).map(|lines| lines.join(" ")).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// A list, or an edit of the base's list.
pub(super) fn edited(entry: &Value) -> Value {
    let list = list(entry);
    let removed = json!({ "type": "array", "items": line(), "maxItems": ENTRIES });
    json!({
        "anyOf": [
            list,
            { "type": "object", "properties": { "add": list, "remove": removed }, "additionalProperties": false },
        ],
    })
}

/// An object, of which no key is necessary: a policy file leaves out what it inherits.
pub(super) fn object(properties: Map<String, Value>) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// A text in one line.
pub(super) fn line() -> Value {
    text(&format!("^[^{CONTROL}]*$"))
}

/// A text that says something.
pub(super) fn reason() -> Value {
    text(&format!(r"^(?=.*\S)[^{CONTROL}]*$"))
}

/// A host path of a mount.
pub(super) fn source() -> Value {
    text(&format!("^{}{}$", outside(CLOSED_SOURCES), path()))
}

/// A path of a mount inside the run.
pub(super) fn target() -> Value {
    text(&format!("^{}{}$", outside(CLOSED_TARGETS), path()))
}

/// A name or a path.
pub(super) fn interpreter() -> Value {
    text(&format!("^([^/{CONTROL}]+|{})$", path()))
}

/// A name or a path, or `*`.
pub(super) fn interpreters() -> Value {
    text(&format!("^([^/{CONTROL}]+|{})$", path()))
}

/// A variable's name, or the beginning of one.
pub(super) fn pattern() -> Value {
    text(r"^([A-Za-z_][A-Za-z0-9_]*\*?|\*)$")
}

/// A Python name.
pub(super) fn identifier() -> Value {
    text(&format!("^{IDENTIFIER}$"))
}

/// A Python name, or `*`.
pub(super) fn module() -> Value {
    text(&format!(r"^(\*|{IDENTIFIER})$"))
}

/// Environment variables.
pub(super) fn variables() -> Value {
    json!({
        "type": "object",
        "maxProperties": ENTRIES,
        "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
        "additionalProperties": { "type": ["string", "null"], "maxLength": LONGEST_VARIABLE, "pattern": r"^[^\u0000]*$" },
    })
}

/// What is defined once and referred to.
pub(super) fn definition(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// All definitions, of which `mount` is made elsewhere.
pub(super) fn definitions(mount: Value) -> Value {
    json!({
        "Mount": mount,
        "Grant": grant(),
        "Harmless": which(|name| !is_dangerous(name)),
        "Grantable": which(can_be_granted),
        "Condition": condition(),
        "Word64": {
            "description": "An argument's value: a number, or hexadecimal in quotes.",
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": u64::MAX },
                { "type": "string", "pattern": "^0x0*[0-9a-fA-F]{1,16}$", "examples": ["0x7e020000"] },
            ],
        },
        "Name": which(|_| true),
    })
}

/// A list without repetition.
fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items, "maxItems": ENTRIES, "uniqueItems": true })
}

/// A number with a unit; zero is none.
fn quantity(units: &str, examples: &[&str]) -> Value {
    json!({ "type": "string", "pattern": format!("^(?![0.]+[A-Za-z]+$)[0-9]+(\\.[0-9]+)?{units}$"), "examples": examples })
}

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "maxLength": TEXT, "pattern": pattern })
}

/// An absolute path in its only spelling, but not the root.
fn path() -> String {
    format!(r"(/(?!\.{{1,2}}(/|$))[^/{CONTROL}]+)+")
}

/// Is neither one of these trees nor in one.
fn outside(trees: &[&str]) -> String {
    format!("(?!({})(/|$))", trees.join("|"))
}

/// Names of groups, each with what it is for, and of calls.
fn which(wanted: fn(&str) -> bool) -> Value {
    let (groups, calls): (Vec<_>, Vec<_>) = names().filter(|name| wanted(name)).partition(|name| is_group(name));
    let told = |name: &&str| {
        let danger = danger(name).map_or(String::new(), |danger| format!(" Dangerous: {danger}."));
        json!({ "const": name, "description": format!("{}.{danger}", purpose(name).unwrap_or_default()) })
    };
    json!({ "anyOf": groups.iter().map(told).chain([json!({ "enum": calls })]).collect::<Vec<_>>() })
}

fn condition() -> Value {
    let word = definition("Word64");
    let comparisons = ["equals", "one_of", "at_most", "masked"];
    json!({
        "description": "A condition on one argument. The kernel's own width of the argument (32 or 64 bits) decides how many bits are compared.",
        "type": "object",
        "properties": {
            "arg": { "type": "integer", "minimum": ARGUMENT.start(), "maximum": ARGUMENT.end(), "description": "Which argument, counted from 0." },
            "equals": word,
            "one_of": { "type": "array", "items": word, "minItems": 1, "maxItems": ENTRIES },
            "at_most": word,
            "masked": {
                "description": "(argument & mask) == value",
                "type": "object",
                "properties": { "mask": word, "value": word },
                "required": ["mask", "value"],
                "additionalProperties": false,
            },
        },
        "required": ["arg"],
        "oneOf": comparisons.map(|key| json!({ "required": [key] })),
        "additionalProperties": false,
    })
}

fn grant() -> Value {
    let harmless = definition("Harmless");
    json!({
        "description": "A system call or a group. A dangerous one needs a reason; conditions need a single call, and several grants of it are alternatives.",
        "anyOf": [
            harmless,
            {
                "type": "object",
                "properties": {
                    "call": definition("Grantable"),
                    "when": {
                        "description": "All must hold.",
                        "type": "array",
                        "items": definition("Condition"),
                        "maxItems": ENTRIES,
                        "uniqueItems": true,
                    },
                    "reason": reason(),
                },
                "required": ["call"],
                "additionalProperties": false,
                "allOf": [
                    { "if": { "properties": { "call": harmless } }, "else": { "required": ["reason"] } },
                    { "if": { "properties": { "call": { "pattern": "^@" } } }, "then": { "properties": { "when": { "maxItems": 0 } } } },
                ],
            },
        ],
    })
}
