//! Many system calls in few words: folded into the groups that hold them, with their dangers.
//!
//! Always holds: a group stands for no more than what was given, what is missing of it is named; every grant that was given is told once.

use remand_policy::write::write_grant;
use remand_syscalls::{Grant, danger, grants_of_group, is_group, names};
use serde_json::Value;

use super::value::{grant, value};
use crate::why::danger as granted_danger;

/// A group, or calls outside of one, of one danger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub text: String,
    pub danger: Option<&'static str>,
    /// What it stands for.
    pub entries: Vec<Value>,
}

/// Grants, as [`remand_policy::narrow::Change`] writes them, folded into groups of which more than half is there.
pub(super) fn pieces(grants: &[Value]) -> Vec<Piece> {
    let (mut found, left) = fold(grants, true, &|grant| write_grant(grant));
    found.extend(singles(&left));
    found
}

/// Names of calls, folded into groups; a name has no danger where it is taken away.
pub(super) fn names_folded(calls: &[Value]) -> Vec<Piece> {
    let (mut found, left) = fold(calls, false, &|grant| Value::from(grant.call.as_str()));
    found.extend(left.iter().map(|call| Piece { text: value(call), danger: None, entries: vec![call.clone()] }));
    found
}

/// Each grant by itself, those of one danger together.
pub(super) fn singles(grants: &[Value]) -> Vec<Piece> {
    let piece = |given: &Value| {
        let danger = if in_safe_group(given) { None } else { granted_danger(given) };
        Piece { text: grant(given), danger, entries: vec![given.clone()] }
    };
    by_danger(grants.iter().map(piece).collect())
}

/// Pieces of one danger together, what is harmless first.
pub(super) fn by_danger(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.sort_by_key(|piece| piece.danger.is_some());
    let mut found: Vec<Piece> = Vec::new();
    for Piece { text, danger, entries } in pieces {
        match found.iter_mut().find(|piece| piece.danger == danger) {
            Some(piece) => {
                piece.text = format!("{}, {text}", piece.text);
                piece.entries.extend(entries);
            }
            None => found.push(Piece { text, danger, entries }),
        }
    }
    found
}

/// What goes away does no harm.
pub(super) fn harmless(pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.into_iter().map(|piece| Piece { danger: None, ..piece }).collect()
}

/// Groups that are in `given`, the completest first, or more than half of them, and what is in none of them.
fn fold(given: &[Value], dangerous: bool, write: &dyn Fn(&Grant) -> Value) -> (Vec<Piece>, Vec<Value>) {
    let groups: Vec<(&str, Vec<Value>)> = names().filter(|name| is_group(name)).map(|name| (name, members(name, write))).collect();
    let mut left = given.to_vec();
    let mut found = Vec::new();
    loop {
        let held = |members: &[Value]| members.iter().filter(|member| left.contains(member)).count();
        let counted = groups.iter().map(|(name, members)| (name, members, held(members)));
        let enough = counted.filter(|(_, members, held)| *held > 0 && (*held == members.len() || *held > 1 && held * 2 > members.len()));
        let Some((name, members, _)) = enough.min_by_key(|(_, members, held)| (members.len() - held, usize::MAX - held)) else {
            return (found, left);
        };
        let missing: Vec<_> = members.iter().filter(|member| !given.contains(member)).map(grant).collect();
        let but = if missing.is_empty() { String::new() } else { format!(" except {}", missing.join(", ")) };
        let (entries, rest) = left.into_iter().partition(|given| members.contains(given));
        found.push(Piece { text: format!("{name}{but}"), danger: danger(name).filter(|_| dangerous), entries });
        left = rest;
    }
}

fn members(group: &str, write: &dyn Fn(&Grant) -> Value) -> Vec<Value> {
    let mut members: Vec<Value> = grants_of_group(group).unwrap_or_default().iter().map(write).collect();
    members.dedup();
    members
}

fn in_safe_group(given: &Value) -> bool {
    names().filter(|name| is_group(name) && danger(name).is_none()).any(|name| members(name, &write_grant).contains(given))
}
