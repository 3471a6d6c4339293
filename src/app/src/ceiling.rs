//! The administrator's ceiling: a policy that no other may exceed, enforced for every run and told by `remand policy check`.
//!
//! Always holds: a ceiling that is there and can't be trusted, or can't be understood, lets nothing run; where there is none, asking costs one call.

use std::path::Path;

use remand_policy::Policy;
use remand_policy::ceiling::exceeding;
use remand_policy::load::Loaded;
use remand_policy::source::Source;
use remand_policy::text::{Problem, Severity};

use crate::failure::Failure;
use crate::policy::snippet::{self, Said};
use crate::print::plain;
use crate::{policies, trust};

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
    /// This machine's, if it has one.
    pub fn here() -> Result<Option<Self>, Failure> {
        Self::at(Path::new(FILE))
    }

    fn at(path: &Path) -> Result<Option<Self>, Failure> {
        match trust::open_if_there(path) {
            Ok(None) => Ok(None),
            Ok(Some(file)) => policies::text(path, file).and_then(|source| Self::read(path, &source)).map(Some),
            Err(distrust) => Err(Failure {
                hint: Some("no policy is used before the ceiling can be trusted".into()),
                ..policies::refused(path, &distrust)
            }),
        }
    }

    /// One to look at, whoever owns it.
    pub fn look(path: &Path) -> Result<Self, Failure> {
        policies::look(path).and_then(|source| Self::read(path, &source))
    }

    fn read(path: &Path, source: &Source) -> Result<Self, Failure> {
        let read = policies::read(&policies::name(path), source, false);
        let loaded = read.loaded.map_err(|problems| {
            Failure::usage(format!("the ceiling {}:\n{}", plain(&source.file), snippet::told(&read.sources, &problems)))
        })?;
        Ok(Self { file: source.file.clone(), policy: loaded.policy })
    }

    /// The most that it allows.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether a policy is within.
    pub fn holds(&self, policy: &Policy) -> bool {
        exceeding(&self.policy, policy).is_empty()
    }

    /// The first value of a policy that is beyond.
    pub fn beyond(&self, policy: &Policy) -> Option<String> {
        let excess = exceeding(&self.policy, policy).into_iter().next()?;
        let most = &excess.most;
        Some(format!(
            "{}: {excess} {}: the most that is allowed: {most}; who administers this machine can raise it there",
            excess.field, self.file
        ))
    }

    /// Every value of a policy that is beyond, where it was written.
    pub fn problems(&self, loaded: &Loaded, sources: &[Source]) -> Vec<Problem> {
        let told = |excess: remand_policy::ceiling::Excess| {
            let entry = excess.entry.and_then(|index| loaded.origins.entry(&excess.field, index));
            let place = entry.or_else(|| loaded.origins.of(&excess.field)).cloned();
            let said = Said {
                severity: Severity::Error,
                message: format!("{excess} {}", self.file),
                help: Some(format!("the most that is allowed: {}", excess.most)),
                field: excess.field,
            };
            snippet::problem(sources, place.as_ref(), said)
        };
        exceeding(&self.policy, &loaded.policy).into_iter().map(told).collect()
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
        let path = directory.join("ceiling.jsonc");
        assert!(Ceiling::at(&path).unwrap().is_none());
        assert!(Ceiling::at(&directory.join("none/ceiling.jsonc")).unwrap().is_none());
        fs::write(&path, "{\"version\": 1, \"extends\": \"default\", \"limits\": {\"memory\": \"128MiB\"}}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let ceiling = Ceiling::at(&path).unwrap().unwrap();
        let read = |name: &str| policies::read(name, &remand_policy::shipped::source(name).unwrap(), true);
        let default = read("default");
        let (loaded, strict) = (default.loaded.unwrap(), read("strict").loaded.unwrap());
        assert!(ceiling.holds(&strict.policy) && !ceiling.holds(&loaded.policy));
        let problems = ceiling.problems(&loaded, &default.sources);
        assert_eq!(problems.len(), 1);
        let told = problems[0].to_string();
        assert!(told.starts_with("built-in default:") && told.contains(": limits.memory: \"256MiB\" is beyond the ceiling "), "{told}");
        fs::write(&path, "{").unwrap();
        assert!(Ceiling::at(&path).unwrap_err().message.contains("a } is missing"));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/nonexistent", &path).unwrap();
        assert!(Ceiling::at(&path).unwrap_err().message.contains("is a symbolic link"), "no ceiling is not the same as a broken one");
        fs::remove_dir_all(&directory).unwrap();
    }
}
