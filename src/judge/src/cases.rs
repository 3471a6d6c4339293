//! The tests in a directory: `NAME.in` with its answer in `NAME.ans` or `NAME.out`, and what single ones are allowed in `limits.json`.
//!
//! Always holds: names come in the order of people (2 before 10); a file of the other kind without its partner is no test, and is told.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Directories inside each other (`secret/1-small/…`).
const DEPTH: usize = 4;
/// Tests that are looked at.
const MOST: usize = 10_000;
const LIMITS: &str = "limits.json";
/// Bytes of it.
const MOST_LIMITS: u64 = 1 << 20;

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its path beneath the directory, without ending.
    pub name: String,
    /// What the solution gets as standard input, or the interactor as a file.
    pub input: PathBuf,
    /// The answer, where there is one.
    pub answer: Option<PathBuf>,
    /// What narrows the policy for it, a tree of the shape of a policy's sections; null where nothing does.
    pub limits: Value,
}

/// Why there are no tests.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum CaseError {
    #[error("cannot read {path}: {error}")]
    Io { path: String, error: io::Error },
    #[error("{0}: no test in it; a test is a file NAME.in with its answer in NAME.ans or NAME.out")]
    None(String),
    #[error("{0}: more than {MOST} tests")]
    TooMany(String),
    #[error("{0}: an answer without its test, {1}")]
    Lonely(String, String),
    #[error("{0}: directories more than {DEPTH} inside each other")]
    TooDeep(String),
    #[error("{path}: {error}")]
    NotJson { path: String, error: serde_json::Error },
    #[error(
        "{0}: an object is expected that gives test names (or `*` for all) what narrows the policy: {{\"*\": {{\"limits\": {{\"cpu_time\": \"1s\"}}}}}}"
    )]
    NotLimits(String),
    #[error("{0}: there is no test {1:?}")]
    Unknown(String, String),
}

/// The tests of a directory, in order.
///
/// # Errors
/// There are none, or one cannot be understood.
pub fn find(directory: &Path) -> Result<Vec<Case>, CaseError> {
    let mut files = BTreeMap::new();
    list(directory, "", 0, &mut files)?;
    let mut limits = read_limits(directory, files.remove(LIMITS))?;
    let for_all = limits.remove("*").unwrap_or(Value::Null);
    let mut cases = Vec::new();
    for (name, path) in files.iter().filter_map(|(file, path)| Some((file.strip_suffix(".in")?, path))) {
        let answer = ["ans", "out"].iter().find_map(|ending| files.get(&format!("{name}.{ending}"))).cloned();
        let mut own = for_all.clone();
        merge(&mut own, limits.remove(name).unwrap_or(Value::Null));
        cases.push(Case { name: name.to_owned(), input: path.clone(), answer, limits: own });
    }
    let shown = || directory.display().to_string();
    if let Some(answer) = files.keys().find(|file| {
        let name = file.strip_suffix(".ans").or_else(|| file.strip_suffix(".out"));
        name.is_some_and(|name| !files.contains_key(&format!("{name}.in")))
    }) {
        return Err(CaseError::Lonely(shown(), answer.clone()));
    }
    if let Some(name) = limits.keys().next() {
        return Err(CaseError::Unknown(directory.join(LIMITS).display().to_string(), name.clone()));
    }
    match cases.len() {
        0 => return Err(CaseError::None(shown())),
        count if count > MOST => return Err(CaseError::TooMany(shown())),
        _ => {}
    }
    cases.sort_by(|one, other| as_people_count(&one.name, &other.name));
    Ok(cases)
}

/// Lays one tree over another: what it says holds.
pub fn merge(tree: &mut Value, over: Value) {
    match (tree, over) {
        (_, Value::Null) => {}
        (Value::Object(tree), Value::Object(over)) => {
            for (key, value) in over {
                merge(tree.entry(key).or_insert(Value::Null), value);
            }
        }
        (tree, over) => *tree = over,
    }
}

fn list(directory: &Path, beneath: &str, depth: usize, files: &mut BTreeMap<String, PathBuf>) -> Result<(), CaseError> {
    let shown = || directory.display().to_string();
    let failed = |error| CaseError::Io { path: shown(), error };
    if depth > DEPTH {
        return Err(CaseError::TooDeep(shown()));
    }
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = format!("{beneath}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(failed)?.is_dir() {
            list(&entry.path(), &format!("{name}/"), depth + 1, files)?;
        } else if files.len() > 3 * MOST {
            return Err(CaseError::TooMany(shown()));
        } else {
            files.insert(name, entry.path());
        }
    }
    Ok(())
}

fn read_limits(directory: &Path, file: Option<PathBuf>) -> Result<serde_json::Map<String, Value>, CaseError> {
    let Some(file) = file else { return Ok(serde_json::Map::new()) };
    let path = directory.join(LIMITS).display().to_string();
    let failed = |error| CaseError::Io { path: path.clone(), error };
    let found = fs::metadata(&file).map_err(failed)?;
    if !found.is_file() || found.len() > MOST_LIMITS {
        return Err(failed(io::Error::other("it is no regular file, or larger than 1 MiB")));
    }
    let text = fs::read_to_string(&file).map_err(failed)?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(limits)) if limits.values().all(Value::is_object) => Ok(limits),
        Ok(_) => Err(CaseError::NotLimits(path)),
        Err(error) => Err(CaseError::NotJson { path, error }),
    }
}

/// Digits next to each other are one number.
fn as_people_count(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        let (Some(a), Some(b)) = (one.first(), other.first()) else { return one.len().cmp(&other.len()) };
        let order = if a.is_ascii_digit() && b.is_ascii_digit() {
            let (left, right) = (number(&mut one), number(&mut other));
            left.len().cmp(&right.len()).then(left.cmp(right))
        } else {
            (one, other) = (&one[1..], &other[1..]);
            a.cmp(b)
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes a number off the front, without its leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let top = std::env::temp_dir().join(format!("remand-judge-{name}-{}", std::process::id()));
            for (file, text) in files {
                let path = top.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(top)
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn tests_come_in_the_order_of_people_with_their_answers_and_limits() {
        let limits = r#"{"*": {"limits": {"cpu_time": "1s", "memory": "64MiB"}}, "secret/10": {"limits": {"cpu_time": "2s"}}}"#;
        let files = [
            ("secret/10.in", ""),
            ("secret/10.ans", ""),
            ("secret/2.in", ""),
            ("secret/2.out", ""),
            ("sample/a.in", ""),
            ("statement.md", ""),
        ];
        let tree = Tree::new("order", &[&files[..], &[(LIMITS, limits)]].concat());
        let cases = find(&tree.0).unwrap();
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["sample/a", "secret/2", "secret/10"]);
        assert!(cases[0].answer.is_none() && cases[1].answer.is_some() && cases[2].answer.is_some());
        assert_eq!(cases[1].limits, json!({"limits": {"cpu_time": "1s", "memory": "64MiB"}}));
        assert_eq!(cases[2].limits, json!({"limits": {"cpu_time": "2s", "memory": "64MiB"}}));
    }

    #[test]
    fn what_is_no_set_of_tests_is_told() {
        let said = |name: &str, files: &[(&str, &str)]| find(&Tree::new(name, files).0).unwrap_err().to_string();
        assert!(said("none", &[("a.txt", "")]).contains("no test in it"));
        assert!(said("lonely", &[("1.in", ""), ("2.ans", "")]).contains("2.ans"));
        assert!(said("unknown", &[("1.in", ""), (LIMITS, r#"{"3": {}}"#)]).contains("no test \"3\""));
        assert!(said("shape", &[("1.in", ""), (LIMITS, "[1]")]).contains("an object is expected"));
        assert!(said("json", &[("1.in", ""), (LIMITS, "{")]).contains("limits.json: EOF"));
        let endless = Tree::new("endless", &[("1.in", "")]);
        std::os::unix::fs::symlink("/dev/zero", endless.0.join(LIMITS)).unwrap();
        assert!(find(&endless.0).unwrap_err().to_string().contains("no regular file"));
        assert!(find(Path::new("/nowhere")).unwrap_err().to_string().contains("/nowhere"));
    }
}
