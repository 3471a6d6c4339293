//! What can be asked about limits: a word for each, the field that it stands for, and how its values are written.
//!
//! Always holds: every number of `limits` in a policy can be asked about.

use serde_json::{Value, json};

use super::error::AskError;
use crate::text::quote;
use crate::units::{Bytes, Cpus, Span};

/// One limit.
#[derive(Debug)]
pub struct Measure {
    /// The word that questions use.
    pub name: &'static str,
    /// The policy's field.
    pub field: &'static str,
    unit: Unit,
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field
    }
}

impl Eq for Measure {}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Bytes,
    Time,
    Cpus,
    Count,
}

/// A value that is asked about, in the unit of the plan; `None` is `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub Option<u64>);

macro_rules! measures {
    ($($name:literal $field:literal $unit:ident;)*) => {
        &[$(Measure { name: $name, field: $field, unit: Unit::$unit }),*]
    };
}

const MEASURES: &[Measure] = measures! {
    "wall_time" "limits.wall_time" Time;
    "cpu_time" "limits.cpu_time" Time;
    "cpus" "limits.cpus" Cpus;
    "memory" "limits.memory" Bytes;
    "pids" "limits.pids" Count;
    "open_files" "limits.open_files" Count;
    "file_size" "limits.file_size" Bytes;
    "stack" "limits.stack" Bytes;
    "stdout" "limits.stdout" Bytes;
    "stderr" "limits.stderr" Bytes;
    "prints" "limits.prints" Bytes;
    "result_size" "limits.result_size" Bytes;
    "result_depth" "limits.result_depth" Count;
    "result_nodes" "limits.result_nodes" Count;
    "job_size" "limits.job_size" Bytes;
    "tmp" "filesystem.tmp.size" Bytes;
    "tmp_inodes" "filesystem.tmp.inodes" Count;
};

/// The words that limits are asked by.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MEASURES.iter().map(|measure| measure.name)
}

/// The limit that a word names, by itself or as a field, and what follows a `=` in the word.
pub(crate) fn find(word: &str) -> Option<(&'static Measure, Option<&str>)> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let fits =
        |measure: &&Measure| measure.name == name || measure.field == name || measure.field.strip_prefix("filesystem.") == Some(name);
    MEASURES.iter().find(fits).map(|measure| (measure, value))
}

/// The value asked about.
pub(crate) fn parse(measure: &Measure, written: Option<&str>, rest: &[&str]) -> Result<Amount, AskError> {
    let example = measure.unit.example();
    let text = match (written, rest) {
        (Some(text), []) => text,
        (None, [text]) => text,
        _ => return Err(AskError::new(format!("\"{}\" takes one value", measure.name), format!("write {} {example}", measure.name))),
    };
    if text == "unlimited" {
        return Ok(Amount(None));
    }
    let quantity = match measure.unit {
        Unit::Bytes => text.parse::<Bytes>().map(|bytes| bytes.0),
        Unit::Time => text.parse::<Span>().map(|span| span.0),
        Unit::Cpus => text.parse::<Cpus>().map(|cpus| cpus.0.into()),
        Unit::Count => {
            let count = text
                .parse()
                .map_err(|_| AskError::new(format!("{} is no count", quote(text)), format!("write {} {example}", measure.name)));
            return count.map(|count| Amount(Some(count)));
        }
    };
    quantity.map(|value| Amount(Some(value))).map_err(|error| AskError { message: error.to_string(), help: error.help() })
}

impl Measure {
    /// A value in the unit of the plan, for people; `None` is `unlimited`.
    #[must_use]
    pub fn show(&self, value: Option<u64>) -> String {
        self.unit.show(value)
    }

    /// The same as a policy file writes it.
    #[must_use]
    pub fn json(&self, value: Option<u64>) -> Value {
        self.unit.json(value)
    }
}

impl Unit {
    fn example(self) -> &'static str {
        match self {
            Self::Bytes => "256MiB",
            Self::Time => "10s",
            Self::Cpus => "1.5",
            Self::Count => "100",
        }
    }

    fn show(self, value: Option<u64>) -> String {
        match (self, value) {
            (_, None) => "unlimited".to_owned(),
            (Self::Bytes, Some(value)) => Bytes(value).to_string(),
            (Self::Time, Some(value)) => Span(value).to_string(),
            (Self::Cpus, Some(value)) => Cpus(u32::try_from(value).unwrap_or(u32::MAX)).to_string(),
            (Self::Count, Some(value)) => value.to_string(),
        }
    }

    /// As a policy file writes it.
    fn json(self, value: Option<u64>) -> Value {
        let shown = self.show(value);
        match (self, value) {
            (Self::Cpus | Self::Count, Some(_)) => shown.parse::<serde_json::Number>().map_or(Value::Null, Value::Number),
            _ => json!(shown),
        }
    }
}
