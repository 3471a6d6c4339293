//! The fields of a policy file: each kind of field read into its place.
//!
//! Always holds: what was not understood, or is out of its range, is not written.

use std::ops::RangeInclusive;
use std::path::{Component, Path};

use jsonc_parser::ast::Value;
use remand_syscalls::{Grant, Rules};

use super::read::{Fault, Listed, Readable, Reader, Section};
use super::syscalls::{self, reason};
use super::values;
use crate::field::{Field, Greater, Names, Saying};
use crate::places::{CLOSED_SOURCES, CLOSED_TARGETS, beneath};
use crate::policy::{Fields, Mount, Visitor, Word};
use crate::ranges;
use crate::text::quote;
use crate::units::Number;

/// Reads what `object` has of the fields of `S` into `into`.
pub(crate) fn read<S: Fields>(object: &mut Section<'_, '_, '_>, into: &mut S) {
    S::visit(&mut Into { object, into, chosen: false });
}

struct Into<'v, 'r, 't, 'a, S> {
    object: &'v mut Section<'r, 't, 'a>,
    into: &'v mut S,
    /// Whether a word became another one: the reason of the one before is no reason for this.
    chosen: bool,
}

impl<S> Visitor<S> for Into<'_, '_, '_, '_, S> {
    fn section<T: Fields>(&mut self, field: &Field<S, T>) {
        let into = (field.slot)(self.into);
        self.object.section(field.key(), |object| read(object, into));
    }

    fn number<T: Number>(&mut self, field: &Field<S, T>, range: RangeInclusive<u64>, _: Greater) {
        let Some(value) = self.object.value(field.key()) else { return };
        let Some(amount) = values::number(self.object.reader, field.path, value, T::UNIT, T::LIFTS) else { return };
        let number = T::of(amount);
        let (least, most) = (*range.start(), *range.end());
        let help = match amount.unwrap_or(u64::MAX) {
            amount if amount < least => format!("at least {}", T::UNIT.show(least)),
            amount if amount > most => format!("at most {}", T::UNIT.show(most)),
            _ => {
                *(field.slot)(self.into) = number;
                return self.object.written(field.key());
            }
        };
        self.object.report_at(field.key(), Fault::new(format!("{number} is out of range"), help));
    }

    fn flag(&mut self, field: &Field<S, bool>, _: Greater) {
        self.object.set(field.key(), (field.slot)(self.into));
    }

    fn word<T: Word + Ord>(&mut self, field: &Field<S, T>) {
        let slot = (field.slot)(self.into);
        let before = *slot;
        self.object.set(field.key(), slot);
        self.chosen |= *slot != before;
    }

    fn form<T: Word>(&mut self, field: &Field<S, T>) {
        self.object.set(field.key(), (field.slot)(self.into));
    }

    fn words<T: Word>(&mut self, field: &Field<S, Vec<T>>) {
        self.object.list(field.key(), (field.slot)(self.into), |_| Ok(()));
    }

    fn text(&mut self, field: &Field<S, String>, saying: Saying) {
        let check: fn(&str) -> Result<(), Fault> = match saying {
            Saying::Name => return,
            Saying::Description => return self.description(field),
            Saying::Interpreter => interpreter,
            Saying::Source => |path| place(path, CLOSED_SOURCES),
            Saying::Target => |path| place(path, CLOSED_TARGETS),
        };
        self.object.checked(field.key(), (field.slot)(self.into), |text: &String| check(text));
    }

    fn reason(&mut self, field: &Field<S, Option<String>>, needed: fn(&S) -> Option<(&'static str, &'static str)>) {
        let written = reason(self.object);
        if written.is_some() || self.chosen {
            *(field.slot)(self.into) = written;
        }
        if let (Some((key, what)), None, false) = (needed(self.into), (field.of)(self.into), self.object.reader.request) {
            let fault = Fault::new(format!("{what} is dangerous and has no reason"), "add \"reason\": \"why runs need it\"");
            self.object.report_at(key, fault);
        }
    }

    fn names(&mut self, field: &Field<S, Vec<String>>, names: Names, _: Greater) {
        let list = (field.slot)(self.into);
        let check: fn(&str) -> Result<(), Fault> = match names {
            Names::Modules => module,
            Names::Builtins => identifier,
            Names::Calls => syscalls::known,
            Names::Interpreters => interpreter,
            Names::Variables => pattern,
        };
        self.object.list(field.key(), list, |name: &String| check(name));
        let all = matches!(names, Names::Modules | Names::Interpreters | Names::Variables);
        if all && list.len() > 1 && list.iter().any(|name| name == "*") {
            let fault = Fault::new("\"*\" allows all, so the other names have no effect", "keep either \"*\" or the names");
            self.object.report_at(field.key(), fault);
        }
    }

    fn mounts(&mut self, field: &Field<S, Vec<Mount>>) {
        self.object.list(field.key(), (field.slot)(self.into), |_| Ok(()));
    }

    fn rules(&mut self, field: &Field<S, Rules>) {
        read(self.object, (field.slot)(self.into));
    }

    fn grants(&mut self, field: &Field<S, Vec<Grant>>) {
        let request = self.object.reader.request;
        self.object.list(field.key(), (field.slot)(self.into), |grant| syscalls::check(grant, request));
    }

    fn variables(&mut self, field: &Field<S, Vec<(String, String)>>) {
        if let Some(value) = self.object.value(field.key()) {
            read_environment(self.object.reader, value, (field.slot)(self.into));
        }
    }
}

impl<S> Into<'_, '_, '_, '_, S> {
    /// Not inherited, so a base did not write it. A request has none.
    fn description(&mut self, field: &Field<S, String>) {
        if !self.object.reader.request {
            *(field.slot)(self.into) = self.object.get(field.key()).unwrap_or_default();
            self.object.reader.trace(|origins, _| origins.forget(field.path));
            self.object.written(field.key());
        }
    }
}

impl Readable for Mount {
    fn read(reader: &mut Reader<'_>, field: &str, value: &Value<'_>) -> Option<Self> {
        reader.object(field, value, |section| {
            section.require("source");
            let mut mount = Self::narrowest();
            read(section, &mut mount);
            if section.object.get("target").is_none() && !mount.source.is_empty() {
                match place(&mount.source, CLOSED_TARGETS) {
                    Ok(()) => mount.target.clone_from(&mount.source),
                    Err(fault) => section.report_at("target", fault),
                }
            }
            (!mount.source.is_empty() && !mount.target.is_empty()).then_some(mount)
        })?
    }
}

impl Listed for Mount {
    fn key(&self) -> &str {
        &self.target
    }
}

/// An absolute path in its only spelling, neither the root nor in one of the `closed` trees.
fn place(path: &str, closed: &[&str]) -> Result<(), Fault> {
    let spelled: std::path::PathBuf = Path::new(path).components().filter(|part| *part != Component::CurDir).collect();
    if !path.starts_with('/') {
        let help = match path.chars().next() {
            Some('~' | '$') => "write the whole path: nothing is replaced in a policy",
            _ if path.contains('\\') || path.get(1..2) == Some(":") => "write a path of Linux: it has / and starts with one",
            _ => "start it with /",
        };
        return Err(Fault::new(format!("{} is not absolute", quote(path)), help));
    }
    if Path::new(path).components().any(|part| part == Component::ParentDir) {
        return Err(Fault::new(format!("{} goes up by \"..\"", quote(path)), "write the path it leads to"));
    }
    if spelled.as_os_str() != path {
        return Err(Fault::new(format!("{} has a shorter spelling", quote(path)), format!("write {}", quote(&spelled.to_string_lossy()))));
    }
    // What is longer, no system call takes; only with its NUL is it as long as PATH_MAX.
    if path.len() > ranges::LONGEST_PATH {
        return Err(Fault::new(format!("{} is longer than the {} bytes of a path", quote(path), ranges::LONGEST_PATH), "shorten it"));
    }
    if let Some(name) = path.split('/').find(|name| name.len() > ranges::LONGEST_NAME) {
        return Err(Fault::new(format!("{} is longer than the {} bytes of a name", quote(name), ranges::LONGEST_NAME), "shorten it"));
    }
    match closed.iter().find(|tree| beneath(path, tree)) {
        Some(tree) => Err(Fault { message: format!("{} lies in {tree}, which each run has of its own", quote(path)), help: None }),
        None if path == "/" => Err(Fault::new("the whole root can't be mounted", "name the directories that are needed")),
        None => Ok(()),
    }
}

fn interpreter(path: &str) -> Result<(), Fault> {
    match path {
        "" => Err(Fault::new("no interpreter", "write \"python3\" or an absolute path")),
        name if !name.contains('/') => Ok(()),
        path => place(path, &[]),
    }
}

/// A variable's name, or the beginning of one.
fn pattern(text: &str) -> Result<(), Fault> {
    let start = text.strip_suffix('*').unwrap_or(text);
    if text == "*" || is_variable(start) {
        return Ok(());
    }
    let help = text.contains('=').then(|| "name the variable alone: a request brings the value".to_owned());
    Err(Fault { message: format!("{} is neither a variable's name nor the beginning of one with a * behind", quote(text)), help })
}

/// Whether a text is a variable's name.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn module(name: &str) -> Result<(), Fault> {
    match name.split_once('.') {
        Some((first, _)) if identifier(first).is_ok() => {
            Err(Fault::new(format!("{} names a submodule", quote(name)), format!("write \"{first}\": packages are allowed as a whole")))
        }
        _ if name == "*" => Ok(()),
        _ => identifier(name),
    }
}

fn identifier(name: &str) -> Result<(), Fault> {
    let starts = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if starts && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Ok(());
    }
    let help = name.contains('-').then(|| "write the name that is imported, not the one that is installed".to_owned());
    Err(Fault { message: format!("{} is not a Python name", quote(name)), help })
}

/// Sets variables by name over those of the base; `null` takes one out.
fn read_environment(reader: &mut Reader<'_>, value: &Value<'_>, into: &mut Vec<(String, String)>) {
    reader.object("environment", value, |section| {
        for property in &section.object.properties {
            let name = property.name.as_str();
            section.accept(name);
            let mut report = |message: String| section.reader.report(property.range, "environment", Fault { message, help: None });
            if !is_variable(name) {
                report(format!("{} is not a variable's name", quote(name)));
                continue;
            }
            match &property.value {
                Value::StringLit(text) if text.value.contains('\0') => report(format!("the value of {name} holds a NUL")),
                Value::StringLit(text) if name.len() + text.value.len() + 2 > ranges::LONGEST_VARIABLE => {
                    report(format!("{name} is longer than the kernel takes"))
                }
                Value::StringLit(text) => {
                    match into.iter_mut().find(|(known, _)| known == name) {
                        Some((_, slot)) => *slot = text.value.clone().into_owned(),
                        None => into.push((name.to_owned(), text.value.clone().into_owned())),
                    }
                    section.reader.trace(|origins, file| origins.set(&format!("environment.{name}"), file, text.range));
                }
                Value::NullKeyword(_) => {
                    into.retain(|(known, _)| known != name);
                    section.reader.trace(|origins, _| origins.forget(&format!("environment.{name}")));
                }
                other => {
                    let help = match other {
                        Value::NumberLit(number) => Some(format!("write \"{}\"", number.value)),
                        Value::BooleanLit(literal) => Some(format!("write \"{}\"", literal.value)),
                        _ => None,
                    };
                    section.reader.wrong_type(&format!("environment.{name}"), other, "a text", help);
                }
            }
        }
    });
}
