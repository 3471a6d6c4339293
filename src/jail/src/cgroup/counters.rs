//! What a run's cgroup has counted.

use std::time::Duration;

use remand_plan::evidence::MemoryLevel;

/// Counters of a run's cgroup. Bytes, but for the CPU; `None`: this kernel does not count it, or the controller is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counters {
    pub cpu_user: Duration,
    pub cpu_system: Duration,
    pub memory_peak: Option<u64>,
    /// Whoever's limit it was for.
    pub oom_kills: u64,
    /// How often the run's own limit was met with nothing left to reclaim.
    pub memory_met: u64,
    /// Looked for where the run lost processes and had not met its own limit.
    pub memory_above: Vec<MemoryLevel>,
    pub pids_peak: Option<u64>,
    /// Where the kernel does not tell them apart (v1; v2 before Linux 6.11), with what cgroups above refused.
    pub pids_denied: u64,
}
