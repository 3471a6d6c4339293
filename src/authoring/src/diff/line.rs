//! The lines of a difference: which changes one line tells, and what it says behind the field's name.
//!
//! Always holds: every change is told by one line; system calls have a line for each danger.

use remand_policy::narrow::{Change, Direction};
use serde_json::Value;

use super::calls::{self, pieces};
use super::value::{list, value};

/// Changes that one line tells.
pub(super) struct Line<'c> {
    pub field: &'c str,
    pub direction: Direction,
    pub from: Value,
    pub to: Value,
    /// What stands behind the field's name.
    pub told: String,
}

/// Entries of one list that change in one direction stand together, but for mounts, which are long.
pub(super) fn merged<'c>(changes: impl Iterator<Item = &'c Change>) -> Vec<Line<'c>> {
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
    pub fn split(&self) -> Vec<Line<'c>> {
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
