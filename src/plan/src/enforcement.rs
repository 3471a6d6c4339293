//! What holds each protection of a run.

use serde::{Deserialize, Serialize};

/// How one protection stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Enforced, by this: `cgroup v2 memory.max`, `seccomp, 151 calls`...
    By(String),
    /// Not the real thing: what stands in, and why.
    Substitute {
        /// What stands in.
        by: String,
        /// Why the real one is not here.
        because: String,
    },
    /// Absent, because.
    Absent(String),
}
