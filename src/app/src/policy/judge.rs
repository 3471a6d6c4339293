//! What a text that is to become a policy file is worth: the policy, or why it is none; and what it changes.
//!
//! Always holds: it is judged by the loader and the ceiling that runs are started with.

use std::path::Path;

use remand_authoring::diff;
use remand_authoring::lint::lint;
use remand_engine::Ceiling;
use remand_engine::store::{Read, Store, policy_name};
use remand_policy::Policy;
use remand_policy::load::Loaded;
use remand_policy::narrow::compare;
use remand_policy::source::Source;
use remand_policy::text::Problem;

use super::snippet;
use crate::failure::Failure;
use crate::print::{lines, plain};
use crate::refusal;

/// Why a text is no policy.
#[derive(Debug)]
pub struct Wrong {
    /// The problems, underlined.
    pub told: String,
    /// Line of the first of them that is in the text itself, from 1.
    pub line: Option<usize>,
}

/// Judges texts of one file.
pub struct Judge<'p> {
    path: &'p Path,
    ceiling: Option<Ceiling>,
}

impl<'p> Judge<'p> {
    pub fn new(path: &'p Path) -> Result<Self, Failure> {
        // The ceiling itself has none above it.
        let itself = |ceiling: &Ceiling| std::path::absolute(path).is_ok_and(|path| path == Path::new(&ceiling.file));
        Ok(Self { path, ceiling: Ceiling::here(&Store::system())?.filter(|ceiling| !itself(ceiling)) })
    }

    /// For problems of layout, with which the ceiling has nothing to do.
    pub fn without_ceiling(path: &'p Path) -> Self {
        Self { path, ceiling: None }
    }

    /// The text of `bytes` under the file's name.
    pub fn source(&self, bytes: &[u8]) -> Source {
        Source { file: self.path.to_string_lossy().into_owned(), text: bytes.to_vec().into() }
    }

    /// The policy that a text is, with its warnings as people read them.
    pub fn judge(&self, bytes: &[u8]) -> Result<(Loaded, String), Wrong> {
        let source = self.source(bytes);
        let Read { loaded, sources } = Store::system().read(&policy_name(self.path), &source, true);
        let problems = match loaded {
            Err(problems) => problems,
            Ok(loaded) => {
                let beyond: Vec<_> = self.ceiling.iter().flat_map(|ceiling| refusal::problems(ceiling, &loaded, &sources)).collect();
                if beyond.is_empty() {
                    let warnings = snippet::told(&sources, &lint(&loaded, &source));
                    return Ok((loaded, warnings));
                }
                beyond
            }
        };
        let line = problems.iter().find(|problem| problem.file == source.file).map(|problem| problem.line);
        Err(Wrong { told: snippet::told(&sources, &problems), line })
    }

    /// A problem of an edit in `bytes`, underlined.
    pub fn underlined(&self, bytes: &[u8], problem: Problem) -> String {
        let source = self.source(bytes);
        let problem = Problem { file: source.file.clone(), ..problem };
        snippet::told(std::slice::from_ref(&source), &[problem])
    }
}

/// What the change widens and narrows, as lines.
pub fn change(from: &Policy, to: &Policy) -> String {
    // The name is the file's, not the text's.
    let changes: Vec<_> = compare(from, to).into_iter().filter(|change| change.field != "name").collect();
    if changes.is_empty() { "no difference in meaning\n".to_owned() } else { lines(&diff::text(&changes)) }
}

/// Both texts as a unified diff.
pub fn unified(path: &Path, from: &[u8], to: &[u8]) -> String {
    let name = plain(&path.to_string_lossy()).into_owned();
    let (from, to) = (String::from_utf8_lossy(from), String::from_utf8_lossy(to));
    let diff = similar::TextDiff::from_lines(from.as_ref(), to.as_ref());
    lines(&diff.unified_diff().header(&name, &name).to_string())
}
