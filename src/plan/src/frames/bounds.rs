//! How much is kept of what a run says.

pub use remand_policy::policy::Overflow;

use crate::words::words;

words! {
    /// Where output was written to.
    Channel {
        Print "print", Stdout "stdout", Stderr "stderr",
    }
}

/// How many times a limit of output may come before a run ends whose output is truncated.
const TRUNCATED: u64 = 64;

/// Ceilings on what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Bounds {
    pub stdin: u64,
    pub stdout: u64,
    pub stderr: u64,
    pub prints: u64,
    pub overflow: Overflow,
    pub result_size: u64,
    pub result_depth: u64,
    pub result_nodes: u64,
    pub job_size: u64,
    pub artifacts: u64,
    pub artifact_files: u64,
}

impl Bounds {
    /// What may be kept of a channel of output.
    #[must_use]
    pub fn kept(&self, channel: Channel) -> u64 {
        match channel {
            Channel::Print => self.prints,
            Channel::Stdout => self.stdout,
            Channel::Stderr => self.stderr,
        }
    }

    /// What may come there before the run ends.
    #[must_use]
    pub fn most(&self, channel: Channel) -> u64 {
        self.kept(channel).saturating_mul(if self.overflow == Overflow::Truncate { TRUNCATED } else { 1 })
    }
}
