//! What a run is answered, what decides it, and the line of a policy that is behind it.

use remand_policy::load::Place;
use remand_policy::question::Is;

use super::compiled::Compiled;
use super::edit::Edit;

/// What a run is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It may.
    Allowed,
    /// It may not; the error that the code sees.
    Denied(&'static str),
    /// The kernel answers as one that has no such call.
    NoSuchCall,
    /// The run is ended, with the verdict `violated`.
    EndsTheRun,
    /// There is nothing of that name in the run.
    NotVisible,
    /// It is there and cannot be written; the error that the code sees: a file's mode is asked before its mount.
    ReadOnly(&'static str),
    /// More than the limit.
    OverLimit,
    /// No way leads there.
    Unreachable,
    /// On an argument that the question leaves open.
    Depends,
}

impl Ruling {
    /// For people.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Denied(error) => format!("denied ({error})"),
            Self::ReadOnly(error) => format!("read-only ({error})"),
            other => other.plain().to_owned(),
        }
    }

    fn plain(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied(_) => "denied",
            Self::NoSuchCall => "no such call (ENOSYS)",
            Self::EndsTheRun => "ends the run",
            Self::NotVisible => "not visible (ENOENT)",
            Self::ReadOnly(_) => "read-only",
            Self::OverLimit => "over the limit",
            Self::Unreachable => "not reachable (ENETUNREACH)",
            Self::Depends => "depends",
        }
    }
}

impl Ruling {
    /// Whether the answer is what was expected.
    #[must_use]
    pub fn is(self, expected: Is) -> bool {
        match expected {
            Is::Allowed => self == Self::Allowed,
            Is::Denied => !matches!(self, Self::Allowed | Self::Depends | Self::EndsTheRun),
            Is::NoSuchCall => self == Self::NoSuchCall,
            Is::NotVisible => self == Self::NotVisible,
            Is::ReadOnly => matches!(self, Self::ReadOnly(_)),
            Is::Killed => self == Self::EndsTheRun,
            Is::Depends => self == Self::Depends,
        }
    }
}

/// The line that is behind an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it was written; `None`: in no file.
    pub place: Option<Place>,
    /// What stands there, or why there is none.
    pub text: String,
}

impl Line {
    /// A field that a file wrote, or that has the floor's value.
    pub(super) fn field(compiled: &Compiled<'_>, field: &str) -> Self {
        match compiled.origins.of(field) {
            Some(place) => Self { place: Some(place.clone()), text: field.to_owned() },
            None => Self { place: None, text: format!("no file writes {field}: it has the narrowest value") },
        }
    }

    /// An entry of a list.
    pub(super) fn entry(compiled: &Compiled<'_>, list: &str, index: usize) -> Self {
        Self { place: compiled.origins.entry(list, index).cloned(), text: list.to_owned() }
    }

    /// A list that lacks something.
    pub(super) fn lacking(compiled: &Compiled<'_>, list: &str) -> Self {
        match compiled.origins.of(list) {
            Some(place) => Self { place: None, text: format!("no line grants it; {list} stands at {place}") },
            None => Self { place: None, text: format!("no line grants it, and no file writes {list}") },
        }
    }

    pub(super) fn none(why: impl Into<String>) -> Self {
        Self { place: None, text: why.into() }
    }
}

/// An answer before a change was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What a run is answered.
    pub ruling: Ruling,
    /// What decides it: the mechanism, and what it holds; for `depends`, on what.
    pub because: String,
    /// The line behind it.
    pub line: Line,
    /// The next step to another answer; `Err`: why there is none.
    pub(super) cure: Result<Vec<Edit>, String>,
}
