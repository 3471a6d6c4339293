//! `remand policy check`: everything that is wrong with policy files, and what is hardly meant; and, apart, whether anything starts under them here.
//!
//! Always holds: every file is judged, whatever the others are like; nothing that a file names by its path is run; what this machine lacks is no fault of a
//! text.

use std::path::Path;

use remand_authoring::lint::lint;
use remand_engine::store::{Purpose, Read, Store, policy_name};
use remand_engine::{Ceiling, Engine, trust};
use remand_policy::source::{LARGEST, Source};
use remand_policy::text::{Problem, Severity};
use serde_json::{Value, json};

use super::{host, snippet};
use crate::args::CheckArgs;
use crate::failure::{Failure, USAGE};
use crate::print::{self, plain};
use crate::refusal;

/// Judges each file and prints what is wrong with it. Gives 2 for a fault of a text, 1 where only this host stands in the way.
pub fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let ceiling = refusal::ceiling(&Engine::from_environment(), args.ceiling.as_deref())?;
    let checked: Vec<_> = args.files.iter().map(|file| examine(file, ceiling.as_ref(), !args.no_host)).collect();
    if args.json {
        print::json(&document(&checked, ceiling.as_ref()).to_string())?;
    } else {
        for checked in &checked {
            print::stderr(&snippet::told(&checked.sources, &checked.problems));
            print::stderr(&snippet::told(&checked.sources, &checked.here));
            if checked.fails(false) {
                print::stderr(&checked.summary());
            } else {
                print::stdout(&checked.summary())?;
            }
        }
    }
    let fails = |problems: fn(&Checked) -> &Vec<Problem>| {
        let fails = |problem: &Problem| args.deny_warnings || problem.severity == Severity::Error;
        checked.iter().flat_map(problems).any(fails)
    };
    Ok(if fails(|checked| &checked.problems) { USAGE } else { u8::from(fails(|checked| &checked.here)) })
}

/// One file with what was found.
struct Checked {
    file: String,
    sources: Vec<Source>,
    /// Of the text.
    problems: Vec<Problem>,
    /// Of this machine.
    here: Vec<Problem>,
}

fn examine(path: &Path, ceiling: Option<&Ceiling>, host: bool) -> Checked {
    let file = path.to_string_lossy().into_owned();
    let unread = |message: String| {
        let nothing = Source { file: file.clone(), text: Vec::new().into() };
        let said = snippet::Said { severity: Severity::Error, field: String::new(), message, help: None };
        let problems = vec![snippet::problem(std::slice::from_ref(&nothing), None, said)];
        Checked { file: file.clone(), sources: vec![nothing], problems, here: Vec::new() }
    };
    let text = match trust::open_regular(path).map(|file| crate::read::all(file, LARGEST as u64)) {
        Ok(Ok(Some(text))) => text,
        Ok(Ok(None)) => return unread(format!("the file is larger than the {LARGEST} bytes that a policy may have")),
        Ok(Err(error)) => return unread(format!("the file cannot be read: {error}")),
        Err(distrust) => return unread(format!("the file {}", distrust.objection)),
    };
    let source = Source { file: file.clone(), text: text.into() };
    let Read { loaded, sources } = Store::system().read(&policy_name(path), &source, Purpose::Look, true);
    let mut problems: Vec<Problem> = namesake(path, &sources).into_iter().collect();
    let mut here = if host { host::trust(path, &sources) } else { Vec::new() };
    match loaded {
        Ok(loaded) => {
            if host {
                here.extend(host::lacks(&loaded, &sources));
            }
            problems.extend(ceiling.iter().flat_map(|ceiling| refusal::problems(ceiling, &loaded, &sources)));
            problems.extend(lint(&loaded, &source));
        }
        Err(found) => problems.extend(found),
    }
    problems.sort_by(|a, b| (a.file != file, &a.file, a.offset).cmp(&(b.file != file, &b.file, b.offset)));
    Checked { file, sources, problems, here }
}

/// A file that no run can be under, since another policy has its name.
fn namesake(path: &Path, sources: &[Source]) -> Option<Problem> {
    let typed = path.to_string_lossy();
    let message = match Store::system().own_name(&typed, sources.first()?) {
        Ok(()) => return None,
        Err(refusal) => Failure::from(refusal).message,
    };
    let help = Some("give the file another name".to_owned());
    Some(snippet::problem(sources, None, snippet::Said { severity: Severity::Error, field: String::new(), message, help }))
}

impl Checked {
    fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    fn fails(&self, here: bool) -> bool {
        (if here { &self.here } else { &self.problems }).iter().any(|problem| problem.severity == Severity::Error)
    }

    /// One line for each file.
    fn summary(&self) -> String {
        let count = |severity, word| match self.count(severity) {
            0 => None,
            1 => Some(format!("1 {word}")),
            n => Some(format!("{n} {word}s")),
        };
        let found: Vec<_> = [count(Severity::Error, "error"), count(Severity::Warning, "warning")].into_iter().flatten().collect();
        let here = match &self.here[..] {
            [] => "",
            _ if self.fails(true) => "; it does not start here",
            _ => "; see above for this machine",
        };
        format!("{}: {}{here}\n", plain(&self.file), if found.is_empty() { "ok".to_owned() } else { found.join(", ") })
    }
}

fn document(checked: &[Checked], ceiling: Option<&Ceiling>) -> Value {
    let problem = |problem: &Problem| {
        let Problem { severity, file, line, column, length, offset, bytes, field, message, help } = problem;
        let severity = if *severity == Severity::Error { "error" } else { "warning" };
        json!({ "file": file, "line": line, "column": column, "length": length, "offset": offset, "bytes": bytes, "severity": severity,
            "field": field, "message": message, "help": help })
    };
    json!({
        "version": 1,
        "ceiling": ceiling.map(|ceiling| &ceiling.file),
        "files": checked.iter().map(|checked| &checked.file).collect::<Vec<_>>(),
        "problems": checked.iter().flat_map(|checked| &checked.problems).map(problem).collect::<Vec<_>>(),
        "here": checked.iter().flat_map(|checked| &checked.here).map(problem).collect::<Vec<_>>(),
    })
}
