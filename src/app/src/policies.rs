//! Finding and loading a policy by the name that was typed.
//!
//! Always holds: a name stands for a file in [`DIRECTORY`], else for a built-in policy; a path for a file, and nothing runs under one that has another
//! policy's name; a file is opened only as far as [`trust`] goes, and read once.

use std::cell::RefCell;
use std::fs::File;
use std::path::{Path, PathBuf};

use remand_policy::Policy;
use remand_policy::load;
use remand_policy::load::{Loaded, Origins};
use remand_policy::shipped;
use remand_policy::shipped::SHIPPED;
use remand_policy::source::{LARGEST, Source};
use remand_policy::text::Problem;
use serde_json::Value;

use crate::ceiling::Ceiling;
use crate::failure::Failure;
use crate::policy::snippet;
use crate::print::plain;
use crate::trust::{self, Distrust};

/// Where an administrator puts policies that are asked for by name.
const DIRECTORY: &str = "/etc/remand/policies";

/// The policy of this name or file, narrowed by a request's overrides.
pub fn effective(typed: &str, overrides: &Value) -> Result<Policy, Failure> {
    narrowed(&allowed(typed)?, overrides)
}

/// A policy as a request narrows it.
pub fn narrowed(policy: &Policy, overrides: &Value) -> Result<Policy, Failure> {
    remand_policy::overrides::apply(policy, overrides).map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(|problem| plain(&told(problem)).into_owned()).collect();
        // What was not understood says what to write; what asks for more has no other way.
        let understood = problems.iter().all(|problem| problem.help.is_none());
        Failure {
            hint: understood.then(|| "a request only narrows its policy; to allow more, write a policy that extends it".into()),
            ..Failure::usage(format!("policy {}: {}", plain(&policy.name), lines.join("\n  ")))
        }
    })
}

/// The policy of this name or file, if it is within the ceiling of this machine.
fn allowed(typed: &str) -> Result<Policy, Failure> {
    let ceiling = Ceiling::here()?;
    let source = find(typed)?;
    own_name(typed, &source)?;
    let policy = understood(typed, read(&name(Path::new(typed)), &source, false))?.policy;
    match ceiling.filter(|ceiling| !ceiling.holds(&policy)) {
        None => Ok(policy),
        Some(ceiling) => {
            // Once more, for the places.
            let (sources, loaded) = tell(typed, source)?;
            Err(beyond(typed, &ceiling, &loaded, &sources))
        }
    }
}

/// Refuses a policy that is beyond the ceiling of this machine, where something is to run under it.
pub fn within_ceiling(typed: &str, loaded: &Loaded, sources: &[Source]) -> Result<(), Failure> {
    match Ceiling::here()?.filter(|ceiling| !ceiling.holds(&loaded.policy)) {
        None => Ok(()),
        Some(ceiling) => Err(beyond(typed, &ceiling, loaded, sources)),
    }
}

fn beyond(typed: &str, ceiling: &Ceiling, loaded: &Loaded, sources: &[Source]) -> Failure {
    let problems = ceiling.problems(loaded, sources);
    Failure::usage(format!("policy {} is beyond the ceiling of this machine:\n{}", plain(typed), snippet::told(sources, &problems)))
}

/// The policy of this name or file, whether or not the ceiling allows it. For looking at it.
pub fn load(typed: &str) -> Result<Policy, Failure> {
    let source = find(typed)?;
    understood(typed, read(&name(Path::new(typed)), &source, false)).map(|loaded| loaded.policy)
}

fn understood(typed: &str, Read { loaded, sources }: Read) -> Result<Loaded, Failure> {
    loaded.map_err(|problems| Failure::usage(format!("policy {}:\n{}", plain(typed), snippet::told(&sources, &problems))))
}

/// The policy of this name or file, to look at: a file may be anybody's, since nothing runs under it. With where its values were written.
pub fn traced(typed: &str) -> Result<Loaded, Failure> {
    tell(typed, source(typed, look)?).map(|(_, loaded)| loaded)
}

/// The same with the texts that it was read from, the file itself first. Only what is `run` must be trusted.
pub fn trace(typed: &str, run: bool) -> Result<(Vec<Source>, Loaded), Failure> {
    let source = source(typed, if run { trusted } else { look })?;
    if run {
        own_name(typed, &source)?;
    }
    tell(typed, source)
}

/// Refuses a file that has another policy's name, unless it says the same: the outcome of a run names its policy.
pub fn own_name(typed: &str, source: &Source) -> Result<(), Failure> {
    match namesake(typed, source)? {
        None => Ok(()),
        Some(other) => Err(taken(typed, &other)),
    }
}

fn taken(typed: &str, other: &str) -> Failure {
    Failure {
        hint: Some("give the file another name".to_owned()),
        ..Failure::usage(format!("policy {}: {} is the name of {}", plain(typed), plain(&name(Path::new(typed))), plain(other)))
    }
}

/// The other policy whose name a file has; none that says the same.
pub fn namesake(typed: &str, source: &Source) -> Result<Option<String>, Failure> {
    if is_path(typed) { other(Path::new(typed), &source.text) } else { Ok(None) }
}

/// The same of a text that is to be written to a file.
fn other(path: &Path, text: &[u8]) -> Result<Option<String>, Failure> {
    let name = name(path);
    if is_place(path, &name) {
        return Ok(None);
    }
    Ok(named(&name)?.filter(|other| *other.text != *text).map(|other| other.file))
}

/// Refuses to write a text to a file that has another policy's name: nothing would run under it.
pub fn writable(path: &Path, text: &[u8]) -> Result<(), Failure> {
    other(path, text)?.map_or(Ok(()), |other| Err(taken(&path.to_string_lossy(), &other)))
}

fn is_path(typed: &str) -> bool {
    typed.contains('/') || typed.ends_with(".jsonc")
}

/// Where an administrator's policy of this name is.
fn place(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(format!("{name}.jsonc"))
}

fn is_place(path: &Path, name: &str) -> bool {
    std::path::absolute(path).is_ok_and(|path| path == place(name))
}

/// The file that a name stands for.
pub fn path(typed: &str) -> Option<PathBuf> {
    (is_name(typed) && place(typed).exists()).then(|| place(typed))
}

/// Whether a name stands for a policy that is built in.
pub fn is_built_in(typed: &str) -> bool {
    shipped::source(typed).is_ok() && !place(typed).exists()
}

fn tell(typed: &str, source: Source) -> Result<(Vec<Source>, Loaded), Failure> {
    let read = read(&name(Path::new(typed)), &source, true);
    let sources = read.sources.clone();
    understood(typed, read).map(|loaded| (sources, loaded))
}

/// The file that was typed, or the one of this name, as far as it can be trusted.
pub fn find(typed: &str) -> Result<Source, Failure> {
    source(typed, trusted)
}

/// A file, as far as it can be trusted.
fn trusted(path: &Path) -> Result<Source, Failure> {
    trust::open_policy(path).map_err(|distrust| refused(path, &distrust)).and_then(|file| text(path, file))
}

fn source(typed: &str, file: impl FnOnce(&Path) -> Result<Source, Failure>) -> Result<Source, Failure> {
    if is_path(typed) {
        return file(Path::new(typed));
    }
    named(typed)?.ok_or_else(|| Failure {
        hint: Some(format!("{}; a file's name contains a / or ends in .jsonc", known())),
        ..Failure::usage(format!("no policy {} is built in or in {DIRECTORY}", plain(typed)))
    })
}

/// A file to look at, whoever owns it: nothing runs under it.
pub fn look(path: &Path) -> Result<Source, Failure> {
    trust::open_regular(path).map_err(|distrust| refused(path, &distrust)).and_then(|file| text(path, file))
}

/// What was read of a policy.
#[derive(Debug)]
pub struct Read {
    /// The policy, or every problem.
    pub loaded: Result<Loaded, Vec<Problem>>,
    /// The file itself, then its bases: what problems are about.
    pub sources: Vec<Source>,
}

/// Reads what a text says, its bases found by name; `trace` asks for places and warnings too.
pub fn read(name: &str, source: &Source, trace: bool) -> Read {
    let sources = RefCell::new(vec![source.clone()]);
    let base = |name: &str| {
        // The machine's own policy of this name, by whatever path it was asked for, extends the built-in one.
        let asking = sources.borrow().last().is_some_and(|asking| is_place(Path::new(&asking.file), name));
        let found = if asking { shipped::source(name).map_err(|_| known()) } else { base(name) };
        found.inspect(|source| sources.borrow_mut().push(source.clone()))
    };
    let loaded = if trace {
        load::trace(source, name, &base)
    } else {
        load::parse(source, name, &base).map(|policy| Loaded { policy, origins: Origins::default(), expect: Vec::new() })
    };
    Read { loaded, sources: sources.into_inner() }
}

/// The base of this name, for the loader.
pub fn base(name: &str) -> Result<Source, String> {
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

/// The file of a policy that is to be written: a path, or the place of a name. What is built in has no file.
pub fn file(typed: &str) -> Result<PathBuf, Failure> {
    if is_path(typed) {
        return Ok(typed.into());
    }
    if is_built_in(typed) {
        let hint = format!("write a policy that says \"extends\": \"{typed}\", such as by: remand policy edit NAME");
        return Err(Failure { hint: Some(hint), ..Failure::usage(format!("policy {typed} is built in and cannot be changed")) });
    }
    if is_name(typed) { Ok(place(typed)) } else { Err(no_name(typed)) }
}

fn no_name(typed: &str) -> Failure {
    let hint = Some("a name has letters, digits, - and _; a file's name contains a / or ends in .jsonc".to_owned());
    Failure { hint, ..Failure::usage(format!("{} is no name of a policy", plain(typed))) }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn known() -> String {
    format!("built in are: {}", SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
}

/// The field and what is wrong with it; where it was typed, everybody knows.
fn told(problem: &Problem) -> String {
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}: {}{help}", problem.field, problem.message)
}

/// One of the administrator's policies, or a built-in one; `None` if there is none of that name.
fn named(name: &str) -> Result<Option<Source>, Failure> {
    if !is_name(name) {
        return Ok(None);
    }
    let path = place(name);
    match trust::open_if_there(&path) {
        Ok(Some(file)) => text(&path, file).map(Some),
        Ok(None) | Err(Distrust { missing: true, .. }) => Ok(shipped::source(name).ok()),
        Err(distrust) => Err(refused(&path, &distrust)),
    }
}

/// The text of an open file.
pub fn text(path: &Path, file: File) -> Result<Source, Failure> {
    let name = path.to_string_lossy().into_owned();
    match crate::read::all(file, LARGEST as u64) {
        Ok(Some(bytes)) => Ok(Source { file: name, text: bytes.into() }),
        Ok(None) => Err(Failure::usage(format!("policy {}: larger than {LARGEST} bytes", plain(&name)))),
        Err(error) => Err(Failure::usage(format!("policy {}: cannot be read: {error}", plain(&name)))),
    }
}

/// What to say of a file that is no policy.
pub fn refused(path: &Path, Distrust { component, objection, .. }: &Distrust) -> Failure {
    let shown = |path: &PathBuf| plain(&path.to_string_lossy()).into_owned();
    let component = if component == path { String::new() } else { format!("{} ", shown(component)) };
    Failure::usage(format!("policy {}: {component}{objection}", shown(&path.into())))
}
