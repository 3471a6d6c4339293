//! The text of a policy file while it is edited, and the policy that it is by now.
//!
//! Always holds: each step leaves the text as it was or is carried out whole; nothing is written to the file.

use std::path::Path;

use remand_authoring::edit;
use remand_engine::store::{Read, Store, policy_name};
use remand_policy::Policy;
use remand_policy::load::Loaded;

use super::ground::Owned;
use super::judge::{Judge, Wrong};
use crate::failure::Failure;
use crate::print::plain;

/// A text while it is edited.
pub struct Draft<'j> {
    pub judge: Judge<'j>,
    path: &'j Path,
    /// As it is by now.
    pub text: String,
}

impl<'j> Draft<'j> {
    /// The text of a file, to be edited.
    pub fn new(path: &'j Path, bytes: &[u8]) -> Result<Self, Failure> {
        let judge = Judge::new(path)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { judge, path, text: text.to_owned() }),
            Err(_) => Err(refused(path, judge.judge(bytes).err())),
        }
    }

    /// The policy that the text is by now.
    pub fn policy(&self) -> Result<Policy, Failure> {
        self.judged().map(|(loaded, _)| loaded.policy)
    }

    /// The same with where its values were written, and its warnings as people read them.
    pub fn judged(&self) -> Result<(Loaded, String), Failure> {
        self.judge.judge(self.text.as_bytes()).map_err(|wrong| refused(self.path, Some(wrong)))
    }

    /// What questions about it are answered from.
    pub fn owned(&self) -> Result<Owned, Failure> {
        let Read { loaded, sources } = Store::system().read(&policy_name(self.path), &self.judge.source(self.text.as_bytes()), true);
        match loaded {
            Ok(loaded) => Owned::of(sources, loaded),
            Err(_) => Err(refused(self.path, self.judge.judge(self.text.as_bytes()).err())),
        }
    }

    /// Takes a step, or says where the text stands in the way.
    pub fn step(&mut self, edited: Result<String, edit::EditError>) -> Result<(), Failure> {
        match edited {
            Ok(text) => self.text = text,
            Err(problem) => {
                let told = self.judge.underlined(self.text.as_bytes(), *problem);
                return Err(refused(self.path, Some(Wrong { told, line: None })));
            }
        }
        Ok(())
    }
}

fn refused(path: &Path, wrong: Option<Wrong>) -> Failure {
    let told = wrong.map(|wrong| wrong.told).unwrap_or_default();
    Failure {
        hint: Some("nothing was written".to_owned()),
        ..Failure::usage(format!("policy {} would have these problems:\n{}", plain(&path.to_string_lossy()), told.trim_end()))
    }
}
