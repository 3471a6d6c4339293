//! What keeps runs under a policy from starting on this machine.
//!
//! Always holds: what is said here is true of this machine and no fault of the policy's text, which may be for another one; nothing that a policy names by its
//! path is run.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{env, fs};

use remand_engine::{Engine, HostFiles, interpreter};
use remand_jail::host::{Depth, observe};
use remand_plan::Interpreter;
use remand_plan::Protection;
use remand_plan::interpreter::Tree;
use remand_plan::plan::{Program, Refused};
use remand_policy::load::Loaded;
use remand_policy::source::Source;
use remand_policy::text::{Problem, Severity};
use remand_syscalls::Starting;

use super::snippet::{self, Said, problem};
use crate::print::plain;
use remand_engine::trust::{self, Distrust};

/// Who else can write the policy itself: an error where no run of this user takes it.
pub fn trust(path: &Path, sources: &[Source]) -> Vec<Problem> {
    let severity = if trust::open_policy(path).is_ok() { Severity::Warning } else { Severity::Error };
    let told = |Distrust { component, objection, .. }: Distrust| {
        let message = format!("{} {objection}", shown(&component));
        problem(sources, None, Said { severity, field: String::new(), message, help: None })
    };
    trust::objections(path).into_iter().map(told).collect()
}

/// Why nothing starts under the policy here, for each use that its text allows.
pub fn lacks(loaded: &Loaded, sources: &[Source]) -> Vec<Problem> {
    let Loaded { policy, origins, .. } = loaded;
    let host = observe(Depth::Quick);
    let told = |using: &str, Refused { protection, blocker, remedy }: Refused| {
        let mount = match protection {
            Protection::Mount { index, .. } => Some(index),
            _ => None,
        };
        let place = mount.and_then(|index| origins.entry("filesystem.mounts", index));
        let field = if mount.is_some() { "filesystem.mounts" } else { "" };
        let message = format!("{using} here: {} cannot be had: {}", plain(&protection.to_string()), plain(&blocker));
        problem(sources, place, Said { severity: Severity::Error, field: field.to_owned(), message, help: Some(remedy) })
    };
    // A program that needs no files.
    let anything = Program::Host { argv: &["/program".to_owned()], tree: &Tree::default() };
    let refused = remand_plan::resolve(policy, &anything, &host, &HostFiles).err().unwrap_or_default();
    if !refused.is_empty() {
        return refused.into_iter().map(|refused| told("nothing starts under it", refused)).collect();
    }
    let mut all: Vec<Problem> = remand_plan::blocked_by_syscalls(policy, &host, Starting::Program)
        .into_iter()
        .map(|lack| told("`remand exec` starts hardly anything under it", lack))
        .collect();
    let run = |refused: Vec<Refused>| {
        refused.into_iter().map(|refused| told("`remand run` starts nothing under it", refused)).collect::<Vec<_>>()
    };
    match interpreter(&policy.python.interpreter, !policy.python.external_allow.is_empty()) {
        Ok(None) => all.extend(run(remand_plan::blocked_by_syscalls(policy, &host, Starting::Python(None)).into_iter().collect())),
        Ok(Some(found)) => {
            all.extend(run(remand_plan::plan_to_start(policy, &Program::Python(&found), &host, &HostFiles).err().unwrap_or_default()))
        }
        Err(why) => {
            let field = "python.interpreter";
            let message = format!("`remand run` starts nothing under it here: {why}");
            let help = Some("name one that is installed; `remand exec` needs none".to_owned());
            all.push(problem(sources, origins.of(field), Said { severity: Severity::Error, field: field.to_owned(), message, help }));
        }
    }
    all
}

/// What an edit has brought that keeps runs from starting here, as people read it.
pub fn news(before: Option<&Loaded>, after: &Loaded, sources: &[Source]) -> String {
    let known: Vec<String> = before.map(|before| lacks(before, sources)).unwrap_or_default().into_iter().map(|old| old.message).collect();
    let new: Vec<Problem> = lacks(after, sources).into_iter().filter(|problem| !known.contains(&problem.message)).collect();
    let warning = |problem: Problem| Problem { severity: Severity::Warning, ..problem };
    snippet::told(sources, &new.into_iter().map(warning).collect::<Vec<_>>())
}

/// The interpreter of a bare name, which a run of this user would take; one that is named by its path is only read, by what a run would be refused for before
/// it asks, since the file that names it may be anybody's.
fn interpreter(wanted: &str, site: bool) -> Result<Option<Interpreter>, String> {
    if wanted.contains('/') {
        absent(wanted).map_or(Ok(()), Err)?;
        foreign(wanted).map_or(Ok(()), Err)?;
        return interpreter::look(wanted, site).map_err(|error| plain(&error.to_string()).into_owned());
    }
    absent(wanted).map_or(Ok(()), Err)?;
    let engine = Engine::from_environment();
    interpreter::find(wanted, engine.path(), site)
        .map(|found| Some(found.interpreter))
        .map_err(|error| plain(&error.to_string()).into_owned())
}

/// What every CPython since 3.8 begins with, and no program that merely embeds one.
const MARK: &[u8] = b"Py_BytesMain";
/// Larger than any CPython.
const LARGEST: u64 = 256 << 20;

/// Why a program is no Python that a run can see.
fn foreign(wanted: &str) -> Option<String> {
    let real = fs::canonicalize(wanted).ok()?;
    let unreadable = |error: io::Error| format!("{} cannot be read: {error}", plain(wanted));
    if let Some(own) = remand_policy::places::own(&real.to_string_lossy()) {
        return Some(format!("{} leads to {}: {own} is the run's own", plain(wanted), shown(&real)));
    }
    let mut text = Vec::new();
    match interpreter::regular(&real.to_string_lossy()).and_then(|file| file.take(LARGEST).read_to_end(&mut text)) {
        Err(error) => return Some(unreadable(error)),
        Ok(_) if text.starts_with(b"#!") => return None,
        Ok(_) => {}
    }
    let marked = text.windows(MARK.len()).any(|window| window == MARK);
    (!text.starts_with(b"\x7fELF") || !marked).then(|| format!("{} is no Python", plain(wanted)))
}

fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy()).into_owned()
}

/// Why no interpreter of this name can be started. It is not asked anything: the file that names it may be anybody's.
fn absent(wanted: &str) -> Option<String> {
    let usable = |path: &Path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    if wanted.contains('/') {
        return (!usable(Path::new(wanted))).then(|| format!("{} is no program here", plain(wanted)));
    }
    let found = env::split_paths(Engine::from_environment().path()).any(|directory| usable(&directory.join(wanted)));
    (!found).then(|| format!("there is no {} on PATH", plain(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_by_path_and_by_name() {
        assert_eq!((absent("/bin/sh"), absent("sh")), (None, None));
        assert_eq!(absent("/proc/none/python3").as_deref(), Some("/proc/none/python3 is no program here"));
        assert_eq!(absent("/etc").as_deref(), Some("/etc is no program here"));
        assert_eq!(absent("no-such-python").as_deref(), Some("there is no no-such-python on PATH"));
    }

    #[test]
    fn programs_that_are_no_python_are_told_by_their_files() {
        let python =
            env::split_paths(Engine::from_environment().path()).map(|directory| directory.join("python3")).find(|file| file.is_file());
        assert_eq!(python.and_then(|python| foreign(&python.to_string_lossy())), None);
        assert_eq!(foreign("/usr/bin/true").as_deref(), Some("/usr/bin/true is no Python"));
        assert_eq!(foreign("/etc/passwd").as_deref(), Some("/etc/passwd is no Python"));
    }
}
