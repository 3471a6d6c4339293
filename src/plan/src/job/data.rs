//! A caller's JSON text as `marshal` bytes, in one pass: a tree of its values would be fifty times its size.
//!
//! Keys that come again are written as references to the first: most of the bytes of many items alike, and most of Python's time for them, go into keys.
//!
//! Always holds: no recursion; what is kept is no larger than a job may be, and memory grows besides only with what is open at once, and with a bounded
//! number of keys. The grammar is checked first, by serde_json.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::value::RawValue;

use super::error::JobError;
use super::marshal::{self, Writer};

/// Arrays and objects of a caller inside each other; `marshal.loads` gives up at 2,000.
const DEPTH: u32 = 1_000;
/// Most different keys that are remembered, and the longest; each is written out where it is not.
const KEYS: usize = 4_096;
const KEY: usize = 64;
/// Longest place of a value that is told, in bytes.
const PLACE: usize = 200;

/// One JSON value, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Empty where there would be more than was allowed.
    pub(super) bytes: Vec<u8>,
    /// How many there are, or would be.
    pub(super) size: u64,
}

/// Text that is no value, or one that Python cannot hold.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum DataError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("not an array")]
    NotArray,
    #[error("half of a surrogate pair at line {line} column {column}")]
    Surrogate { line: usize, column: usize },
    #[error("{0}")]
    Job(JobError),
}

impl Data {
    /// The value `null`.
    #[must_use]
    pub fn null() -> Self {
        Self { bytes: b"N".to_vec(), size: 1 }
    }

    /// No items.
    #[must_use]
    pub fn no_items() -> Self {
        Self { bytes: b"[\0\0\0\0".to_vec(), size: 5 }
    }

    /// Any JSON value. `name` stands before the places in messages; of what is longer than `allowed` (limits.job_size), only the size is kept.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn value(text: &str, name: &str, allowed: u64) -> Result<Self, DataError> {
        let _: &RawValue = serde_json::from_str(text)?;
        let out = Kept { bytes: Vec::new(), size: 0, allowed };
        let mut walk = Walk { text, name, at: 0, out, open: Vec::new(), key_next: false, keys: HashMap::new() };
        while let Some(byte) = walk.peek() {
            walk.step(byte)?;
        }
        Ok(Self { bytes: walk.out.bytes, size: walk.out.size })
    }

    /// As [`Data::value`], for an array.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn items(text: &str, allowed: u64) -> Result<Self, DataError> {
        let items = Self::value(text, "items", allowed)?;
        if text.trim_start().starts_with('[') { Ok(items) } else { Err(DataError::NotArray) }
    }
}

/// Bytes as long as they are few enough, and their number.
struct Kept {
    bytes: Vec<u8>,
    size: u64,
    allowed: u64,
}

impl Writer for Kept {
    fn put(&mut self, bytes: &[u8]) {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size <= self.allowed {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes = Vec::new();
        }
    }
}

/// What is open around the next value.
enum Open {
    /// Its length is not known before its end, and is written over the four bytes at `length`.
    Array { length: usize, count: usize },
    /// Where the text of the last key is.
    Object { key: Range<usize> },
}

struct Walk<'t> {
    text: &'t str,
    name: &'t str,
    at: usize,
    out: Kept,
    open: Vec<Open>,
    /// The next string is a key.
    key_next: bool,
    /// Keys that were kept, by their number.
    keys: HashMap<&'t str, u32>,
}

impl<'t> Walk<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self, byte: u8) -> Result<(), DataError> {
        match byte {
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => return self.number(),
            b't' | b'f' | b'n' => return self.word(byte),
            b'[' => {
                self.count();
                self.out.open_list(0);
                self.enter(Open::Array { length: self.out.bytes.len().saturating_sub(4), count: 0 })?;
            }
            b'{' => {
                self.count();
                self.out.open_dict();
                self.enter(Open::Object { key: 0..0 })?;
            }
            b']' | b'}' => self.leave(),
            b',' => self.key_next = matches!(self.open.last(), Some(Open::Object { .. })),
            _ => {} // white space and colons
        }
        self.at += 1;
        Ok(())
    }

    /// A value begins.
    fn count(&mut self) {
        if let Some(Open::Array { count, .. }) = self.open.last_mut() {
            *count += 1;
        }
    }

    fn enter(&mut self, open: Open) -> Result<(), DataError> {
        self.key_next = matches!(open, Open::Object { .. });
        if self.open.len() >= DEPTH as usize {
            return Err(DataError::Job(JobError::TooDeep { at: self.place(), allowed: DEPTH }));
        }
        self.open.push(open);
        Ok(())
    }

    fn leave(&mut self) {
        self.key_next = false;
        match self.open.pop() {
            Some(Open::Array { length, count }) => {
                // Not there if it was too much to keep.
                if let Some(place) = self.out.bytes.get_mut(length..length + 4) {
                    place.copy_from_slice(&marshal::length(count));
                }
            }
            _ => self.out.close_dict(),
        }
    }

    fn string(&mut self) -> Result<(), DataError> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek().filter(|byte| *byte != b'"') {
            self.at += if byte == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        let inner = start + 1..self.at - 1;
        let mut is_key = false;
        match (std::mem::take(&mut self.key_next), self.open.last_mut()) {
            (true, Some(Open::Object { key })) => {
                *key = inner.clone();
                is_key = true;
            }
            _ => self.count(),
        }
        let text = self.text;
        match text.get(inner).unwrap_or_default() {
            plain if is_key && plain.len() <= KEY && plain.is_ascii() && !plain.contains('\\') => self.key(plain),
            plain if !plain.contains('\\') => self.out.text(plain),
            // The grammar was checked; what can still be wrong is a pair of escapes that is none.
            _ => match serde_json::from_str::<String>(text.get(start..self.at).unwrap_or_default()) {
                Ok(plain) => self.out.text(&plain),
                Err(_) => return Err(self.surrogate(start)),
            },
        }
        Ok(())
    }

    fn surrogate(&self, at: usize) -> DataError {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        DataError::Surrogate { line: before.matches('\n').count() + 1, column: line.len() + 1 }
    }

    fn key(&mut self, short: &'t str) {
        let number = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        match self.keys.get(short) {
            Some(number) => self.out.again(*number),
            None if self.keys.len() < KEYS => {
                self.keys.insert(short, number);
                self.out.kept(short.as_bytes());
            }
            None => self.out.text(short),
        }
    }

    fn number(&mut self) -> Result<(), DataError> {
        self.count();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let number = rest.get(..end).unwrap_or_default();
        self.at += end;
        let beyond = || DataError::Job(JobError::Number { at: self.place(), number: number.chars().take(40).collect() });
        let number = marshal::number(number).ok_or_else(beyond)?;
        self.out.number(&number);
        Ok(())
    }

    fn word(&mut self, first: u8) -> Result<(), DataError> {
        self.count();
        match first {
            b'n' => self.out.put(b"N"),
            _ => self.out.bool(first == b't'),
        }
        self.at += if first == b'f' { 5 } else { 4 };
        Ok(())
    }

    /// Where the present value stands.
    fn place(&self) -> String {
        let mut place = self.name.to_owned();
        for open in &self.open {
            match open {
                Open::Array { count, .. } => place.push_str(&format!("[{}]", count.saturating_sub(1))),
                Open::Object { key } => {
                    place.push('.');
                    place.push_str(self.text.get(key.clone()).unwrap_or_default());
                }
            }
            if place.len() > PLACE {
                place.truncate((0..=PLACE).rfind(|end| place.is_char_boundary(*end)).unwrap_or(0));
                return place + "...";
            }
        }
        place
    }
}
