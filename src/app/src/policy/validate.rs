//! Whether a text that is to become a policy file is a policy, and within the ceiling of this machine; or why not.
//!
//! Always holds: the loader and the ceiling that runs are started with decide.

use std::path::Path;

use remand_authoring::lint::lint;
use remand_engine::Ceiling;
use remand_engine::store::{Purpose, Read, Store, policy_name};
use remand_policy::load::Loaded;
use remand_policy::source::Source;
use remand_policy::text::Problem;

use super::snippet;
use crate::failure::Failure;
use crate::refusal;

/// Why a text is no policy.
#[derive(Debug)]
pub struct Invalid {
    /// The problems, underlined.
    pub told: String,
    /// Line of the first of them that is in the text itself, from 1.
    pub line: Option<usize>,
}

/// Validates texts of one file.
pub struct Validator<'p> {
    path: &'p Path,
    ceiling: Option<Ceiling>,
}

impl<'p> Validator<'p> {
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
    pub fn validate(&self, bytes: &[u8]) -> Result<(Loaded, String), Invalid> {
        let source = self.source(bytes);
        let Read { loaded, sources } = Store::system().read(&policy_name(self.path), &source, Purpose::Run, true);
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
        Err(Invalid { told: snippet::told(&sources, &problems), line })
    }

    /// A problem of an edit in `bytes`, underlined.
    pub fn underlined(&self, bytes: &[u8], problem: Problem) -> String {
        let source = self.source(bytes);
        let problem = Problem { file: source.file.clone(), ..problem };
        snippet::told(std::slice::from_ref(&source), &[problem])
    }
}
