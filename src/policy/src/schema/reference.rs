//! The reference of policy files as Markdown: every field with its form, range, values in the floor and in `default`, and what it becomes in the kernel.
//!
//! Always holds: generated from the schema, so from the types; a field without its account in the kernel fails a test.

use serde_json::Value;

use super::{file, groups};
use crate::policy::Policy;

const HEAD: &str = "\
# Policy files: every field

Generated from the types by `remand generate docs`; the language itself is explained in [policies/README.md](../../policies/README.md).

A policy file is JSON with comments and trailing commas, in UTF-8, of at most 1 MiB. Every key but `version` may be left out: with `extends` it is inherited from the \
base, without it it has the value called *floor* here, the narrowest. An unknown key, a key that is written twice, and a value out of its range are errors.

A list replaces the base's list. `{\"add\": [...], \"remove\": [...]}` edits it instead: what `remove` names is taken out first, then `add` is appended.

*Kernel* says what a field becomes, on either version of cgroups. What a host cannot give is refused where the policy says `required`, and named in the outcome \
where it says `optional`.
";

/// One field.
pub(super) struct Leaf<'s> {
    pub path: String,
    pub schema: &'s Value,
}

/// Every field below `schema` that is no section, in order.
pub(super) fn leaves<'s>(schema: &'s Value, above: &str) -> Vec<Leaf<'s>> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let below = properties.into_iter().flatten().flat_map(|(key, schema)| {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        if schema.get("properties").is_some() { leaves(schema, &path) } else { vec![Leaf { path, schema }] }
    });
    below.collect()
}

/// The whole page.
#[must_use]
pub fn reference() -> String {
    let schema = file();
    let floor = Policy::floor("").tree();
    let default = crate::load::shipped("default").and_then(Result::ok).map_or(Value::Null, |policy| policy.tree());
    let mut text = HEAD.to_owned();
    let mut section = "";
    let leaves = leaves(&schema, "");
    for leaf in &leaves {
        let top = leaf.path.split('.').next().unwrap_or_default();
        if top != section {
            section = top;
            let described = schema.pointer(&format!("/properties/{top}")).filter(|schema| schema.get("properties").is_some());
            text.push_str(&format!("\n## {top}\n"));
            if let Some(described) = described {
                text.push_str(&format!("\n{}\n", paragraphs(described)[0]));
            }
        }
        text.push_str(&entry(leaf, &floor, &default));
    }
    text.push_str(&definitions(&schema));
    text.push_str(&groups());
    text
}

fn entry(leaf: &Leaf<'_>, floor: &Value, default: &Value) -> String {
    let path = &leaf.path;
    let [meaning, kernel, range] = paragraphs(leaf.schema);
    let mut text = if path.contains('.') { format!("\n### `{path}`\n") } else { String::new() };
    text.push_str(&format!("\n{meaning}\n\n- Written: {}.\n", written(leaf.schema)));
    if !range.is_empty() {
        text.push_str(&format!("- Range: {}\n", range.replacen("From", "from", 1)));
    }
    let pointer = format!("/{}", path.replace('.', "/"));
    if let (Some(floor), Some(default)) = (floor.pointer(&pointer), default.pointer(&pointer)) {
        text.push_str(&format!("- Floor: {}. `default`: {}.\n", shown(floor), shown(default)));
    }
    if !kernel.is_empty() {
        text.push_str(&format!("- Kernel: {kernel}\n"));
    }
    text
}

/// What a field means, what it becomes, its range.
pub(super) fn paragraphs(schema: &Value) -> [String; 3] {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let mut parts = text.split("\n\n").map(str::to_owned);
    [(); 3].map(|()| parts.next().unwrap_or_default())
}

/// The form of a value in words.
fn written(schema: &Value) -> String {
    let examples =
        schema.get("examples").and_then(Value::as_array).map(|list| list.iter().map(|e| format!("`{e}`")).collect::<Vec<_>>().join(", "));
    let such = |what: &str| examples.as_ref().map_or_else(|| what.to_owned(), |examples| format!("{what}, such as {examples}"));
    if let Some(list) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
        return list.iter().map(written).collect::<Vec<_>>().join(", or ");
    }
    if let Some(word) = schema.get("const") {
        return format!("`{word}`");
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", or ");
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next()) {
        return format!("a [{}](#{})", name.to_lowercase(), name.to_lowercase());
    }
    match (schema.get("type").and_then(Value::as_str), schema.get("properties")) {
        (Some("boolean"), _) => "`true` or `false`".to_owned(),
        (Some("integer"), _) => such("a whole number"),
        (Some("number"), _) => such("a number"),
        (Some("string"), _) => such("a text"),
        (Some("array"), _) => schema.get("items").map_or_else(|| "a list".to_owned(), |items| format!("a list, each {}", written(items))),
        (Some("object"), Some(properties)) if properties.get("add").is_some() => "an edit of the base's list".to_owned(),
        (Some("object"), None) if schema.get("additionalProperties").is_some() => "an object of texts by name".to_owned(),
        (Some(_), _) => "an object".to_owned(),
        (None, _) => "anything".to_owned(),
    }
}

/// A value as a file writes it; a long list by its length.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(list) if list.len() > 8 => format!("{} entries", list.len()),
        _ => format!("`{value}`"),
    }
}

/// What lists hold.
fn definitions(schema: &Value) -> String {
    let part = |name: &str, title: &str, rows: &[(&str, &Value)]| {
        let row = |(key, schema): &(&str, &Value)| format!("| `{key}` | {} | {} |\n", written(schema), paragraphs(schema)[0]);
        format!("\n## {name}\n\n{title}\n\n| key | written | meaning |\n|---|---|---|\n{}", rows.iter().map(row).collect::<String>())
    };
    let properties = |pointer: &str| {
        schema
            .pointer(pointer)
            .and_then(Value::as_object)
            .map(|map| map.iter().map(|(key, schema)| (key.as_str(), schema)).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    let title = |name: &str| schema.pointer(&format!("/$defs/{name}")).map(|schema| paragraphs(schema)[0].clone()).unwrap_or_default();
    part("Mount", &title("Mount"), &properties("/$defs/Mount/properties"))
        + &part(
            "Grant",
            &format!("{} Written as a name alone, or as an object.", title("Grant")),
            &properties("/$defs/Grant/anyOf/1/properties"),
        )
        + &part("Condition", &format!("{} Exactly one comparison.", title("Condition")), &properties("/$defs/Condition/properties"))
        + &format!("\n## Word64\n\n{}\n", title("Word64"))
}
