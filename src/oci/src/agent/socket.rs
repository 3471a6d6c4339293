//! The agent's socket in the file system.
//!
//! Always holds: only its owner can connect; one that another agent answers on is left alone, and what is no socket too; it is gone with this value.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};

use super::error::AgentError;

/// A socket that is listened on.
#[derive(Debug)]
pub struct Bound {
    /// The socket.
    pub listener: UnixListener,
    path: PathBuf,
}

impl Bound {
    /// Makes it.
    pub fn bind(path: &Path) -> Result<Self, AgentError> {
        let wrong = |why: String| AgentError::Socket { path: path.to_owned(), why };
        if !path.is_absolute() {
            return Err(wrong("name it by its absolute path, as the runtime will".to_owned()));
        }
        match fs::symlink_metadata(path) {
            Err(_) => {}
            Ok(found) if !found.file_type().is_socket() => return Err(wrong("there is something else".to_owned())),
            Ok(_) if UnixStream::connect(path).is_ok() => return Err(wrong("another agent answers there".to_owned())),
            Ok(_) => fs::remove_file(path).map_err(|error| wrong(format!("the old one cannot be removed: {error}")))?,
        }
        let before = umask(Mode::from_bits_truncate(0o177));
        let bound = UnixListener::bind(path);
        umask(before);
        let listener = bound.map_err(|error| wrong(error.to_string()))?;
        listener.set_nonblocking(true).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { listener, path: path.to_owned() })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // a later agent takes one over that is left
    }
}
