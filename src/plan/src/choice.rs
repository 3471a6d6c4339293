//! What a request chooses for itself, where the `request` section of its policy lets it: an interpreter, variables, mounts, a terminal.
//!
//! Always holds: plain data, which can be sent to a daemon as it is; no `Debug` shows the value of a variable.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a request chooses; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choice {
    /// A name to look up, an absolute path, or the directory of a virtual environment; instead of `python.interpreter`.
    #[serde(rename = "python")]
    pub interpreter: Option<String>,
    /// Variables of the run besides those of the policy, or in their place.
    pub environment: BTreeMap<String, Secret>,
    /// Files and directories of the host that the run is shown besides those of the policy.
    pub mounts: Vec<MountChoice>,
    /// A terminal of the run's own, and what it is called in `TERM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
}

impl Choice {
    /// Whether nothing is chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One mount that a request chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MountChoice {
    /// Absolute host path.
    pub source: String,
    /// Where it is in the run; without it, where the policy says.
    #[serde(default)]
    pub target: Option<String>,
    /// The run may write to it.
    #[serde(default)]
    pub writable: bool,
}

/// A text that is told to the run and to nobody else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_daemon_is_sent_is_read_and_no_value_is_shown() {
        let text = r#"{"python": "/opt/venv", "environment": {"KEY": "hidden"}, "mounts": [{"source": "/srv"}]}"#;
        let choice: Choice = serde_json::from_str(text).unwrap();
        assert_eq!(choice.environment.get("KEY"), Some(&Secret("hidden".to_owned())));
        assert!(!format!("{choice:?}").contains("hidden") && !choice.is_empty() && Choice::default().is_empty());
        assert!(serde_json::from_str::<Choice>(r#"{"interpreter": "x"}"#).is_err());
    }
}
