//! What the outcome of a task's run is for n8n: its own runner's frames where it has a word for it, words of ours where it had none that helped.
//!
//! Always holds: a pure function of the outcome; what the code said is told as its own, and never makes a success of another ending.

use std::time::Duration;

use remand_engine::Outcome;
use remand_plan::frames::ErrorFrame;
use remand_plan::trace::Where;
use remand_plan::verdict::Verdict;
use serde_json::json;

use super::exceeded::exceeded;
use crate::task::{Answer, CANCELLED, End, TaskError};

/// The file that what is found before anything runs is told of, and the only frame of its error.
const BEFORE: &str = "<unknown>";
/// Calls of `print` that are sent, and the line that says how many were not.
const PRINTS: usize = 101;

/// The class of what the analyser finds; what else is found before anything runs is a syntax error.
const VIOLATION: &str = "SecurityViolationError";
const UNREAD: &str = "Failed to read result from child process";
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// What came of a task that has this time at most.
pub(super) fn answer(outcome: &Outcome, continue_on_fail: bool, timeout: Duration) -> Answer {
    let prints = prints(outcome);
    if outcome.verdict == Verdict::Finished {
        let result = outcome.value.get().to_owned();
        let size = result.len() as u64;
        return Answer { prints, end: End::Done { result, size } };
    }
    let found_before = outcome.verdict == Verdict::Raised && outcome.error.as_ref().is_some_and(found_before);
    Answer { prints, end: failed(error(outcome, found_before, timeout), continue_on_fail && !found_before) }
}

/// How a task ends that failed: where a node goes on whatever fails, with an item that says so.
pub(super) fn failed(error: TaskError, continue_on_fail: bool) -> End {
    if !continue_on_fail {
        return End::Error(error);
    }
    End::Done { result: json!([{ "json": { "error": error.message } }]).to_string(), size: 0 }
}

/// It is about the text of the code, which never ran: its author mends it.
fn found_before(error: &ErrorFrame) -> bool {
    matches!(error.origin.frames.as_slice(), [only] if only.function.is_none() && only.file == BEFORE)
}

fn error(outcome: &Outcome, found_before: bool, timeout: Duration) -> TaskError {
    let told = |message: &str, description: String| TaskError {
        message: message.to_owned(),
        description: Some(description),
        line_number: outcome
            .place
            .as_ref()
            .and_then(Where::place)
            .filter(|frame| frame.is_own())
            .and_then(|frame| frame.line)
            .and_then(line),
        ..TaskError::default()
    };
    let cancelled = || TaskError { message: CANCELLED.to_owned(), ..TaskError::default() };
    match &outcome.verdict {
        Verdict::Raised => match &outcome.error {
            Some(error) => raised(error, outcome, found_before),
            None => told(UNREAD, String::new()),
        },
        Verdict::Cancelled => cancelled(),
        Verdict::Signaled { signal: SIGTERM, .. } => cancelled(),
        Verdict::Signaled { signal: SIGKILL, .. } => told("Process was forcefully killed (SIGKILL)", stderr(outcome)),
        Verdict::Signaled { signal, .. } => told(&format!("Task subprocess exited with code -{signal}"), stderr(outcome)),
        Verdict::Exited { code } => told(&format!("Task subprocess exited with code {code}"), stderr(outcome)),
        Verdict::NoResult => told(UNREAD, stderr(outcome)),
        Verdict::MalformedResult { reason } => told(UNREAD, format!("Descriptor 4 is the result's, and the task wrote to it: {reason}")),
        Verdict::Exceeded { limit, allowed, seen, unit, level, .. } => {
            let (message, description) = exceeded((*limit, *unit, *level), *allowed, *seen, &outcome.policy.name, timeout);
            told(&message, description)
        }
        Verdict::Violated { .. } => {
            let called = outcome.violations.first().map_or("a system call", |violation| violation.syscall.as_str());
            told("Task was ended for a forbidden system call", format!("{called}: policy {} ends a task for it", outcome.policy.name))
        }
        Verdict::NotStarted { step, hint, .. } => told("Task could not be started", format!("{step}: {hint}")),
        Verdict::Internal { message } => told("Task runner failed", message.clone()),
        Verdict::Finished => told(UNREAD, String::new()),
    }
}

fn line(number: u64) -> Option<u32> {
    u32::try_from(number).ok()
}

fn raised(error: &ErrorFrame, outcome: &Outcome, found_before: bool) -> TaskError {
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    // Of code that could not be read, n8n's runner gives the message alone.
    let unread = found_before && error.kind != VIOLATION;
    let description = match error.description.as_str() {
        "" if !found_before => stderr(outcome),
        own => own.to_owned(),
    };
    TaskError {
        message: error.message.clone(),
        description: (!unread).then_some(description),
        stack: filled(&error.stack),
        line_number: error.line.and_then(line),
        error_type: filled(&error.kind).map(Into::into),
    }
}

/// What was written to standard error says more of a failure.
fn stderr(outcome: &Outcome) -> String {
    let told = &outcome.stderr;
    match told.dropped {
        0 => told.text.clone(),
        dropped => format!("{}\n[{dropped} bytes left out]\n{}", told.text, told.tail),
    }
}

/// The parameters of each call; what is no array of texts was cut off in the middle, or is none of the layer's.
fn prints(outcome: &Outcome) -> Vec<Vec<String>> {
    let mut calls: Vec<Vec<String>> = outcome.prints.iter().filter_map(|text| serde_json::from_str(text).ok()).take(PRINTS).collect();
    if let Some(dropped) = &outcome.prints_dropped {
        calls.truncate(PRINTS - 1);
        calls.push(vec![format!("[Output truncated - {} more print statements]", dropped.calls)]);
    }
    calls
}
