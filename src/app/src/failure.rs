//! What ends the command without an outcome: a message for people and an exit status.

use std::io;

/// Exit status for arguments, a policy or input that cannot be used; the same as clap's.
pub const USAGE: u8 = 2;
/// Exit status for an answer that could not be written, and for failures of remand itself; the same as the verdict `internal`.
pub const INTERNAL: u8 = 11;

/// Why there is no outcome, or none that could be given.
#[derive(Debug)]
pub struct Failure {
    /// Attempt, object and answer; may span lines. Empty: everything was said, or there is nobody to tell.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Exit status.
    pub code: u8,
}

impl Failure {
    /// What was asked cannot be done as asked.
    pub fn usage(message: String) -> Self {
        Self { message, hint: None, code: USAGE }
    }

    /// remand itself failed.
    pub fn internal(message: String) -> Self {
        Self { message, hint: None, code: INTERNAL }
    }

    /// Everything was said already.
    pub fn told(code: u8) -> Self {
        Self { message: String::new(), hint: None, code }
    }

    /// The answer could not be written. A reader that went away knows it.
    pub fn unwritten(error: &io::Error) -> Self {
        let quiet = error.kind() == io::ErrorKind::BrokenPipe;
        Self::internal(if quiet { String::new() } else { format!("cannot write to standard output: {error}") })
    }
}
