//! Entries of lists, where a list is an array or, over a base, `{"add": [...], "remove": [...]}`.
//!
//! Always holds: what an entry is called is what the loader's `remove` calls it.

use jsonc_parser::ast::{Array, Value as Ast};
use jsonc_parser::common::Ranged;
use remand_policy::ranges::ENTRIES;
use remand_policy::text::quote;
use serde_json::{Value, json};

use super::document::{Document, EditError, Found};
use super::field::{replace_value, set};
use super::insert::{Container, Member};
use super::remove as taking;
use super::tree::Tree;

/// Appends `entry` to `list` (`syscalls.allow`, `filesystem.mounts`), with `comment` on its line or above it. A list that is not there is made: as
/// `{"add": [...]}` where the file extends a base, else as a list. A bare name that stands in `remove` is taken out of there instead. An equal entry
/// that is there already stays alone.
///
/// # Errors
/// As [`set`], or `list` is no list.
pub fn add(text: &str, list: &str, entry: &Value, comment: Option<&str>) -> Result<String, EditError> {
    let document = Document::parse(text)?;
    match shape(&document, list)? {
        Shape::Absent => {
            let made = if document.extends() { json!({ "add": [] }) } else { json!([]) };
            add(&set(text, list, &made)?, list, entry, comment)
        }
        Shape::Edit if is_removed(text, list, entry)? => {
            let removed = format!("{list}.remove");
            tidied(taken(text, &removed, entry.as_str().unwrap_or(""), 0)?.0, &removed)
        }
        Shape::Edit => append(&ensure(text, list, "add")?, &format!("{list}.add"), entry, comment),
        Shape::List => append(text, list, entry, comment),
    }
}

/// Takes the entries called `key` out of `list` (a call or group, a mount's target, a plain value), or adds it to `remove` where a base brings it.
///
/// # Errors
/// As [`add`], or there is no such entry, or it is taken out already.
pub fn remove(text: &str, list: &str, key: &str) -> Result<String, EditError> {
    let document = Document::parse(text)?;
    let refuse = |message: String| Err(document.refuse(document.root.range(), message, None));
    match shape(&document, list)? {
        Shape::Absent if document.extends() => set(text, list, &json!({ "remove": [key] })),
        Shape::Absent => refuse(format!("there is no {list} to take {} out of", quote(key))),
        Shape::List => match taken(text, list, key, 0)? {
            (_, 0) => refuse(format!("{} is not in {list}", quote(key))),
            (text, _) => Ok(text),
        },
        Shape::Edit => {
            let added = format!("{list}.add");
            if has(&document, &added)?
                && let (text, 1..) = taken(text, &added, key, 0)?
            {
                return tidied(text, &added);
            }
            if is_removed(text, list, &Value::from(key))? {
                return refuse(format!("{} is in {list}.remove already", quote(key)));
            }
            append(&ensure(text, list, "remove")?, &format!("{list}.remove"), &Value::from(key), None)
        }
    }
}

/// Puts `entry` in the place of the first of those called `key`, and takes the others out.
///
/// # Errors
/// As [`remove()`] and [`add`].
pub fn replace(text: &str, list: &str, key: &str, entry: &Value) -> Result<String, EditError> {
    let field = match shape(&Document::parse(text)?, list)? {
        Shape::List => list.to_owned(),
        Shape::Edit | Shape::Absent => format!("{list}.add"),
    };
    match replaced(text, &field, key, entry)? {
        Some(text) => Ok(taken(&text, &field, key, 1)?.0),
        // A base brings it.
        None => add(&remove(text, list, key)?, list, entry, None),
    }
}

/// With `entry` in the place of the first of this name.
fn replaced(text: &str, field: &str, key: &str, entry: &Value) -> Result<Option<String>, EditError> {
    let document = Document::parse(text)?;
    let keys = document.keys(field)?;
    let found = document.find(&keys)?;
    let Found::There { .. } = found else { return Ok(None) };
    let list = array(&document, &found, field)?;
    let mut wanted = document.tree();
    let slot = wanted.at(&keys).and_then(Tree::list).and_then(|entries| {
        let at = entries.iter().position(|entry| entry.key() == Some(key))?;
        Some((at, entries.get_mut(at)?))
    });
    let Some((at, slot)) = slot else { return Ok(None) };
    *slot = Tree::from(entry);
    let Some(old) = list.elements.get(at).map(Ranged::range) else { return Ok(None) };
    document.finish(document.apply(replace_value(&document, old.start, old, entry)), &wanted, &[], &[]).map(Some)
}

/// What stands where a list is expected.
enum Shape {
    Absent,
    List,
    Edit,
}

fn shape(document: &Document<'_>, list: &str) -> Result<Shape, EditError> {
    match document.find(&document.keys(list)?)? {
        Found::Missing { .. } => Ok(Shape::Absent),
        Found::There { property, .. } => match &property.value {
            Ast::Array(_) => Ok(Shape::List),
            Ast::Object(_) => Ok(Shape::Edit),
            other => Err(document.refuse(other.range(), format!("{list} is no list"), None)),
        },
    }
}

fn has(document: &Document<'_>, field: &str) -> Result<bool, EditError> {
    Ok(matches!(document.find(&document.keys(field)?)?, Found::There { .. }))
}

/// With an empty list `part` in the edit of a list, if there is none.
fn ensure(text: &str, list: &str, part: &str) -> Result<String, EditError> {
    let field = format!("{list}.{part}");
    let there = has(&Document::parse(text)?, &field)?;
    if there { Ok(text.to_owned()) } else { set(text, &field, &json!([])) }
}

/// Whether a bare name stands in the `remove` of a list's edit.
fn is_removed(text: &str, list: &str, entry: &Value) -> Result<bool, EditError> {
    let document = Document::parse(text)?;
    let field = format!("{list}.remove");
    let keys = document.keys(&field)?;
    let Value::String(_) = entry else { return Ok(false) };
    document.find(&keys)?; // refuses a key that is written twice
    Ok(document.tree().at(&keys).and_then(Tree::list).is_some_and(|removed| removed.contains(&Tree::from(entry))))
}

/// The list that `field` is.
fn array<'a>(document: &'a Document<'_>, found: &'a Found<'a, '_, '_>, field: &str) -> Result<&'a Array<'a>, EditError> {
    match found {
        Found::There { property, .. } => match &property.value {
            Ast::Array(array) if array.elements.len() <= ENTRIES => Ok(array),
            Ast::Array(array) => Err(document.refuse(array.range, format!("{field} has more than {ENTRIES} entries"), None)),
            other => Err(document.refuse(other.range(), format!("{field} is no list"), None)),
        },
        Found::Missing { object, .. } => Err(document.refuse(object.range, format!("there is no {field}"), None)),
    }
}

fn append(text: &str, field: &str, entry: &Value, comment: Option<&str>) -> Result<String, EditError> {
    let document = Document::parse(text)?;
    let keys = document.keys(field)?;
    let found = document.find(&keys)?;
    let list = array(&document, &found, field)?;
    let mut wanted = document.tree();
    match wanted.at(&keys).and_then(Tree::list) {
        Some(entries) if entries.contains(&Tree::from(entry)) => return Ok(text.to_owned()),
        Some(entries) => entries.push(Tree::from(entry)),
        None => return Err(document.refuse(list.range, format!("{field} is no list"), None)),
    }
    let outer = if let Found::There { outer, .. } = &found { outer.as_slice() } else { &[] };
    let member = Member { key: None, value: entry, comment };
    let changed = member.append(&document, outer, list as &dyn Container);
    document.finish(changed, &wanted, &[], &member.remarks())
}

/// Without the entries of this name but for the first `kept`, and how many they were.
fn taken(text: &str, field: &str, key: &str, kept: usize) -> Result<(String, usize), EditError> {
    let (mut text, mut count) = (text.to_owned(), 0);
    loop {
        let document = Document::parse(&text)?;
        let keys = document.keys(field)?;
        let found = document.find(&keys)?;
        let list = array(&document, &found, field)?;
        let mut wanted = document.tree();
        let Some(entries) = wanted.at(&keys).and_then(Tree::list) else { return Ok((text, count)) };
        let mut named = entries.iter().enumerate().filter(|(_, entry)| entry.key() == Some(key)).map(|(index, _)| index);
        let Some(index) = named.nth(kept) else { return Ok((text, count)) };
        entries.remove(index);
        let Some(own) = list.elements.get(index).map(Ranged::range) else { return Ok((text, count)) };
        let removed = taking::member(&document, list.range, own);
        text = document.finish(removed.text, &wanted, &removed.gone, &removed.came)?;
        count += 1;
    }
}

/// Without an empty part of a list's edit, and without what is empty then: they say nothing. One with a comment stays.
fn tidied(mut text: String, field: &str) -> Result<String, EditError> {
    let mut field = field;
    loop {
        let document = Document::parse(&text)?;
        let keys = document.keys(field)?;
        let Found::There { property, outer } = document.find(&keys)? else { return Ok(text) };
        let (value, Some(object)) = (property.value.range(), outer.last()) else { return Ok(text) };
        let removed = taking::member(&document, *object, property.range);
        let empty = document.token(value.start) + 1 == document.token(value.end.saturating_sub(1));
        let mut wanted = document.tree();
        let Some((key, parents)) = keys.split_last() else { return Ok(text) };
        if !empty || removed.commented || !wanted.at(parents).is_some_and(|tree| tree.drop(key)) {
            return Ok(text);
        }
        text = document.finish(removed.text, &wanted, &[], &[])?;
        let Some((above, _)) = field.rsplit_once('.') else { return Ok(text) };
        field = above;
    }
}
