//! What a file, a place or a directory was when it was looked at, to tell whether it still is.

use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::acl;

/// Directories that are looked at again at every start, each for a microsecond: those of a large installation. What is further down is looked at when another
/// of them changes.
const MAX_DIRECTORIES: usize = 4096;

/// A file's identity: device, inode, size, modification and change in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp(u64, u64, u64, i64, i64);

impl Stamp {
    /// Of what `path` leads to; `None` if that cannot be told.
    pub(super) fn of(path: &str) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        let (modified, changed) = (nanoseconds(meta.mtime(), meta.mtime_nsec()), nanoseconds(meta.ctime(), meta.ctime_nsec()));
        Some(Self(meta.dev(), meta.ino(), meta.size(), modified, changed))
    }
}

/// Who can change a directory, link or file on the way to one: device, inode, mode, user, group, and the access list if the group bits may be its mask.
/// Links are not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place(u64, u64, u32, u32, u32, Option<Vec<u8>>);

impl Place {
    /// Of what is at `path`; `None` if that cannot be told.
    pub(super) fn of(path: &str) -> Option<Self> {
        let meta = std::fs::symlink_metadata(path).ok()?;
        let list = if meta.mode() & 0o020 == 0 || meta.is_symlink() { None } else { acl::list(path).ok()? };
        Some(Self(meta.dev(), meta.ino(), meta.mode(), meta.uid(), meta.gid(), list))
    }
}

/// Directories, each as it was: what was added to one, taken away or renamed shows in its stamp.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Directories {
    /// One a line.
    paths: String,
    stamps: String,
}

impl Directories {
    /// Of these, the first before the others where they are too many.
    pub(super) fn of(paths: &[String]) -> Self {
        let paths: Vec<&str> = paths.iter().map(String::as_str).filter(|path| !path.contains('\n')).take(MAX_DIRECTORIES).collect();
        let paths = paths.join("\n");
        Self { stamps: stamps(&paths), paths }
    }

    /// Whether all are as they were.
    pub(super) fn are_the_same(&self) -> bool {
        stamps(&self.paths) == self.stamps
    }
}

fn stamps(paths: &str) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let mut all = Vec::new();
    for path in paths.lines() {
        let Stamp(device, inode, size, modified, changed) = Stamp::of(path).unwrap_or(Stamp(0, 0, 0, 0, 0));
        let parts = [device.to_le_bytes(), inode.to_le_bytes(), size.to_le_bytes(), modified.to_le_bytes(), changed.to_le_bytes()];
        all.extend_from_slice(parts.as_flattened());
    }
    Sha256::digest(&all).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_or_taken_away_below_shows() {
        let top = std::env::temp_dir().join(format!("remand-stamp-{}", std::process::id()));
        let path = |name: &str| top.join(name).to_str().unwrap().to_owned();
        std::fs::create_dir_all(path("a/b")).unwrap();
        let seen = || Directories::of(&[path("a"), path("a/b"), path("gone")]);
        let before = seen();
        assert!(before.are_the_same() && Directories::default().are_the_same());
        std::fs::write(path("a/b/x.so"), "").unwrap();
        assert!(!before.are_the_same());
        let before = seen();
        std::fs::create_dir(path("gone")).unwrap();
        assert!(!before.are_the_same());
        std::fs::remove_dir_all(&top).unwrap();
    }
}
