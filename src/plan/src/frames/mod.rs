//! The result protocol: frames from the executor, decoded without I/O.
//!
//! A frame is a 4-byte big-endian length and that many bytes of UTF-8 JSON: one object that starts with `{"kind":"` and one of eight kinds.
//!
//! | state   | `ready` | `print`, `out`, `err`, `item`, `show` | `done`, `error` |
//! |---------|---------|---------------------------------------|-----------------|
//! | start   | running | malformed                             | malformed       |
//! | running | malformed | running                             | ended           |
//! | ended   | malformed | malformed                           | malformed       |
//!
//! After `done` or `error` not one byte more may come. `print` carries `text`, `values` where there are few enough (what was printed, an array), and `continues`
//! where it goes on where the one before it ended; `out` and `err`, what was written to standard output and error, carry `text` and `continues`; `item` carries
//! `index` (rising) and either `value` or `error`, an error frame of its own; `done` may carry `value` (an executor in `per_item` mode sends none); `show` carries `as` and `bundle` (`data` and `metadata`, see
//! [`Shown`]); these three may carry `replaced`; `error` carries the fields of
//! [`ErrorFrame`], `denied` only where a list of the
//! policy denied something. Any other member is malformed.
//!
//! Always holds: nothing is allocated from a length, only from bytes that came; more than the kind's limit is never kept; every byte is hostile; an
//! unexpected frame is an error value, never a panic; nesting, value count, number length and total size are capped; no recursion, but for the few exceptions that
//! one may come from.

mod account;
mod bounds;
mod decoder;
mod kind;
mod replaced;
mod shape;
mod show;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::limit::Shape;
use crate::output::Piece;
use crate::words::words;

pub use account::{Call, ErrorFrame, Origin, Related};
pub use bounds::{Bounds, Channel, Overflow};
pub use decoder::Decoder;
pub use replaced::{Replaced, Spot, Was};
pub use show::{Shown, ShownAs};

/// Most bytes of an `error` frame; the executor keeps its own account well below.
pub const ERROR_SIZE: u64 = 128 << 10;
/// Most bytes of a frame that carries output: 64 KiB of text, of which JSON writes a byte as up to six, and as many of values.
pub const OUTPUT_SIZE: u64 = (7 << 16) + 64;
/// Most digits (with sign, point and exponent) of a number: what Python itself reads and writes.
pub const NUMBER_LENGTH: u64 = 4_300;

/// What stands in the place of an item whose code raised, in the array of items: the exception without its stack.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorItem<'a> {
    error: BriefError<'a>,
    #[serde(rename = "pairedItem")]
    paired: Paired,
}

#[derive(Debug, Serialize)]
struct BriefError<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    line: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Paired {
    item: u64,
}

impl<'a> ErrorItem<'a> {
    fn of(item: u64, error: &'a ErrorFrame) -> Self {
        let ErrorFrame { kind, message, description, line, .. } = error;
        Self { error: BriefError { kind, message, description, line: *line }, paired: Paired { item } }
    }
}

/// What the executor denied by a list of the policy, as it says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denied {
    /// Which list.
    pub list: PythonList,
    /// The module, without what is beneath it, or the builtin.
    pub name: String,
}

words! {
    /// The lists of `python`, the friendly layer.
    PythonList {
        StdlibAllow "stdlib_allow", ExternalAllow "external_allow", BuiltinsDeny "builtins_deny",
    }
}

/// Something that the code looked for and did not find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Missing {
    /// Which kind of thing.
    pub kind: MissingKind,
    /// Its name, as the code has it.
    pub name: String,
}

/// What can be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingKind {
    /// A module to import.
    Module,
    /// A file or directory.
    File,
}

/// What decoding found wrong; the first is final.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum FrameError {
    /// Over the size limit: stop with `LimitKind::ResultSize`. Bytes of all result frames, this one as announced.
    #[error("a result of {seen} bytes where {allowed} are allowed")]
    TooLarge { seen: u64, allowed: u64 },
    /// Over a shape limit: stop with `LimitKind::ResultShape`. Counting ended at the first that was too much.
    #[error("a result {what} of {seen} where {allowed} are allowed")]
    TooComplex { what: Shape, seen: u64, allowed: u64 },
    /// Not a frame of the protocol: stop with `Malformed`.
    #[error("{0}")]
    Malformed(String),
    /// End of file inside a frame. Only [`Decoder::finish`] says so.
    #[error("the result pipe was closed inside a frame, {missing} bytes short")]
    CutShort { missing: u64 },
}

/// Something that a run says while it goes on. Whoever feeds the decoder takes it out, so that it is kept and counted with what comes by other pipes.
#[derive(Debug)]
pub enum News {
    /// Output.
    Text(Text),
    /// An item, which is kept as the last of [`Received::items`] then.
    Item,
    /// Something that a program shows.
    Shown(Shown),
}

/// A portion of output. Not empty.
#[derive(Debug)]
pub struct Text {
    /// Where it was written to.
    pub channel: Channel,
    /// What was written.
    pub text: String,
    /// What was printed, an array.
    pub values: Option<Box<RawValue>>,
    /// It goes on where the portion before it ended.
    pub continues: bool,
}

impl Text {
    /// As the log takes it.
    #[must_use]
    pub fn piece(&self) -> Piece<'_> {
        let Self { channel, text, values, continues } = self;
        Piece { channel: *channel, text: text.as_bytes(), values: values.as_deref().map(RawValue::get), continues: *continues }
    }
}

/// What else came out of the result pipe, in order. Values are kept as the JSON text that was received.
#[derive(Debug, Default)]
pub struct Received {
    /// `ready` came.
    pub ready: bool,
    /// Items: (index, value text), in order of arrival, each index above the one before.
    pub items: Vec<(u64, Box<RawValue>)>,
    /// Those of them that stand for an exception.
    pub items_failed: u64,
    /// The first such exception.
    pub item_error: Option<ErrorFrame>,
    /// Value of `done`, if it has one.
    pub value: Option<Box<RawValue>>,
    /// What stands in the values for something that JSON cannot say.
    pub replaced: Option<Replaced>,
    /// The final frame was `done`.
    pub done: bool,
    /// The final frame was `error`.
    pub error: Option<ErrorFrame>,
    /// Bytes of all frames that carried a value.
    pub result_bytes: u64,
}

impl Received {
    /// What goes into the outcome's `value`: the value of `done`; else the array of the items that came, be the run finished or not; else `null`.
    #[must_use]
    pub fn value(&mut self) -> Box<RawValue> {
        match self.value.take() {
            Some(value) => value,
            None if self.items.is_empty() && !self.done => RawValue::NULL.to_owned(),
            None => array(&self.items),
        }
    }
}

fn array(items: &[(u64, Box<RawValue>)]) -> Box<RawValue> {
    let mut text = String::with_capacity(items.iter().map(|(_, item)| item.get().len() + 1).sum::<usize>() + 2);
    for (_, item) in items {
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str(item.get());
    }
    text.push_str(if text.is_empty() { "[]" } else { "]" });
    // JSON values between brackets and commas are JSON: the error cannot happen, and null would say "no value".
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn malformed(what: &str) -> FrameError {
    FrameError::Malformed(what.to_owned())
}

#[cfg(test)]
mod tests;
