//! The questions put to an interpreter, by `ask.py`, and its answers.
//!
//! Always holds: the interpreter runs in a sandbox of ours that shows its own tree and nothing else; a [`Reply`] is a supported CPython's, and its
//! paths are absolute; nothing else about them is known yet.

use std::os::fd::BorrowedFd;

use remand_plan::interpreter::{PROGRAM, Tree};
use serde::Deserialize;

use super::sandbox::answer;

pub(super) const QUESTIONS: &str = include_str!("ask.py");
const OLDEST: (u32, u32, u32) = (3, 9, 0);

/// What an interpreter said about itself. Whether a place exists, it could not see.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    implementation: String,
    pub version: (u32, u32, u32),
    /// `sys.prefix`; of a venv, its directory.
    #[serde(default)]
    pub prefix: String,
    /// `sys.path` under `-I -S`.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Where `zoneinfo` looks.
    #[serde(default)]
    pub zoneinfo: Vec<String>,
    /// Site directories.
    #[serde(default)]
    pub site: Vec<String>,
    /// Modules that it has in itself.
    #[serde(default)]
    pub builtin: Vec<String>,
    /// Endings of extension modules.
    #[serde(default)]
    pub suffixes: Vec<String>,
    /// The compiled executor, marshalled, in hexadecimal.
    #[serde(default)]
    executor: String,
}

/// Why an interpreter is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// True as long as the file is the same.
    Lasting(String),
    /// May be different next time.
    Passing(String),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Passing(reason)
    }
}

/// Asks the interpreter at an absolute path, showing it `tree`. Gives its reply and the executor's bytes.
pub(super) fn ask(executable: &str, tree: &Tree, cancel: Option<BorrowedFd<'_>>) -> Result<(Reply, Vec<u8>), Refusal> {
    let argv = [executable, "-I", "-S", "-B", "-c", QUESTIONS].map(str::to_owned);
    let said = answer(&argv, tree, PROGRAM.as_bytes(), cancel).map_err(|reason| format!("cannot be asked what it needs: {reason}"))?;
    understand(said.as_bytes())
}

fn understand(said: &[u8]) -> Result<(Reply, Vec<u8>), Refusal> {
    let reply: Reply = serde_json::from_slice(said).map_err(|error| Refusal::Passing(format!("its answer makes no sense: {error}")))?;
    let (major, minor, patch) = reply.version;
    if reply.implementation != "cpython" {
        let name: String = reply.implementation.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        return Err(Refusal::Lasting(format!("is {name} {major}.{minor}.{patch}, not CPython")));
    }
    if reply.version < OLDEST {
        return Err(Refusal::Lasting(format!("is Python {major}.{minor}.{patch}, older than {}.{}", OLDEST.0, OLDEST.1)));
    }
    for path in std::iter::once(&reply.prefix).chain(&reply.paths).chain(&reply.zoneinfo).chain(&reply.site) {
        if !path.starts_with('/') || path.chars().any(char::is_control) {
            return Err(Refusal::Passing(format!("it names {path:?}, which is not an absolute path")));
        }
    }
    if let Some(name) = reply.builtin.iter().chain(&reply.suffixes).find(|name| name.chars().any(|c| c == '/' || c.is_control())) {
        return Err(Refusal::Passing(format!("it names {name:?}, which is no part of a module's name")));
    }
    match unhex(&reply.executor) {
        Some(executor) if !executor.is_empty() => Ok((reply, executor)),
        _ => Err(Refusal::Passing("it compiled nothing".to_owned())),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes().chunks(2).map(|pair| if let [high, low] = pair { Some(digit(*high)? << 4 | digit(*low)?) } else { None }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal(said: &str) -> Refusal {
        understand(said.as_bytes()).unwrap_err()
    }

    #[test]
    fn only_a_supported_cpython_is_taken() {
        assert_eq!(
            refusal(r#"{"implementation": "pypy", "version": [3, 10, 2]}"#),
            Refusal::Lasting("is pypy 3.10.2, not CPython".to_owned())
        );
        let old = Refusal::Lasting("is Python 3.8.18, older than 3.9".to_owned());
        assert_eq!(refusal(r#"{"implementation": "cpython", "version": [3, 8, 18]}"#), old);
        for text in
            ["", "[]", "{}", r#"{"implementation": "cpython", "version": [3]}"#, r#"{"implementation": "cpython", "version": [3, -1, 0]}"#]
        {
            assert!(matches!(refusal(text), Refusal::Passing(_)), "{text}");
        }
    }

    #[test]
    fn paths_are_absolute_and_something_was_compiled() {
        let said = |prefix: &str, executor: &str| {
            format!(r#"{{"implementation": "cpython", "version": [3, 12, 1], "prefix": "{prefix}", "executor": "{executor}"}}"#)
        };
        assert_eq!(understand(said("/usr", "e3Ff").as_bytes()).unwrap().1, [0xe3, 0xff]);
        for (prefix, executor) in [("usr", "e3"), ("", "e3"), ("/a\\n", "e3"), ("/a", ""), ("/a", "e"), ("/a", "g0"), ("/a", "é")] {
            assert!(matches!(refusal(&said(prefix, executor)), Refusal::Passing(_)), "{prefix} {executor}");
        }
    }
}
