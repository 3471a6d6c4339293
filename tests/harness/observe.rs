//! What is expected of a run, as data, and the comparison with what was seen.
//!
//! Always holds: an expectation is exact (this verdict, this answer of the kernel, this recorded call); whatever differs is quoted.

use serde_json::Value;

/// One thing that must be seen in an outcome. All JSON is text, so that tables stay constant data.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// Verdict `finished`, and exactly this value.
    Value(&'static str),
    /// The value at this JSON pointer.
    At(&'static str, &'static str),
    /// The value at this JSON pointer is there, and is not this.
    NotAt(&'static str, &'static str),
    /// The value at this JSON pointer is one of these.
    OneOf(&'static str, &'static [&'static str]),
    /// The verdict's kind.
    Verdict(&'static str),
    /// Verdict `exceeded` by this limit, with a counter at or over what is allowed, and where it was read.
    Exceeded(&'static str),
    /// Verdict `exited` with this code.
    Exited(i64),
    /// Verdict `signaled` by this signal's name.
    Signaled(&'static str),
    /// Verdict `raised`, by an exception of this type.
    Raised(&'static str),
    /// Verdict `raised`, with a message that has this in it.
    Message(&'static str),
    /// Verdict `malformed_result`, for a reason that has this in it.
    Malformed(&'static str),
    /// This call was recorded as denied, with this answer.
    Denied(&'static str, &'static str),
    /// This call was not denied.
    Granted(&'static str),
    /// No call was denied.
    NoDenial,
    /// At least one of these.
    Any(&'static [Seen]),
    /// Text that is in the run's standard output.
    Stdout(&'static str),
    /// Text that is not in the run's standard output.
    NotStdout(&'static str),
}

/// The first expectation that an outcome does not meet.
///
/// # Errors
/// What was expected, and what was seen instead.
pub fn compare(outcome: &Value, expected: &[Seen]) -> Result<(), String> {
    for seen in expected {
        if !holds(outcome, *seen) {
            let brief = serde_json::json!({ "verdict": outcome["verdict"], "value": outcome["value"], "error": outcome["error"],
                "violations": outcome["violations"], "stdout": outcome["stdout"], "stderr": outcome["stderr"] });
            return Err(format!("expected {seen:?}, seen: {:.3000}", brief.to_string()));
        }
    }
    Ok(())
}

fn holds(outcome: &Value, seen: Seen) -> bool {
    let verdict = &outcome["verdict"];
    let kind = |name: &str| verdict["kind"] == name;
    let value = |pointer: &str| outcome["value"].pointer(pointer);
    let stdout = outcome["stdout"]["text"].as_str().unwrap_or("");
    match seen {
        Seen::Value(text) => kind("finished") && outcome["value"] == json(text),
        Seen::At(pointer, text) => value(pointer) == Some(&json(text)),
        Seen::NotAt(pointer, text) => value(pointer).is_some_and(|seen| *seen != json(text)),
        Seen::OneOf(pointer, texts) => texts.iter().any(|text| value(pointer) == Some(&json(text))),
        Seen::Verdict(name) => kind(name),
        Seen::Exceeded(limit) => kind("exceeded") && verdict["limit"] == limit && proven(verdict),
        Seen::Exited(code) => kind("exited") && verdict["code"] == code,
        Seen::Signaled(name) => kind("signaled") && verdict["name"] == name,
        Seen::Raised(name) => kind("raised") && outcome["error"]["type"] == name,
        Seen::Message(text) => kind("raised") && outcome["error"]["message"].as_str().is_some_and(|message| message.contains(text)),
        Seen::Malformed(text) => kind("malformed_result") && verdict["reason"].as_str().is_some_and(|reason| reason.contains(text)),
        Seen::Denied(call, answer) => {
            denials(outcome).any(|denied| denied["syscall"] == call && denied["answered"] == answer && counted(denied))
        }
        Seen::Granted(call) => {
            denials(outcome).chain(outcome["quiet"].as_array().into_iter().flatten()).all(|denied| denied["syscall"] != call)
        }
        Seen::NoDenial => denials(outcome).next().is_none(),
        Seen::Any(choices) => choices.iter().any(|choice| holds(outcome, *choice)),
        Seen::Stdout(text) => stdout.contains(text),
        Seen::NotStdout(text) => !stdout.contains(text),
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("a table's expectation is no JSON: {text}: {error}"))
}

fn denials(outcome: &Value) -> impl Iterator<Item = &Value> {
    outcome["violations"].as_array().into_iter().flatten()
}

/// A recorded denial says how often, with which arguments, and which line of the policy to change.
fn counted(denied: &Value) -> bool {
    denied["count"].as_u64().is_some_and(|count| count > 0)
        && denied["args"].as_array().is_some_and(|args| args.len() == 6)
        && denied["change"] != ""
}

/// An `exceeded` verdict carries the counter that proves it: numbers, a unit and a source. A count of events (kills, refusals) has a scale of its own.
fn proven(verdict: &Value) -> bool {
    let (allowed, seen) = (verdict["allowed"].as_u64(), verdict["seen"].as_u64());
    let events = matches!(verdict["unit"].as_str(), Some("kills" | "refusals"));
    let named = ["unit", "source"].iter().all(|key| verdict[*key].as_str().is_some_and(|text| !text.is_empty()));
    named && allowed.zip(seen).is_some_and(|(allowed, seen)| if events { seen > 0 } else { seen >= allowed })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Value {
        json!({ "verdict": { "kind": "finished" }, "value": { "a": [1, "EPERM"] }, "stdout": { "text": "out" },
            "violations": [{ "syscall": "ptrace", "answered": "EPERM", "count": 1, "args": [0, 0, 0, 0, 0, 0], "change": "x" }] })
    }

    #[test]
    fn each_expectation_can_hold_and_fail() {
        let ok = [
            Seen::Value(r#"{"a":[1,"EPERM"]}"#),
            Seen::At("/a/1", "\"EPERM\""),
            Seen::NotAt("/a/1", "\"ok\""),
            Seen::OneOf("/a/0", &["2", "1"]),
        ];
        compare(&sample(), &ok).unwrap();
        compare(
            &sample(),
            &[
                Seen::Verdict("finished"),
                Seen::Denied("ptrace", "EPERM"),
                Seen::Granted("mount"),
                Seen::Any(&[Seen::Exited(0), Seen::Stdout("out")]),
            ],
        )
        .unwrap();
        let bad = [
            Seen::Value("{}"),
            Seen::At("/a/9", "1"),
            Seen::NotAt("/a/9", "1"),
            Seen::NotAt("/a/0", "1"),
            Seen::OneOf("/a/0", &[]),
            Seen::Verdict("raised"),
        ];
        let worse = [
            Seen::Exceeded("memory"),
            Seen::Exited(0),
            Seen::Signaled("SIGKILL"),
            Seen::Raised("X"),
            Seen::Message(""),
            Seen::Malformed(""),
        ];
        let denials = [
            Seen::Denied("ptrace", "ENOSYS"),
            Seen::Denied("mount", "EPERM"),
            Seen::Granted("ptrace"),
            Seen::NoDenial,
            Seen::Any(&[]),
            Seen::Stdout("x"),
            Seen::NotStdout("out"),
        ];
        for seen in bad.into_iter().chain(worse).chain(denials) {
            assert!(compare(&sample(), &[seen]).is_err(), "{seen:?}");
        }
    }

    #[test]
    fn a_limit_without_its_counter_is_not_proven() {
        let mut outcome =
            json!({ "verdict": { "kind": "exceeded", "limit": "memory", "allowed": 10, "seen": 10, "unit": "bytes", "source": "x" } });
        compare(&outcome, &[Seen::Exceeded("memory")]).unwrap();
        assert!(compare(&outcome, &[Seen::Exceeded("pids")]).is_err());
        outcome["verdict"]["seen"] = json!(9);
        assert!(compare(&outcome, &[Seen::Exceeded("memory")]).is_err());
        outcome["verdict"]["unit"] = json!("kills");
        compare(&outcome, &[Seen::Exceeded("memory")]).unwrap();
        outcome["verdict"]["source"] = json!("");
        assert!(compare(&outcome, &[Seen::Exceeded("memory")]).is_err());
    }
}
