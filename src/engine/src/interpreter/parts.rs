//! What of a directory of modules a run is shown: packages, modules and what belongs to them, and nothing whose name begins with a dot.
//!
//! Always holds: nothing is executed or opened; a link counts only where it leads to something below the directory whose way has no such name either. Where all
//! of a directory is shown it is one entry, so that an installation costs a start no more than it did.

use std::cell::RefCell;
use std::fs::{DirEntry, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use remand_policy::places::behind;

use super::budget::Budget;
use super::tree::{self, resolve};

/// Endings of modules: source, compiled, built for this machine; and of shared libraries that are linked by them.
const MODULES: [&str; 3] = [".py", ".pyc", ".so"];
/// Endings of directories and files that belong to packages: what `importlib.metadata` reads, and the libraries of a wheel.
const BELONGING: [&str; 4] = [".dist-info", ".egg-info", ".egg", ".libs"];
/// Endings of archives that modules are imported from.
const ARCHIVES: [&str; 3] = [".zip", ".egg", ".whl"];
/// Directories inside each other that are looked through: of a package, and of places of modules without an `__init__`.
const DEEP: usize = 32;
const NAMESPACES: usize = 4;

/// What is shown of the package, or of the place of modules, in the directory at a real path; every directory that this rests on is added to `listed`.
pub(super) fn shown(directory: &str, package: bool, budget: &Budget, listed: &mut Vec<String>) -> Vec<String> {
    let parts = Parts { top: directory, budget, listed: RefCell::default() };
    let package = package && is_package(directory);
    let shown = parts.of(directory, package, if package { DEEP } else { NAMESPACES });
    listed.extend(parts.listed.take());
    shown.unwrap_or_else(|| vec![directory.to_owned()])
}

/// The first thing below a directory that not everybody can read, or that is no file; a file is looked at itself. What nobody can pay to look at is such a
/// thing.
pub(super) fn closed(real: &str, budget: &Budget) -> Option<String> {
    let open = |mode: u32, needed: u32| mode & needed == needed;
    let mut todo = Vec::new();
    let look = |path: String, found: std::io::Result<Metadata>, todo: &mut Vec<String>| match found {
        Ok(found) if found.is_symlink() => None,
        Ok(found) if found.is_dir() && open(found.mode(), 0o5) => {
            todo.push(path);
            None
        }
        Ok(found) if found.is_file() && open(found.mode(), 0o4) => None,
        _ => Some(path),
    };
    let first = look(real.to_owned(), std::fs::symlink_metadata(real), &mut todo);
    if first.is_some() {
        return first;
    }
    while let Some(path) = todo.pop() {
        for entry in entries(&path) {
            let below = entry.path().to_string_lossy().into_owned();
            if !budget.pay(below.len(), 1) {
                return Some(below);
            }
            let closed = look(below, entry.metadata(), &mut todo);
            if closed.is_some() {
                return closed;
            }
        }
    }
    None
}

/// Whether a file that is named itself is one of modules.
pub(super) fn is_shown(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    !name.starts_with('.') && (is_module(name) || ARCHIVES.iter().any(|ending| name.ends_with(ending)))
}

struct Parts<'a> {
    top: &'a str,
    budget: &'a Budget,
    listed: RefCell<Vec<String>>,
}

impl Parts<'_> {
    /// What is shown of a directory; nothing where that is all of it.
    fn of(&self, directory: &str, package: bool, deep: usize) -> Option<Vec<String>> {
        self.listed.borrow_mut().push(directory.to_owned());
        let (mut shown, mut whole) = (Vec::new(), true);
        for entry in entries(directory) {
            let part = self.part(&entry, package, deep);
            whole &= part.is_whole();
            match part {
                Part::Whole(path) => shown.push(path),
                Part::Some(paths) => shown.extend(paths),
                Part::Link => {}
            }
        }
        shown.sort();
        (!whole).then_some(shown)
    }

    fn part(&self, entry: &DirEntry, package: bool, deep: usize) -> Part {
        let none = Part::Some(Vec::new());
        let (Ok(name), Ok(path)) = (entry.file_name().into_string(), entry.path().into_os_string().into_string()) else { return none };
        let Ok(kind) = entry.file_type() else { return none };
        if name.starts_with('.') || deep == 0 || !self.budget.pay(path.len(), 0) {
            return none;
        }
        let belongs = package || BELONGING.iter().any(|ending| name.ends_with(ending)) || name == "__pycache__";
        if kind.is_symlink() {
            return if belongs || is_module(&name) || is_identifier(&name) { self.link(path, belongs, deep) } else { none };
        }
        if !kind.is_dir() {
            return if belongs || is_module(&name) { Part::Whole(path) } else { none };
        }
        if !belongs && !is_identifier(&name) {
            return none;
        }
        let inside = belongs || is_package(&path);
        let deeper = if inside && !package { DEEP } else { deep - 1 };
        match self.of(&path, inside, deeper) {
            // A directory without any module is a place of modules to nobody.
            None if inside || entries(&path).next().is_some() => Part::Whole(path),
            None => none,
            Some(paths) => Part::Some(paths),
        }
    }

    /// A link is shown by what it leads to, below the same directory.
    fn link(&self, path: String, belongs: bool, deep: usize) -> Part {
        let Some(found) = resolve(&path, &tree::host) else { return Part::Link };
        let way = behind(&found.real, self.top).filter(|way| !way.is_empty() && !way.contains("/."));
        if way.is_none() {
            // Nothing is there in the run.
            return Part::Link;
        }
        let real = Path::new(&found.real);
        let all = if real.is_dir() {
            (belongs || is_package(&found.real)) && self.of(&found.real, true, deep - 1).is_none()
        } else {
            real.is_file()
        };
        if all { Part::Whole(path) } else { Part::Some(Vec::new()) }
    }
}

/// What is shown of an entry.
enum Part {
    Whole(String),
    Some(Vec<String>),
    /// One that leads to nothing that is shown.
    Link,
}

impl Part {
    fn is_whole(&self) -> bool {
        !matches!(self, Self::Some(_))
    }
}

fn entries(directory: &str) -> impl Iterator<Item = DirEntry> {
    std::fs::read_dir(directory).into_iter().flatten().flatten()
}

/// Whether a directory is a package by a file in it.
fn is_package(directory: &str) -> bool {
    entries(directory).any(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with("__init__.") && is_module(name)))
}

fn is_module(name: &str) -> bool {
    MODULES.iter().any(|ending| name.ends_with(ending)) || name.contains(".so.")
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}
