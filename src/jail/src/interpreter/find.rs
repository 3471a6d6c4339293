//! The search for an interpreter.
//!
//! Always holds: candidates are tried in the order of the path; each one passed over has its reason; as root, one that somebody else could have put
//! there is passed over unasked.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use nix::unistd::{AccessFlags, access, geteuid};
use remand_policy::Interpreter;

use super::ask::{Refusal, ask};
use super::cache::{Cache, Record, Stamp};
use super::needs::needs;
use super::shim::Shim;
use super::{InterpreterError, trust};

/// An interpreter, and what a person may want to know about the search: candidates passed over, no cache.
#[derive(Debug)]
pub struct Found {
    /// The interpreter. Without site packages asked for, `site` is empty and site directories inside of `core` are hidden.
    pub interpreter: Interpreter,
    /// One sentence each.
    pub notes: Vec<String>,
}

/// Finds what `interpreter` (a name looked up on `path`, or an absolute path) needs; with `site`, also its site packages and their libraries.
///
/// # Errors
/// Why there is none, naming every candidate that was passed over.
pub fn find(interpreter: &str, path: &str, site: bool) -> Result<Found, InterpreterError> {
    let mut notes = Vec::new();
    let cache = Cache::open().map_err(|reason| notes.push(reason)).ok();
    let candidates = candidates(interpreter, path)?;
    for candidate in &candidates {
        let search = Search { candidate, path, site, cache: cache.as_ref() };
        match search.run(&mut notes) {
            Ok(interpreter) => return Ok(Found { interpreter, notes }),
            Err(reason) => notes.push(format!("{candidate} {reason}")),
        }
    }
    if candidates.is_empty() {
        notes.push(format!("there is no such file in PATH ({path})"));
    }
    Err(InterpreterError { wanted: format!("no usable interpreter {interpreter:?}"), reasons: notes })
}

/// Absolute paths to try for a name or an absolute path; with a name, those where there is something.
pub(super) fn candidates(name: &str, path: &str) -> Result<Vec<String>, InterpreterError> {
    if name.starts_with('/') {
        return Ok(vec![name.to_owned()]);
    }
    if name.is_empty() || name.contains(['/', '\0']) {
        let reasons = vec!["neither an absolute path nor a name to look up on PATH".to_owned()];
        return Err(InterpreterError { wanted: format!("{name:?}"), reasons });
    }
    let mut seen = BTreeSet::new();
    // A relative or empty entry means the current directory, which anybody may have filled.
    let directories = path
        .split(':')
        .map(|directory| directory.trim_end_matches('/'))
        .filter(|directory| directory.starts_with('/') && seen.insert(*directory));
    let files = directories.map(|directory| format!("{directory}/{name}"));
    Ok(files.filter(|file| !matches!(std::fs::metadata(file), Err(error) if error.kind() == std::io::ErrorKind::NotFound)).collect())
}

/// Why a file cannot be executed by us, if it can't.
pub(super) fn executable(file: &str) -> Result<(), String> {
    let meta = std::fs::metadata(file).map_err(|error| format!("cannot be looked at: {error}"))?;
    if !meta.is_file() {
        return Err("is not a regular file".to_owned());
    }
    access(file, AccessFlags::X_OK).map_err(|error| format!("cannot be executed: {error}"))
}

/// Whom we trust to put a loader in place for a program that we run anyway: root, and ourselves.
fn owners() -> Vec<u32> {
    trust::roots().into_iter().chain([geteuid().as_raw()]).collect()
}

struct Search<'a> {
    candidate: &'a str,
    path: &'a str,
    site: bool,
    cache: Option<&'a Cache>,
}

impl Search<'_> {
    fn run(&self, notes: &mut Vec<String>) -> Result<Interpreter, String> {
        executable(self.candidate)?;
        let root = geteuid().is_root().then(trust::roots);
        let shim = Shim::detect(self.candidate, self.path);
        let key = format!("{}\n{}\n{}", self.candidate, self.site, shim.as_ref().map(Shim::steering).unwrap_or_default());
        if let Some(record) = self.cache.and_then(|cache| cache.load(&key)) {
            return record.answer;
        }
        // Root's own interpreters only: whoever can write one would be root when it is asked, and could name any file into a run.
        let trusted = |file: &str| {
            root.as_ref().map_or(Ok(()), |owners| trust::check(file, owners)).map_err(|reason| format!("is not asked by root: {reason}"))
        };
        trusted(self.candidate)?;
        let real = match &shim {
            Some(shim) => shim.real(root.as_deref())?,
            None => self.candidate.to_owned(),
        };
        trusted(&real)?;
        let (answer, names) = self.ask(&real)?;
        if let Some(Err(reason)) = self.cache.map(|cache| cache.store(&self.record(key, names, answer.clone()))) {
            notes.push(reason);
        }
        answer
    }

    /// The answer to keep, and the names it rests on. Passing troubles are errors: they are not kept.
    fn ask(&self, real: &str) -> Result<(Result<Interpreter, String>, BTreeSet<String>), String> {
        let (reply, executor) = match ask(real) {
            Ok(said) => said,
            Err(Refusal::Lasting(reason)) => return Ok((Err(reason), BTreeSet::from([real.to_owned()]))),
            Err(Refusal::Passing(reason)) => return Err(reason),
        };
        let (interpreter, names) = needs(&reply, executor, self.site, &owners())?;
        if geteuid().is_root() {
            readable(&interpreter)?;
        }
        Ok((Ok(interpreter), names))
    }

    fn record(&self, key: String, names: BTreeSet<String>, answer: Result<Interpreter, String>) -> Record {
        let names = names.into_iter().chain([self.candidate.to_owned()]);
        Record { key, files: names.filter_map(|name| Stamp::of(&name).map(|stamp| (name, stamp))).collect(), answer }
    }
}

/// Checks that runs, which have ids of their own when root starts them, can read what is shown to them.
fn readable(interpreter: &Interpreter) -> Result<(), String> {
    for path in interpreter.core.binds.iter().chain(&interpreter.site.binds) {
        let meta = std::fs::metadata(path).map_err(|error| format!("needs {path}: {error}"))?;
        let needed = if meta.is_dir() { 0o005 } else { 0o004 };
        if meta.mode() & needed != needed {
            return Err(format!("needs {path}, which only its owner can read; runs have users of their own: chmod -R o+rX it"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_in_absolute_directories_only() {
        assert_eq!(candidates("sh", "/nonexistent:bin:/bin/::.:/bin/:/bin").unwrap(), ["/bin/sh"]);
        assert_eq!(candidates("/a/b", "/bin").unwrap(), ["/a/b"]);
        assert!(candidates("no-such-program", "/bin").unwrap().is_empty());
        for name in ["", "./python3", "a/b", "a\0"] {
            assert!(candidates(name, "/bin").is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_executed_has_a_reason() {
        assert!(executable("/bin/sh").is_ok());
        assert_eq!(executable("/bin").unwrap_err(), "is not a regular file");
        assert!(executable("/etc/passwd").unwrap_err().contains("cannot be executed"));
        assert!(executable("/nonexistent").unwrap_err().contains("cannot be looked at"));
    }
}
