//! Learning: from what runs were refused to the smallest patch of a policy file.
//!
//! Always holds: pure; who runs the jobs is the caller. A proposal is a text that the editor made of the file and the loader read, and each trial is run under
//! that very text, so nothing is proposed that was not tried but limits, which [`Learner::settle`] takes from what was measured. What is dangerous is
//! neither tried nor proposed unless it was asked for; nothing is ever tried beyond the ceiling; what was denied by name stays denied.
//!
//! How a caller learns: run each input under [`Learner::policy`] and hand the outcome to [`Learner::learn`], until it finishes or nothing new comes;
//! [`Learner::settle`]; take out each of [`Learner::doubtful`] and see whether the jobs still finish; [`Learner::text`].

mod calls;
mod imports;
mod learner;
mod limits;
mod mounts;
mod network;
mod proposal;
mod said;
#[cfg(test)]
mod tests;

use remand_plan::{Outcome, Plan};
use remand_policy::policy::Policy;
use remand_syscalls::Arch;
use serde::Serialize;
use serde_json::Value;

pub use learner::{Learner, Start};
pub use limits::HostSize;
pub use mounts::{File, guarded};
pub use proposal::{Ran, text as describe, unified};
pub use said::failure;

/// A change of a policy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// An entry of a list.
    Add {
        /// Such as `syscalls.allow`.
        field: &'static str,
        /// As the file writes it.
        value: Value,
    },
    /// A field.
    Set {
        /// Such as `limits.memory`.
        field: &'static str,
        /// As the file writes it.
        value: Value,
        /// What it was.
        was: Value,
    },
}

impl Change {
    /// Dotted path of the field.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Add { field, .. } | Self::Set { field, .. } => field,
        }
    }

    /// What is added or set.
    #[must_use]
    pub fn value(&self) -> &Value {
        match self {
            Self::Add { value, .. } | Self::Set { value, .. } => value,
        }
    }
}

/// What becomes of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// In the patch.
    Proposed,
    /// Asked for, and not proposed by default: it is dangerous.
    Dangerous,
    /// The ceiling does not allow it.
    Beyond {
        /// The most that is allowed.
        most: String,
    },
    /// Never proposed.
    Refused {
        /// Why.
        because: String,
    },
    /// Asked for, but the jobs finish without it.
    Unneeded,
}

/// A run that asked for a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The input's name.
    pub input: String,
    /// Which run of it, from 1.
    pub run: u32,
    /// What it did.
    pub because: String,
}

/// A change with all that is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What.
    #[serde(flatten)]
    pub change: Change,
    /// What becomes of it.
    #[serde(flatten)]
    pub standing: Standing,
    /// What it endangers, or shows.
    pub risk: String,
    /// Who needed it, the first of each input.
    pub needs: Vec<Need>,
}

/// One run, as it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The input's name.
    pub input: &'a str,
    /// Which run of it, from 1.
    pub number: u32,
    /// The machine's.
    pub arch: Arch,
    /// What it was run under: the trial.
    pub policy: &'a Policy,
    /// What that meant.
    pub plan: &'a Plan,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// What it looked for that the host has.
    pub files: &'a [File],
    /// The job did its work: it finished, and did not say that it failed, or the operator takes its end for that.
    pub done: bool,
}

impl Run<'_> {
    fn need(&self, because: String) -> Need {
        Need { input: self.input.to_owned(), run: self.number, because }
    }
}
