//! How single values are written: quantities, counts, words, texts, system calls, mounts.
//!
//! Always holds: every refusal says what to write instead where that can be known.

use std::str::FromStr;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::read::{Fault, Field, Listed, Reader};
use crate::policy::{Device, Enforce, NetworkMode, Word};
use crate::question::Is;
use crate::ranges::TEXT;
use crate::text::{did_you_mean, quote};
use crate::units::{Bytes, Cpus, Limit, Quantity, Span, UnitError};

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

impl Field for Bytes {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        quantity(reader, field, value, "an amount such as \"64MiB\"")
    }
}

impl Field for Span {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        quantity(reader, field, value, "a time such as \"10s\"")
    }
}

impl Field for Cpus {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        if let Value::StringLit(text) = value {
            let help = text.value.parse::<Self>().map_or("write 1 or 0.5".to_owned(), |cpus| format!("write {cpus}, without quotes"));
            reader.wrong_type(field, value, "a number of CPUs", Some(help));
            return None;
        }
        quantity(reader, field, value, "a number of CPUs")
    }
}

impl Field for u64 {
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

impl Field for u32 {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        // What does not fit is out of every range that a field of this type has.
        u64::read(reader, field, value).map(|wide| Self::try_from(wide).unwrap_or(Self::MAX))
    }
}

impl<T: Field + Quantity> Field for Limit<T> {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        if let Value::StringLit(text) = value {
            match &*text.value {
                "unlimited" => return Some(Self::Unlimited),
                word if word.eq_ignore_ascii_case("unlimited") || ["infinity", "inf", "none", "max"].contains(&word) => {
                    reader.wrong_type(field, value, "a limit", Some("write \"unlimited\" to lift it".to_owned()));
                    return None;
                }
                _ => {}
            }
        }
        if matches!(value, Value::NumberLit(number) if number.value == "-1") {
            reader.wrong_type(field, value, "a limit", Some("write \"unlimited\" to lift it".to_owned()));
            return None;
        }
        // "0" is often meant as "none": say so instead of asking for its unit.
        let zero = matches!(value, Value::NumberLit(number) if number.value == "0");
        let read = if zero { Some(T::ZERO) } else { T::read(reader, field, value) };
        Self::at(read?).map_err(|error| reader.report(value.range(), field, error.into())).ok()
    }
}

impl Field for bool {
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

impl Field for String {
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

fn word<T: Word>(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<T> {
    let known = || T::WORDS.iter().map(|(word, _)| *word);
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

impl Field for Enforce {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        word(reader, field, value)
    }
}

impl Field for NetworkMode {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        word(reader, field, value)
    }
}

impl Field for Device {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        word(reader, field, value)
    }
}

impl Field for Is {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        word(reader, field, value)
    }
}

impl Listed for Device {
    fn key(&self) -> &str {
        self.word()
    }
}
