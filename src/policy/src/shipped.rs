//! The policies that are built into the binary.
//!
//! Always holds: each of them loads, and `strict` narrows `default`.

use std::borrow::Cow;
use std::path::Path;

use crate::source::Source;

/// Name and text of each, as in `policies/`.
pub const SHIPPED: &[(&str, &str)] = &[
    ("default", include_str!("../../../policies/default.jsonc")),
    ("strict", include_str!("../../../policies/strict.jsonc")),
    ("numeric", include_str!("../../../policies/numeric.jsonc")),
    ("compile", include_str!("../../../policies/compile.jsonc")),
    ("judge", include_str!("../../../policies/judge.jsonc")),
    ("n8n", include_str!("../../../policies/n8n.jsonc")),
];

/// The built-in policy of this name as a file; `Err` says which there are.
///
/// # Errors
/// No built-in policy has this name.
pub fn source(name: &str) -> Result<Source, String> {
    match SHIPPED.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => Ok(Source { file: format!("built-in {name}"), text: Cow::Borrowed(text.as_bytes()) }),
        None => Err(format!("built in are: {}", SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))),
    }
}

/// Whether a file's name stands for the text of one of them.
#[must_use]
pub fn is_file(file: &Path) -> bool {
    SHIPPED.iter().any(|(name, _)| file.as_os_str() == format!("built-in {name}").as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::load;
    use crate::narrow::{Direction, compare};
    use crate::policy::Policy;

    fn loaded(name: &str) -> Policy {
        load::shipped(name).unwrap().unwrap_or_else(|problems| panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>()))
    }

    #[test]
    fn every_shipped_policy_loads_and_describes_itself() {
        for (name, text) in SHIPPED {
            let policy = loaded(name);
            assert_eq!(policy.name, *name);
            assert!(!policy.description.is_empty(), "{name}");
            let header: String = text.lines().take_while(|line| line.starts_with("//")).collect();
            assert!(header.contains("    remand run "), "{name} names no command line to try it");
            remand_syscalls::granted(&policy.syscalls.rules).unwrap();
        }
    }

    #[test]
    fn strict_narrows_default() {
        let wider: Vec<_> = compare(&loaded("default"), &loaded("strict"))
            .into_iter()
            .filter(|change| change.direction != Direction::Narrows)
            .map(|change| change.field)
            .collect();
        assert_eq!(wider, ["name", "description"]);
    }

    #[test]
    fn numeric_keeps_the_sizes_of_thread_pools() {
        assert!(!loaded("numeric").python.runner_env_deny, "would empty the environment before numpy reads them");
    }

    #[test]
    fn no_policy_of_that_name() {
        assert!(load::shipped("defualt").is_none());
        assert_eq!(source("x").unwrap_err(), "built in are: default, strict, numeric, compile, judge, n8n");
    }
}
