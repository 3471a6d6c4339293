//! The administrator's ceiling: a policy that no other may exceed, enforced for every run and told by `remand policy check`.
//!
//! Always holds: a ceiling that is there and can't be trusted, or can't be understood, lets nothing run; where there is none, asking costs one call.

use std::path::Path;

use remand_policy::Policy;
use remand_policy::ceiling::{Excess, exceeding};
use remand_policy::source::Source;

use crate::refusal::{Document, Refusal};
use crate::store::{Purpose, Read, Store, look, policy_name, text};
use crate::trust;

/// Where an administrator puts it.
const FILE: &str = "/etc/remand/ceiling.jsonc";

/// A ceiling.
#[derive(Debug)]
pub struct Ceiling {
    /// Its file.
    pub file: String,
    policy: Policy,
}

impl Ceiling {
    /// This machine's, if it has one; its bases are the store's.
    ///
    /// # Errors
    /// It cannot be trusted or understood.
    pub fn here(store: &Store) -> Result<Option<Self>, Refusal> {
        Self::at(Path::new(FILE), store)
    }

    fn at(path: &Path, store: &Store) -> Result<Option<Self>, Refusal> {
        match trust::open_if_there(path) {
            Ok(None) => Ok(None),
            Ok(Some(file)) => text(path, file).and_then(|source| Self::read(path, &source, store, Purpose::Run)).map(Some),
            Err(distrust) => Err(Refusal::Distrusted { document: Document::Ceiling, path: path.to_owned(), distrust }),
        }
    }

    /// One to look at, whoever owns it.
    ///
    /// # Errors
    /// It cannot be opened or understood.
    pub fn look(path: &Path, store: &Store) -> Result<Self, Refusal> {
        look(path).and_then(|source| Self::read(path, &source, store, Purpose::Look))
    }

    fn read(path: &Path, source: &Source, store: &Store, purpose: Purpose) -> Result<Self, Refusal> {
        let Read { loaded, sources } = store.read(&policy_name(path), source, purpose, false);
        let wrong = |problems| Refusal::Wrong { document: Document::Ceiling, typed: source.file.clone(), sources, problems };
        loaded.map(|loaded| Self { file: source.file.clone(), policy: loaded.policy }).map_err(wrong)
    }

    /// The most that it allows.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Everything of a policy that is beyond; nothing where it is within.
    #[must_use]
    pub fn beyond(&self, policy: &Policy) -> Vec<Excess> {
        exceeding(&self.policy, policy)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn absent_trusted_distrusted_and_broken() {
        let directory = fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("remand-ceiling-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let (path, store) = (directory.join("ceiling.jsonc"), Store::system());
        let here = || Ceiling::at(&path, &store);
        assert!(here().unwrap().is_none());
        assert!(Ceiling::at(&directory.join("none/ceiling.jsonc"), &store).unwrap().is_none());
        fs::write(&path, "{\"version\": 1, \"extends\": \"default\", \"limits\": {\"memory\": \"128MiB\"}}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let ceiling = here().unwrap().unwrap();
        let beyond = |name: &str| ceiling.beyond(&remand_policy::load::shipped(name).unwrap().unwrap());
        assert_eq!(beyond("strict"), []);
        assert_eq!(beyond("default").iter().map(|excess| excess.field.as_str()).collect::<Vec<_>>(), ["limits.memory"]);
        fs::write(&path, "{").unwrap();
        assert!(here().unwrap_err().to_string().contains("a } is missing"));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/nonexistent", &path).unwrap();
        assert!(here().unwrap_err().to_string().contains("is a symbolic link"), "no ceiling is not the same as a broken one");
        fs::remove_dir_all(&directory).unwrap();
    }
}
