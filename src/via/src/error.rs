//! Why there is no outcome.
//!
//! Always holds: what another process said is in it as it said it; whoever shows it makes it fit to be shown.

use std::io;

/// See the module. Each is a sentence about the daemon.
#[derive(Debug, thiserror::Error)]
pub enum ViaError {
    /// There is nobody, or it cannot be reached.
    #[error("no daemon answers there: {0}")]
    Absent(io::Error),
    /// It did not answer in time.
    #[error("it has not {what} for {seconds} s")]
    Silent {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
    /// Something else listens there.
    #[error("it is no daemon of remand's: {0}")]
    Other(String),
    /// It speaks another language.
    #[error("it is remand {remand}, which speaks version {api} of the API and reads version {requests} of requests; this is remand {}, which speaks {} and writes {}", env!("CARGO_PKG_VERSION"), crate::API, remand_plan::submission::VERSION)]
    Version {
        /// Its version.
        remand: String,
        /// Of the API.
        api: u64,
        /// Of requests.
        requests: u64,
    },
    /// It refuses the request.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// It had the request, and went.
    #[error("it went away before the run was over: {0}; a run goes with its connection, but it may have done what it was to do")]
    Gone(String),
    /// It went while a run was watched that does not go with the connection.
    #[error("it went away before the run was over: {0}; if it is there still, so is the run")]
    Lost(String),
    /// Whoever watched a run goes.
    #[error("the run is left to itself")]
    Left,
    /// The caller cancelled, and there is no outcome that says so.
    #[error("cancelled: {0}")]
    Cancelled(&'static str),
    /// This process cannot wait for anything.
    #[error("{0}")]
    Own(io::Error),
}

/// What a daemon says that refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What and why.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
    /// The exit status of a command, which is none of success.
    pub exit_status: u8,
    /// Seconds after which it may do it.
    pub retry_after: Option<u64>,
}
