//! How single values are written: quantities, counts, words, texts, system calls, mounts.
//!
//! Always holds: every refusal says what to write instead where that can be known.

use std::str::FromStr;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::read::{Fault, Listed, Readable, Reader};
use crate::field::Word;
use crate::ranges::TEXT;
use crate::text::{did_you_mean, quote};
use crate::units::{Bytes, Cpus, Span, Unit, UnitError};

impl From<UnitError> for Fault {
    fn from(error: UnitError) -> Self {
        Self { message: error.to_string(), help: error.help() }
    }
}

fn quantity<T: FromStr<Err = UnitError>>(reader: &mut Reader<'_>, field: &str, value: &Value<'_>, expected: &str) -> Option<T> {
    let text = match value {
        Value::StringLit(text) if text.value == "unlimited" => {
            reader.wrong_type(field, value, expected, Some("this limit can't be lifted".to_owned()));
            return None;
        }
        Value::StringLit(text) => &*text.value,
        // A bare number: the type's own parser knows what to say about it.
        Value::NumberLit(number) => number.value,
        _ => {
            reader.wrong_type(field, value, expected, None);
            return None;
        }
    };
    match text.parse() {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            reader.report(value.range(), field, error.into());
            None
        }
    }
}

/// An amount of `unit`; of one that `lifts`, `None` is `unlimited`.
pub(super) fn number(reader: &mut Reader<'_>, field: &str, value: &Value<'_>, unit: Unit, lifts: bool) -> Option<Option<u64>> {
    if !lifts {
        return amount(reader, field, value, unit).map(Some);
    }
    let lifted = |word: &str| word.eq_ignore_ascii_case("unlimited") || ["infinity", "inf", "none", "max"].contains(&word);
    match value {
        Value::StringLit(text) if text.value == "unlimited" => return Some(None),
        Value::StringLit(text) if lifted(&text.value) => {}
        Value::NumberLit(number) if number.value == "-1" => {}
        _ => {
            // "0" is often meant as "none": say so instead of asking for its unit.
            let zero = matches!(value, Value::NumberLit(number) if number.value == "0");
            let read = if zero { Some(0) } else { amount(reader, field, value, unit) };
            if read == Some(0) {
                reader.report(value.range(), field, UnitError::Zero { text: unit.show(0) }.into());
            }
            return read.filter(|amount| *amount > 0).map(Some);
        }
    }
    reader.wrong_type(field, value, "a limit", Some("write \"unlimited\" to lift it".to_owned()));
    None
}

fn amount(reader: &mut Reader<'_>, field: &str, value: &Value<'_>, unit: Unit) -> Option<u64> {
    match (unit, value) {
        (Unit::Bytes, _) => quantity(reader, field, value, "an amount such as \"64MiB\"").map(|bytes: Bytes| bytes.0),
        (Unit::Time, _) => quantity(reader, field, value, "a time such as \"10s\"").map(|span: Span| span.0),
        (Unit::Cpus, Value::StringLit(text)) => {
            let help = text.value.parse().map_or("write 1 or 0.5".to_owned(), |cpus: Cpus| format!("write {cpus}, without quotes"));
            reader.wrong_type(field, value, "a number of CPUs", Some(help));
            None
        }
        (Unit::Cpus, _) => quantity(reader, field, value, "a number of CPUs").map(|cpus: Cpus| cpus.0.into()),
        (Unit::Count, _) => u64::read(reader, field, value),
    }
}

impl Readable for u64 {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        const EXPECTED: &str = "a whole number from 0 on";
        let help = match value {
            Value::NumberLit(number) => match number.value.parse() {
                Ok(parsed) => return Some(parsed),
                Err(_) if number.value.bytes().all(|b| b.is_ascii_digit()) => Some(format!("at most {}", Self::MAX)),
                Err(_) => None,
            },
            Value::StringLit(text) if text.value.parse::<Self>().is_ok() => Some(format!("write {}, without quotes", text.value)),
            Value::StringLit(text) if text.value == "unlimited" => Some("this limit can't be lifted".to_owned()),
            _ => None,
        };
        reader.wrong_type(field, value, EXPECTED, help);
        None
    }
}

impl Readable for bool {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        if let Value::BooleanLit(literal) = value {
            return Some(literal.value);
        }
        let help = match value {
            Value::StringLit(text) if ["true", "false"].contains(&&*text.value) => Some("write it without quotes"),
            Value::StringLit(text) => match text.value.to_lowercase().as_str() {
                "yes" | "on" | "true" | "1" => Some("write true, without quotes"),
                "no" | "off" | "false" | "0" => Some("write false, without quotes"),
                _ => None,
            },
            Value::NumberLit(number) if number.value == "1" => Some("write true"),
            Value::NumberLit(number) if number.value == "0" => Some("write false"),
            _ => None,
        };
        reader.wrong_type(field, value, "true or false", help.map(str::to_owned));
        None
    }
}

impl Readable for String {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        let Value::StringLit(text) = value else {
            reader.wrong_type(field, value, "a text in double quotes", None);
            return None;
        };
        let fault = if text.value.chars().any(char::is_control) {
            Fault { message: format!("{} has control characters", quote(&text.value)), help: None }
        } else if text.value.len() > TEXT {
            Fault { message: format!("longer than {TEXT} bytes"), help: None }
        } else {
            return Some(text.value.clone().into_owned());
        };
        reader.report(text.range, field, fault);
        None
    }
}

impl Listed for String {
    fn key(&self) -> &str {
        self
    }
}

impl<T: Word> Readable for T {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        let known = || T::WORDS.iter().map(|(word, _)| *word);
        // `--set FIELD=null` means the word, where there is one.
        let null = T::WORDS.iter().find(|(word, _)| *word == "null" && matches!(value, Value::NullKeyword(_)));
        if let Some((_, value)) = null {
            return Some(*value);
        }
        let Value::StringLit(text) = value else {
            reader.wrong_type(field, value, "a word", Some(format!("one of: {}", known().collect::<Vec<_>>().join(", "))));
            return None;
        };
        let found = T::WORDS.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
        if found.is_none() {
            let fault = Fault { message: format!("unknown word {}", quote(&text.value)), help: did_you_mean(&text.value, known()) };
            reader.report(text.range, field, fault);
        }
        found
    }
}

impl<T: Word> Listed for T {
    fn key(&self) -> &str {
        self.word()
    }
}
