//! What an edit changes of a policy file: of its meaning, and of its text.

use std::path::Path;

use remand_authoring::diff;
use remand_policy::Policy;
use remand_policy::narrow::compare;

use crate::print::{lines, plain};

/// What the change widens and narrows, as lines.
pub fn summary(from: &Policy, to: &Policy) -> String {
    // The name is the file's, not the text's.
    let changes: Vec<_> = compare(from, to).into_iter().filter(|change| change.field != "name").collect();
    if changes.is_empty() { "no difference in meaning\n".to_owned() } else { lines(&diff::text(&changes)) }
}

/// Both texts as a unified diff.
pub fn unified(path: &Path, from: &[u8], to: &[u8]) -> String {
    let name = plain(&path.to_string_lossy()).into_owned();
    let (from, to) = (String::from_utf8_lossy(from), String::from_utf8_lossy(to));
    let diff = similar::TextDiff::from_lines(from.as_ref(), to.as_ref());
    lines(&diff.unified_diff().header(&name, &name).to_string())
}
