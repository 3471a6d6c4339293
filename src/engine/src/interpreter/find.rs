//! The search for an interpreter.
//!
//! Always holds: candidates are tried in the order of the path; each one passed over has its reason; one that somebody else than root or this user could
//! have put there, or that would load what somebody else could have, is passed over unasked.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use remand_plan::Interpreter;
use remand_plan::files::FileId;
use remand_plan::interpreter::Tree;

use super::ask::{Refusal, ask};
use super::cache::{Cache, Record};
use super::candidate::{candidates, executable, once_each};
use super::layout::Layout;
use super::needs::{Core, Rests, needs};
use super::stamp::{Directories, Place, Stamp};
use super::tree::{self, Node};
use super::warm::{self, Warm};
use super::{InterpreterError, Lookup, shim, trust};

/// An interpreter, and what a person may want to know about the search: candidates passed over, no cache.
#[derive(Debug)]
pub struct Found {
    /// The interpreter. Without site packages asked for, `site` is empty and site directories inside of `core` are hidden.
    pub interpreter: Interpreter,
    /// One sentence each.
    pub notes: Vec<String>,
}

/// Finds what `interpreter` (a name to look up, or an absolute path) needs; with `site`, also its site packages and their libraries.
///
/// # Errors
/// Why there is none, naming every candidate that was passed over.
pub fn find<'a>(interpreter: &str, lookup: impl Into<Lookup<'a>>, site: bool) -> Result<Found, InterpreterError> {
    let lookup = lookup.into();
    let mut notes = Vec::new();
    let cache = Cache::open();
    let warm = if cache.is_err() { Warm::here() } else { None };
    let candidates = candidates(interpreter, lookup.path)?;
    let mut passed_over = Vec::new();
    for candidate in &candidates {
        let search = Search { candidate, site, cache: cache.as_ref().ok(), warm: warm.as_ref(), lookup };
        match search.run(&mut notes) {
            Ok((interpreter, kept)) => {
                notes.extend(cache.err().filter(|_| !kept));
                notes.extend(once_each(passed_over));
                return Ok(Found { interpreter, notes });
            }
            Err(reason) => passed_over.push((candidate.clone(), reason)),
        }
    }
    let mut reasons = once_each(passed_over);
    if candidates.is_empty() {
        reasons.push(format!("there is no such file in PATH ({})", lookup.path));
    }
    // What makes starts slow is no reason for there being none.
    Err(InterpreterError { wanted: format!("no usable interpreter {interpreter:?}"), reasons })
}

/// What was kept of an interpreter.
#[derive(Debug)]
pub struct Warmed {
    /// By its path.
    pub interpreter: String,
    /// Why there is less of it than could be: its site packages are left out, or one before it on the path was passed over.
    pub notes: Vec<String>,
}

/// Keeps what `interpreter` (a name to look up on `path`, or an absolute path) needs, with and without its site packages, in a directory that an image brings along.
///
/// # Errors
/// As [`find`]; or it cannot be kept there.
pub fn warm(interpreter: &str, path: &str, into: &Path) -> Result<Warmed, InterpreterError> {
    // As for runs with ids of their own, which are shown what everybody can read: right for all others, too.
    let lookup = Lookup { path, cancel: None, own_ids: true };
    let mut reasons = Vec::new();
    warm::make(into).map_err(|reason| InterpreterError { wanted: "nothing can be kept".to_owned(), reasons: vec![reason] })?;
    for candidate in &candidates(interpreter, path)? {
        let kept = |site| Search { candidate, site, cache: None, warm: None, lookup }.keep(into);
        match kept(false) {
            Ok(()) => {
                let less = kept(true).err().map(|reason| format!("its site packages: {reason}"));
                return Ok(Warmed { interpreter: candidate.clone(), notes: once_each(reasons).into_iter().chain(less).collect() });
            }
            Err(reason) => reasons.push((candidate.clone(), reason)),
        }
    }
    Err(InterpreterError { wanted: format!("no usable interpreter {interpreter:?}"), reasons: once_each(reasons) })
}

/// What reading tells of the interpreter at an absolute path, which is not asked anything: why a run cannot have it, or all of it where it was asked before.
///
/// # Errors
/// As [`find`].
pub fn look(interpreter: &str, site: bool) -> Result<Option<Interpreter>, InterpreterError> {
    let cache = Cache::open().ok();
    let search = Search { candidate: interpreter, site, cache: cache.as_ref(), warm: None, lookup: "".into() };
    search.look().map_err(|reason| InterpreterError {
        wanted: format!("no usable interpreter {interpreter:?}"),
        reasons: vec![format!("{interpreter} {reason}")],
    })
}

struct Search<'a> {
    candidate: &'a str,
    site: bool,
    cache: Option<&'a Cache>,
    /// Where there is no cache.
    warm: Option<&'a Warm>,
    lookup: Lookup<'a>,
}

impl Search<'_> {
    /// The interpreter, and whether its answer was known.
    fn run(&self, notes: &mut Vec<String>) -> Result<(Interpreter, bool), String> {
        let (real, key) = self.named()?;
        if let Some(record) = self.cache.and_then(|cache| cache.load(&key)) {
            return record.answer.map(|interpreter| (interpreter, true));
        }
        if let Some(interpreter) = self.warm.and_then(|warm| warm.load(&self.brought(&real))) {
            return Ok((interpreter, true));
        }
        let (answer, rests) = self.ask(&real)?;
        if let Some(Err(reason)) = self.cache.map(|cache| cache.store(&record(key, &rests, answer.clone())?)) {
            notes.push(reason);
        }
        answer.map(|interpreter| (interpreter, false))
    }

    fn keep(&self, into: &Path) -> Result<(), String> {
        let (real, _) = self.named()?;
        let (answer, rests) = self.ask(&real)?;
        warm::store(into, &self.brought(&real), &rests, &answer?)
    }

    /// Under which key an answer is brought along.
    fn brought(&self, real: &str) -> String {
        format!("{}\n{real}\n{}", self.candidate, self.site)
    }

    /// What would be asked, and under which key its answer is kept.
    fn named(&self) -> Result<(String, String), String> {
        executable(self.candidate)?;
        let real = shim::behind(self.candidate)?.unwrap_or_else(|| self.candidate.to_owned());
        let key = format!("{}\n{real}\n{}\n{}", self.candidate, self.site, self.lookup.own_ids);
        Ok((real, key))
    }

    fn look(&self) -> Result<Option<Interpreter>, String> {
        let (real, key) = self.named()?;
        match self.cache.and_then(|cache| cache.load(&key)) {
            Some(record) => record.answer.map(Some),
            None => self.before_asking(&real).map(|_| None),
        }
    }

    /// All that keeps an interpreter from being asked, and a run from being shown it.
    fn before_asking(&self, real: &str) -> Result<(Layout, Core), String> {
        let owners = trust::owners();
        let layout = Layout::read(real)?;
        // Whoever can write one of these would have our rights when it is asked, and could name any file into a run.
        let trusted = |said: Result<(), String>| said.map_err(|reason| format!("is not asked: {reason}"));
        trusted(layout.trusted(&owners))?;
        let core = Core::of(&layout, !self.lookup.own_ids)?;
        trusted(core.shared.iter().try_for_each(|library| trust::check(library, &owners)))?;
        if self.lookup.own_ids {
            readable(&core.tree(&[]))?;
        }
        Ok((layout, core))
    }

    /// The answer to keep, and what it rests on. Passing troubles are errors: they are not kept.
    fn ask(&self, real: &str) -> Result<(Result<Interpreter, String>, Rests), String> {
        let (layout, core) = self.before_asking(real)?;
        let (reply, executor) = match ask(real, &core.tree(&[]), self.lookup.cancel) {
            Ok(said) => said,
            Err(Refusal::Lasting(reason)) => {
                let names = BTreeSet::from([real.to_owned()]);
                return Ok((Err(reason), Rests { names, sought: layout.sought, ..Rests::default() }));
            }
            Err(Refusal::Passing(reason)) => return Err(reason),
        };
        let (interpreter, rests) = needs(&layout, core, (&reply, executor), self.site, &trust::owners())?;
        if self.lookup.own_ids {
            readable(&interpreter.site)?;
        }
        Ok((Ok(interpreter), rests))
    }
}

/// What is kept of an answer. Of the way to each file, who can change it counts.
fn record(key: String, rests: &Rests, answer: Result<Interpreter, String>) -> Result<Record, String> {
    let mut places = BTreeSet::new();
    for name in &rests.names {
        places.extend(trust::steps(name)?);
    }
    // Its stamps would vouch for something else.
    if let Some(path) = answer.iter().flat_map(|found| [&found.core, &found.site]).flat_map(|tree| &tree.binds).find_map(replaced) {
        return Err(format!("the answer is not kept: {path} was replaced while it was looked at"));
    }
    let places = places.into_iter().filter_map(|place| Place::of(&place).map(|seen| (place, seen))).collect();
    let files = rests.names.union(&rests.sought).map(|name| (name.clone(), Stamp::of(name))).collect();
    let directories = Directories::of(&rests.directories);
    Ok(Record { key, files, places, directories, open: rests.open.clone(), answer })
}

/// The path of a bind, if something else is there than was judged.
fn replaced((path, judged): (&String, &FileId)) -> Option<String> {
    let same = matches!(tree::host(path), Node::Other(_, now) if now == *judged);
    (!same).then(|| path.clone())
}

/// Checks that runs, which have ids of their own, can read what is shown to them.
fn readable(tree: &Tree) -> Result<(), String> {
    for path in tree.binds.keys() {
        let meta = std::fs::metadata(path).map_err(|error| format!("needs {path}: {error}"))?;
        let needed = if meta.is_dir() { 0o005 } else { 0o004 };
        if meta.mode() & needed != needed {
            return Err(format!("needs {path}, which only its owner can read; runs have users of their own: chmod -R o+rX it"));
        }
    }
    Ok(())
}
