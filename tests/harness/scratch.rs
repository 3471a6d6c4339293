//! A directory of a trial's own, removed with it.
//!
//! Always holds: the name is unused before, and readable by every user, so that a run under another id finds what it is shown.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A fresh directory below the system's temporary one.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it.
    #[must_use]
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// Makes it in another directory.
    #[must_use]
    pub fn below(directory: &Path) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("remand-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("cannot make a scratch directory");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it and tells where.
    #[must_use]
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("cannot write a scratch file");
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
