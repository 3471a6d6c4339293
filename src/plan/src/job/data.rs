//! A caller's JSON text as `marshal` bytes, in one pass: a tree of its values would be fifty times its size.
//!
//! Keys that come again are written as references to the first: most of the bytes of many items alike, and most of Python's time for them, go into keys.
//!
//! Always holds: no recursion; what is kept is no larger than a job may be, and memory grows besides only with what is open at once, and with a bounded
//! number of keys. The grammar is checked first, by serde_json.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use remand_policy::policy::Limits;
use remand_policy::ranges;
use serde_json::value::RawValue;

use super::error::JobError;
use super::marshal::{self, Writer};

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

/// How large a caller's value may be, and how deep: what one run may give, another is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the encoded value (limits.job_size).
    pub size: u64,
    /// Arrays and objects inside each other (limits.result_depth); `marshal.loads` gives up at 2,000.
    pub depth: u64,
}

impl From<&Limits> for Room {
    fn from(limits: &Limits) -> Self {
        Self { size: limits.job_size.0, depth: limits.result_depth }
    }
}

/// So many bytes, as deep as any policy lets a value be.
impl From<u64> for Room {
    fn from(size: u64) -> Self {
        Self { size, depth: *ranges::RESULT_DEPTH.end() }
    }
}

/// Text that is no value, or one that Python cannot hold.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum DataError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("neither an array nor a value on each line")]
    NotArray,
    #[error("line {line} column {}: {}", .error.column(), .error.to_string().split(" at line ").next().unwrap_or_default())]
    Line { line: usize, error: serde_json::Error },
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

    /// Members of an array; 0 for what is none, or was too much to keep.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self.bytes.as_slice() {
            [b'[', a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]).into(),
            _ => 0,
        }
    }

    /// As it is encoded, for another process of ours; `None` where it was too much to keep.
    #[must_use]
    pub fn encoded(&self) -> Option<&[u8]> {
        (self.bytes.len() as u64 == self.size).then_some(&self.bytes)
    }

    /// What another process of ours has encoded. It need not be well made: only the run's own interpreter takes it apart.
    #[must_use]
    pub fn of_encoded(bytes: Vec<u8>) -> Self {
        Self { size: bytes.len() as u64, bytes }
    }

    /// Bytes that it has, or would have if there were room.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Any JSON value. `name` stands before the places in messages; of what is longer than there is room for, only the size is kept.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn value(text: &str, name: &str, room: impl Into<Room>) -> Result<Self, DataError> {
        let room = room.into();
        let _: &RawValue = serde_json::from_str(text)?;
        let mut walk = Walk::new(text, name, room);
        walk.take_all()?;
        Ok(Self { bytes: walk.out.bytes, size: walk.out.size })
    }

    /// As [`Data::value`], for an array, or for a value on each line (NDJSON), which makes one of them.
    ///
    /// # Errors
    /// See [`DataError`].
    pub fn items(text: &str, room: impl Into<Room>) -> Result<Self, DataError> {
        let room = room.into();
        if is_array(text)? {
            return Self::value(text, "items", room);
        }
        let mut walk = Walk::new(text, "items", room);
        walk.open_list()?;
        walk.take_all()?;
        walk.leave();
        Ok(Self { bytes: walk.out.bytes, size: walk.out.size })
    }
}

/// Items as the text of an array, whichever way they are written.
///
/// # Errors
/// As [`Data::items`], but for what is about values: they are looked at where they are encoded.
pub fn array(text: &str) -> Result<Cow<'_, str>, DataError> {
    if is_array(text)? {
        return Ok(Cow::Borrowed(text));
    }
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(Cow::Owned(format!("[{}]", lines.join(","))))
}

/// Whether it is an array; else it is a value on each line.
fn is_array(text: &str) -> Result<bool, DataError> {
    let whole = serde_json::from_str::<&RawValue>(text);
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    match whole {
        Ok(_) if text.trim_start().starts_with('[') => return Ok(true),
        Ok(_) if lines.clone().nth(1).is_some() => return Err(DataError::NotArray),
        Ok(_) => {}
        // A line that is no value by itself: the whole was meant to be one.
        Err(error) if lines.peek().is_none_or(|(_, line)| serde_json::from_str::<&RawValue>(line).is_err()) => {
            return Err(error.into());
        }
        Err(_) => lines.try_for_each(|(number, line)| match serde_json::from_str::<&RawValue>(line) {
            Ok(_) => Ok(()),
            Err(error) => Err(DataError::Line { line: number + 1, error }),
        })?,
    }
    Ok(false)
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
    depth: u64,
    out: Kept,
    open: Vec<Open>,
    /// The next string is a key.
    key_next: bool,
    /// Keys that were kept, by their number.
    keys: HashMap<&'t str, u32>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str, name: &'t str, room: Room) -> Self {
        let out = Kept { bytes: Vec::new(), size: 0, allowed: room.size };
        Self { text, name, at: 0, depth: room.depth, out, open: Vec::new(), key_next: false, keys: HashMap::new() }
    }

    fn take_all(&mut self) -> Result<(), DataError> {
        while let Some(byte) = self.peek() {
            self.step(byte)?;
        }
        Ok(())
    }

    fn open_list(&mut self) -> Result<(), DataError> {
        self.out.open_list(0);
        self.enter(Open::Array { length: self.out.bytes.len().saturating_sub(4), count: 0 })
    }

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
                self.open_list()?;
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
        if self.open.len() as u64 >= self.depth {
            return Err(DataError::Job(JobError::TooDeep { at: self.place(), allowed: self.depth }));
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
            // The grammar was checked; what a Rust string cannot hold is half a pair of escapes, which Python's can.
            quoted => match serde_json::from_str::<String>(text.get(start..self.at).unwrap_or_default()) {
                Ok(plain) => self.out.text(&plain),
                Err(_) => self.out.coded(&with_halves(quoted)),
            },
        }
        Ok(())
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

/// The inside of a JSON string as Python reads it: UTF-8, in which half a surrogate pair has the three bytes of its number.
fn with_halves(quoted: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(quoted.len()), quoted);
    while let Some(start) = rest.find('\\') {
        let (plain, escape) = rest.split_at(start);
        bytes.extend_from_slice(plain.as_bytes());
        // A whole pair, one unit, or a letter: the longest that means something.
        let (length, meant) =
            [12, 6, 2].into_iter().find_map(|length| Some((length, character(escape.get(..length)?)?))).unwrap_or((2, Vec::new()));
        bytes.extend_from_slice(&meant);
        rest = escape.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The bytes of one character that is written as an escape; of half a pair, its three bytes.
fn character(escape: &str) -> Option<Vec<u8>> {
    if let Ok(text) = serde_json::from_str::<String>(&format!("\"{escape}\"")) {
        return (text.chars().count() == 1).then(|| text.into_bytes());
    }
    let [first, second] = u16::from_str_radix(escape.strip_prefix("\\u").filter(|digits| digits.len() == 4)?, 16).ok()?.to_be_bytes();
    Some(vec![0xE0 | (first >> 4), 0x80 | ((first & 0xF) << 2) | (second >> 6), 0x80 | (second & 0x3F)])
}
