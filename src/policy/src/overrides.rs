//! What a request makes of a policy.
//!
//! Always holds: the result allows nothing that the policy does not.

use jsonc_parser::ast::{Array, BooleanLit, NullKeyword, NumberLit, Object, ObjectProp, ObjectPropName, StringLit, Value as Ast};
use jsonc_parser::common::Range;
use serde_json::{Map, Value};

use crate::load::read::Reader;
use crate::load::{finish, sections};
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
    let mut count = 0;
    let ast = counted(overrides, &mut count);
    // A request has no text: the place of a value is its number.
    let places = " ".repeat(count);
    let text = Text { file: "request", text: &places, skipped: 0 };
    let mut asked = policy.clone();
    let mut reader = Reader::new(text, true);
    reader.object("", &ast, |root| sections::read(root, &mut asked));
    finish(reader.problems)?;
    narrow::narrow(policy, asked).map_err(|widened| {
        let problem = |w: narrow::Widened| text.problem(Range::new(0, 0), &w.field, w.reason(), None);
        widened.into_iter().map(problem).collect()
    })
}

/// A tree as the reader takes it, its values counted in their order.
fn counted<'v>(value: &'v Value, count: &mut usize) -> Ast<'v> {
    let range = Range::new(*count, *count + 1);
    *count += 1;
    let text = |text: &'v str| StringLit { range, value: text.into() };
    match value {
        Value::Null => Ast::NullKeyword(NullKeyword { range }),
        Value::Bool(value) => Ast::BooleanLit(BooleanLit { range, value: *value }),
        Value::Number(number) => Ast::NumberLit(NumberLit { range, value: number.as_str() }),
        Value::String(value) => Ast::StringLit(text(value)),
        Value::Array(list) => Ast::Array(Array { range, elements: list.iter().map(|element| counted(element, count)).collect() }),
        Value::Object(map) => {
            let property = |(key, value): (&'v String, &'v Value)| ObjectProp {
                range,
                name: ObjectPropName::String(text(key)),
                value: counted(value, count),
            };
            Ast::Object(Object { range, properties: map.iter().map(property).collect() })
        }
    }
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
