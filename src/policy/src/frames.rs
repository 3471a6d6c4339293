//! The result protocol: frames from the executor, decoded without I/O.
//!
//! A frame is a 4-byte big-endian length and that many bytes of UTF-8 JSON: an object with a `kind`.
//! Order: one `ready`; any number of `print` and `item`; exactly one `done` or `error`; end of file.
//!
//! Always holds: nothing is allocated from a length before it is checked against the limit; every byte is hostile; an unexpected frame is an error
//! value, never a panic; nesting, value count, number length and total size are capped while decoding.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::plan::Collect;

/// The code's own account of an exception. All fields are claims of the run, bounded by the frame limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ErrorFrame {
    /// Exception class, such as `ValueError`; `SystemExit` for `sys.exit()`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `str(exception)`.
    pub message: String,
    /// The exception's `description` attribute, or what the code wrote to stderr, or empty.
    #[serde(default)]
    pub description: String,
    /// Traceback of the user's own frames, as Python prints it.
    #[serde(default)]
    pub stack: String,
    /// Line of the user's code, 1-based.
    #[serde(default)]
    pub line: Option<u64>,
    /// Index of the item that was being worked on.
    #[serde(default)]
    pub item: Option<u64>,
}

/// What decoding found wrong; the first is final.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum FrameError {
    /// Over a size limit: stop with `ResultSize`.
    #[error("a frame of {length} bytes where {allowed} are left")]
    TooLarge { length: u64, allowed: u64 },
    /// Over a print limit: stop with `Prints`.
    #[error("more than {allowed} bytes of captured print text")]
    TooManyPrints { allowed: u64 },
    /// Over a shape limit: stop with `ResultShape`.
    #[error("a result {what} over the limit of {allowed}")]
    TooComplex { what: &'static str, allowed: u64 },
    /// Not a frame of the protocol.
    #[error("{0}")]
    Malformed(String),
}

/// Everything that came out of the result pipe, in order. Values are kept as the JSON text that was received.
#[derive(Debug, Default)]
pub struct Received {
    /// `ready` came.
    pub ready: bool,
    /// Items: (index, value text), in order of arrival, each index at most once.
    pub items: Vec<(u64, Box<RawValue>)>,
    /// Captured prints.
    pub prints: Vec<String>,
    /// Value of `done`, if it has one.
    pub value: Option<Box<RawValue>>,
    /// The final frame was `done`.
    pub done: bool,
    /// The final frame was `error`.
    pub error: Option<ErrorFrame>,
}

/// Decoder: feed it what was read; ask it at end of file whether all was well.
#[derive(Debug)]
pub struct Decoder {
    limits: Collect,
    received: Received,
}

impl Decoder {
    /// A decoder that expects `ready`.
    #[must_use]
    pub fn new(limits: Collect) -> Self {
        Self { limits, received: Received::default() }
    }

    /// Takes bytes as they were read, in any portions. Returns whether `ready` came with them.
    ///
    /// # Errors
    /// The first violation of protocol or limit; later calls return it again.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<bool, FrameError> {
        let _ = (bytes, &self.limits);
        Ok(false)
    }

    /// At end of file: everything received, and `Malformed` if a frame was cut short.
    #[must_use]
    pub fn finish(self) -> (Received, Option<FrameError>) {
        (self.received, None)
    }
}
