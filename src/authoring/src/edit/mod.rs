//! Edits of a policy's text: one field, one entry of a list, the layout.
//!
//! Always holds: the text that comes back was parsed again, and its tree is the old tree with exactly the change that was asked for, its comments
//! the old ones but for those that the change brings or takes; anything else is an error. Layout, order and line endings stay, but in [`format()`].
//! Whether the result is a policy, the loader says.
//!
//! No edit takes a comment away: an entry that is taken out from beside one becomes a comment too; one that is exchanged stays in its place.

mod document;
mod format;
mod insert;
mod list;
mod remove;
#[cfg(test)]
mod tests;
mod tree;

use std::borrow::Cow;

use document::{Document, Found, Splice};
use insert::Member;
use jsonc_parser::common::{Range, Ranged};
use remand_policy::text::{Problem, quote};
use serde_json::Value;
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
        Found::There { property, .. } => document.apply(replace(&document, property.name.range().start, property.value.range(), value)),
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

/// Puts `entry` in the place of the first of those called `key`, and takes the others out.
///
/// # Errors
/// As [`remove()`] and [`add`].
pub fn exchange(text: &str, list: &str, key: &str, entry: &Value) -> Result<String, EditError> {
    list::exchange(text, list, key, entry)
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

/// A value replaced, the comments in it kept at `before`: before its key, or before itself.
fn replace(document: &Document<'_>, before: usize, old: Range, value: &Value) -> Vec<Splice> {
    let written = format::snippet(value, document.indent(before), document.column(old.start), document);
    vec![
        Splice { range: Range::new(before, before), text: format::comments_within(document, before, old) },
        Splice { range: old, text: written },
    ]
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
