//! What a caller of ours may have set for signals, and what this process rests on.
//!
//! Always holds: only settings that outlive an exec and would break remand are changed, before anything is started.

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};

/// Makes children waitable, which an ignored SIGCHLD prevents, and a file beyond `ulimit -f` an error of the write rather than this process's end.
///
/// # Errors
/// The kernel's answer.
pub fn settle() -> Result<(), Errno> {
    for (number, handler) in [(Signal::SIGCHLD, SigHandler::SigDfl), (Signal::SIGXFSZ, SigHandler::SigIgn)] {
        // SAFETY: no handler is installed, so no code can run at a bad moment.
        unsafe { signal(number, handler) }?;
    }
    Ok(())
}
