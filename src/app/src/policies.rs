//! Finding and loading a policy by the name that was typed.
//!
//! Always holds: a name stands for one built-in policy, else for one file in [`DIRECTORY`]; a path for a file; a file is opened only as far as [`trust`]
//! goes, read once, and never beyond [`MAX_POLICY`].

use std::fs::File;
use std::path::{Path, PathBuf};

use remand_policy::load::{self, Problem};
use remand_policy::{Policy, narrow, shipped};
use serde_json::Value;

use crate::check;
use crate::failure::Failure;
use crate::print::plain;
use crate::read;
use crate::trust::{self, Distrust};

/// Where an administrator puts policies that are asked for by name.
pub const DIRECTORY: &str = "/etc/remand/policies";
/// Bytes that a policy file can have.
pub const MAX_POLICY: u64 = 1 << 20;

/// The text of a policy, and what it is called.
pub struct Source {
    /// `default` for `default.jsonc`.
    pub name: String,
    /// As messages name it.
    pub file: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// By a name or path as typed, to run under.
    fn find(typed: &str) -> Result<Self, Failure> {
        if typed.contains('/') || typed.ends_with(".jsonc") {
            return Self::open(Path::new(typed), trust::open_policy(Path::new(typed)));
        }
        Self::by_name(typed)?.ok_or_else(|| Failure {
            hint: Some(format!("built in are {}; a file's name ends in .jsonc or contains a /", names().join(", "))),
            ..Failure::usage(format!("no policy is called {}, here or in {DIRECTORY}", plain(typed)))
        })
    }

    /// A built-in policy or one of the administrator's; `None` if there is none of that name.
    fn by_name(name: &str) -> Result<Option<Self>, Failure> {
        if let Some(text) = shipped::text(name) {
            return Ok(Some(Self { name: name.to_owned(), file: format!("{name}.jsonc (built in)"), text: text.to_owned() }));
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
            return Ok(None);
        }
        let path = Path::new(DIRECTORY).join(format!("{name}.jsonc"));
        match trust::open_policy(&path) {
            Err(Distrust { missing: true, .. }) => Ok(None),
            opened => Self::open(&path, opened).map(Some),
        }
    }

    /// A file to look at, whoever owns it: nothing runs under it.
    pub fn for_looking(path: &Path) -> Result<Self, Failure> {
        Self::open(path, trust::open_regular(path))
    }

    fn open(path: &Path, opened: Result<File, Distrust>) -> Result<Self, Failure> {
        let file = path.to_string_lossy().into_owned();
        let failed = |component: PathBuf, problem: String| {
            let component = if component == path { String::new() } else { format!("{} ", plain(&component.to_string_lossy())) };
            Failure::usage(format!("policy {}: {component}{problem}", plain(&file)))
        };
        let opened = opened.map_err(|distrust| failed(distrust.component, distrust.objection))?;
        let bytes = read::all(opened, MAX_POLICY).map_err(|error| failed(path.into(), format!("cannot be read: {error}")))?;
        let bytes = bytes.ok_or_else(|| failed(path.into(), format!("is larger than {MAX_POLICY} bytes")))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| failed(path.into(), format!("is not UTF-8 text: wrong at byte {}", error.utf8_error().valid_up_to())))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, file, text })
    }
}
