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
    /// A file of the request that no run can be given.
    #[error("{name}: {why}")]
    File { name: String, why: &'static str },
    /// Files of the request that do not fit into a run.
    #[error("the files are {size} {what}, over {field} = {allowed}")]
    FilesTooLarge { field: &'static str, size: u64, allowed: u64, what: &'static str },
    /// A pattern of artifacts.
    #[error("artifacts {pattern:?}: {why}")]
    Pattern { pattern: String, why: String },
    /// Prepared was something else.
    #[error("the request chooses another interpreter, environment or mount than was made ready for it")]
    OtherChoice,
    /// It is called with arguments alone.
    #[error("standard input is given, which a function does not have; a program (mode script) does")]
    NoInput,
    #[error("{at}: nested deeper than limits.result_depth = {allowed}")]
    TooDeep { at: String, allowed: u64 },
}
