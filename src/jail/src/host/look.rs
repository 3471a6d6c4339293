//! What every look at the host is made of: a file that is read, and a fact that is not.

use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
use remand_plan::host::Fact;

/// Hosts with thousands of mounts exist; larger is no list of them.
const LARGEST_FILE: u64 = 16 << 20;

/// Whether `/proc` is one.
pub(super) fn proc_mounted() -> bool {
    statfs("/proc").is_ok_and(|found| found.filesystem_type() == PROC_SUPER_MAGIC)
}

/// A file's text; nothing where it can't be read, which every reader of these facts takes as "not there". Files in `/proc` and `/sys` have no size to
/// go by, so the buffer is large from the start: two calls instead of eight.
pub(super) fn read(path: &str) -> String {
    use std::io::Read;
    let mut bytes = Vec::with_capacity(8192);
    // What was read before an error is as good as nothing.
    match std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

pub(super) fn missing(blocker: impl Into<String>, remedy: impl Into<String>) -> Fact {
    Fact::Missing { blocker: blocker.into(), remedy: remedy.into() }
}
