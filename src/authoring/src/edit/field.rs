//! A field written, with the sections that are missing on the way.
//!
//! Always holds: comments in a value that goes stay, before its key.

use jsonc_parser::common::{Range, Ranged};
use serde_json::Value;

use super::document::{Document, EditError, Found, Splice};
use super::format;
use super::insert::Member;

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
        Found::There { property, .. } => {
            document.apply(replace_value(&document, property.name.range().start, property.value.range(), value))
        }
        Found::Missing { object, outer, key, rest } => {
            let value = rest.iter().rev().fold(value.clone(), |value, key| Value::from_iter([((*key).to_owned(), value)]));
            Member { key: Some(key), value: &value, comment: None }.append(&document, &outer, object)
        }
    };
    document.finish(changed, &wanted, &[], &[])
}

/// A value replaced, the comments in it kept at `before`: before its key, or before itself.
pub(super) fn replace_value(document: &Document<'_>, before: usize, old: Range, value: &Value) -> Vec<Splice> {
    let written = format::snippet(value, document.indent(before), document.column(old.start), document);
    vec![
        Splice { range: Range::new(before, before), text: format::comments_within(document, before, old) },
        Splice { range: old, text: written },
    ]
}
