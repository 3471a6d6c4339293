//! Lists of names, as variables have them.

use std::collections::BTreeSet;

use super::variables::{Unusable, Variables};

/// Which modules code may import; the first part of a dotted name decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `*`
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Allowed {
    /// As a variable says; nothing where there is none.
    ///
    /// # Errors
    /// `*` stands with others.
    pub fn variable(variables: &Variables<'_>, name: &str) -> Result<Self, Unusable> {
        let names = list(variables.text(name)?.as_deref().unwrap_or_default());
        if !names.contains("*") {
            return Ok(Self::Only(names));
        }
        if names.len() == 1 {
            return Ok(Self::All);
        }
        let got = names.into_iter().collect::<Vec<_>>().join(", ");
        Err(Unusable(format!("Wildcard '*' in {name} must be used alone, not with other modules. Got: {got}")))
    }

    /// Each, or `*`.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::All => vec!["*"],
            Self::Only(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

/// Between commas, without blanks and what is empty.
pub fn list(text: &str) -> BTreeSet<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
