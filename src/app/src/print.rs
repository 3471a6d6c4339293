//! The one place that prints.
//!
//! Always holds: a closed or full standard output is an error value, never a panic; nothing that a run or a file said reaches a terminal with its control
//! characters alive; output is written whole, in one write where the kernel takes it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use remand_policy::outcome::terminal::{escape, escape_line};

use crate::failure::Failure;

/// Text of others, made fit for a line of ours.
pub fn plain(text: &str) -> Cow<'_, str> {
    escape_line(text)
}

/// Text of others with its lines kept.
pub fn lines(text: &str) -> String {
    escape(text).into_owned()
}

/// One JSON text and a newline on standard output.
pub fn json(text: &str) -> Result<(), Failure> {
    stdout(format!("{}\n", one_line(text)).as_bytes())
}

/// Bytes on standard output.
pub fn stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| Failure::unwritten(&error))
}

/// Text on standard error. If that fails, there is nobody left to tell.
pub fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A failure on standard error.
pub fn failure(failure: &Failure) {
    let mut text = format!("remand: {}\n", failure.message);
    if let Some(hint) = &failure.hint {
        let _ = writeln!(text, "  {hint}");
    }
    if !failure.message.is_empty() {
        stderr(&text);
    }
}

/// JSON text on one line of characters that do nothing to a terminal. The value stays the same: a raw control character in JSON is either white space
/// between tokens, or stands in a string, where an escape means the same.
fn one_line(json: &str) -> Cow<'_, str> {
    if matches!(escape_line(json), Cow::Borrowed(_)) {
        return Cow::Borrowed(json);
    }
    let mut line = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if matches!(escape(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_)) => line.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(line, "\\u{unit:04x}"); // writing to a String cannot fail
                }
            }
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn json_stays_the_same_value_on_one_harmless_line() {
        let json = "{\r\n\t\"a\u{9b}2J\u{7f}\": \"\u{202e}\\n\u{e9}\u{e0041}\"\n}";
        let line = one_line(json);
        assert_eq!(line, "{   \"a\\u009b2J\\u007f\": \"\\u202e\\n\u{e9}\\udb40\\udc41\" }");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(json), value(&line));
        assert!(matches!(one_line("[1, 2]"), Cow::Borrowed(_)));
    }
}
