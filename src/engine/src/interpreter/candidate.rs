//! Files that may be the interpreter or program that was asked for, and why one that is passed over is.
//!
//! Always holds: a name is looked up in absolute directories alone.

use std::collections::BTreeSet;

use nix::unistd::{AccessFlags, access};

use super::InterpreterError;

/// Each reason once, behind all that it is true of.
pub(super) fn once_each(reasons: Vec<(String, String)>) -> Vec<String> {
    let mut grouped: Vec<(String, String)> = Vec::new();
    for (who, reason) in reasons {
        match grouped.iter_mut().find(|(_, known)| *known == reason) {
            Some((others, _)) => *others = format!("{others}, {who}"),
            None => grouped.push((who, reason)),
        }
    }
    grouped.into_iter().map(|(who, reason)| format!("{who} {reason}")).collect()
}

/// Absolute paths to try for a name or an absolute path; with a name, those where there is something.
pub(super) fn candidates(name: &str, path: &str) -> Result<Vec<String>, InterpreterError> {
    if name.starts_with('/') {
        return Ok(vec![name.to_owned()]);
    }
    if name.is_empty() || name.contains(['/', '\0']) {
        let reasons = vec!["neither an absolute path nor a name to look up on PATH".to_owned()];
        return Err(InterpreterError { wanted: format!("{name:?}"), reasons });
    }
    let mut seen = BTreeSet::new();
    // A relative or empty entry means the current directory, which anybody may have filled.
    let directories = path
        .split(':')
        .map(|directory| directory.trim_end_matches('/'))
        .filter(|directory| directory.starts_with('/') && seen.insert(*directory));
    let files = directories.map(|directory| format!("{directory}/{name}"));
    Ok(files.filter(|file| !matches!(std::fs::metadata(file), Err(error) if error.kind() == std::io::ErrorKind::NotFound)).collect())
}

/// Why a file cannot be executed by us, if it can't.
pub(super) fn executable(file: &str) -> Result<(), String> {
    let meta = std::fs::metadata(file).map_err(|error| format!("cannot be looked at: {error}"))?;
    if !meta.is_file() {
        return Err("is not a regular file".to_owned());
    }
    access(file, AccessFlags::X_OK).map_err(|error| format!("cannot be executed: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_in_absolute_directories_only() {
        assert_eq!(candidates("sh", "/proc/none:bin:/bin/::.:/bin/:/bin").unwrap(), ["/bin/sh"]);
        assert_eq!(candidates("/a/b", "/bin").unwrap(), ["/a/b"]);
        assert!(candidates("no-such-program", "/bin").unwrap().is_empty());
        for name in ["", "./python3", "a/b", "a\0"] {
            assert!(candidates(name, "/bin").is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_reason_is_said_once() {
        let said = [("/a", "is gone"), ("/b", "is older"), ("/c", "is gone")].map(|(who, why)| (who.to_owned(), why.to_owned()));
        assert_eq!(once_each(said.into()), ["/a, /c is gone", "/b is older"]);
    }

    #[test]
    fn a_file_that_cannot_be_executed_has_a_reason() {
        assert!(executable("/bin/sh").is_ok());
        assert_eq!(executable("/bin").unwrap_err(), "is not a regular file");
        assert!(executable("/etc/passwd").unwrap_err().contains("cannot be executed"));
        assert!(executable("/proc/none").unwrap_err().contains("cannot be looked at"));
    }
}
