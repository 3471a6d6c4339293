//! The differences between two policies, for people: grouped by mechanism, a line for each, with its direction.
//!
//! Always holds: every change is told; nothing here decides a direction, [`remand_policy::narrow`] did. Values are told as files write them: what a file put
//! there may hold any character, so whoever prints this escapes it.

mod calls;
mod places;

use std::fmt::Write;

use calls::pieces;
use remand_policy::load::Loaded;
use remand_policy::narrow::{Change, Direction};
use serde_json::Value;

pub(crate) use calls::conditions;

/// The changes as lines below the name of their mechanism; empty where there are none. System calls are folded into the groups that hold them, and
/// what comes in dangerous says its danger.
#[must_use]
pub fn text(changes: &[Change]) -> String {
    written(changes, &|_| String::new())
}

/// [`text`], each line with where both policies wrote it.
#[must_use]
pub fn placed(changes: &[Change], from: &Loaded, to: &Loaded) -> String {
    written(changes, &|line| places::told(line, from, to))
}

fn written(changes: &[Change], places: &dyn Fn(&Line<'_>) -> String) -> String {
    let mut mechanisms: Vec<&str> = Vec::new();
    for change in changes {
        if !mechanisms.contains(&change.mechanism()) {
            mechanisms.push(change.mechanism());
        }
    }
    let mut text = String::new();
    for mechanism in mechanisms {
        let _ = writeln!(text, "{mechanism}"); // writing to a String cannot fail
        for line in merged(changes.iter().filter(|change| change.mechanism() == mechanism)).iter().flat_map(Line::split) {
            let _ = writeln!(text, "  {:<7}  {}: {}{}", line.direction.word(), line.field, line.told, places(&line));
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
    /// What stands behind the field's name.
    told: String,
}

/// Entries of one list that change in one direction stand together, but for mounts, which are long.
fn merged<'c>(changes: impl Iterator<Item = &'c Change>) -> Vec<Line<'c>> {
    let mut lines: Vec<Line<'c>> = Vec::new();
    for change in changes {
        let Change { field, direction, .. } = change;
        let (from, to) = (change.from_value(), change.to_value());
        let empty_sides = |from: &Value, to: &Value| [from, to].map(|side| side.as_array().is_some_and(Vec::is_empty));
        let same = |line: &&mut Line<'_>| {
            let alike = line.field == field && line.direction == *direction && field != "filesystem.mounts";
            alike && empty_sides(&line.from, &line.to) == empty_sides(&from, &to)
        };
        match (lines.iter_mut().find(same), from.clone(), to.clone()) {
            (Some(Line { from: Value::Array(from), to: Value::Array(to), .. }), Value::Array(less), Value::Array(more)) => {
                from.extend(less);
                to.extend(more);
            }
            (_, from, to) => lines.push(Line { field, direction: *direction, from, to, told: String::new() }),
        }
    }
    lines
}

impl<'c> Line<'c> {
    /// Mostly one line; for system calls one for each danger.
    fn split(&self) -> Vec<Line<'c>> {
        let with = |from: Value, to: Value, told| Line { field: self.field, direction: self.direction, from, to, told };
        let whole = |told| vec![with(self.from.clone(), self.to.clone(), told)];
        let (Value::Array(from), Value::Array(to)) = (&self.from, &self.to) else {
            return whole(format!("{} -> {}", value(&self.from), value(&self.to)));
        };
        let folded = |entries: &[Value]| if self.field == "syscalls.allow" { pieces(entries) } else { calls::names_folded(entries) };
        let each = |pieces: Vec<calls::Piece>, verb: &str, added: bool| {
            let line = |calls::Piece { text, danger, entries }: calls::Piece| {
                let danger = danger.map_or_else(String::new, |danger| format!(" (dangerous: {danger})"));
                let (from, to) = if added { (Vec::new(), entries) } else { (entries, Vec::new()) };
                with(from.into(), to.into(), format!("{verb} {text}{danger}"))
            };
            calls::by_danger(pieces).into_iter().map(line).collect()
        };
        match (self.field.starts_with("syscalls."), from.is_empty(), to.is_empty()) {
            (true, true, _) => each(folded(to), "adds", true),
            (true, _, true) => each(calls::harmless(folded(from)), "drops", false),
            (true, ..) => {
                let danger = calls::singles(to).into_iter().find_map(|piece| piece.danger);
                let danger = danger.map_or_else(String::new, |danger| format!(" (dangerous: {danger})"));
                whole(format!("{} -> {}{danger}", list(from), list(to)))
            }
            (_, true, _) => whole(format!("adds {}", list(to))),
            (_, _, true) => whole(format!("drops {}", list(from))),
            _ => whole(format!("{} -> {}", list(from), list(to))),
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
