//! Where an agent writes: the log, and the metrics.
//!
//! Always holds: a log that is a file has one line for each entry, whose count is written in its place, and is bounded: a named one begins anew with one old one
//! kept, another takes no more lines. A stream gets a line when an entry is new.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::ledger::{BEFORE_COUNT, Ledger};

/// Most bytes of a log.
const LARGEST: u64 = 8 << 20;

/// A log.
#[derive(Debug)]
pub struct Log {
    file: File,
    /// Its name, if it is to begin anew when it is full.
    path: Option<PathBuf>,
    /// Where the next line goes; `None`: it is a stream.
    end: Option<u64>,
}

impl Log {
    /// A file of this name, which is added to; without a name, standard output.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn open(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else {
            let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            let flags = fcntl(&file, FcntlArg::F_GETFL).map(OFlag::from_bits_truncate)?;
            let placed = file.metadata()?.is_file() && !flags.contains(OFlag::O_APPEND);
            let end = placed.then(|| file.metadata().map(|found| found.len())).transpose()?;
            return Ok(Self { file, path: None, end });
        };
        let file = Self::named(path)?;
        let end = file.metadata()?.is_file().then(|| file.metadata().map(|found| found.len())).transpose()?;
        Ok(Self { file, path: Some(path.to_owned()), end })
    }

    fn named(path: &Path) -> io::Result<File> {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NOCTTY).bits();
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).custom_flags(flags).open(path)
    }

    /// Writes an entry's line, or its count where the line is there. Whether the log has begun anew, so that no line is there.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn note(&mut self, ledger: &mut Ledger, index: usize) -> io::Result<bool> {
        let line = ledger.line(index).unwrap_or_default();
        let Some(entry) = ledger.entry(index) else { return Ok(false) };
        let Some(end) = self.end else {
            return if entry.at.replace(0).is_none() { self.file.write_all(line.as_bytes()).map(|()| false) } else { Ok(false) };
        };
        if let Some(at) = entry.at {
            self.file.write_all_at(entry.counted().as_bytes(), at + BEFORE_COUNT)?;
            return Ok(false);
        }
        let (anew, end) = if end + line.len() as u64 <= LARGEST {
            (false, end)
        } else if let Some(path) = &self.path {
            fs::rename(path, ending(path, ".1"))?;
            self.file = Self::named(path)?;
            (true, 0)
        } else {
            return Ok(false);
        };
        self.file.write_all_at(line.as_bytes(), end)?;
        entry.at = Some(end);
        self.end = Some(end + line.len() as u64);
        Ok(anew)
    }
}

/// A path with more behind its name.
fn ending(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// Puts the metrics into a file, whole.
///
/// # Errors
/// The kernel's answer.
pub fn publish(path: &Path, text: &str) -> io::Result<()> {
    let new = ending(path, &format!(".{}", std::process::id()));
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NOCTTY).bits();
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).custom_flags(flags).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::agent::ledger::Seen;
    use remand_syscalls::{Arch, Rules, audit_arch};

    fn ledger(container: &str) -> Ledger {
        Ledger::new(container.to_owned(), "p".to_owned(), Some(Rules::default()), Arch::X86_64)
    }

    fn seen(value: u64) -> Seen {
        Seen { arch: audit_arch(Arch::X86_64), number: 41, args: [value, 0, 0, 0, 0, 0] }
    }

    #[test]
    fn a_count_stands_in_its_line_and_a_full_log_begins_anew() {
        let directory = std::env::temp_dir().join(format!("remand-oci-log-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("log");
        let mut log = Log::open(Some(&path)).unwrap();
        let mut ledger = ledger("c1");
        for value in [1, 2, 1, 1] {
            let (index, _) = ledger.count(&seen(value));
            log.note(&mut ledger, index).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let counts: Vec<_> = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["count"].clone()).collect();
        assert_eq!(counts, [3, 1]);
        log.end = Some(LARGEST);
        let (index, _) = ledger.count(&seen(3));
        assert!(log.note(&mut ledger, index).unwrap(), "it says so");
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        assert_eq!(fs::read_to_string(directory.join("log.1")).unwrap(), text);
        fs::remove_dir_all(&directory).unwrap();
    }
}
