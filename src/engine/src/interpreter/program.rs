//! What a program of the host other than an interpreter needs: the file, what its `#!` line names, its loader, its libraries.
//!
//! Always holds: the program is untrusted and is read, not executed. The file that the caller named is shown where it is the caller's or root's and nobody
//! else can write it, or where everybody can read it; what is found in it only where everybody can. A CPython is asked in a sandbox, as everywhere.

use std::collections::BTreeSet;
use std::io::Read;

use remand_plan::interpreter::Tree;
use remand_policy::places::behind;
use remand_policy::policy::Mount;

use super::candidate::{candidates, executable};
use super::elf::libraries;
use super::reach::{self, Machine, Reach};
use super::script::{DEFAULT_PATH, Env, Line, MAX_LINE};
use super::{InterpreterError, Lookup, find, tree, trust};

/// Interpreters of interpreters that the kernel follows.
const MAX_SCRIPTS: usize = 5;

/// Where names are looked up.
#[derive(Clone, Copy)]
struct Paths<'a> {
    /// By who asks.
    caller: Lookup<'a>,
    /// `PATH` in the run, where `env` does it.
    run: &'a str,
}

/// A program and what it needs.
#[derive(Debug)]
pub struct HostProgram {
    /// Absolute path to execute.
    pub path: String,
    /// What it needs from the host.
    pub tree: Tree,
}

/// Finds what `command` (a name to look up, or an absolute path) needs to be executed in a run whose `PATH` is `inside`. A CPython comes with its
/// standard library.
///
/// # Errors
/// Why it cannot be run, naming every candidate that was passed over.
pub fn program<'a>(command: &str, lookup: impl Into<Lookup<'a>>, inside: Option<&str>) -> Result<HostProgram, InterpreterError> {
    let lookup = lookup.into();
    let mut reasons = Vec::new();
    let paths = Paths { caller: lookup, run: inside.unwrap_or(DEFAULT_PATH) };
    for candidate in candidates(command, lookup.path)? {
        match executable(&candidate).and_then(|()| of(&candidate, paths, !command.starts_with('/'))) {
            Ok(program) => return Ok(program),
            Err(reason) => reasons.push(format!("{candidate}: {reason}")),
        }
    }
    if reasons.is_empty() {
        reasons.push(format!("there is no such file in PATH ({})", lookup.path));
    }
    Err(InterpreterError { wanted: format!("no usable program {command:?}"), reasons })
}

/// The program of this name in the run's own root, where a mount shows one: that one runs, whatever the caller's own is.
///
/// # Errors
/// It is there and cannot be run.
pub fn mounted<'a>(
    command: &str,
    lookup: impl Into<Lookup<'a>>,
    inside: Option<&str>,
    mounts: &[Mount],
) -> Result<Option<HostProgram>, InterpreterError> {
    let path = inside.unwrap_or(DEFAULT_PATH);
    let directories = path.split(':').map(|directory| directory.trim_end_matches('/')).filter(|directory| directory.starts_with('/'));
    let named: Vec<String> = if command.starts_with('/') {
        vec![command.to_owned()]
    } else {
        directories.map(|directory| format!("{directory}/{command}")).collect()
    };
    let on_host = |file: String| {
        let (mount, rest) = mounts.iter().rev().find_map(|mount| Some((mount, behind(&file, &mount.target)?)))?;
        let source = format!("{}{rest}", mount.source);
        (mount.exec && executable(&source).is_ok()).then_some((file, source))
    };
    let Some((file, source)) = named.into_iter().find_map(on_host) else { return Ok(None) };
    let mut found = program(&source, lookup, inside)?;
    if file != source && found.path == source {
        // The mount shows the file itself; what it needs, the host has elsewhere.
        found.tree.binds.remove(&source);
        found.path = file;
    }
    Ok(Some(found))
}

/// The shared libraries that a program loads only with this extension of it, where that can be read.
#[must_use]
pub fn extension(program: &str, extension: &str) -> Option<Vec<String>> {
    let real = |path: &str| tree::resolve(path, &tree::host).map(|found| found.real);
    // Both are shown to runs already.
    let reach = Reach::new(&Machine, vec![real(program)?, real(extension)?], true);
    let of = |also: &[String]| libraries(&real(program)?, also, &reach).ok();
    Some(of(&[real(extension)?])?.difference(&of(&[])?).cloned().collect())
}

/// `vouched`: found on PATH.
fn of(file: &str, paths: Paths<'_>, vouched: bool) -> Result<HostProgram, String> {
    let reach = Reach::new(&Machine, Vec::new(), !paths.caller.own_ids);
    named(file, &reach)?;
    let mut program = HostProgram { path: file.to_owned(), tree: Tree::default() };
    let mut names = BTreeSet::new();
    let mut next = Some(file.to_owned());
    for depth in 0..=MAX_SCRIPTS {
        let Some(file) = next.take() else { break };
        let real = tree::resolve(&file, &|path| reach.look(path)).ok_or_else(|| format!("cannot follow {file} to a file"))?.real;
        if is_python(&file) && (reach.object(&real).is_ok() || (vouched && depth == 0)) {
            let python = find(&file, paths.caller, false).map_err(|error| error.to_string())?.interpreter;
            if depth == 0 {
                program.path = python.executable;
            }
            program.tree = python.core;
        } else if let Some(line) = script(&real)? {
            next = Some(interpreter(&line, &file, paths, &reach, &mut names)?);
        } else {
            names.extend(libraries(&real, &[], &reach)?);
        }
        names.insert(file);
    }
    if next.is_some() {
        return Err(format!("more than {MAX_SCRIPTS} scripts that interpret each other"));
    }
    let rest = tree::build(names.iter().map(String::as_str), &program.tree, &|path| reach.look(path));
    program.tree = merge(program.tree, rest);
    reach.complete(file)?;
    Ok(program)
}

/// Checks that a file that the caller named may be shown to a run.
fn named(file: &str, reach: &Reach<'_>) -> Result<(), String> {
    let trusted = trust::check(file, &trust::owners());
    if trusted.is_ok() || reach.public(file) {
        Ok(())
    } else {
        trusted.map_err(|reason| format!("not everybody can read it, and {reason}"))
    }
}

/// Both trees, where `second` shows nothing that `first` does.
fn merge(first: Tree, second: Tree) -> Tree {
    let binds = first.binds.into_iter().chain(second.binds).collect();
    let links = BTreeSet::from_iter(first.links.into_iter().chain(second.links));
    Tree { binds, links: links.into_iter().collect(), hidden: first.hidden }
}

/// Whether the file's name is an interpreter's: `python`, `python3`, `python3.13t`.
fn is_python(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    name.strip_prefix("python").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.' || c == 't'))
}

/// The `#!` line of the file at a real path; `None` if there is none.
fn script(real: &str) -> Result<Option<Line>, String> {
    let mut start = Vec::new();
    let length = u64::try_from(MAX_LINE).unwrap_or_default();
    reach::open(real).and_then(|file| file.take(length).read_to_end(&mut start)).map_err(|error| format!("cannot read {real}: {error}"))?;
    Line::read(&start)
}

/// What executes a script next; `env`, which looks a name up on the run's PATH, is noted in `names` together with what it needs.
fn interpreter(line: &Line, script: &str, paths: Paths<'_>, reach: &Reach<'_>, names: &mut BTreeSet<String>) -> Result<String, String> {
    let first = &line.interpreter;
    if !first.ends_with("/env") {
        let beside = first.rsplit_once('/').map(|(directory, _)| directory) == script.rsplit_once('/').map(|(directory, _)| directory);
        return shown(first, beside, reach).map(|_| first.clone());
    }
    names.extend(libraries(&shown(first, false, reach)?, &[], reach)?);
    names.insert(first.clone());
    let env = Env::read(line.argument.as_deref(), paths.run)?;
    let on = |path: &str| Ok(candidates(&env.program, path)?.into_iter().find(|file| executable(file).is_ok()));
    let found = on(&env.path).map_err(|error: InterpreterError| error.to_string())?;
    let found = found.ok_or_else(|| {
        let elsewhere = on(paths.caller.path).ok().flatten().map_or_else(String::new, |file| {
            format!(", but on yours ({file}): name it in the #! line itself, or give the policy an environment.PATH with its directory")
        });
        format!("its #! line asks env for {}, which is not on the PATH that env has in the run ({}){elsewhere}", env.program, env.path)
    })?;
    // A PATH of the script's own vouches for nothing.
    shown(&found, !env.program.contains('/') && env.path == paths.run, reach)?;
    Ok(found)
}

/// The real path of what a `#!` line names, if it may be shown. The caller's own Python may lie anywhere: on the run's PATH (`own`), or in the virtual environment
/// that the script itself was named in.
fn shown(file: &str, own: bool, reach: &Reach<'_>) -> Result<String, String> {
    executable(file).map_err(|reason| format!("its interpreter {file} {reason}"))?;
    let found = tree::resolve(file, &|path| reach.look(path)).ok_or_else(|| format!("its interpreter {file} leads to no file"))?;
    match reach.closed(&found) {
        Some(_) if own && is_python(file) && reach.object(&found.real).is_ok() => Ok(found.real),
        Some((place, mode)) => Err(format!(
            "its #! line names {file}, and not everybody can reach and read {place} (mode {mode:04o}); what a file names is shown only where everybody can"
        )),
        None => Ok(found.real),
    }
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
        let reach = Reach::new(&Machine, Vec::new(), true);
        let mut names = BTreeSet::new();
        let mut asked = |text: &str, path: &str| {
            let line = Line::read(text.as_bytes()).unwrap().unwrap();
            interpreter(&line, "/x/script", Paths { caller: "/usr/bin".into(), run: path }, &reach, &mut names)
        };
        assert_eq!(asked("#!/bin/sh -e", "/bin").unwrap(), "/bin/sh");
        assert_eq!(asked("#!/usr/bin/env -S A=b sh", "/proc/none:/bin").unwrap(), "/bin/sh");
        let said = asked("#!/usr/bin/env sh", "/proc/none").unwrap_err();
        assert!(said.contains("in the run (/proc/none), but on yours (/usr/bin/sh)"), "{said}");
        for line in ["#!/proc/none", "#!/usr/bin/env", "#!/usr/bin/env no-such-program", "#!/usr/bin/env -S ./sh", "#!/etc/passwd"] {
            assert!(asked(line, "/bin").is_err(), "{line}");
        }
        assert!(names.contains("/usr/bin/env") && names.len() > 2);
    }
}
