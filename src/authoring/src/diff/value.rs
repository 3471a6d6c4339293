//! Values of a policy in words: mounts, system calls with their conditions, lists.

use std::fmt::Write;

use serde_json::Value;

/// Values that are listed of a condition; a filter's list of commands can be long.
const VALUES: usize = 6;

pub(super) fn list(values: &[Value]) -> String {
    values.iter().map(value).collect::<Vec<_>>().join(", ")
}

/// A value as people read it; a text without quotes where it cannot be taken for anything else.
pub(super) fn value(value: &Value) -> String {
    let bare = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"',()".contains(&byte));
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) if bare(text) => text.clone(),
        Value::Object(map) if map.contains_key("source") => mount(value),
        Value::Object(map) if map.contains_key("call") => grant(value),
        Value::Array(values) if values.is_empty() => "(none)".to_owned(),
        Value::Array(values) => list(values),
        other => other.to_string(),
    }
}

/// `/srv/data at /data, writable`.
fn mount(mount: &Value) -> String {
    let at = |key: &str| mount.get(key).map(value).unwrap_or_default();
    let mut text = at("source");
    if at("source") != at("target") {
        let _ = write!(text, " at {}", at("target"));
    }
    text.push_str(if at("writable") == "true" { ", writable" } else { ", read-only" });
    for flag in ["exec", "optional"].into_iter().filter(|flag| at(flag) == "true") {
        let _ = write!(text, ", {flag}");
    }
    text
}

/// The call of a grant, or of a bare name.
pub(super) fn call(grant: &Value) -> &str {
    grant.as_str().or_else(|| grant.get("call")?.as_str()).unwrap_or_default()
}

/// `ioctl(arg 1 is 0x5412)`.
pub(super) fn grant(grant: &Value) -> String {
    let when = conditions(grant);
    if when.is_empty() { call(grant).to_owned() } else { format!("{}({when})", call(grant)) }
}

/// The conditions of a grant in words, joined by "and"; empty where there are none.
pub(crate) fn conditions(grant: &Value) -> String {
    let all = grant.get("when").and_then(Value::as_array);
    all.map(|all| all.iter().map(condition).collect::<Vec<_>>().join(" and ")).unwrap_or_default()
}

fn condition(condition: &Value) -> String {
    let at = |key: &str| condition.get(key);
    let arg = at("arg").map(Value::to_string).unwrap_or_default();
    if let Some(wanted) = at("equals") {
        return format!("arg {arg} is {}", number(wanted));
    }
    if let Some(most) = at("at_most") {
        return format!("arg {arg} at most {}", number(most));
    }
    if let Some(Value::Array(values)) = at("one_of") {
        let shown: Vec<_> = values.iter().take(VALUES).map(number).collect();
        let more = values.len().saturating_sub(VALUES);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        return format!("arg {arg} one of {}{more}", shown.join(" "));
    }
    let part = |key: &str| at("masked").and_then(|masked| masked.get(key)).map(number).unwrap_or_default();
    format!("arg {arg} & {} is {}", part("mask"), part("value"))
}

/// Small numbers are counts, large ones flags and commands.
fn number(value: &Value) -> String {
    value.as_u64().filter(|number| *number > 9).map_or_else(|| value.to_string(), |number| format!("{number:#x}"))
}
