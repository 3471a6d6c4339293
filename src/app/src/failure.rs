//! What ends the command without an outcome: a message for people and an exit status.

use std::io;

use nix::errno::Errno;

/// Exit status for arguments, a policy or input that cannot be used; the same as clap's.
pub const USAGE: u8 = 2;
/// Exit status where nothing can be started; the same as the verdict `not_started`.
pub const NOT_STARTED: u8 = 10;
/// Exit status for an answer that could not be written, and for failures of remand itself; the same as the verdict `internal`.
pub const INTERNAL: u8 = 11;
/// Exit status where remand was started with rights that its caller does not have.
pub const RIGHTS: u8 = 12;

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

    /// remand has rights that its caller does not have.
    pub fn rights(message: String) -> Self {
        Self { message, hint: None, code: RIGHTS }
    }

    /// Everything was said already.
    pub fn told(code: u8) -> Self {
        Self { message: String::new(), hint: None, code }
    }

    /// The answer could not be written. A reader that went away knows it.
    pub fn unwritten(stream: &str, errno: Errno) -> Self {
        Self::internal(if errno == Errno::EPIPE { String::new() } else { format!("cannot write to {stream}: {}", io::Error::from(errno)) })
    }
}
