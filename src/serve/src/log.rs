//! What the supervisor says of what it does: a line each, for people or as JSON.
//!
//! Always holds: a line is one line, whatever a client wrote; nothing of a run's code or data is in it.

use std::time::{SystemTime, UNIX_EPOCH};

use remand_policy::text::terminal::escape_line;
use serde_json::{Map, Value, json};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// For people.
    #[default]
    Plain,
    /// An object each.
    Json,
}

/// Where lines go.
pub struct Log<'s> {
    form: Form,
    say: Box<dyn Fn(&str) + 's>,
}

impl<'s> Log<'s> {
    /// In this form, a line at a time without its end.
    pub fn new(form: Form, say: impl Fn(&str) + 's) -> Self {
        Self { form, say: Box::new(say) }
    }

    /// Says that something happened, with what there is to know of it.
    pub fn say(&self, event: &str, fields: Value) {
        (self.say)(&line(self.form, event, fields, SystemTime::now()));
    }
}

fn line(form: Form, event: &str, fields: Value, now: SystemTime) -> String {
    let Value::Object(fields) = fields else { return event.to_owned() };
    match form {
        Form::Json => {
            let time = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
            let mut whole =
                Map::from_iter([("unix_ms".to_owned(), json!(u64::try_from(time).unwrap_or(0))), ("event".to_owned(), event.into())]);
            whole.extend(fields);
            Value::Object(whole).to_string()
        }
        Form::Plain => fields.iter().filter(|(_, value)| !value.is_null()).fold(event.to_owned(), |line, (name, value)| {
            let shown = value.as_str().map_or_else(|| value.to_string(), |text| escape_line(text).into_owned());
            if shown.contains(' ') { format!("{line} {name}=\"{shown}\"") } else { format!("{line} {name}={shown}") }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_whatever_a_client_wrote() {
        let fields = || json!({ "user": 7, "policy": "a\nb \u{1b}[2J", "none": null });
        assert_eq!(line(Form::Plain, "run", fields(), UNIX_EPOCH), "run user=7 policy=\"a\\nb \\u{1b}[2J\"");
        let json = line(Form::Json, "run", fields(), UNIX_EPOCH);
        assert_eq!(json, "{\"unix_ms\":0,\"event\":\"run\",\"user\":7,\"policy\":\"a\\nb \\u001b[2J\",\"none\":null}");
    }
}
