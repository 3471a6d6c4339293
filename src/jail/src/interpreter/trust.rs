//! Whether a file is where only trusted owners could have put it.
//!
//! Always holds: every directory, symlink and file on the way is looked at; what cannot be looked at is not trusted.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use super::tree;

const STICKY: u32 = 0o1000;

/// The users who can change everything here anyway: root, and the owner of `/` (in a user namespace of one's own, the host's root is someone unnamed).
pub(super) fn roots() -> Vec<u32> {
    std::iter::once(0).chain(std::fs::metadata("/").map(|meta| meta.uid())).collect()
}

/// Checks that nobody but `owners` (user ids) could have put the file there or exchanged it.
///
/// # Errors
/// Names the component that somebody else can write, and the remedy.
pub(super) fn check(path: &str, owners: &[u32]) -> Result<(), String> {
    let found = tree::resolve(path, &tree::host).ok_or_else(|| format!("cannot follow {path} to a file"))?;
    let mut steps = BTreeSet::from(["/"]);
    for end in found.links.iter().map(|(link, _)| link.as_str()).chain([found.real.as_str()]) {
        steps.extend(end.match_indices('/').skip(1).filter_map(|(at, _)| end.get(..at)));
        steps.insert(end);
    }
    for step in steps {
        let meta = std::fs::symlink_metadata(step).map_err(|error| format!("cannot look at {step}: {error}"))?;
        if !owners.contains(&meta.uid()) {
            return Err(format!("{step} belongs to user {}, who could change what is run with our rights; chown it to root", meta.uid()));
        }
        if writable_by_others(meta.mode(), meta.gid(), meta.is_symlink(), meta.is_dir()) {
            return Err(format!(
                "{step} can be written by others (mode {:04o}, group {}); chmod go-w it",
                meta.mode() & 0o7777,
                meta.gid()
            ));
        }
    }
    Ok(())
}

/// Checks a directory like [`check`], and that nobody else can add to it.
///
/// # Errors
/// As [`check`].
pub(super) fn directory(path: &str, owners: &[u32]) -> Result<(), String> {
    check(path, owners)?;
    let meta = std::fs::metadata(path).map_err(|error| format!("cannot look at {path}: {error}"))?;
    if writable_by_others(meta.mode() & !STICKY, meta.gid(), false, true) { Err(format!("others can add to {path}")) } else { Ok(()) }
}

/// In a sticky directory nobody can move or replace another owner's entry, and the entry's owner is checked as the next step.
fn writable_by_others(mode: u32, group: u32, symlink: bool, directory: bool) -> bool {
    let sticky = directory && mode & STICKY != 0;
    !symlink && !sticky && (mode & 0o002 != 0 || (mode & 0o020 != 0 && group != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        assert!(!writable_by_others(0o755, 5, false, true));
        assert!(writable_by_others(0o757, 0, false, true));
        assert!(writable_by_others(0o775, 50, false, true), "Debian's group staff");
        assert!(!writable_by_others(0o775, 0, false, true));
        assert!(!writable_by_others(0o1777, 0, false, true), "/tmp");
        assert!(writable_by_others(0o1777, 0, false, false), "sticky means nothing on a file");
        assert!(!writable_by_others(0o777, 5, true, false), "a symlink's mode means nothing");
    }

    #[test]
    fn a_missing_or_foreign_file_is_refused() {
        assert!(check("/nonexistent/x", &[0]).is_err());
        assert!(check("/", &[0]).is_err());
        assert!(check("/usr/bin", &[0]).is_ok());
        assert!(check("/usr/bin", &[4_000_000]).is_err());
        assert!(directory("/usr/bin", &[0]).is_ok() && check("/tmp", &[0]).is_ok() && directory("/tmp", &[0]).is_err());
    }
}
