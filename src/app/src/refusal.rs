//! A refusal of the engine, for people: its sentence, the pieces of files that it is about, and what to do.

use std::collections::BTreeMap;
use std::path::Path;

use remand_engine::{Ceiling, Declined, Document, Refusal, RunError, store};
use remand_policy::Policy;
use remand_policy::ceiling::Excess;
use remand_policy::load::Loaded;
use remand_policy::source::Source;
use remand_policy::text::{Problem, Severity};

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::policy::snippet::{self, Said};
use crate::print::plain;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { hint: hint(&refusal), ..Self::usage(message(&refusal)) }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Refused(refusal) => refusal.into(),
            RunError::Job(error) => Self::usage(error.to_string()),
        }
    }
}

fn message(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Wrong { document, typed, sources, problems } => {
            let document = match document {
                Document::Policy => "policy",
                Document::Ceiling => "the ceiling",
            };
            format!("{document} {}:\n{}", plain(typed), snippet::told(sources, problems))
        }
        Refusal::Beyond { typed, ceiling, excesses, loaded, sources } => {
            let told = snippet::told(sources, &beyond(ceiling, excesses.clone(), loaded, sources));
            format!("policy {} is beyond the ceiling of this machine:\n{told}", plain(typed))
        }
        Refusal::Choice { policy, declined } => {
            let lines: Vec<_> = declined.iter().map(|why| plain(&why.to_string()).into_owned()).collect();
            format!("policy {}: {}", plain(policy), lines.join("\n  "))
        }
        Refusal::Overrides { policy, problems } => {
            let lines: Vec<_> = problems.iter().map(|problem| plain(&told(problem)).into_owned()).collect();
            format!("policy {}: {}", plain(policy), lines.join("\n  "))
        }
        other => plain(&other.to_string()).into_owned(),
    }
}

/// The lines of a policy that would let a request choose what it does.
fn lines(declined: &[Declined]) -> Option<String> {
    let mut lists: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for why in declined {
        if let Declined::NotAllowed { field, entry, .. } = why {
            lists.entry(field).or_default().push(entry);
        }
    }
    let line = |(field, entries): (&&str, &Vec<&Value>)| match entries.as_slice() {
        [flag @ Value::Bool(_)] => format!("\"{field}\": {flag}"),
        entries => format!("\"{field}\": {{ \"add\": {} }}", json!(entries)),
    };
    let lines: Vec<_> = lists.iter().map(line).collect();
    (!lines.is_empty()).then(|| format!("in a policy that extends this one, write \"request\": {{ {} }}", plain(&lines.join(", "))))
}

fn hint(refusal: &Refusal) -> Option<String> {
    Some(match refusal {
        Refusal::Unknown { .. } => format!("{}; a file's name contains a / or ends in .jsonc", store::built_in()),
        Refusal::NoName { .. } => "a name has letters, digits, - and _; a file's name contains a / or ends in .jsonc".to_owned(),
        Refusal::BuiltIn { name } => format!("write a policy that says \"extends\": \"{name}\", such as by: remand policy edit NAME"),
        Refusal::NameTaken { .. } => "give the file another name".to_owned(),
        Refusal::Distrusted { document: Document::Ceiling, .. } => "no policy is used before the ceiling can be trusted".to_owned(),
        Refusal::Choice { declined, .. } => return lines(declined),
        // What was not understood says itself what to write.
        Refusal::Overrides { problems, .. } if problems.iter().all(|problem| problem.help.is_none()) => {
            "a request only narrows its policy; to allow more, write a policy that extends it".to_owned()
        }
        _ => return None,
    })
}

/// The field and what is wrong with it; where it was typed, everybody knows.
fn told(problem: &Problem) -> String {
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}: {}{help}", problem.field, problem.message)
}

/// Every value of a policy that is beyond a ceiling, where it was written.
pub fn problems(ceiling: &Ceiling, loaded: &Loaded, sources: &[Source]) -> Vec<Problem> {
    beyond(&ceiling.file, ceiling.beyond(&loaded.policy), loaded, sources)
}

fn beyond(file: &str, excesses: Vec<Excess>, loaded: &Loaded, sources: &[Source]) -> Vec<Problem> {
    let told = |excess: Excess| {
        let entry = excess.entry.and_then(|index| loaded.origins.entry(&excess.field, index));
        let place = entry.or_else(|| loaded.origins.of(&excess.field)).cloned();
        let said = Said {
            severity: Severity::Error,
            message: format!("{excess} {file}"),
            help: Some(format!("the most that is allowed: {}", excess.most)),
            field: excess.field,
        };
        snippet::problem(sources, place.as_ref(), said)
    };
    excesses.into_iter().map(told).collect()
}

/// The first value of a policy that is beyond a ceiling, in one sentence.
pub fn first_beyond(ceiling: &Ceiling, policy: &Policy) -> Option<String> {
    let excess = ceiling.beyond(policy).into_iter().next()?;
    let most = &excess.most;
    let file = &ceiling.file;
    Some(format!("{}: {excess} {file}: the most that is allowed: {most}; who administers this machine can raise it there", excess.field))
}

/// The ceiling that policies are held against: the one that was named, to look at, or that of this machine.
pub fn ceiling(engine: &remand_engine::Engine, named: Option<&Path>) -> Result<Option<Ceiling>, Failure> {
    Ok(match named {
        Some(path) => Some(Ceiling::look(path, engine.store())?),
        None => engine.ceiling()?,
    })
}
