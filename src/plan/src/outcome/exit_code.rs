//! Exit codes of the command: one per kind of verdict, in one table that help and documents print.
//!
//! Always holds: of verdicts, 0 means `finished` and nothing else; 2 is left to usage errors; nothing from 64 on is used, where shells (126, 127, 128 + signal),
//! `timeout` (124, 125) and sysexits speak.

use crate::verdict::Verdict;

/// (code, verdict kind, meaning), by code.
pub const EXIT_CODES: [(u8, &str, &str); 13] = [
    (0, "finished", "the code returned; its value is on standard output"),
    (1, "raised", "the code raised an exception"),
    (2, "usage", "the command line, the policy or the request is wrong; nothing was run"),
    (3, "exited", "the process ended itself without a result"),
    (4, "signaled", "the process died of a signal that remand did not send"),
    (5, "exceeded", "a limit ended the run"),
    (6, "violated", "a system call that the policy answers by killing"),
    (7, "cancelled", "the caller cancelled"),
    (8, "no_result", "the process ended with code 0 and without a result"),
    (9, "malformed_result", "the result pipe carried what the protocol does not allow"),
    (10, "not_started", "the sandbox or the interpreter could not be started; with --via, no daemon takes the run"),
    (11, "internal", "remand itself failed; with --via, the daemon went away before the run was over"),
    (12, "rights", "remand has rights that its caller does not have: set-user-id, set-group-id or file capabilities; nothing was done"),
];

/// The command's exit code for a verdict.
#[must_use]
pub fn exit_code(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Finished => 0,
        Verdict::Raised => 1,
        Verdict::Exited { .. } => 3,
        Verdict::Signaled { .. } => 4,
        Verdict::Exceeded { .. } => 5,
        Verdict::Violated { .. } => 6,
        Verdict::Cancelled => 7,
        Verdict::NoResult => 8,
        Verdict::MalformedResult { .. } => 9,
        Verdict::NotStarted { .. } => 10,
        Verdict::Internal { .. } => 11,
    }
}

/// The exit code that a program gives its command, where the command passes it on: its own, where it ended by itself, or of a signal; else the verdict's.
#[must_use]
pub fn program_code(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Exited { code } => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
        Verdict::Signaled { signal, .. } => u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX),
        verdict => exit_code(verdict),
    }
}

/// The table as the man page and the documents print it.
#[must_use]
pub fn exit_code_table() -> String {
    EXIT_CODES.iter().map(|(code, kind, meaning)| format!("{code:>3}  {kind:<16}  {meaning}\n")).collect()
}
