//! What a refused cgroup file said.

use std::io;

/// An attempt on a cgroup file that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {attempt} {path}: {source}")]
#[allow(missing_docs)]
pub struct CgroupError {
    pub attempt: &'static str,
    pub path: String,
    pub source: io::Error,
}
