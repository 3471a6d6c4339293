//! What a program of the host other than an interpreter needs: the file, what its `#!` line names, its loader, its libraries.
//!
//! Always holds: the program is untrusted and is not executed here. A loader of root's is asked about it, and a CPython about itself, both confined to
//! reading; a version manager's shim is executed only if the search for a name on PATH, which the caller vouches for, came upon it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

use remand_policy::interpreter::Tree;

use super::find::{candidates, executable};
use super::libraries::{Loader, is_elf};
use super::{InterpreterError, find, tree, trust};

/// Interpreters of interpreters that the kernel follows.
const MAX_SCRIPTS: usize = 4;
/// Bytes of a `#!` line that the kernel reads.
const MAX_LINE: u64 = 256;

/// A program and what it needs.
#[derive(Debug)]
pub struct HostProgram {
    /// Absolute path to execute.
    pub path: String,
    /// What it needs from the host.
    pub tree: Tree,
}

/// Finds what `command` (a name looked up on `path`, or an absolute path) needs to be executed. A CPython comes with its standard library.
///
/// # Errors
/// Why it cannot be run, naming every candidate that was passed over.
pub fn program(command: &str, path: &str) -> Result<HostProgram, InterpreterError> {
    let mut reasons = Vec::new();
    for candidate in candidates(command, path)? {
        match executable(&candidate).and_then(|()| of(&candidate, path, !command.starts_with('/'))) {
            Ok(program) => return Ok(program),
            Err(reason) => reasons.push(format!("{candidate}: {reason}")),
        }
    }
    if reasons.is_empty() {
        reasons.push(format!("there is no such file in PATH ({path})"));
    }
    Err(InterpreterError { wanted: format!("no usable program {command:?}"), reasons })
}

/// `vouched`: found on PATH.
fn of(file: &str, path: &str, vouched: bool) -> Result<HostProgram, String> {
    let mut program = HostProgram { path: file.to_owned(), tree: Tree::default() };
    let mut names = BTreeSet::new();
    let mut next = Some(file.to_owned());
    for depth in 0..=MAX_SCRIPTS {
        let Some(file) = next.take() else { break };
        if is_python(&file) && (is_elf(&file) || (vouched && depth == 0)) {
            let python = find(&file, path, false).map_err(|error| error.to_string())?.interpreter;
            if depth == 0 {
                program.path = python.executable;
            }
            program.tree = python.core;
        } else if let Some(words) = script(&file)? {
            next = Some(interpreter(&words, path, &mut names)?);
        } else {
            names.extend(libraries(&file)?);
        }
        names.insert(file);
    }
    if next.is_some() {
        return Err(format!("more than {MAX_SCRIPTS} scripts that interpret each other"));
    }
    let rest = tree::build(names.iter().map(String::as_str), &program.tree, &tree::host);
    program.tree = merge(program.tree, rest);
    Ok(program)
}

/// Both trees, where `second` shows nothing that `first` does.
fn merge(first: Tree, second: Tree) -> Tree {
    let binds = BTreeSet::from_iter(first.binds.into_iter().chain(second.binds));
    let links = BTreeSet::from_iter(first.links.into_iter().chain(second.links));
    Tree { binds: binds.into_iter().collect(), links: links.into_iter().collect(), hidden: first.hidden }
}

/// Whether the file's name is an interpreter's: `python`, `python3`, `python3.13t`.
fn is_python(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    name.strip_prefix("python").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.' || c == 't'))
}

/// The loader and libraries of a compiled program, none for a static one.
fn libraries(file: &str) -> Result<BTreeSet<String>, String> {
    let real = tree::resolve(file, &tree::host).ok_or_else(|| format!("cannot follow {file} to a file"))?.real;
    Loader::of(&real, &trust::roots())?.map_or(Ok(BTreeSet::new()), |loader| loader.of_stranger().libraries(&[]))
}

/// The words of a `#!` line; `None` if there is none.
fn script(file: &str) -> Result<Option<Vec<String>>, String> {
    let mut start = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MAX_LINE).read_to_end(&mut start));
    read.map_err(|error| format!("cannot read {file}: {error}"))?;
    let Some(line) = start.strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next()) else { return Ok(None) };
    let line = std::str::from_utf8(line).map_err(|_| format!("the #! line of {file} is not UTF-8"))?;
    Ok(Some(line.split_whitespace().map(str::to_owned).collect()))
}

/// What executes the script next; `env`, which looks its argument up on PATH, is noted in `names` together with what it needs.
fn interpreter(words: &[String], path: &str, names: &mut BTreeSet<String>) -> Result<String, String> {
    let Some(first) = words.first().filter(|word| word.starts_with('/')) else {
        return Err(format!("a #! line names {words:?}, not an absolute path"));
    };
    executable(first).map_err(|reason| format!("its interpreter {first} {reason}"))?;
    if !first.ends_with("/env") {
        return Ok(first.clone());
    }
    names.extend(libraries(first)?);
    names.insert(first.clone());
    let wanted = words
        .iter()
        .skip(1)
        .find(|word| !word.starts_with('-') && !word.contains('='))
        .ok_or("its #! line gives env nothing to execute")?;
    let candidates = candidates(wanted, path).map_err(|error| error.to_string())?;
    candidates
        .into_iter()
        .find(|file| executable(file).is_ok())
        .ok_or_else(|| format!("its #! line asks env for {wanted}, which is not on PATH"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_interpreters() {
        assert!(["python", "/usr/bin/python3", "python3.13t"].iter().all(|name| is_python(name)));
        assert!(!["python3-config", "pythonw", "ipython3", "/python/sh"].iter().any(|name| is_python(name)));
    }

    #[test]
    fn what_interprets_a_script() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut names = BTreeSet::new();
        assert_eq!(interpreter(&words("/bin/sh -e"), "/bin", &mut names).unwrap(), "/bin/sh");
        assert!(names.is_empty());
        assert_eq!(interpreter(&words("/usr/bin/env -S A=b sh"), "/nonexistent:/bin", &mut names).unwrap(), "/bin/sh");
        assert!(names.contains("/usr/bin/env") && names.len() > 2);
        for line in ["", "sh", "/nonexistent", "/usr/bin/env", "/usr/bin/env no-such-program"] {
            assert!(interpreter(&words(line), "/bin", &mut names).is_err(), "{line}");
        }
    }
}
