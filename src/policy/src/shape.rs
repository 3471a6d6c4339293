//! How values are written in a policy file, as JSON Schema: quantities, names, paths, lists, grants.
//!
//! Always holds: a pattern uses only what ECMAScript and Python understand alike, since editors bring their own engine.

use std::borrow::Cow;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use remand_syscalls::{can_be_granted, danger, is_dangerous, is_group, names, purpose};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Number, Value, json};

use crate::places::{CLOSED_SOURCES, CLOSED_TARGETS};
use crate::ranges::{ARGUMENT, ENTRIES, LONGEST_VARIABLE, TEXT};
use crate::units::{Bytes, Cpus, Limit, Span};

/// Characters that no text may hold.
const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f";
/// A Python name, as far as a pattern that every engine understands can tell: outside ASCII the loader decides.
const IDENTIFIER: &str = r"[^\u0000-@\[-\^`{-\u007f][^\u0000-/:-@\[-\^`{-\u007f]*";

/// Types whose schema is written by hand: name, whether it stands in place instead of under `$defs`, and how it is made.
/// The three lists of `syscalls`.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by the derive alone
pub(crate) struct RulesShape {
    /// Groups (`"@io"`) and single calls, with argument conditions. Edited by name.
    ///
    /// SECCOMP_RET_ALLOW in the run's filter, where the conditions hold; all else is SECCOMP_RET_USER_NOTIF, which the supervisor answers EPERM and records.
    #[schemars(with = "Edit<GrantShape>")]
    allow: (),
    /// Calls taken out of what `allow` grants; wins over it. A group takes out every call that it grants, under conditions or not.
    ///
    /// Left out of what the filter allows: EPERM, recorded.
    #[schemars(with = "Edit<Name>")]
    deny: (),
    /// Calls that end the run with the verdict `violated`; wins over `allow` and `deny`. Group names are allowed.
    ///
    /// SECCOMP_RET_USER_NOTIF: the call waits, and never happens, while the supervisor records it and kills every process of the run.
    #[schemars(with = "Edit<Name>")]
    kill: (),
}

macro_rules! written {
    ($($type:ty, $name:literal, $inline:literal, $schema:expr;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                $inline
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let make: fn(&mut SchemaGenerator) -> Schema = $schema;
                make(generator)
            }
        }
    )*};
}

/// A text in one line.
pub(crate) struct Text;
/// A text that says something.
pub(crate) struct Reason;
/// A host path of a mount.
pub(crate) struct SourcePath;
/// A path of a mount inside the run.
pub(crate) struct TargetPath;
/// A name or a path.
pub(crate) struct Interpreter;
/// A Python name.
pub(crate) struct PythonName;
/// A Python name, or `*`.
pub(crate) struct Module;
/// Environment variables.
pub(crate) struct Variables;
/// A system call or group.
pub(crate) struct Name;
/// One that can be granted without a reason.
struct Harmless;
/// One that can be granted.
struct Grantable;
/// A condition on an argument.
struct ConditionShape;
/// A grant.
struct GrantShape;
/// An argument's value.
struct Word64;
/// A list, or an edit of the base's list.
pub(crate) struct Edit<T>(PhantomData<T>);

written! {
    Bytes, "Bytes", true, |_| quantity("(B|KiB|MiB|GiB|TiB)", &["64MiB", "1.5GiB", "10000B"]);
    Span, "Span", true, |_| quantity("(us|ms|s|min|h)", &["10s", "250ms", "2min"]);
    Cpus, "Cpus", true, |_| json_schema!({ "type": "number", "minimum": 0, "maximum": 4_294_967.295, "examples": [1, 0.5] });
    Text, "Text", true, |_| text(&format!("^[^{CONTROL}]*$"));
    Reason, "Reason", true, |_| text(&format!(r"^(?=.*\S)[^{CONTROL}]*$"));
    SourcePath, "SourcePath", true, |_| text(&format!("^{}{}$", outside(CLOSED_SOURCES), path()));
    TargetPath, "TargetPath", true, |_| text(&format!("^{}{}$", outside(CLOSED_TARGETS), path()));
    Interpreter, "Interpreter", true, |_| text(&format!("^([^/{CONTROL}]+|{})$", path()));
    PythonName, "PythonName", true, |_| text(&format!("^{IDENTIFIER}$"));
    Module, "Module", true, |_| text(&format!(r"^(\*|{IDENTIFIER})$"));
    Variables, "Variables", true, |_| json_schema!({
        "type": "object",
        "maxProperties": ENTRIES,
        "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
        "additionalProperties": { "type": ["string", "null"], "maxLength": LONGEST_VARIABLE, "pattern": r"^[^\u0000]*$" },
    });
    Name, "Name", false, |_| which(|_| true);
    Harmless, "Harmless", false, |_| which(|name| !is_dangerous(name));
    Grantable, "Grantable", false, |_| which(can_be_granted);
    Word64, "Word64", false, |_| json_schema!({
        "description": "An argument's value: a number, or hexadecimal in quotes.",
        "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u64::MAX },
            { "type": "string", "pattern": "^0x0*[0-9a-fA-F]{1,16}$", "examples": ["0x7e020000"] },
        ],
    });
    ConditionShape, "Condition", false, condition;
    GrantShape, "Grant", false, grant;
}

impl<T: JsonSchema> JsonSchema for Limit<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Limit_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<T>(), { "const": "unlimited" }] })
    }
}

impl<T: JsonSchema> JsonSchema for Edit<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Edit_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = list(&generator.subschema_for::<T>());
        let removed = list_of(&generator.subschema_for::<Text>());
        json_schema!({
            "anyOf": [
                list,
                { "type": "object", "properties": { "add": list, "remove": removed }, "additionalProperties": false },
            ],
        })
    }
}

fn list_of(items: &Schema) -> Value {
    json!({ "type": "array", "items": items, "maxItems": ENTRIES })
}

/// A list without repetition.
fn list(items: &Schema) -> Value {
    json!({ "type": "array", "items": items, "maxItems": ENTRIES, "uniqueItems": true })
}

/// A number with a unit; zero is none.
fn quantity(units: &str, examples: &[&str]) -> Schema {
    json_schema!({ "type": "string", "pattern": format!("^(?![0.]+[A-Za-z]+$)[0-9]+(\\.[0-9]+)?{units}$"), "examples": examples })
}

fn text(pattern: &str) -> Schema {
    json_schema!({ "type": "string", "maxLength": TEXT, "pattern": pattern })
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
fn which(wanted: fn(&str) -> bool) -> Schema {
    let (groups, calls): (Vec<_>, Vec<_>) = names().filter(|name| wanted(name)).partition(|name| is_group(name));
    let told = |name: &&str| {
        let danger = danger(name).map_or(String::new(), |danger| format!(" Dangerous: {danger}."));
        json!({ "const": name, "description": format!("{}.{danger}", purpose(name).unwrap_or_default()) })
    };
    json_schema!({ "anyOf": groups.iter().map(told).chain([json!({ "enum": calls })]).collect::<Vec<_>>() })
}

fn condition(generator: &mut SchemaGenerator) -> Schema {
    let word = generator.subschema_for::<Word64>();
    let comparisons = ["equals", "one_of", "at_most", "masked"];
    json_schema!({
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

fn grant(generator: &mut SchemaGenerator) -> Schema {
    let harmless = generator.subschema_for::<Harmless>();
    json_schema!({
        "description": "A system call or a group. A dangerous one needs a reason; conditions need a single call, and several grants of it are alternatives.",
        "anyOf": [
            harmless,
            {
                "type": "object",
                "properties": {
                    "call": generator.subschema_for::<Grantable>(),
                    "when": {
                        "description": "All must hold.",
                        "type": "array",
                        "items": generator.subschema_for::<ConditionShape>(),
                        "maxItems": ENTRIES,
                        "uniqueItems": true,
                    },
                    "reason": generator.subschema_for::<Reason>(),
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
