//! A JSON text's value without loss: numbers as written, keys in order, the ones that are written twice too.
//!
//! Always holds: two texts have equal trees exactly if they differ in white space, comments, commas and escapes of strings only.

use jsonc_parser::ast::Value as Ast;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl From<&Ast<'_>> for Tree {
    fn from(ast: &Ast<'_>) -> Self {
        match ast {
            Ast::NullKeyword(_) => Self::Null,
            Ast::BooleanLit(literal) => Self::Bool(literal.value),
            Ast::NumberLit(number) => Self::Number(number.value.to_owned()),
            Ast::StringLit(text) => Self::Text(text.value.clone().into_owned()),
            Ast::Array(array) => Self::List(array.elements.iter().map(Self::from).collect()),
            Ast::Object(object) => {
                Self::Object(object.properties.iter().map(|p| (p.name.as_str().to_owned(), Self::from(&p.value))).collect())
            }
        }
    }
}

impl From<&Value> for Tree {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(values) => Self::List(values.iter().map(Self::from).collect()),
            Value::Object(map) => Self::Object(map.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect()),
        }
    }
}

impl Tree {
    /// The value below these keys.
    pub fn at(&mut self, keys: &[&str]) -> Option<&mut Self> {
        keys.iter().try_fold(self, |tree, key| match tree {
            Self::Object(pairs) => pairs.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        })
    }

    /// Puts a value below these keys; objects that are missing are made. Does nothing where something else is in the way.
    pub fn put(&mut self, keys: &[&str], value: &Value) {
        let Some((key, rest)) = keys.split_first() else {
            *self = Self::from(value);
            return;
        };
        let Self::Object(pairs) = self else { return };
        let known = pairs.iter().position(|(name, _)| name == key);
        let index = known.unwrap_or_else(|| {
            pairs.push(((*key).to_owned(), Self::Object(Vec::new())));
            pairs.len() - 1
        });
        if let Some((_, slot)) = pairs.get_mut(index) {
            slot.put(rest, value);
        }
    }

    /// Takes a key out; whether it was there.
    pub fn drop(&mut self, key: &str) -> bool {
        let Self::Object(pairs) = self else { return false };
        let before = pairs.len();
        pairs.retain(|(name, _)| name != key);
        pairs.len() < before
    }

    /// The entries of a list.
    pub fn list(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::List(entries) = self { Some(entries) } else { None }
    }

    /// What a list's `remove` calls this entry.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(pairs) => ["call", "target", "source"].iter().find_map(|key| {
                let (_, value) = pairs.iter().find(|(name, _)| name == key)?;
                if let Self::Text(text) = value { Some(text.as_str()) } else { None }
            }),
            _ => None,
        }
    }
}
