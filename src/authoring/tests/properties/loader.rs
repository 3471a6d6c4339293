//! The loader: no text panics, positions lie in the text, what loads reads back from its own words, and both ways of loading agree.

use std::collections::BTreeMap;

use remand_authoring::lint::lint;
use remand_policy::load::{Chain, Loaded, Place, parse, trace};
use remand_policy::source::Source;
use remand_policy::text::{Problem, Severity};
use remand_policy::{Policy, shipped};
use serde_json::Value;

/// Files, separated by zero bytes, which no text needs: the first is loaded, `extends` finds the second as `1`, the third as `2`, and so on.
pub struct Files(Vec<Source>);

impl Files {
    pub fn of(bytes: &[u8]) -> Self {
        let source = |(index, text): (usize, &[u8])| Source { file: format!("file {index}"), text: text.to_vec().into() };
        Self(bytes.split(|byte| *byte == 0).take(12).enumerate().map(source).collect())
    }

    pub fn find(&self, name: &str) -> Result<Source, String> {
        let own = name.parse::<usize>().ok().and_then(|index| self.0.get(index).cloned());
        own.map_or_else(|| shipped::source(name), Ok)
    }

    pub fn get(&self, index: usize) -> Option<&Source> {
        self.0.get(index)
    }
}

/// What keeps a policy from being used: expectations do not.
fn errors(problems: Vec<Problem>) -> Vec<Problem> {
    problems.into_iter().filter(|problem| problem.severity == Severity::Error && !problem.field.starts_with("expect")).collect()
}

pub fn holds(bytes: &[u8]) {
    let files = Files::of(bytes);
    let Some(source) = files.get(0) else { return };
    let chain = Chain::follow(source, |_, name| files.find(name));
    match (parse(&chain, "p"), trace(&chain, "p")) {
        (Ok(policy), Ok(loaded)) => {
            assert_eq!(policy, loaded.policy);
            let warnings = lint(&loaded, source);
            assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning && warning.file == source.file));
            warnings.iter().for_each(|warning| check_problem(&files, warning));
            check_origins(&files, &loaded);
            check_canonical(&policy);
        }
        (Err(short), Err(long)) => {
            long.iter().for_each(|problem| check_problem(&files, problem));
            let (short, long) = (errors(short), errors(long));
            assert!(short == long, "{short:?} but traced {long:?}");
        }
        (Ok(_), Err(long)) if errors(long.clone()).is_empty() => long.iter().for_each(|problem| check_problem(&files, problem)),
        (parsed, traced) => panic!("parsed {parsed:?} but traced {traced:?}"),
    }
}

/// A policy's own text is a file without bases and means the same.
pub fn check_canonical(policy: &Policy) {
    let text = policy.canonical();
    let source = Source { file: "canonical".into(), text: text.clone().into_bytes().into() };
    let again = parse(&Chain::alone(&source), &policy.name).unwrap_or_else(|problems| panic!("{problems:?} in {text}"));
    assert_eq!((&again, again.hash()), (policy, policy.hash()));
}

fn text(files: &Files, file: &str) -> Vec<u8> {
    let own = file.strip_prefix("file ").and_then(|index| files.get(index.parse().ok()?).cloned());
    let source = own.or_else(|| shipped::source(file.strip_prefix("built-in ")?).ok());
    source.unwrap_or_else(|| panic!("no file {file}")).text.into_owned()
}

fn check_problem(files: &Files, problem: &Problem) {
    let text = text(files, &problem.file);
    let Problem { line, column, offset, bytes, .. } = *problem;
    check_position(&text, (line, column, offset, bytes), &format!("{problem:?}"));
    let part = text.get(offset..offset + bytes).and_then(|part| std::str::from_utf8(part).ok());
    assert!(part.is_none_or(|part| part.chars().count() == problem.length), "{problem:?}");
    for shown in [&problem.message, problem.help.as_ref().unwrap_or(&String::new())] {
        assert!(!shown.chars().any(char::is_control), "{problem:?}");
    }
}

/// Line and column, counted a second time: of what stands before, with every end of a line made one line feed.
fn check_position(text: &[u8], (line, column, offset, bytes): (usize, usize, usize, usize), what: &str) {
    assert!(offset + bytes <= text.len(), "{what} in {} bytes", text.len());
    let (before, after) = text.split_at(offset);
    let before = std::str::from_utf8(before).unwrap_or_else(|_| panic!("{what} is in the middle of a character"));
    if before.ends_with('\r') && after.starts_with(b"\n") {
        return;
    }
    let before = before.strip_prefix('\u{feff}').unwrap_or(before).replace("\r\n", "\n").replace('\r', "\n");
    let last = before.rsplit('\n').next().unwrap_or("");
    assert_eq!((line, column), (before.matches('\n').count() + 1, last.chars().count() + 1), "{what}");
}

fn check_place(files: &Files, place: &Place) -> Option<Value> {
    let text = text(files, &place.file);
    let Place { line, column, offset, bytes, .. } = *place;
    check_position(&text, (line, column, offset, bytes), &format!("{place:?}"));
    serde_json::from_slice(&text[offset..offset + bytes]).ok()
}

/// Every place lies in its file; those of plain texts and whole numbers hold exactly the value, and a list has as many places as entries.
fn check_origins(files: &Files, Loaded { policy, origins, .. }: &Loaded) {
    let mut leaves = BTreeMap::new();
    collect("", &policy.tree(), &mut leaves);
    for (field, value) in leaves {
        let written = origins.of(&field).map(|place| check_place(files, place));
        if let (Value::Number(_), Some(Some(written @ Value::Number(_)))) = (&value, &written)
            && field != "limits.cpus"
        {
            assert_eq!(*written, value, "{field}");
        }
        let Value::Array(entries) = &value else { continue };
        let places: Vec<_> = (0..).map_while(|index| origins.entry(&field, index)).collect();
        assert!(places.len() == entries.len(), "{field}: {} places for {value}", places.len());
        for (place, entry) in places.into_iter().zip(entries) {
            // Numbers in a grant may be hexadecimal, keys may be left out; a plain name is what it is.
            if let (Some(Value::String(written)), Value::String(entry)) = (check_place(files, place), entry) {
                assert_eq!(written, *entry, "{field}");
            }
        }
    }
}

fn collect(path: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| collect(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value, into));
        }
        _ => drop(into.insert(path.to_owned(), value.clone())),
    }
}
