//! The right form of a value that has the wrong one, made from what was written.
//!
//! Always holds: only help is made here; what cannot be turned into the right form gets an example of it.

use jsonc_parser::ast::{Array, Value};

use crate::policy::{Fields, Namespaces};
use crate::text::quote;
use crate::write;

/// What form a value should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Object,
    List,
    /// Neither.
    Single,
}

/// What to write for `value` in `field`, where it should have this form.
pub(super) fn shape(field: &str, value: &Value<'_>, form: Form) -> Option<String> {
    let last = field.rsplit('.').next().unwrap_or(field);
    match (field, value) {
        ("network", Value::StringLit(mode)) => {
            let reason = if mode.value == "none" { "" } else { ", \"reason\": \"...\"" };
            Some(format!("write {{\"mode\": {}{reason}}}", quote(&mode.value)))
        }
        ("network", Value::BooleanLit(on)) if on.value => {
            Some("write {\"mode\": \"host\", \"reason\": \"...\"}, or \"loopback\"".to_owned())
        }
        ("network", Value::BooleanLit(_)) => Some("write {\"mode\": \"none\"}".to_owned()),
        ("filesystem.tmp", Value::StringLit(size)) => Some(format!("write {{\"size\": {}}}", quote(&size.value))),
        ("environment", Value::Array(list)) => variables(list.elements.iter()),
        ("environment", text @ Value::StringLit(_)) => variables(std::iter::once(text)),
        ("filesystem.mounts", Value::Object(pairs)) => {
            let pair = pairs.properties.first()?;
            let Value::StringLit(target) = &pair.value else { return Some(format!("write a list of objects: [{MOUNT}]")) };
            Some(format!("write [{}]", mount(pair.name.as_str(), Some(&target.value), false)))
        }
        ("filesystem.mounts", Value::StringLit(text)) => Some(format!("write [{}]", mount_of(&text.value))),
        _ if field.starts_with("filesystem.mounts") && field.ends_with(']') => match value {
            Value::StringLit(text) => Some(format!("write {}", mount_of(&text.value))),
            _ => Some(format!("write {MOUNT}")),
        },
        ("extends", Value::Array(list)) => match list.elements.first() {
            Some(Value::StringLit(first)) => Some(format!("a policy has one base: write {}", quote(&first.value))),
            _ => Some("a policy has one base: write \"default\"".to_owned()),
        },
        ("", Value::Array(_)) => Some("the file is one object: write {\"version\": 1, ...} without a list around it".to_owned()),
        _ if last == "when" => Some("write [{\"arg\": 0, \"equals\": 1}]".to_owned()),
        (_, Value::StringLit(text)) if form == Form::List => Some(format!("write [{}]", quote(&text.value))),
        (_, Value::Array(list)) if form == Form::Object && matches!(list.elements.as_slice(), [Value::Object(_)]) => {
            Some("one object, in { }, without a list around it".to_owned())
        }
        ("syscalls", Value::Array(list)) if texts(list).next().is_some() => {
            let names: Vec<_> = texts(list).map(quote).collect();
            Some(format!("write {{\"allow\": {{\"add\": [{}]}}}}", names.join(", ")))
        }
        ("namespaces", Value::Array(list)) if namespaces(list).next().is_some() => {
            let names: Vec<_> = namespaces(list).map(|name| format!("{}: \"required\"", quote(name))).collect();
            Some(format!("write {{{}}}", names.join(", ")))
        }
        ("filesystem", Value::Array(list)) if texts(list).next().is_some() => {
            let mounts: Vec<_> = texts(list).map(mount_of).collect();
            Some(format!("write {{\"mounts\": [{}]}}", mounts.join(", ")))
        }
        ("python", Value::Array(list)) if texts(list).next().is_some() => {
            let names: Vec<_> = texts(list).map(quote).collect();
            Some(format!("write {{\"stdlib_allow\": [{}]}}, or \"external_allow\"", names.join(", ")))
        }
        _ if form == Form::Object => EXAMPLES.iter().find(|(section, _)| *section == field).map(|(_, example)| format!("write {example}")),
        _ => None,
    }
}

/// The first few texts of a list.
fn texts<'v>(list: &'v Array<'_>) -> impl Iterator<Item = &'v str> {
    const SHOWN: usize = 4;
    let text = |value: &'v Value<'_>| if let Value::StringLit(text) = value { Some(text.value.as_ref()) } else { None };
    list.elements.iter().filter_map(text).take(SHOWN)
}

/// Those of the texts that are namespaces a policy can say something of.
fn namespaces<'v>(list: &'v Array<'_>) -> impl Iterator<Item = &'v str> {
    let known = write::tree_of(&Namespaces::narrowest());
    texts(list).filter(move |name| known.get(name).is_some())
}

const MOUNT: &str = "{\"source\": \"/srv/data\", \"target\": \"/data\"}";

/// What a section looks like.
const EXAMPLES: &[(&str, &str)] = &[
    ("limits", "{\"memory\": \"256MiB\", \"wall_time\": \"10s\"}"),
    ("filesystem", "{\"tmp\": {\"size\": \"64MiB\"}, \"mounts\": []}"),
    ("filesystem.tmp", "{\"size\": \"64MiB\"}"),
    ("syscalls", "{\"allow\": [\"@io\"]}"),
    ("network", "{\"mode\": \"none\"}"),
    ("namespaces", "{\"own_uid\": \"required\"}"),
    ("landlock", "{\"enforce\": \"required\"}"),
    ("python", "{\"interpreter\": \"python3\"}"),
    ("environment", "{\"NAME\": \"value\"}"),
];

/// `/a`, `/a:/b`, `/a:/b:rw`, as Docker writes mounts.
fn mount_of(text: &str) -> String {
    let mut parts = text.split(':');
    let source = parts.next().unwrap_or_default();
    let target = parts.next().filter(|target| target.starts_with('/'));
    mount(source, target, text.split(':').any(|option| option.split(',').any(|word| word == "rw")))
}

fn mount(source: &str, target: Option<&str>, writable: bool) -> String {
    let target = target.filter(|target| *target != source).map_or(String::new(), |target| format!(", \"target\": {}", quote(target)));
    let writable = if writable { ", \"writable\": true, \"reason\": \"...\"" } else { "" };
    format!("{{\"source\": {}{target}{writable}}}", quote(source))
}

/// `NAME=value` texts as an object.
fn variables<'v, 'a: 'v>(texts: impl Iterator<Item = &'v Value<'a>>) -> Option<String> {
    const SHOWN: usize = 4;
    let pair = |value: &Value<'_>| match value {
        Value::StringLit(text) => text.value.split_once('=').map(|(name, value)| format!("{}: {}", quote(name), quote(value))),
        _ => None,
    };
    let pairs: Vec<String> = texts.take(SHOWN).filter_map(pair).collect();
    Some(format!("write {{{}}}", if pairs.is_empty() { "\"NAME\": \"value\"".to_owned() } else { pairs.join(", ") }))
}
