//! Edits of a policy's text: one field, one entry of a list, the layout.
//!
//! Always holds: the text that comes back was parsed again, and its tree is the old tree with exactly the change that was asked for, its comments
//! the old ones but for those that the change brings or takes; anything else is an error. Layout, order and line endings stay, but in [`format()`].
//! Whether the result is a policy, the loader says.
//!
//! No edit takes a comment away: an entry that is taken out from beside one becomes a comment too; one that is replaced stays in its place.

mod document;
mod field;
mod format;
mod insert;
mod list;
mod remove;
mod tokens;
mod tree;

use document::Document;
use jsonc_parser::common::Ranged;

pub use document::EditError;
pub use field::set;
pub use list::{add, remove, replace};

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

#[cfg(test)]
mod tests;
