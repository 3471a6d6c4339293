//! For people who write policies: what is hardly meant, why something is denied and what would allow it, what a policy amounts to, how two differ; edits
//! that keep comments, learning from runs, other tools' profiles.
//!
//! Always holds: no unsafe code, no input or output; nothing that runs a job links this.

#![forbid(unsafe_code)]

pub mod diff;
pub mod edit;
pub mod explain;
pub mod foreign;
pub mod learn;
pub mod lint;
pub mod show;
pub mod why;

#[cfg(test)]
#[path = "../../plan/src/fixtures.rs"]
mod fixtures;
