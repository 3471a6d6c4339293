//! What an import could not take over, and how much that matters.
//!
//! Always holds: an entry names its place in the source, and its effect; only [`Effect::Settled`] costs nothing.

use serde_json::{Value, json};

/// Why a key is in the list.
pub(super) const NOWHERE: &str = "no field of a policy says that";

/// What follows from an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Restricted or asked for there, and by nothing here: look at it first.
    Unheld,
    /// Allowed there, refused here.
    Refused,
    /// Denied on both sides, with another answer.
    Answer,
    /// A condition that was evaluated, or a setting that every run has; nothing is lost.
    Settled,
}

impl Effect {
    /// Its word in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unheld => "unheld",
            Self::Refused => "refused",
            Self::Answer => "answer",
            Self::Settled => "settled",
        }
    }
}

/// One thing that was not taken over as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omission {
    /// JSON path in the source.
    pub path: String,
    /// What stands there.
    pub what: String,
    /// Why it was not taken over, or what became of it.
    pub why: String,
    /// What follows.
    pub effect: Effect,
}

impl Omission {
    /// The entry as JSON.
    #[must_use]
    pub fn tree(&self) -> Value {
        json!({ "path": self.path, "what": self.what, "why": self.why, "effect": self.effect.word() })
    }
}

/// Collects entries.
#[derive(Debug, Default)]
pub(super) struct Omissions(pub Vec<Omission>);

impl Omissions {
    pub fn add(&mut self, effect: Effect, path: &str, what: impl Into<String>, why: impl Into<String>) {
        self.0.push(Omission { path: path.to_owned(), what: what.into(), why: why.into(), effect });
    }
}

/// A list of names in one line, shortened.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<_> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
