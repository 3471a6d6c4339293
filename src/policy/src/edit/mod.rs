//! Edits of a policy's text: one field, one entry of a list, the layout.
//!
//! Always holds: the text that comes back was parsed again, and its tree is the old tree with exactly the change that was asked for, its comments
//! the old ones but for those that the change brings or takes; anything else is an error. Layout, order and line endings stay, but in [`format()`].
//! Whether the result is a policy, the loader says.
//!
//! Which comment belongs to an entry that is taken out: those that share its line, before it or after it; a comment on a line of its own stays.

mod document;
mod format;
mod insert;
mod list;
mod remove;
#[cfg(test)]
mod tests;
mod tree;

use std::borrow::Cow;

use jsonc_parser::common::{Range, Ranged};
use serde_json::Value;

use crate::load::{Problem, quote};
use document::{Document, Found, Splice};
use insert::Member;
use tree::Tree;

/// Why a text was not edited, and where it stands in the way. The caller puts in the file's name.
pub type EditError = Box<Problem>;

/// Writes `value` as `field` (`limits.memory`, `environment.HOME`, `python.stdlib_allow`); makes the sections that are missing. Comments in a value
/// that goes move before its key. A text that says so already comes back as it is.
///
/// # Errors
/// The text is no JSON, a key on the way is written twice or holds no object, or the result would be too large.
pub fn set(text: &str, field: &str, value: &Value) -> Result<String, EditError> {
    let document = Document::parse(text)?;
    let keys = document.keys(field)?;
    let found = document.find(&keys)?;
    let mut wanted = document.tree();
    wanted.put(&keys, value);
    if wanted == document.tree() {
        return Ok(text.to_owned());
    }
    let changed = match found {
        Found::There { property, .. } => document.apply(replace(&document, property, value)),
        Found::Missing { object, outer, key, rest } => {
            let value = rest.iter().rev().fold(value.clone(), |value, key| Value::from_iter([((*key).to_owned(), value)]));
            Member { key: Some(key), value: &value, comment: None }.append(&document, &outer, object)
        }
    };
    document.finish(changed, &wanted, &[], &[])
}

/// Appends `entry` to `list` (`syscalls.allow`, `filesystem.mounts`), with `comment` on its line or above it. A list that is not there is made: as
/// `{"add": [...]}` where the file extends a base, else as a list. A bare name that stands in `remove` is taken out of there instead. An equal entry
/// that is there already stays alone.
///
/// # Errors
/// As [`set`], or `list` is no list.
pub fn add(text: &str, list: &str, entry: &Value, comment: Option<&str>) -> Result<String, EditError> {
    list::add(text, list, entry, comment)
}

/// Takes the entries called `key` out of `list` (a call or group, a mount's target, a plain value), or adds it to `remove` where a base brings it.
///
/// # Errors
/// As [`add`], or there is no such entry, or it is taken out already.
pub fn remove(text: &str, list: &str, key: &str) -> Result<String, EditError> {
    list::remove(text, list, key)
}

/// Puts `entry` in the place of those called `key`, at the end of the list, with the comments that stood on their lines.
///
/// # Errors
/// As [`remove()`] and [`add`].
pub fn exchange(text: &str, list: &str, key: &str, entry: &Value) -> Result<String, EditError> {
    let without = remove(text, list, key)?;
    let mut kept: Vec<_> = Document::parse(&without)?.comments().map(Cow::into_owned).collect();
    let mut lost = Vec::new();
    for comment in Document::parse(text)?.comments() {
        match kept.iter().position(|other| *other == comment) {
            Some(at) => drop(kept.swap_remove(at)),
            None => lost.push(comment.trim_start_matches(['/', '*']).trim_end_matches(['/', '*']).trim().to_owned()),
        }
    }
    add(&without, list, entry, (!lost.is_empty()).then(|| lost.join("; ")).as_deref())
}

/// The text in the layout of the shipped policies: two spaces, an object or list on one line where it was written on one and fits, at most one empty
/// line in a row, no trailing commas, line feeds, no byte order mark. No comment is lost.
///
/// # Errors
/// The text is no JSON, or the result would be too large.
pub fn format(text: &str) -> Result<String, EditError> {
    let document = Document::parse(text)?;
    let out = format::file(document.body, &document.tokens);
    let again = Document::parse(&out)?;
    if format::essence(&document) != format::essence(&again) || document.tree() != again.tree() {
        return Err(document.refuse(document.root.range(), "cannot be formatted without changing it".to_owned(), None));
    }
    Ok(out)
}

/// The value of a property replaced, the comments in it kept before its key.
fn replace(document: &Document<'_>, property: &jsonc_parser::ast::ObjectProp<'_>, value: &Value) -> Vec<Splice> {
    let (name, old) = (property.name.range(), property.value.range());
    let indent = document.indent(name.start);
    let first = document.first_on_line(name.start);
    let mut kept = String::new();
    for token in document.tokens.iter().filter(|token| old.start < token.range.start && token.range.end < old.end) {
        let line = format::is_line(token);
        if line || format::is_block(token) {
            kept.push_str(document.at(token.range));
            kept.push_str(&if line || first { format!("{}{indent}", document.newline) } else { " ".to_owned() });
        }
    }
    let written = format::snippet(value, indent, document.column(old.start), document);
    vec![Splice { range: Range::new(name.start, name.start), text: kept }, Splice { range: old, text: written }]
}

/// A field that is spelled wrong.
fn no_field(document: &Document<'_>, field: &str) -> EditError {
    document.refuse(document.root.range(), format!("{} is no field", quote(field)), Some("write limits.memory".to_owned()))
}

impl Document<'_> {
    /// The result, if it is `wanted`, with the comments of the original, those `gone` (by their text) and those that `came`.
    fn finish(&self, changed: String, wanted: &Tree, gone: &[String], came: &[String]) -> Result<String, EditError> {
        let again = Document::parse(&changed)?;
        let mut before: Vec<_> = self.comments().chain(came.iter().map(Cow::from)).collect();
        let mut after: Vec<_> = again.comments().chain(gone.iter().map(Cow::from)).collect();
        before.sort_unstable();
        after.sort_unstable();
        if again.tree() == *wanted && before == after {
            return Ok(changed);
        }
        let help = Some("edit the file by hand, or format it first".to_owned());
        Err(self.refuse(self.root.range(), "is written in a way that this edit cannot keep".to_owned(), help))
    }
}
