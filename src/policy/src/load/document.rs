//! Files of other grammars in the notation of policies: the same comments, the same problems at the same exactness.
//!
//! Always holds: a key that was not asked for is a problem; what was read is handed out only where there is none.

use std::ops::RangeInclusive;

use super::finish;
use super::read::{Fault, Reader, Section};
use super::syntax;
use crate::field::Word;
use crate::source::Source;
use crate::text::{Problem, did_you_mean, quote};

/// One object of such a file.
pub struct Keys<'s, 'r, 't, 'a>(&'s mut Section<'r, 't, 'a>);

/// Reads a file whose `version` is 1.
///
/// # Errors
/// Every problem; only the first where the text is no JSON.
pub fn document<R: Default>(source: &Source, read: impl FnOnce(&mut Keys<'_, '_, '_, '_>) -> R) -> Result<R, Vec<Problem>> {
    let text = source.text()?;
    let ast = syntax::tree(text)?;
    let mut reader = Reader::new(text, false);
    let found = reader.object("", &ast, |root| {
        super::head(root);
        read(&mut Keys(root))
    });
    finish(reader.problems)?;
    Ok(found.unwrap_or_default())
}

impl Keys<'_, '_, '_, '_> {
    /// A text that passes `check`, whose fault is what is wrong and what to write.
    pub fn text(&mut self, key: &'static str, check: impl FnOnce(&str) -> Result<(), (String, String)>) -> Option<String> {
        let text: String = self.0.get(key)?;
        match check(&text) {
            Ok(()) => Some(text),
            Err((message, help)) => {
                self.0.report_at(key, Fault::new(message, help));
                None
            }
        }
    }

    /// A list of texts; empty where the key is not there.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        let mut texts = Vec::new();
        self.0.list(key, &mut texts, |_: &String| Ok(()));
        texts
    }

    /// One of a closed list of words.
    pub fn word<W: Word>(&mut self, key: &'static str) -> Option<W> {
        let text: String = self.0.get(key)?;
        let found = W::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let help = did_you_mean(&text, W::WORDS.iter().map(|(word, _)| *word));
            self.0.report_at(key, Fault { message: format!("{} is none of the words that can stand here", quote(&text)), help });
        }
        found
    }

    /// An object below this one.
    pub fn object<R>(&mut self, key: &'static str, read: impl FnOnce(&mut Keys<'_, '_, '_, '_>) -> R) -> Option<R> {
        let value = self.0.value(key)?;
        let field = self.0.path(key);
        self.0.reader.object(&field, value, |section| read(&mut Keys(section)))
    }

    /// A whole number within this range.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let number: u64 = self.0.get(key)?;
        if range.contains(&number) {
            return Some(number);
        }
        self.0
            .report_at(key, Fault::new(format!("{number} is not from {} to {}", range.start(), range.end()), "write a number in between"));
        None
    }

    /// Objects below this one by names of their own, each with its name.
    pub fn objects<R>(&mut self, key: &'static str, mut read: impl FnMut(&mut Keys<'_, '_, '_, '_>) -> R) -> Vec<(String, R)> {
        let mut found = Vec::new();
        self.0.section(key, |section| {
            for property in &section.object.properties {
                let name = property.name.as_str();
                section.accept(name);
                let field = section.path(name);
                found.extend(
                    section.reader.object(&field, &property.value, |inner| read(&mut Keys(inner))).map(|one| (name.to_owned(), one)),
                );
            }
        });
        found
    }

    /// Says that the value of a key cannot stand.
    pub fn refuse(&mut self, key: &str, message: String, help: Option<String>) {
        self.0.report_at(key, Fault { message, help });
    }

    /// Says that a key must be there.
    pub fn require(&mut self, key: &'static str) {
        self.0.require(key);
    }
}
