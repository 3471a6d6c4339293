//! What a container's configuration asks for and cannot be held to.
//!
//! Always holds: the field is one of the file's, and every text of the file is quoted.

use std::fmt::{self, Display};

use remand_policy::text::quote;
use serde_json::{Map, Value};

/// Most that are told.
const TOLD: usize = 20;

/// One thing that is beyond what the policy allows, or that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Dotted, such as `linux.namespaces[1].path`.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// The most that is allowed, and where it is said.
    pub most: String,
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.field, self.found, self.most)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Refusals(Vec<Refused>);

impl Refusals {
    /// One more.
    pub fn add(&mut self, field: impl Into<String>, found: impl Into<String>, most: impl Into<String>) {
        if self.0.len() < TOLD {
            self.0.push(Refused { field: field.into(), found: found.into(), most: most.into() });
        }
    }

    /// None, or all.
    pub fn done(self) -> Result<(), Vec<Refused>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    /// The value as an object with no other keys than these.
    pub fn object<'v>(&mut self, field: &str, value: &'v mut Value, keys: &[&str]) -> Option<&'v mut Map<String, Value>> {
        let Value::Object(object) = value else {
            self.add(field, format!("{} is no object", shown(value)), "an object stands here");
            return None;
        };
        for key in object.keys().filter(|key| !keys.contains(&key.as_str())) {
            self.add(join(field, key), "a field that remand oci does not know", "what it would allow cannot be told");
        }
        Some(object)
    }

    /// The value as a list; nothing where there is none.
    pub fn list<'v>(&mut self, field: &str, value: Option<&'v mut Value>) -> &'v mut [Value] {
        match value {
            None | Some(Value::Null) => &mut [],
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.add(field, format!("{} is no list", shown(other)), "a list stands here");
                &mut []
            }
        }
    }

    /// A whole number of at most 64 bits; `None` where there is none.
    pub fn number(&mut self, field: &str, value: Option<&Value>) -> Option<i128> {
        let value = value.filter(|value| !value.is_null())?;
        let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        if number.is_none() {
            self.add(field, format!("{} is no whole number", shown(value)), "a whole number stands here");
        }
        number
    }

    /// A text; `None` where there is none.
    pub fn text<'v>(&mut self, field: &str, value: Option<&'v Value>) -> Option<&'v str> {
        let value = value.filter(|value| !value.is_null())?;
        if !value.is_string() {
            self.add(field, format!("{} is no text", shown(value)), "a text stands here");
        }
        value.as_str()
    }
}

/// A value as a message shows it.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        other => quote(&other.to_string()).trim_matches('"').to_owned(),
    }
}

/// A field's path.
pub fn join(field: &str, key: &str) -> String {
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte));
    let key = if plain { key.to_owned() } else { quote(key) };
    if field.is_empty() { key } else { format!("{field}.{key}") }
}
