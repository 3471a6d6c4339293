//! What each kind of frame carries, as types that serde fills.
//!
//! Always holds: an unknown, missing or repeated member is an error; values stay text (serde skips over them without recursion).

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::show::Forms;
use super::{Call, Denied, ErrorFrame, FrameError, Missing, Origin, Related, Replaced, ShownAs};

/// Bytes that show the kind: `{"kind":"print"`, and all of `{"kind":"done"}`.
pub const HEAD: u64 = 15;
/// Bytes of `{"kind":"ready"}`.
pub const READY: u64 = 16;

/// The kinds of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ready,
    Print,
    Out,
    Err,
    Item,
    Show,
    Done,
    Error,
}

impl Kind {
    /// The kind that a frame's first [`HEAD`] bytes show.
    pub fn of_head(head: &[u8]) -> Option<Self> {
        let name = head.strip_prefix(br#"{"kind":""#)?.split(|byte| *byte == b'"').next()?;
        match name {
            b"ready" => Some(Self::Ready),
            b"print" => Some(Self::Print),
            b"out" => Some(Self::Out),
            b"err" => Some(Self::Err),
            b"item" => Some(Self::Item),
            b"show" => Some(Self::Show),
            b"done" => Some(Self::Done),
            b"error" => Some(Self::Error),
            _ => None,
        }
    }
}

/// The first `kind` is known from the head; a second one is a repeated member, which serde refuses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bare {
    #[serde(rename = "kind")]
    _kind: Kinded,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Print {
    #[serde(rename = "kind")]
    _kind: Kinded,
    pub text: String,
    #[serde(default)]
    pub values: Option<Box<RawValue>>,
    #[serde(default)]
    pub continues: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    #[serde(rename = "kind")]
    _kind: Kinded,
    pub text: String,
    #[serde(default)]
    pub continues: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    #[serde(rename = "kind")]
    _kind: Kinded,
    pub index: u64,
    #[serde(default, deserialize_with = "present")]
    pub value: Option<Box<RawValue>>,
    pub error: Option<Error>,
    pub replaced: Option<Replaced>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Show {
    #[serde(rename = "kind")]
    _kind: Kinded,
    #[serde(rename = "as")]
    pub shown: ShownAs,
    pub bundle: Box<RawValue>,
    pub replaced: Option<Replaced>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    pub data: Forms,
    pub metadata: Forms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    #[serde(rename = "kind")]
    _kind: Kinded,
    #[serde(default, deserialize_with = "present")]
    pub value: Option<Box<RawValue>>,
    pub replaced: Option<Replaced>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Error {
    #[serde(rename = "kind")]
    _kind: Kinded,
    #[serde(rename = "type")]
    class: String,
    message: String,
    description: String,
    stack: String,
    line: Option<u64>,
    item: Option<u64>,
    denied: Option<Denied>,
    missing: Option<Missing>,
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    frames: Vec<Call>,
    #[serde(default)]
    frames_left_out: u64,
    #[serde(default)]
    members: Vec<Other>,
    #[serde(default)]
    members_left_out: u64,
    cause: Option<Box<Other>>,
    context: Option<Box<Other>>,
}

/// An exception that belongs to another one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    #[serde(rename = "type")]
    class: String,
    message: String,
    notes: Vec<String>,
    frames: Vec<Call>,
    frames_left_out: u64,
    members: Vec<Other>,
    members_left_out: u64,
    cause: Option<Box<Other>>,
    context: Option<Box<Other>>,
}

impl From<Other> for Related {
    fn from(other: Other) -> Self {
        let Other { class, message, notes, frames, frames_left_out, members, members_left_out, cause, context } = other;
        let boxed = |one: Option<Box<Other>>| one.map(|one| Box::new((*one).into()));
        let members = members.into_iter().map(Into::into).collect();
        let origin = Origin { notes, frames, frames_left_out, members, members_left_out, cause: boxed(cause), context: boxed(context) };
        Self { kind: class, message, origin: Box::new(origin) }
    }
}

impl From<Error> for ErrorFrame {
    fn from(frame: Error) -> Self {
        let Error { _kind, class, message, description, stack, line, item, denied, missing, .. } = frame;
        let Error { notes, frames, frames_left_out, members, members_left_out, cause, context, .. } = frame;
        let Related { origin, .. } = Other {
            class: String::new(),
            message: String::new(),
            notes,
            frames,
            frames_left_out,
            members,
            members_left_out,
            cause,
            context,
        }
        .into();
        Self { kind: class, message, description, stack, line, item, denied, missing, origin }
    }
}

/// Any string: which, is already known.
struct Kinded;

impl<'de> Deserialize<'de> for Kinded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer).map(|_| Self)
    }
}

/// `null` is a value too; only a missing member is none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a whole frame.
///
/// # Errors
/// `Malformed`, with serde's reason and position.
pub fn parse<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, FrameError> {
    // serde quotes names from the frame, which may be of any length.
    let bounded = |error: serde_json::Error| error.to_string().chars().take(200).collect::<String>();
    serde_json::from_str(text).map_err(|error| FrameError::Malformed(format!("a frame that is not what it should be: {}", bounded(error))))
}
