//! An event as another process reads it.
//!
//! Always holds: the line is as hostile as a run: nothing of it is believed beyond its form. What a later version says besides is passed over.

use std::borrow::Cow;

use data_encoding::BASE64;
use serde::Deserialize;

use crate::outcome::Outcome;
use crate::output::Channel;

/// What a reader does something about.
#[derive(Debug)]
pub enum Heard {
    /// Something was written, these bytes.
    Output(Channel, Vec<u8>),
    /// So many bytes were dropped here.
    Dropped(Channel, u64),
    /// The run is over.
    Outcome(Box<Outcome>),
    /// There is no outcome.
    Problem {
        /// Why.
        detail: String,
        /// What to do.
        hint: Option<String>,
        /// The exit status of a command.
        exit_status: u8,
    },
    /// Something else.
    Other,
}

/// What is no event.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoEvent(String);

impl From<serde_json::Error> for NoEvent {
    fn from(error: serde_json::Error) -> Self {
        // It may quote what it does not know.
        Self(error.to_string().chars().take(300).collect())
    }
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Output<'a> {
    text: String,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Dropped {
    from: Channel,
    bytes: u64,
}

#[derive(Deserialize)]
struct Over {
    outcome: Box<Outcome>,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
    #[serde(default)]
    hint: Option<String>,
    exit_status: u8,
}

/// Reads a line.
///
/// # Errors
/// It is no event.
pub fn hear(line: &str) -> Result<Heard, NoEvent> {
    let Kind { event } = serde_json::from_str(line)?;
    Ok(match &*event {
        "print" => output(Channel::Print, line)?,
        "stdout" => output(Channel::Stdout, line)?,
        "stderr" => output(Channel::Stderr, line)?,
        "dropped" => {
            let Dropped { from, bytes } = serde_json::from_str(line)?;
            Heard::Dropped(from, bytes)
        }
        "outcome" => {
            let Over { outcome } = serde_json::from_str(line)?;
            if outcome.version != crate::outcome::VERSION {
                return Err(NoEvent(format!("version {} of outcomes is not known here", outcome.version)));
            }
            Heard::Outcome(outcome)
        }
        "problem" => {
            let Problem { detail, hint, exit_status } = serde_json::from_str(line)?;
            Heard::Problem { detail, hint, exit_status }
        }
        _ => Heard::Other,
    })
}

fn output(channel: Channel, line: &str) -> Result<Heard, NoEvent> {
    let Output { text, base64 } = serde_json::from_str(line)?;
    let bytes = base64.map_or_else(|| Ok(text.into_bytes()), |exact| BASE64.decode(exact.as_bytes()));
    bytes.map(|bytes| Heard::Output(channel, bytes)).map_err(|error| NoEvent(format!("base64: {error}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::super::{Event, Problem as Said};
    use super::*;
    use crate::outcome::PolicyRef;
    use crate::verdict::Verdict;

    fn heard(event: &Event<'_>) -> Heard {
        hear(&serde_json::to_string(event).unwrap()).unwrap()
    }

    #[test]
    fn what_is_told_is_heard() {
        let Heard::Output(Channel::Stdout, text) = heard(&Event::Stdout { us: 1, text: "\u{e9}\n", base64: None }) else { panic!() };
        assert_eq!(text, "\u{e9}\n".as_bytes());
        let exact = heard(&Event::Stderr { us: 1, text: "\u{fffd}", base64: Some(b"\xff\0") });
        assert!(matches!(exact, Heard::Output(Channel::Stderr, bytes) if bytes == b"\xff\0"));
        assert!(matches!(heard(&Event::Dropped { us: 1, from: Channel::Print, bytes: 9 }), Heard::Dropped(Channel::Print, 9)));
        let outcome = Outcome::bare(PolicyRef { name: "x".into(), hash: "0".into() }, Verdict::Cancelled);
        assert!(matches!(heard(&Event::Outcome { outcome: &outcome }), Heard::Outcome(read) if read.verdict == Verdict::Cancelled));
        let problem = heard(&Event::Problem { problem: Said { detail: "a", hint: None, exit_status: 2 } });
        assert!(matches!(problem, Heard::Problem { detail, hint: None, exit_status: 2 } if detail == "a"));
        assert!(matches!(hear(r#"{"event": "later", "x": [1]}"#), Ok(Heard::Other)));
    }

    #[test]
    fn what_is_none_is_an_error() {
        for line in [
            "",
            "[]",
            "{}",
            r#"{"event": 1}"#,
            r#"{"event": "stdout"}"#,
            r#"{"event":"stdout","text":"","base64":"*"}"#,
            r#"{"event":"outcome","outcome":{}}"#,
        ] {
            assert!(hear(line).is_err(), "{line}");
        }
        let outcome = Outcome { version: 2, ..Outcome::bare(PolicyRef { name: "x".into(), hash: "0".into() }, Verdict::Cancelled) };
        let later = hear(&serde_json::to_string(&Event::Outcome { outcome: &outcome }).unwrap());
        assert!(later.unwrap_err().to_string().contains("version 2"));
    }
}
