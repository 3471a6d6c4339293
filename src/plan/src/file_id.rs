//! Which file of the host something is, so that a later look can tell another one.

use serde::{Deserialize, Serialize};

/// Which file, whatever name or descriptor leads to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileId {
    /// As `st_dev` has it.
    pub device: u64,
    /// As `st_ino` has it.
    pub inode: u64,
}
