//! Why there is no agent any more.

use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

/// Why there is no agent any more.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The socket.
    #[error("the socket {}: {why}", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The log or the metrics.
    #[error("{}: {error}", path.display())]
    Unwritten {
        /// Where.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// There is nothing to wait for any more.
    #[error("cannot wait for calls: {0}")]
    Wait(Errno),
}
