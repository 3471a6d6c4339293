//! What a request makes of a policy.
//!
//! Always holds: the result allows nothing that the policy does not.

use jsonc_parser::common::Range;
use serde_json::{Map, Value};

use crate::load::read::Reader;
use crate::load::{finish, sections, syntax};
use crate::narrow;
use crate::policy::Policy;
use crate::text::{Problem, Text, quote};

/// What a request makes of a policy: the policy narrowed by `overrides`, a tree of the same shape as a policy file's sections.
///
/// # Errors
/// Every override that was not understood; if there is none, every one that asks for more than the policy allows.
pub fn apply(policy: &Policy, overrides: &Value) -> Result<Policy, Vec<Problem>> {
    if matches!(overrides, Value::Null) || matches!(overrides, Value::Object(map) if map.is_empty()) {
        return Ok(policy.clone());
    }
    let json = overrides.to_string();
    let text = Text { file: "request", text: &json, skipped: 0 };
    let ast = syntax(text)?;
    let mut asked = policy.clone();
    let mut reader = Reader::new(text, true);
    reader.object("", &ast, |root| sections::read(root, &mut asked));
    finish(reader.problems)?;
    narrow::narrow(policy, asked).map_err(|widened| {
        let problem = |w: narrow::Widened| text.problem(Range::new(0, json.len()), &w.field, w.reason(), None);
        widened.into_iter().map(problem).collect()
    })
}

/// Puts one `--set` pair, such as `limits.memory` and `64MiB`, into a tree for [`apply`]. `text` is JSON (`8`, `true`, `["json"]`) or else a plain
/// text (`64MiB`, `required`).
///
/// # Errors
/// A path that is empty, or leads through a value that is no object. Whether fields of that name exist, `apply` checks.
pub fn set(tree: &mut Value, path: &str, text: &str) -> Result<(), Box<Problem>> {
    let problem = |message: String| {
        let text = Text { file: "--set", text: path, skipped: 0 };
        Box::new(text.problem(Range::new(0, path.len()), path, message, Some("write --set limits.memory=64MiB".to_owned())))
    };
    if path.len() > 256 || path.split('.').any(str::is_empty) {
        return Err(problem(format!("{} is no field", quote(path))));
    }
    let mut slot = tree;
    for key in path.split('.') {
        if slot.is_null() {
            *slot = Value::Object(Map::new());
        }
        let Value::Object(map) = slot else {
            return Err(problem("an earlier --set has put a plain value above this field".to_owned()));
        };
        slot = map.entry(key).or_insert(Value::Null);
    }
    // Every variable is a text, numbers too.
    let plain = path.starts_with("environment.");
    *slot = if plain { Value::from(text) } else { serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)) };
    Ok(())
}
