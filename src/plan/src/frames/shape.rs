//! Caps on one JSON value: nesting, number of values and keys, length of numbers; and what JSON text allows but no reader agrees on:
//! repeated keys, lone surrogate escapes, numbers beyond a float's range.
//!
//! Always holds: one pass, no recursion; memory grows with the keys of open objects only. The grammar was checked before; on text that is no JSON the
//! answer is meaningless, but still an answer.

use crate::limit::Shape;
use std::borrow::Cow;

use super::{FrameError, NUMBER_LENGTH, malformed};

/// What is allowed, and what earlier values used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Arrays and objects inside each other; a scalar has depth 0.
    pub depth: u64,
    /// So many are around this value.
    pub around: u64,
    /// Values and keys in all.
    pub nodes: u64,
    /// Of those, so many were seen.
    pub used: u64,
}

/// An open array, or an object with where its keys begin.
enum Open {
    Array,
    Object { first_key: usize },
}

struct Walk<'t, 'b> {
    text: &'t str,
    at: usize,
    budget: &'b mut Budget,
    open: Vec<Open>,
    keys: Vec<Cow<'t, str>>,
    /// The next string is a key.
    key_next: bool,
}

/// Checks valid JSON text and counts its values.
///
/// # Errors
/// `TooComplex` or `Malformed`.
pub fn check(text: &str, budget: &mut Budget) -> Result<(), FrameError> {
    let mut walk = Walk { text, at: 0, budget, open: Vec::new(), keys: Vec::new(), key_next: false };
    while let Some(byte) = walk.peek() {
        walk.step(byte)?;
    }
    Ok(())
}

impl<'t> Walk<'t, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self, byte: u8) -> Result<(), FrameError> {
        match byte {
            b'{' => self.enter(Open::Object { first_key: self.keys.len() })?,
            b'[' => self.enter(Open::Array)?,
            b'}' | b']' => self.leave()?,
            b',' => self.key_next = matches!(self.open.last(), Some(Open::Object { .. })),
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => return self.number(),
            b't' | b'f' | b'n' => {
                self.count()?;
                self.skip_while(|byte| byte.is_ascii_alphabetic());
                return Ok(());
            }
            _ => {}
        }
        self.at += 1;
        Ok(())
    }

    fn count(&mut self) -> Result<(), FrameError> {
        self.budget.used = self.budget.used.saturating_add(1);
        match self.budget.used > self.budget.nodes {
            true => Err(FrameError::TooComplex { what: Shape::Values, seen: self.budget.used, allowed: self.budget.nodes }),
            false => Ok(()),
        }
    }

    fn enter(&mut self, open: Open) -> Result<(), FrameError> {
        self.count()?;
        self.key_next = matches!(open, Open::Object { .. });
        self.open.push(open);
        let depth = (self.open.len() as u64).saturating_add(self.budget.around);
        match depth > self.budget.depth {
            true => Err(FrameError::TooComplex { what: Shape::Depth, seen: depth, allowed: self.budget.depth }),
            false => Ok(()),
        }
    }

    /// Sorting finds repeated keys in n log n, whatever the run chose as keys; a hash table could be made to degrade.
    fn leave(&mut self) -> Result<(), FrameError> {
        self.key_next = false;
        let Some(Open::Object { first_key }) = self.open.pop() else { return Ok(()) };
        if let Some(keys) = self.keys.get_mut(first_key..) {
            keys.sort_unstable();
            if keys.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
                return Err(malformed("an object with a repeated key"));
            }
        }
        self.keys.truncate(first_key);
        Ok(())
    }

    fn string(&mut self) -> Result<(), FrameError> {
        self.count()?;
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            self.skip_while(|byte| byte != b'"' && byte != b'\\');
            match self.peek() {
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => break self.at += 1,
                None => return Err(malformed("a string without end")),
            }
        }
        if std::mem::take(&mut self.key_next) {
            let quoted = self.text.get(start..self.at).unwrap_or_default();
            self.keys.push(match escaped {
                false => Cow::Borrowed(quoted),
                // Kept with quotes, as the borrowed ones are.
                true => {
                    Cow::Owned(format!("\"{}\"", serde_json::from_str::<String>(quoted).map_err(|error| malformed(&error.to_string()))?))
                }
            });
        }
        Ok(())
    }

    /// Text of any reader is made of code points: half a surrogate pair is none.
    fn escape(&mut self) -> Result<(), FrameError> {
        let code = self.unicode_escape();
        self.at += if code.is_some() { 6 } else { 2 };
        match code {
            Some(0xD800..=0xDBFF) => match self.unicode_escape() {
                Some(0xDC00..=0xDFFF) => {
                    self.at += 6;
                    Ok(())
                }
                _ => Err(malformed("a string with half a surrogate pair")),
            },
            Some(0xDC00..=0xDFFF) => Err(malformed("a string with half a surrogate pair")),
            _ => Ok(()),
        }
    }

    /// The code unit of `\uXXXX` at this place.
    fn unicode_escape(&self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Result<(), FrameError> {
        self.count()?;
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
        let token = self.text.get(start..self.at).unwrap_or_default();
        let length = token.trim_start_matches('-').len() as u64;
        if length > NUMBER_LENGTH {
            return Err(FrameError::TooComplex { what: Shape::NumberLength, seen: length, allowed: NUMBER_LENGTH });
        }
        // Every reader would make infinity of `1e999`. Whole numbers have no such bound in Python; they pass as text.
        if token.contains(['.', 'e', 'E']) && !token.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(malformed("a number beyond a float's range"));
        }
        Ok(())
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn shape(text: &str, depth: u64, nodes: u64) -> Result<u64, FrameError> {
        let mut budget = Budget { depth, around: 0, nodes, used: 0 };
        check(text, &mut budget).map(|()| budget.used)
    }

    #[test]
    fn counts_values_and_keys() {
        for (text, nodes) in [
            ("1", 1),
            ("[]", 1),
            ("{\"a\": 1}", 3),
            (" [1, \"}\", {\"[\": [null]}] ", 7),
            (r#"["\"", "\\"]"#, 3),
            ("[true,false,-1.5e3]", 4),
        ] {
            assert_eq!(shape(text, 10, nodes), Ok(nodes), "{text}");
            assert_eq!(
                shape(text, 10, nodes - 1),
                Err(FrameError::TooComplex { what: Shape::Values, seen: nodes, allowed: nodes - 1 }),
                "{text}"
            );
        }
    }

    #[test]
    fn depth_one_under_and_one_over() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(shape(&nested(100), 100, 1000), Ok(100));
        assert_eq!(shape(&nested(101), 100, 1000), Err(FrameError::TooComplex { what: Shape::Depth, seen: 101, allowed: 100 }));
        assert_eq!(shape("[[],{},[]]", 2, 100), Ok(4), "siblings do not add up");
        assert_eq!(shape("7", 0, 1), Ok(1));
    }

    #[test]
    fn numbers() {
        assert!(shape(&"9".repeat(4_300), 0, 1).is_ok());
        assert!(shape(&("-".to_owned() + &"9".repeat(4_300)), 0, 1).is_ok());
        assert_eq!(shape(&"9".repeat(4_301), 0, 1), Err(FrameError::TooComplex { what: Shape::NumberLength, seen: 4_301, allowed: 4_300 }));
        assert!(shape("1e308", 0, 1).is_ok() && shape("1e-999", 0, 1).is_ok());
        assert!(matches!(shape("[1e309]", 1, 2), Err(FrameError::Malformed(_))));
    }

    #[test]
    fn repeated_keys_in_any_spelling() {
        let repeated = |text| assert!(matches!(shape(text, 9, 99), Err(FrameError::Malformed(_))), "{text}");
        repeated(r#"{"a":1,"b":2,"a":3}"#);
        repeated(r#"{"a":1,"\u0061":2}"#);
        repeated(r#"{"x":[{"k":{}, "k":0}]}"#);
        assert!(shape(r#"{"a":{"a":[{"a":1},{"a":2}]},"A":"a","\\u0061":"a"}"#, 9, 99).is_ok());
    }

    #[test]
    fn half_surrogate_pairs() {
        for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800x""#, r#""\ud800\n""#, r#""\ud800\ud800""#, r#"{"\udfff":1}"#] {
            assert!(matches!(shape(text, 9, 99), Err(FrameError::Malformed(_))), "{text}");
        }
        assert!(shape(r#"["\ud83d\ude00", "\\ud800", "\uFFFF"]"#, 9, 99).is_ok());
    }

    #[test]
    fn text_that_is_no_json_is_survived() {
        for text in ["\"", "\"\\", "\"\\u", "\"\\ud800", "}}]]", "{", "-", "\"\\u12é4\"", "tru€", "", "{\"a\" \"b\""] {
            let _ = shape(text, 9, 99);
        }
    }
}
