//! The code's own account of an exception: what it was, where, what it held and what it came from.
//!
//! Always holds: all of it is a claim of the run. It is held to the bounds below: so many exceptions, so deep, so many frames and notes of each,
//! texts of so many characters; what is more is malformed.

use serde::{Deserialize, Serialize};

use super::{Denied, FrameError, Missing, malformed};

/// Exceptions besides the first, and how far they are inside each other.
pub const OTHERS: usize = 24;
/// See [`OTHERS`].
pub const DEPTH: usize = 5;
/// Members of one group that are told.
pub const MEMBERS: usize = 10;
/// Frames of one exception.
pub const CALLS: usize = 26;
/// Notes of one exception.
pub const NOTES: usize = 10;
/// Characters of a file, a function, a line. The executor keeps far fewer, and spells halves of surrogate pairs out.
pub const TEXT: usize = 2_000;
/// Characters of a note, and of the message of any exception but the first.
pub const MESSAGE: usize = 8_000;

/// An exception. All fields are claims of the run, bounded by the frame limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ErrorFrame {
    /// Exception class, such as `ValueError`; `SystemExit` for `sys.exit()`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `str(exception)`; of a `SyntaxError` without the place.
    pub message: String,
    /// The exception's `description` attribute, or which policy field stood in the way, or empty.
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
    /// What a list of the policy denied, for the tools of authors. It is not in the record, which says it in `message` and `description`.
    #[serde(skip)]
    pub denied: Option<Denied>,
    /// What was not there, where the exception is about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// Where it was raised, and what it belongs to.
    #[serde(flatten)]
    pub origin: Box<Origin>,
}

/// Where an exception was raised, what it holds, and which one it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Origin {
    /// Notes that were added to it (`add_note`).
    #[serde(default)]
    pub notes: Vec<String>,
    /// Frames of its traceback, outermost first: the first and last ten of the code, the last five of libraries. What could not be compiled comes last, without
    /// a function.
    #[serde(default)]
    pub frames: Vec<Call>,
    /// Frames that are not listed.
    #[serde(default)]
    pub frames_left_out: u64,
    /// Exceptions of a group.
    #[serde(default)]
    pub members: Vec<Related>,
    /// Members that are not listed.
    #[serde(default)]
    pub members_left_out: u64,
    /// The exception that it was raised from.
    #[serde(default)]
    pub cause: Option<Box<Related>>,
    /// The exception that was being handled when it was raised, where there is no cause.
    #[serde(default)]
    pub context: Option<Box<Related>>,
}

/// An exception that belongs to another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Related {
    /// Exception class.
    #[serde(rename = "type")]
    pub kind: String,
    /// `str(exception)`.
    pub message: String,
    /// Where it was raised, and what it belongs to.
    #[serde(flatten)]
    pub origin: Box<Origin>,
}

/// One frame of a traceback. Lines and columns count from one, columns in characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The file, as the code has it: `<code>` for the code of a function.
    pub file: String,
    /// The function; `null` where something could not be compiled.
    pub function: Option<String>,
    /// The line.
    pub line: Option<u64>,
    /// Where the part of it begins that failed; `null` where the interpreter (before 3.11) does not know.
    pub column: Option<u64>,
    /// The line where that part ends.
    pub end_line: Option<u64>,
    /// The column after its last.
    pub end_column: Option<u64>,
    /// The line's text.
    pub text: String,
    /// It is the code's own, and no library's.
    pub mine: bool,
}

impl Origin {
    /// Holds it to its bounds.
    ///
    /// # Errors
    /// `Malformed`, naming what is too much.
    pub(super) fn check(&self) -> Result<(), FrameError> {
        self.within(0, &mut 0)
    }

    fn within(&self, depth: usize, others: &mut usize) -> Result<(), FrameError> {
        let short = |text: &str, most: usize| text.chars().nth(most).is_none();
        let related: Vec<&Related> = self.members.iter().chain(self.cause.as_deref()).chain(self.context.as_deref()).collect();
        *others = others.saturating_add(related.len());
        let counts = [(self.frames.len(), CALLS), (self.notes.len(), NOTES), (self.members.len(), MEMBERS), (*others, OTHERS)];
        if counts.iter().any(|(count, most)| count > most) || depth > DEPTH {
            return Err(malformed("an exception with more frames, notes or members than are told"));
        }
        let texts = |call: &Call| {
            short(&call.file, TEXT) && short(&call.text, TEXT) && call.function.as_deref().is_none_or(|name| short(name, TEXT))
        };
        let messages = |one: &&Related| short(&one.kind, TEXT) && short(&one.message, MESSAGE);
        if !self.frames.iter().all(texts) || !self.notes.iter().all(|note| short(note, MESSAGE)) || !related.iter().all(messages) {
            return Err(malformed("an exception with longer texts than are told"));
        }
        related.iter().try_for_each(|one| one.origin.within(depth + 1, others))
    }
}
