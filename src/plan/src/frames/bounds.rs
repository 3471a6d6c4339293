//! How much is kept of what a run says.

/// Ceilings on what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Bounds {
    pub stdin: u64,
    pub stdout: u64,
    pub stderr: u64,
    pub prints: u64,
    pub result_size: u64,
    pub result_depth: u64,
    pub result_nodes: u64,
    pub job_size: u64,
}
