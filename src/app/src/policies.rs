//! Finding and loading a policy by the name that was typed.
//!
//! Always holds: a name stands for a built-in policy, else for a file in [`DIRECTORY`]; a path for a file; a file is opened only as far as [`trust`]
//! goes, and read once.

use std::fs::File;
use std::path::{Path, PathBuf};

use remand_policy::Policy;
use remand_policy::load::{self, LARGEST, Loaded, Problem, Source};
use remand_policy::shipped::{self, SHIPPED};
use serde_json::Value;

use crate::failure::Failure;
use crate::policy::check;
use crate::print::plain;
use crate::read;
use crate::trust::{self, Distrust};

/// Where an administrator puts policies that are asked for by name.
const DIRECTORY: &str = "/etc/remand/policies";

/// The policy of this name or file, narrowed by a request's overrides.
pub fn effective(typed: &str, overrides: &Value) -> Result<Policy, Failure> {
    narrowed(&load(typed)?, overrides)
}

/// A policy as a request narrows it.
pub fn narrowed(policy: &Policy, overrides: &Value) -> Result<Policy, Failure> {
    load::apply(policy, overrides).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(|problem| plain(&told(problem)).into_owned()).collect();
        // What was not understood says what to write; what asks for more has no other way.
        let understood = problems.iter().all(|problem| problem.help.is_none());
        Failure {
            hint: understood.then(|| "a request only narrows its policy; to allow more, write a policy that extends it".into()),
            ..Failure::usage(format!("policy {}: {}", plain(&policy.name), lines.join("\n  ")))
        }
    })
}

/// The policy of this name or file.
pub fn load(typed: &str) -> Result<Policy, Failure> {
    let path = Path::new(typed);
    let source =
        source(typed, |path| trust::open_policy(path).map_err(|distrust| refused(path, &distrust)).and_then(|file| text(path, file)))?;
    parse(&name(path), &source).map_err(|problems| unusable(typed, &source, &problems))
}

/// The policy of this name or file, to look at: a file may be anybody's, since nothing runs under it. With where its values were written.
pub fn traced(typed: &str) -> Result<Loaded, Failure> {
    let source = source(typed, look)?;
    load::trace(&source, &name(Path::new(typed)), &base).map_err(|problems| unusable(typed, &source, &problems))
}

fn source(typed: &str, file: impl FnOnce(&Path) -> Result<Source, Failure>) -> Result<Source, Failure> {
    if typed.contains('/') || typed.ends_with(".jsonc") {
        return file(Path::new(typed));
    }
    named(typed)?.ok_or_else(|| Failure {
        hint: Some(format!("{}; a file's name contains a / or ends in .jsonc", known())),
        ..Failure::usage(format!("no policy {} is built in or in {DIRECTORY}", plain(typed)))
    })
}

fn unusable(typed: &str, source: &Source, problems: &[Problem]) -> Failure {
    Failure::usage(format!("policy {}:\n{}", plain(typed), check::told(source, problems)))
}

/// A file to look at, whoever owns it: nothing runs under it.
pub fn look(path: &Path) -> Result<Source, Failure> {
    trust::open_regular(path).map_err(|distrust| refused(path, &distrust)).and_then(|file| text(path, file))
}

/// The policy that a text says, its bases found by name.
pub fn parse(name: &str, source: &Source) -> Result<Policy, Vec<Problem>> {
    load::parse(source, name, &base)
}

fn base(name: &str) -> Result<Source, String> {
    match named(name) {
        Ok(Some(source)) => Ok(source),
        Ok(None) => Err(format!("{}; others stand in {DIRECTORY}", known())),
        Err(failure) => Err(failure.message),
    }
}

/// A policy's name: the file's, without directory and ending.
pub fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn known() -> String {
    format!("built in are: {}", SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
}

/// The field and what is wrong with it; where it was typed, everybody knows.
fn told(problem: &Problem) -> String {
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}: {}{help}", problem.field, problem.message)
}

/// A built-in policy or one of the administrator's; `None` if there is none of that name.
fn named(name: &str) -> Result<Option<Source>, Failure> {
    if let Ok(source) = shipped::source(name) {
        return Ok(Some(source));
    }
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Ok(None);
    }
    let path = Path::new(DIRECTORY).join(format!("{name}.jsonc"));
    match trust::open_policy(&path) {
        Ok(file) => text(&path, file).map(Some),
        Err(Distrust { missing: true, .. }) => Ok(None),
        Err(distrust) => Err(refused(&path, &distrust)),
    }
}

fn text(path: &Path, file: File) -> Result<Source, Failure> {
    let name = path.to_string_lossy().into_owned();
    match read::all(file, LARGEST as u64) {
        Ok(Some(bytes)) => Ok(Source { file: name, text: bytes.into() }),
        Ok(None) => Err(Failure::usage(format!("policy {}: larger than {LARGEST} bytes", plain(&name)))),
        Err(error) => Err(Failure::usage(format!("policy {}: cannot be read: {error}", plain(&name)))),
    }
}

fn refused(path: &Path, Distrust { component, objection, .. }: &Distrust) -> Failure {
    let shown = |path: &PathBuf| plain(&path.to_string_lossy()).into_owned();
    let component = if component == path { String::new() } else { format!("{} ", shown(component)) };
    Failure::usage(format!("policy {}: {component}{objection}", shown(&path.into())))
}
