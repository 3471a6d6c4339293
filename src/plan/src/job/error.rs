//! What keeps a job from being sent.

/// A job over `limits.job_size`, or one that Python cannot hold as the same value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum JobError {
    #[error("the job (code, items, query) is {size} bytes, over limits.job_size = {allowed} bytes")]
    TooLarge { size: u64, allowed: u64 },
    /// A float that would become infinity, or an integer of more digits than Python reads.
    #[error("{at}: {number} is out of range")]
    Number { at: String, number: String },
    #[error("{at}: nested deeper than limits.result_depth = {allowed}")]
    TooDeep { at: String, allowed: u64 },
}
