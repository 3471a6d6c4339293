//! The text of a policy file, before it is understood.

use std::borrow::Cow;

use jsonc_parser::common::Range;

use crate::text::{Problem, Text};

/// Largest policy file in bytes.
pub const LARGEST: usize = 1 << 20;

/// A policy file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's path, or `built-in NAME`; stands before the positions of its problems, and tells whether `extends` goes in a circle.
    pub file: String,
    /// Its bytes.
    pub text: Cow<'static, [u8]>,
}

impl Source {
    /// The text, without byte order mark.
    ///
    /// # Errors
    /// It is too large, no UTF-8, or ends lines by carriage returns alone.
    pub fn text(&self) -> Result<Text<'_>, Vec<Problem>> {
        const MARK: &str = "\u{feff}";
        let file = self.file.as_str();
        if self.text.len() > LARGEST {
            let empty = Text { file, text: "", skipped: 0 };
            let message = format!("{} bytes are more than a policy file may have ({LARGEST})", self.text.len());
            return Err(vec![empty.problem(Range::new(0, 0), "", message, None)]);
        }
        let (valid, bad) = match std::str::from_utf8(&self.text) {
            Ok(text) => (text, None),
            Err(error) => {
                (self.text.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or(""), Some(error))
            }
        };
        let text = valid.strip_prefix(MARK).unwrap_or(valid);
        let text = Text { file, text, skipped: valid.len() - text.len() };
        if let Some(problem) = lone_return(&text) {
            return Err(vec![problem]);
        }
        match bad {
            None => Ok(text),
            Some(error) => {
                let end = text.text.len();
                let help = "save the file as UTF-8".to_owned();
                Err(vec![text.problem(Range::new(end, end + error.error_len().unwrap_or(1)), "", "not UTF-8".to_owned(), Some(help))])
            }
        }
    }
}

/// A carriage return that no line feed follows: the parser ends a line, and so a comment, where most editors show none.
#[must_use]
pub fn lone_return(text: &Text<'_>) -> Option<Problem> {
    let at = text.text.match_indices('\r').map(|(at, _)| at).find(|at| !text.text.get(at + 1..).unwrap_or("").starts_with('\n'))?;
    let help = "end lines with a line feed, alone or after a carriage return".to_owned();
    Some(text.problem(Range::new(at, at + 1), "", "a carriage return without a line feed".to_owned(), Some(help)))
}
