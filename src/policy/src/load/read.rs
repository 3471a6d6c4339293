//! Reading one object of a policy file: every key that is asked for is known, every other key is a problem.
//!
//! Always holds: a slot is written only with a value that was understood and passed its check; everything else became a problem. Work per file is
//! bounded: lists and objects are capped, and so is the number of problems.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::{Range, Ranged};

use super::meant;
use super::origins::Origins;
use super::shape::{Form, shape};
use crate::ranges::ENTRIES;
use crate::text::{Problem, Text, did_you_mean, quote};

/// Problems reported for one file; more help nobody.
const PROBLEMS: usize = 100;

/// A value that was read but can't stand: what is wrong, and what to write.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

/// Where problems go while one text is read.
pub(crate) struct Reader<'t> {
    pub text: Text<'t>,
    pub problems: Vec<Problem>,
    /// A request restates grants of a policy that has given its reasons, and is checked by narrowing instead of for contradictions.
    pub request: bool,
    /// Where values were written, if anybody asks.
    pub origins: Option<Origins>,
}

impl<'t> Reader<'t> {
    pub fn new(text: Text<'t>, request: bool) -> Self {
        Self { text, problems: Vec::new(), request, origins: None }
    }

    pub fn report(&mut self, range: Range, field: &str, fault: Fault) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(self.text.problem(range, field, fault.message, fault.help));
        }
    }

    /// Does `record` with the origins, if they are asked for.
    pub fn trace(&mut self, record: impl FnOnce(&mut Origins, Text<'t>)) {
        if let Some(origins) = &mut self.origins {
            record(origins, self.text);
        }
    }

    /// Reports a value of the wrong type; the help says what to write.
    pub fn wrong_type(&mut self, field: &str, value: &Value<'_>, expected: &str, help: Option<String>) {
        self.wrong_form(field, value, (Form::Single, expected), help);
    }

    fn wrong_form(&mut self, field: &str, value: &Value<'_>, (form, expected): (Form, &str), help: Option<String>) {
        let found = match value {
            Value::StringLit(text) => format!("the text {}", quote(&text.value)),
            Value::NumberLit(number) => format!("the number {}", quote(number.value).trim_matches('"')),
            Value::BooleanLit(literal) => literal.value.to_string(),
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::NullKeyword(_) => "null".to_owned(),
        };
        let null = matches!(value, Value::NullKeyword(_)).then(|| "leave the key out to inherit its value".to_owned());
        let help = help.or(null).or_else(|| shape(field, value, form));
        self.report(value.range(), field, Fault { message: format!("expected {expected}, found {found}"), help });
    }

    /// Reads an object: `read` asks for its keys, what was not asked for is unknown.
    pub fn object<'a, R>(&mut self, field: &str, value: &'a Value<'a>, read: impl FnOnce(&mut Section<'_, 't, 'a>) -> R) -> Option<R> {
        let Value::Object(object) = value else {
            self.wrong_form(field, value, (Form::Object, "an object"), None);
            return None;
        };
        if object.properties.len() > ENTRIES {
            self.report(value.range(), field, Fault::new(format!("more than {ENTRIES} keys"), "split or shorten it"));
            return None;
        }
        let mut section = Section { reader: self, object, field: field.to_owned(), known: Vec::new() };
        section.duplicates();
        let result = read(&mut section);
        section.unknown();
        Some(result)
    }

    /// Reads the elements of an array; `None` where it is none, or too long.
    pub fn elements<'a, T: Readable>(&mut self, field: &str, value: &'a Value<'a>, expected: &str) -> Option<Vec<(T, Range)>> {
        let Value::Array(array) = value else {
            self.wrong_form(field, value, (Form::List, expected), None);
            return None;
        };
        if array.elements.len() > ENTRIES {
            self.report(value.range(), field, Fault::new(format!("more than {ENTRIES} entries"), "shorten the list"));
            return None;
        }
        let read =
            |(index, element): (usize, &'a Value<'a>)| Some((T::read(self, &format!("{field}[{index}]"), element)?, element.range()));
        Some(array.elements.iter().enumerate().filter_map(read).collect())
    }
}

/// A type that a policy file can hold. `read` reports what is wrong.
pub(crate) trait Readable: Sized {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self>;
}

/// A type that lists hold.
pub(crate) trait Listed: Readable {
    /// What `remove` calls it.
    fn key(&self) -> &str;

    /// Why both can't stand in one list.
    fn clash(&self, earlier: &Self) -> Option<String> {
        (self.key() == earlier.key()).then(|| format!("{} is listed twice", quote(self.key())))
    }
}

/// One object being read.
pub(crate) struct Section<'r, 't, 'a> {
    pub reader: &'r mut Reader<'t>,
    pub object: &'a Object<'a>,
    pub field: String,
    known: Vec<&'a str>,
}

impl<'a> Section<'_, '_, 'a> {
    pub fn path(&self, key: &str) -> String {
        if self.field.is_empty() { key.to_owned() } else { format!("{}.{key}", self.field) }
    }

    /// Makes `key` a known one that the caller reads itself.
    pub fn accept(&mut self, key: &'a str) {
        self.known.push(key);
    }

    pub fn value(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.known.push(key);
        self.object.properties.iter().find(|property| property.name.as_str() == key).map(|property| &property.value)
    }

    /// The value of `key`, if it is there and was understood.
    pub fn get<T: Readable>(&mut self, key: &'static str) -> Option<T> {
        let value = self.value(key)?;
        T::read(self.reader, &self.path(key), value)
    }

    /// Like [`Section::get`] for a key that must be there.
    pub fn need<T: Readable>(&mut self, key: &'static str) -> Option<T> {
        self.require(key);
        self.get(key)
    }

    /// Reports a key that must be there and is not.
    pub fn require(&mut self, key: &'static str) {
        if self.object.get(key).is_none() {
            let help = (self.field.is_empty() && key == "version").then(|| "write \"version\": 1".to_owned());
            self.report_here(Fault { message: format!("\"{key}\" is missing"), help });
        }
    }

    /// Overwrites `slot` where `key` is there and passes `check`.
    pub fn checked<T: Readable>(&mut self, key: &'static str, slot: &mut T, check: impl FnOnce(&T) -> Result<(), Fault>) {
        let Some(value) = self.get::<T>(key) else { return };
        match check(&value) {
            Ok(()) => {
                *slot = value;
                self.written(key);
            }
            Err(fault) => self.report_at(key, fault),
        }
    }

    /// Notes that the value of `key` comes from here.
    pub fn written(&mut self, key: &str) {
        if self.reader.origins.is_some()
            && let Some(property) = self.object.get(key)
        {
            let (field, range) = (self.path(key), property.value.range());
            self.reader.trace(|origins, text| origins.set(&field, text, range));
        }
    }

    pub fn set<T: Readable>(&mut self, key: &'static str, slot: &mut T) {
        self.checked(key, slot, |_| Ok(()));
    }

    /// A list, or `{"add": [...], "remove": [...]}` over what `slot` holds.
    pub fn list<T: Listed>(&mut self, key: &'static str, slot: &mut Vec<T>, check: impl Fn(&T) -> Result<(), Fault>) {
        let Some(value) = self.value(key) else { return };
        let field = self.path(key);
        let mut added = None;
        self.written(key);
        // An object without either word is no edit of a list but a list in another tool's form.
        let edits = matches!(value, Value::Object(edit) if edit.properties.is_empty() || ["add", "remove"].iter().any(|key| edit.get(key).is_some()));
        if edits {
            self.reader.object(&field, value, |edit| {
                edit.remove(slot, &field);
                added = edit.value("add").and_then(|list| edit.reader.elements::<T>(&edit.path("add"), list, "a list"));
            });
        } else {
            added = self.reader.elements(&field, value, "a list, or {\"add\": [...], \"remove\": [...]}");
            slot.clear();
            self.reader.trace(|origins, _| origins.retain(&field, &[false; ENTRIES]));
        }
        for (entry, range) in added.into_iter().flatten() {
            let clash = slot.iter().find_map(|earlier| entry.clash(earlier));
            match clash.map_or_else(|| check(&entry), |message| Err(Fault { message, help: None })) {
                Ok(()) => {
                    slot.push(entry);
                    self.reader.trace(|origins, text| origins.push(&field, text, range));
                }
                Err(fault) => self.reader.report(range, &field, fault),
            }
        }
    }

    fn remove<T: Listed>(&mut self, slot: &mut Vec<T>, list: &str) {
        let Some(value) = self.value("remove") else { return };
        let field = self.path("remove");
        for (name, range) in self.reader.elements::<String>(&field, value, "a list of names").into_iter().flatten() {
            let before = slot.len();
            let help = did_you_mean(&name, slot.iter().map(T::key));
            let keep: Vec<bool> = slot.iter().map(|entry| entry.key() != name).collect();
            slot.retain(|entry| entry.key() != name);
            self.reader.trace(|origins, _| origins.retain(list, &keep));
            if slot.len() == before {
                let message = format!("{} is not in the list that this file starts from", quote(&name));
                self.reader.report(range, &field, Fault { message, help });
            }
        }
    }

    /// A section below this one.
    pub fn section(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_, '_, 'a>)) {
        let Some(value) = self.value(key) else { return };
        let field = self.path(key);
        self.reader.object(&field, value, read);
    }

    /// Reports at the value of `key`, or at this object where it is missing.
    pub fn report_at(&mut self, key: &str, fault: Fault) {
        let range = self.object.get(key).map_or(self.object.range, |property| property.value.range());
        let field = self.path(key);
        self.reader.report(range, &field, fault);
    }

    /// Reports at the opening brace: something is missing in this object.
    pub fn report_here(&mut self, fault: Fault) {
        let start = self.object.range.start;
        let field = self.field.clone();
        self.reader.report(Range::new(start, start + 1), &field, fault);
    }

    fn duplicates(&mut self) {
        for (index, property) in self.object.properties.iter().enumerate() {
            let name = property.name.as_str();
            if self.object.properties.iter().take(index).any(|earlier| earlier.name.as_str() == name) {
                let fault = Fault::new(format!("the key {} is written twice", quote(name)), "keep one of them");
                self.reader.report(property.name.range(), &self.field, fault);
            }
        }
    }

    fn unknown(&mut self) {
        for property in &self.object.properties {
            let name = property.name.as_str();
            if !self.known.contains(&name) {
                let help = meant::key(name, &self.field, self.known.iter().copied());
                self.reader.report(property.name.range(), &self.field, Fault { message: format!("unknown key {}", quote(name)), help });
            }
        }
    }
}
