//! Why there is no policy to run under.
//!
//! Always holds: a refusal holds what was found and no layout: its text is one line, the texts and problems of files come along for whoever shows them.

use std::io;
use std::path::PathBuf;

use remand_policy::ceiling::Excess;
use remand_policy::load::Loaded;
use remand_policy::source::{LARGEST, Source};
use remand_policy::text::Problem;

use crate::choose::Declined;
use crate::trust::Distrust;

/// What a file was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A policy.
    Policy,
    /// The ceiling of this machine, without which no policy is used.
    Ceiling,
}

/// Why there is no policy to run under, or to look at.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Neither the store nor this binary has one of this name.
    #[error("no policy {name} is built in or in {}", listed(directories))]
    Unknown {
        /// As asked for.
        name: String,
        /// Where the store's files are.
        directories: Vec<PathBuf>,
    },
    /// It names neither a policy nor a file.
    #[error("{name} is no name of a policy")]
    NoName {
        /// As asked for.
        name: String,
    },
    /// A built-in policy was to be changed.
    #[error("policy {name} is built in and cannot be changed")]
    BuiltIn {
        /// Its name.
        name: String,
    },
    /// A file that cannot be opened, or cannot be trusted.
    #[error("policy {}: {}", path.display(), distrust.of(path))]
    Distrusted {
        /// What it was to be.
        document: Document,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        distrust: Distrust,
    },
    /// A file with more than [`LARGEST`] bytes.
    #[error("policy {}: larger than {LARGEST} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be read.
    #[error("policy {}: cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// A file that has another policy's name, and says something else: the outcome of a run names its policy.
    #[error("policy {typed}: {name} is the name of {other}")]
    NameTaken {
        /// As asked for.
        typed: String,
        /// The name.
        name: String,
        /// The file that has it by right.
        other: String,
    },
    /// A text that is no policy.
    #[error("{typed} is no policy: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Wrong {
        /// What it was to be.
        document: Document,
        /// The name or file as asked for.
        typed: String,
        /// The file itself, then its bases.
        sources: Vec<Source>,
        /// Every problem.
        problems: Vec<Problem>,
    },
    /// A policy that allows more than the ceiling of this machine.
    #[error("policy {typed} is beyond the ceiling of this machine")]
    Beyond {
        /// The name or file as asked for.
        typed: String,
        /// The ceiling's file.
        ceiling: String,
        /// Everything that is beyond.
        excesses: Vec<Excess>,
        /// The policy.
        loaded: Box<Loaded>,
        /// The file itself, then its bases.
        sources: Vec<Source>,
    },
    /// Overrides that are not understood, or that would widen the policy.
    #[error("policy {policy} cannot be narrowed so: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Overrides {
        /// The policy's name.
        policy: String,
        /// Every problem.
        problems: Vec<Problem>,
    },
    /// A request that chooses what it may not have, or what is not there.
    #[error("policy {policy}: {}", declined.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Choice {
        /// The policy's name.
        policy: String,
        /// Everything that is declined.
        declined: Vec<Declined>,
    },
}

/// Directories, for a sentence.
pub(crate) fn listed(directories: &[PathBuf]) -> String {
    directories.iter().map(|directory| directory.display().to_string()).collect::<Vec<_>>().join(" and ")
}
