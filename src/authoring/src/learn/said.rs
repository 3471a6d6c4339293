//! What a job that finished said of its work.
//!
//! Always holds: what it says is its own claim. A sign of failure is believed, since nobody makes one without a cause; that there is none proves nothing.

use remand_plan::outcome::Outcome;
use remand_plan::verdict::Verdict;
use serde_json::Value;

/// Members of a value that tell a failure where there is something in them.
const FAILED: &[&str] = &["error", "errors", "exception", "traceback"];
/// Members that tell it where they are false.
const DONE: &[&str] = &["ok", "success"];
/// What Python writes about an exception, and how one of the kernel's begins.
const TEXTS: &[&str] = &["Traceback (most recent call last):", "[Errno "];
/// Levels of a value that are looked at: items, their `json`, a member of that.
const LEVELS: usize = 4;

/// How a job that finished said that it failed; nothing where it did not say so.
#[must_use]
pub fn failure(outcome: &Outcome) -> Option<String> {
    if outcome.verdict != Verdict::Finished {
        return None;
    }
    let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
    let streams: Vec<&str> = outcome.prints.iter().chain([stdout.text.as_str(), &stdout.tail, &stderr.text, &stderr.tail]).collect();
    let printed = || streams.iter().find_map(|text| TEXTS.iter().find(|sign| text.contains(**sign)));
    let value = serde_json::from_str(outcome.value.get()).ok();
    let given = value.as_ref().and_then(|value| member(value, LEVELS));
    given.map(|what| format!("its value has {what}")).or_else(|| printed().map(|sign| format!("it wrote {sign:?}")))
}

fn member(value: &Value, levels: usize) -> Option<String> {
    let deeper = levels.checked_sub(1)?;
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let lower = name.to_lowercase();
            let failed =
                FAILED.contains(&lower.as_str()) && !empty(value) || DONE.contains(&lower.as_str()) && *value == Value::Bool(false);
            if failed { Some(format!("{name:?}: {:.200}", value.to_string())) } else { member(value, deeper) }
        }),
        Value::Array(items) => items.iter().find_map(|item| member(item, deeper)),
        Value::String(text) => TEXTS.iter().find(|sign| text.contains(**sign)).map(|sign| format!("a text with {sign:?}")),
        _ => None,
    }
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) => false,
    }
}
