//! Where an import finds a module: in the interpreter itself, its standard library or its site packages, as a run sees them.
//!
//! Always holds: a module is there only if every package on the way to it is, and so is what modules of the standard library import before all else, with
//! the shared libraries of extensions. Where something was not seen, nothing is said. A module that a package makes while it is imported counts as missing.

use std::collections::BTreeSet;

use remand_plan::files::{Entry, Kind};
use remand_plan::interpreter::Interpreter;
use remand_plan::plan::{Plan, Program};
use remand_plan::view::{At, View};

use super::compiled::Compiled;

/// What an import comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Import {
    /// The module is there, or was not looked for.
    There,
    /// ModuleNotFoundError for the module itself.
    Missing(String),
    /// It is there and fails while it is loaded.
    Fails(String),
}

/// Modules that others put in their places while they are imported, besides files.
const MADE: &[&str] =
    &["collections.abc", "os.path", "pyexpat.errors", "pyexpat.model", "xml.parsers.expat.errors", "xml.parsers.expat.model"];
/// What modules of the standard library cannot do without, though they look for it less plainly.
const REST_ON: &[(&str, &str)] =
    &[("crypt", "_crypt"), ("dbm.gnu", "_gdbm"), ("tkinter", "_tkinter"), ("encodings.mbcs", "_winapi"), ("encodings.oem", "_winapi")];
/// Longest dotted name that is looked for, in parts.
const PARTS: usize = 32;

/// What the import of a module comes to in a run.
pub(super) fn import(name: &str, compiled: &Compiled<'_>, plan: &Plan) -> Import {
    let Ok(Program::Python(python)) = compiled.machine.program else { return Import::There };
    let view = View { plan, host: compiled.machine.host, files: compiled.machine.files };
    let library = format!("/python{}.{}", python.version.0, python.version.1);
    let directory = |path: &str| matches!(view.files.look(path), Some(Entry::There(inode)) if inode.kind == Kind::Directory);
    let Some(library) = python.core.binds.keys().find(|bind| bind.ends_with(&library) && directory(bind)) else { return Import::There };
    Search { view, python, library, known: BTreeSet::new() }.module(name)
}

struct Search<'s> {
    view: View<'s>,
    python: &'s Interpreter,
    library: &'s str,
    /// Modules that were looked for.
    known: BTreeSet<String>,
}

/// What a directory has under the name of a module.
enum Place {
    Package(String),
    Module(String),
    /// A directory without a file of its own.
    Namespace(String),
    Nothing,
    Unknown,
}

impl Search<'_> {
    fn module(&mut self, name: &str) -> Import {
        if !self.known.insert(name.to_owned()) {
            return Import::There;
        }
        let within = |name: &str| self.python.builtin.iter().any(|own| own == name) || MADE.contains(&name);
        let mut directories = self.directories();
        let mut files = Vec::new();
        let (mut whole, mut bare) = (String::new(), false);
        for part in name.split('.').take(PARTS) {
            whole = if whole.is_empty() { part.to_owned() } else { format!("{whole}.{part}") };
            let place = self.place(&directories, part);
            bare = matches!(place, Place::Namespace(_));
            directories = match place {
                Place::Unknown => return Import::There,
                Place::Package(directory) => {
                    files.push(format!("{directory}/__init__.py"));
                    vec![directory]
                }
                Place::Namespace(directory) => vec![directory],
                Place::Module(file) => {
                    files.push(file);
                    Vec::new()
                }
                Place::Nothing if within(&whole) => Vec::new(),
                // Who has not said what it has in itself has everything.
                Place::Nothing if self.python.builtin.is_empty() => return Import::There,
                Place::Nothing => return Import::Missing(format!("there is no {whole} for this interpreter: ModuleNotFoundError")),
            };
        }
        // A directory without code of its own (what is left of a package whose other part is not installed) rests on nothing.
        let rests = REST_ON.iter().filter(|(module, _)| *module == name && !bare).map(|(_, rests)| (*rests).to_owned());
        let mut imported: Vec<String> = Vec::new();
        for Imported { module, names } in files.iter().flat_map(|file| self.imports(file)) {
            // What has no code of its own has nothing but modules.
            if self.is_bare(&module) {
                imported.extend(names.iter().map(|name| format!("{module}.{name}")));
            }
            imported.push(module);
        }
        imported.extend(rests);
        let fails = files.iter().find_map(|file| self.unloadable(file));
        fails.or_else(|| imported.iter().find_map(|other| self.needed(other))).map_or(Import::There, Import::Fails)
    }

    /// Where modules are looked for.
    fn directories(&self) -> Vec<String> {
        let dynload = format!("{}/lib-dynload", self.library);
        [self.library.to_owned(), dynload].into_iter().chain(self.python.site_paths.iter().cloned()).collect()
    }

    /// Whether a name without a dot is that of a directory without a file of its own.
    fn is_bare(&self, name: &str) -> bool {
        !name.contains('.') && matches!(self.place(&self.directories(), name), Place::Namespace(_))
    }

    /// Why a module that another one imports is not had.
    fn needed(&mut self, name: &str) -> Option<String> {
        match self.module(name) {
            Import::There => None,
            Import::Missing(why) => Some(format!("it needs {name}, and {why}")),
            Import::Fails(why) => Some(why),
        }
    }

    /// The first of the directories that has a module of this name.
    fn place(&self, directories: &[String], name: &str) -> Place {
        let mut namespace = Place::Nothing;
        for directory in directories {
            let base = format!("{directory}/{name}");
            match self.kind(&base) {
                Ok(Some(Kind::Directory)) => match self.kind(&format!("{base}/__init__.py")) {
                    Ok(Some(Kind::Regular)) => return Place::Package(base),
                    Ok(_) if matches!(namespace, Place::Nothing) => namespace = Place::Namespace(base.clone()),
                    Ok(_) => {}
                    Err(()) => return Place::Unknown,
                },
                Ok(_) => {}
                Err(()) => return Place::Unknown,
            }
            for suffix in self.python.suffixes.iter().map(String::as_str).chain([".py", ".pyc"]) {
                let file = format!("{base}{suffix}");
                match self.kind(&file) {
                    Ok(Some(Kind::Regular)) => return Place::Module(file),
                    Ok(_) => {}
                    Err(()) => return Place::Unknown,
                }
            }
        }
        namespace
    }

    /// What a run sees at a path; nobody may have looked.
    fn kind(&self, path: &str) -> Result<Option<Kind>, ()> {
        match self.view.walk(path).end {
            Ok(At::Bind(_, Some(inode))) => Ok(Some(inode.kind)),
            Ok(At::Bind(_, None)) => Err(()),
            _ => Ok(None),
        }
    }

    /// The shared library that an extension needs and a run is not shown.
    fn unloadable(&self, file: &str) -> Option<String> {
        let needed = if file.ends_with(".so") { self.view.files.libraries(&self.python.executable, file)? } else { return None };
        let library = needed.into_iter().find(|library| self.view.walk(library).end.is_err())?;
        Some(format!("{file} needs {library}, which a run is not shown"))
    }

    /// The modules that a file of the standard library imports in any case.
    fn imports(&self, file: &str) -> Vec<Imported> {
        let standard = file.strip_prefix(self.library).is_some_and(|rest| rest.starts_with('/') && rest.ends_with(".py"));
        let text = if standard { self.view.files.text(file) } else { None };
        text.map(|text| imports(&text)).unwrap_or_default()
    }
}

/// What an `import` statement names.
#[derive(Debug, PartialEq, Eq)]
struct Imported {
    module: String,
    /// What is taken from it.
    names: Vec<String>,
}

/// What is named by the `import` statements of a Python text that stand at the beginning of a line: no condition is over them.
fn imports(text: &str) -> Vec<Imported> {
    let mut all = Vec::new();
    let mut quoted = None;
    let words =
        |list: &str| -> Vec<String> { list.split(',').filter_map(|name| name.split_whitespace().next()).map(str::to_owned).collect() };
    let plain = |name: &str| name.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'));
    for line in text.lines() {
        if quoted.is_none() {
            let statement = line.split(['#', ';']).next().unwrap_or_default();
            if let Some(rest) = statement.strip_prefix("import ") {
                all.extend(words(rest).into_iter().map(|module| Imported { module, names: Vec::new() }));
            } else if let Some((module, names)) = statement.strip_prefix("from ").and_then(|rest| rest.split_once(" import ")) {
                let names = words(names.trim_start_matches('(')).into_iter().filter(|name| plain(name)).collect();
                all.push(Imported { module: module.trim().to_owned(), names });
            }
        }
        quoted = quoted_after(line, quoted);
    }
    all.retain(|imported| plain(&imported.module));
    all
}

/// The quotes of a text over several lines that is open after this line.
fn quoted_after(line: &str, mut open: Option<&'static str>) -> Option<&'static str> {
    let mut rest = line;
    while !rest.is_empty() {
        let step = match open {
            Some(quotes) if rest.starts_with(quotes) => {
                open = None;
                quotes.len()
            }
            _ if rest.starts_with('\\') => 2,
            Some(_) => 1,
            None if rest.starts_with('#') => break,
            None => match ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| rest.starts_with(quotes)) {
                Some(quotes) => {
                    open = Some(quotes);
                    quotes.len()
                }
                None => 1,
            },
        };
        rest = rest.char_indices().nth(step).and_then(|(at, _)| rest.get(at..)).unwrap_or_default();
    }
    // One of a single line ends with it.
    open.filter(|quotes| quotes.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_without_a_condition_are_found() {
        let text = "\"\"\"Words:\nimport nothing\n\"\"\"\nimport os, sys as system # import not\nfrom _gdbm import *\nx = 'it''s \"\"\"'\nfrom . import near\ntry:\n    import maybe\nexcept ImportError:\n    pass\ny = r'''\nfrom text import x\n''' ; import late\nimport xml.sax.handler; z = 1\n";
        let found = imports(text);
        assert_eq!(found.iter().map(|imported| imported.module.as_str()).collect::<Vec<_>>(), ["os", "sys", "_gdbm", "xml.sax.handler"]);
        let of = |text| imports(text).into_iter().flat_map(|imported| imported.names).collect::<Vec<_>>();
        assert_eq!(
            of("from tkinter import simpledialog as s, (x\nfrom a import (b, c,\nfrom a import *\nimport d"),
            ["simpledialog", "b", "c"]
        );
    }
}
