//! The questions put to an interpreter, by `ask.py`, and its answers.
//!
//! Always holds: the interpreter runs confined to reading, with an empty environment, in `/`; a [`Reply`] is a supported CPython's, and its paths
//! are absolute; nothing else about them is known yet.

use std::fs::File;
use std::io::{Seek, Write};
use std::process::Command;

use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::Deserialize;

use super::answer::answer;
use crate::sys::reader::confine;

const QUESTIONS: &str = include_str!("ask.py");
const EXECUTOR: &str = include_str!("../../../executor/executor.py");
const OLDEST: (u32, u32, u32) = (3, 9, 0);

/// What an interpreter said about itself.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    implementation: String,
    pub version: (u32, u32, u32),
    /// `sys.executable`.
    #[serde(default)]
    pub executable: String,
    /// `sys.prefix`; of a venv, its directory.
    #[serde(default)]
    pub prefix: String,
    /// What exists of `sys.path` under `-I -S`.
    #[serde(default)]
    pub paths: Vec<String>,
    /// The `pyvenv.cfg` in force.
    #[serde(default)]
    pub venv: Option<String>,
    /// Where `zoneinfo` looks.
    #[serde(default)]
    pub zoneinfo: Option<String>,
    /// Site directories that exist.
    #[serde(default)]
    pub site: Vec<String>,
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

/// Asks the interpreter at an absolute path. Gives its reply and the executor's bytes.
pub(super) fn ask(executable: &str) -> Result<(Reply, Vec<u8>), Refusal> {
    let mut command = Command::new(executable);
    command.args(["-I", "-S", "-B", "-c", QUESTIONS]).env_clear().current_dir("/").stdin(source()?);
    confine(&mut command)?;
    let answer = answer(&mut command)?;
    if !answer.status.success() {
        return Err(Refusal::Passing(format!("asked what it needs, it failed: {}", answer.reason())));
    }
    understand(&answer.stdout)
}

/// The executor's source as an open file: no pipe to serve while the answer is read.
fn source() -> Result<File, String> {
    let make = || -> std::io::Result<File> {
        let mut file = File::from(memfd_create(c"executor", MFdFlags::MFD_CLOEXEC)?);
        file.write_all(EXECUTOR.as_bytes())?;
        file.rewind()?;
        Ok(file)
    };
    make().map_err(|error| format!("cannot make a memory file for the executor's source: {error}"))
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
    let paths =
        [&reply.executable, &reply.prefix].into_iter().chain(&reply.paths).chain(&reply.venv).chain(&reply.zoneinfo).chain(&reply.site);
    for path in paths {
        if !path.starts_with('/') || path.chars().any(char::is_control) {
            return Err(Refusal::Passing(format!("it names {path:?}, which is not an absolute path")));
        }
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
        let said = |executable: &str, executor: &str| {
            format!(
                r#"{{"implementation": "cpython", "version": [3, 12, 1], "executable": "{executable}", "prefix": "/usr", "executor": "{executor}"}}"#
            )
        };
        assert_eq!(understand(said("/usr/bin/python3", "e3Ff").as_bytes()).unwrap().1, [0xe3, 0xff]);
        for (executable, executor) in [("python3", "e3"), ("", "e3"), ("/a\\n", "e3"), ("/a", ""), ("/a", "e"), ("/a", "g0"), ("/a", "é")]
        {
            assert!(matches!(refusal(&said(executable, executor)), Refusal::Passing(_)), "{executable} {executor}");
        }
    }
}
