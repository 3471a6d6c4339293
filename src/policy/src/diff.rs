//! The differences between two policies, for people: grouped by mechanism, a line for each, with its direction.
//!
//! Always holds: every change is told; nothing here decides a direction, [`crate::narrow`] did. Values are told as files write them: what a file put
//! there may hold any character, so whoever prints this escapes it.

mod calls;

use std::fmt::Write;

use serde_json::Value;

use crate::narrow::{Change, Direction};

use calls::pieces;

/// The changes as lines below the name of their mechanism; empty where there are none. System calls are folded into the groups that hold them, and
/// what comes in dangerous says its danger.
#[must_use]
pub fn text(changes: &[Change]) -> String {
    let mut mechanisms: Vec<&str> = Vec::new();
    for change in changes {
        if !mechanisms.contains(&change.mechanism()) {
            mechanisms.push(change.mechanism());
        }
    }
    let mut text = String::new();
    for mechanism in mechanisms {
        let _ = writeln!(text, "{mechanism}"); // writing to a String cannot fail
        for line in merged(changes.iter().filter(|change| change.mechanism() == mechanism)) {
            for told in line.told() {
                let _ = writeln!(text, "  {:<7}  {}: {told}", line.direction.word(), line.field);
            }
        }
    }
    text
}

/// Changes that one line tells.
struct Line<'c> {
    field: &'c str,
    direction: Direction,
    from: Value,
    to: Value,
}

/// Entries of one list that change in one direction stand together, but for mounts, which are long.
fn merged<'c>(changes: impl Iterator<Item = &'c Change>) -> Vec<Line<'c>> {
    let mut lines: Vec<Line<'c>> = Vec::new();
    for change in changes {
        let Change { field, direction, .. } = change;
        let (from, to) = (change.from_value(), change.to_value());
        let same = |line: &&mut Line<'_>| line.field == field && line.direction == *direction && field != "filesystem.mounts";
        match (lines.iter_mut().find(same), from, to) {
            (Some(Line { from: Value::Array(from), to: Value::Array(to), .. }), Value::Array(less), Value::Array(more)) => {
                from.extend(less);
                to.extend(more);
            }
            (_, from, to) => lines.push(Line { field, direction: *direction, from, to }),
        }
    }
    lines
}

impl Line<'_> {
    /// What stands behind the field's name: mostly one line, for system calls one for each danger.
    fn told(&self) -> Vec<String> {
        let (Value::Array(from), Value::Array(to)) = (&self.from, &self.to) else {
            return vec![format!("{} -> {}", value(&self.from), value(&self.to))];
        };
        match self.field {
            "syscalls.allow" if from.is_empty() => calls::dangers("adds", pieces(to)),
            "syscalls.allow" if to.is_empty() => calls::plain("drops", pieces(from)),
            "syscalls.allow" => calls::dangers(&format!("{} ->", list(from)), calls::singles(to)),
            "syscalls.kill" if from.is_empty() => calls::plain("adds", calls::names_folded(to)),
            "syscalls.kill" if to.is_empty() => calls::plain("drops", calls::names_folded(from)),
            _ if from.is_empty() => vec![format!("adds {}", list(to))],
            _ if to.is_empty() => vec![format!("drops {}", list(from))],
            _ => vec![format!("{} -> {}", list(from), list(to))],
        }
    }
}

fn list(values: &[Value]) -> String {
    values.iter().map(value).collect::<Vec<_>>().join(", ")
}

/// A value as people read it; a text without quotes where it cannot be taken for anything else.
fn value(value: &Value) -> String {
    let bare = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"',()".contains(&byte));
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) if bare(text) => text.clone(),
        Value::Object(map) if map.contains_key("source") => mount(value),
        Value::Object(map) if map.contains_key("call") => calls::grant(value),
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

#[cfg(test)]
mod tests;
