//! The text of a policy file while it is edited, and the policy that it is by now.
//!
//! Always holds: each step leaves the text as it was or is carried out whole; nothing is written to the file.

use std::path::Path;

use remand_authoring::edit;
use remand_engine::store::{Purpose, Read, Store, policy_name};
use remand_policy::Policy;
use remand_policy::load::Loaded;

use super::context::Context;
use super::validate::{Invalid, Validator};
use crate::failure::Failure;
use crate::print::plain;

/// A text while it is edited.
pub struct Draft<'p> {
    pub validator: Validator<'p>,
    path: &'p Path,
    /// As it is by now.
    pub text: String,
}

impl<'p> Draft<'p> {
    /// The text of a file, to be edited.
    pub fn new(path: &'p Path, bytes: &[u8]) -> Result<Self, Failure> {
        let validator = Validator::new(path)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { validator, path, text: text.to_owned() }),
            Err(_) => Err(refused(path, validator.validate(bytes).err())),
        }
    }

    /// The policy that the text is by now.
    pub fn policy(&self) -> Result<Policy, Failure> {
        self.validated().map(|(loaded, _)| loaded.policy)
    }

    /// The same with where its values were written, and its warnings as people read them.
    pub fn validated(&self) -> Result<(Loaded, String), Failure> {
        self.validator.validate(self.text.as_bytes()).map_err(|wrong| refused(self.path, Some(wrong)))
    }

    /// What questions about it are answered from.
    pub fn context(&self) -> Result<Context, Failure> {
        let Read { loaded, sources } =
            Store::system().read(&policy_name(self.path), &self.validator.source(self.text.as_bytes()), Purpose::Run, true);
        match loaded {
            Ok(loaded) => Context::of(sources, loaded),
            Err(_) => Err(refused(self.path, self.validator.validate(self.text.as_bytes()).err())),
        }
    }

    /// Takes a step, or says where the text stands in the way.
    pub fn step(&mut self, edited: Result<String, edit::EditError>) -> Result<(), Failure> {
        match edited {
            Ok(text) => self.text = text,
            Err(problem) => {
                let told = self.validator.underlined(self.text.as_bytes(), *problem);
                return Err(refused(self.path, Some(Invalid { told, line: None })));
            }
        }
        Ok(())
    }
}

fn refused(path: &Path, wrong: Option<Invalid>) -> Failure {
    let told = wrong.map(|wrong| wrong.told).unwrap_or_default();
    Failure {
        hint: Some("nothing was written".to_owned()),
        ..Failure::usage(format!("policy {} would have these problems:\n{}", plain(&path.to_string_lossy()), told.trim_end()))
    }
}
