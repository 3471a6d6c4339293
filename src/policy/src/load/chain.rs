//! A policy file and what it extends, read before any of it is understood.
//!
//! Always holds: at most [`LONGEST`] files, none of them twice; where the last one extends another, it is said why that is not there.

use std::path::{Component, Path, PathBuf};

use jsonc_parser::ast::Value;

use super::read::Fault;
use super::syntax;
use crate::shipped;
use crate::source::Source;
use crate::text::quote;

/// Longest chain of `extends`.
const LONGEST: usize = 8;

/// A policy file with its bases, each after the one that extends it.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The file first.
    pub files: Vec<Source>,
    /// What is wrong with the `extends` of the last one.
    pub(super) broken: Option<Fault>,
}

impl Chain {
    /// The file, and what `find` finds for the file that asks and the name or path that it extends. `Err` of `find` says why there is none and, where it helps, which
    /// names there are.
    pub fn follow(source: &Source, mut find: impl FnMut(&Source, &str) -> Result<Source, String>) -> Self {
        let mut chain = Self { files: vec![source.clone()], broken: None };
        while let Some((asking, wanted)) = chain.files.last().and_then(|last| Some((last, head(last)?))) {
            match find(asking, &wanted).map_err(|why| unknown(&wanted, why)).and_then(|found| chain.checked(found, &wanted)) {
                Ok(source) => chain.files.push(source),
                Err(fault) => {
                    chain.broken = Some(fault);
                    break;
                }
            }
        }
        chain
    }

    /// The file and its bases among those that are built in.
    #[must_use]
    pub fn shipped(source: &Source) -> Self {
        Self::follow(source, |_, name| shipped::source(name))
    }

    /// A file that extends nothing.
    #[must_use]
    pub fn alone(source: &Source) -> Self {
        Self::follow(source, |_, _| Err(String::new()))
    }

    /// The same bases beneath another text of the file, which extends the same.
    #[must_use]
    pub fn with(&self, text: String) -> Self {
        let mut chain = self.clone();
        if let Some(first) = chain.files.first_mut() {
            first.text = text.into_bytes().into();
        }
        chain
    }

    /// A base that may come next.
    fn checked(&self, source: Source, wanted: &str) -> Result<Source, Fault> {
        // What stands in for a built-in policy extends that one.
        let own = self.files.last().is_some_and(|last| last.file == source.file);
        let source = if own { shipped::source(wanted).unwrap_or(source) } else { source };
        let message = if self.files.len() >= LONGEST {
            format!("more than {LONGEST} files")
        } else if self.files.iter().any(|file| file.file == source.file) {
            "goes in a circle".to_owned()
        } else {
            return Ok(source);
        };
        let files: Vec<_> = self.files.iter().chain([&source]).map(|file| file.file.as_str()).collect();
        Err(Fault { message: format!("{message}: {}", files.join(" -> ")), help: None })
    }
}

/// The file that `extends` names by its path from the file that says so; `None`: it names none so.
#[must_use]
pub fn beside(asking: &str, wanted: &str) -> Option<PathBuf> {
    let relative = wanted.ends_with(".jsonc") && !wanted.starts_with('/');
    let plain = Path::new(wanted).components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
    relative.then(|| Path::new(asking).parent().unwrap_or(Path::new("")).join(plain))
}

/// What a text extends; `None` where it names none, or is not understood so far.
fn head(source: &Source) -> Option<String> {
    let Ok(Value::Object(root)) = syntax::tree(source.text().ok()?) else { return None };
    match &root.properties.iter().find(|property| property.name.as_str() == "extends")?.value {
        Value::StringLit(name) => Some(name.value.clone().into_owned()),
        _ => None,
    }
}

fn unknown(wanted: &str, why: String) -> Fault {
    Fault { message: format!("no policy {}", quote(wanted)), help: Some(help(wanted).unwrap_or(why)) }
}

/// Help for a base that there is none of, where the name itself tells what was meant.
fn help(wanted: &str) -> Option<String> {
    let near = |name: &&str| wanted != *name && wanted.len() <= 64 && strsim::damerau_levenshtein(&wanted.to_lowercase(), name) <= 2;
    if let Some((name, _)) = shipped::SHIPPED.iter().find(|(name, _)| near(name)) {
        return Some(format!("did you mean \"{name}\"?"));
    }
    let path = wanted.contains('/') || wanted.ends_with(".json");
    (path && beside("", wanted).is_none())
        .then(|| "a base has a name, or is a file by its path from the one that extends it, such as \"./base.jsonc\"".to_owned())
}
