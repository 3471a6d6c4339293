//! One cgroup directory: its files by name, relative to an open descriptor.
//!
//! Always holds: a [`OwnedCgroup`] directory was made by this process and is removed by it, at the latest on drop; nothing is ever removed recursively.

use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{Uid, UnlinkatFlags, fchownat, read, unlinkat, write};

use super::error::CgroupError;
use super::name;

/// Cgroup files are small; every one that is read here fits.
const FILE: usize = 4096;
/// How often a removal that is told "busy" is tried again, and the first pause, which doubles: 127 ms in all. A process that was reaped can still
/// be counted for a moment.
const RETRIES: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// An open cgroup directory.
#[derive(Debug)]
pub(super) struct Directory {
    path: String,
    fd: OwnedFd,
}

impl Directory {
    pub(super) fn open(path: &str) -> Result<Self, CgroupError> {
        let fd = openat(nix::fcntl::AT_FDCWD, path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|errno| CgroupError { attempt: "open", path: path.to_owned(), source: errno.into() })?;
        Ok(Self { path: path.to_owned(), fd })
    }

    fn failed(&self, attempt: &'static str, name: &str, source: impl Into<io::Error>) -> CgroupError {
        CgroupError { attempt, path: format!("{}/{name}", self.path), source: source.into() }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(super) fn open_file(&self, name: &str, flags: OFlag) -> Result<OwnedFd, CgroupError> {
        openat(&self.fd, name, flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())
            .map_err(|errno| self.failed("open", name, errno))
    }

    pub(super) fn write(&self, name: &str, value: impl Display) -> Result<(), CgroupError> {
        let fd = self.open_file(name, OFlag::O_WRONLY)?;
        // One call: the kernel takes each write as a whole command.
        write(&fd, value.to_string().as_bytes()).map(drop).map_err(|errno| self.failed("write", name, errno))
    }

    /// As [`Self::write`]; whether the file exists.
    pub(super) fn write_if_there(&self, name: &str, value: impl Display) -> Result<bool, CgroupError> {
        present(self.write(name, value)).map(|done| done.is_some())
    }

    pub(super) fn read(&self, name: &str) -> Result<String, CgroupError> {
        let fd = self.open_file(name, OFlag::O_RDONLY)?;
        let mut bytes = [0; FILE];
        let length = read(&fd, &mut bytes).map_err(|errno| self.failed("read", name, errno))?;
        Ok(String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned())
    }

    /// A file that is one number.
    pub(super) fn number(&self, name: &str) -> Result<u64, CgroupError> {
        let text = self.read(name)?;
        text.trim().parse().map_err(|_| self.unexpected(name, &text))
    }

    /// A file that is one number, where this kernel has it.
    pub(super) fn number_if_there(&self, name: &str) -> Result<Option<u64>, CgroupError> {
        present(self.number(name))
    }

    /// The number after `key` in a file of `key number` lines.
    pub(super) fn keyed(&self, name: &str, key: &str) -> Result<u64, CgroupError> {
        let text = self.read(name)?;
        keyed(&text, key).ok_or_else(|| self.unexpected(name, &text))
    }

    /// As [`Self::keyed`], where this kernel has the file.
    pub(super) fn keyed_if_there(&self, name: &str, key: &str) -> Result<Option<u64>, CgroupError> {
        present(self.keyed(name, key))
    }

    pub(super) fn unexpected(&self, name: &str, text: &str) -> CgroupError {
        let text: String = text.chars().take(80).collect();
        self.failed("understand", name, io::Error::new(io::ErrorKind::InvalidData, format!("{text:?}")))
    }

    pub(super) fn give(&self, name: &str, owner: u32) -> Result<(), CgroupError> {
        fchownat(&self.fd, name, Some(Uid::from_raw(owner)), None, AtFlags::AT_SYMLINK_NOFOLLOW)
            .map_err(|errno| self.failed("give away", name, errno))
    }

    /// Makes a directory in this one.
    pub(super) fn make(&self, name: &str) -> Result<OwnedCgroup, CgroupError> {
        mkdirat(&self.fd, name, Mode::from_bits_truncate(0o755)).map_err(|errno| self.failed("make", name, errno))?;
        let path = format!("{}/{name}", self.path);
        match Self::open(&path) {
            Ok(directory) => Ok(OwnedCgroup { directory, there: true }),
            Err(error) => {
                let _ = unlinkat(&self.fd, name, UnlinkatFlags::RemoveDir);
                Err(error)
            }
        }
    }

    /// Makes a directory of a name that nobody else takes. What is there under it already is left from a dead process.
    pub(super) fn make_own(&self) -> Result<OwnedCgroup, CgroupError> {
        loop {
            match self.make(&name::own_name()) {
                Err(error) if error.source.raw_os_error() == Some(Errno::EEXIST as i32) => {}
                made => return made,
            }
        }
    }
}

/// Names of the directories in one. Cgroup file systems count them in the link count, which is a hundred times cheaper to ask for than a listing.
pub(super) fn directories(parent: &str) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata(parent).is_ok_and(|found| found.nlink() == 2) {
        return Vec::new();
    }
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The number after `key` in lines of `key number`.
pub(super) fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Turns "there is no such file" into `None`: older kernels lack some.
fn present<T>(result: Result<T, CgroupError>) -> Result<Option<T>, CgroupError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A directory that this process made.
#[derive(Debug)]
pub(super) struct OwnedCgroup {
    directory: Directory,
    there: bool,
}

impl std::ops::Deref for OwnedCgroup {
    type Target = Directory;

    fn deref(&self) -> &Directory {
        &self.directory
    }
}

impl OwnedCgroup {
    /// Removes the directory; it is empty.
    pub(super) fn remove(mut self) -> Result<(), CgroupError> {
        self.there = false;
        self.try_remove()
    }

    /// Leaves the directory where it is: somebody else removes it.
    pub(super) fn leave(&mut self) {
        self.there = false;
    }

    fn try_remove(&self) -> Result<(), CgroupError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..RETRIES {
            match std::fs::remove_dir(&self.directory.path) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::sleep(pause),
                result => return result.map_err(|source| self.refused(source)),
            }
            pause = pause.saturating_mul(2);
        }
        std::fs::remove_dir(&self.directory.path).map_err(|source| self.refused(source))
    }

    fn refused(&self, source: io::Error) -> CgroupError {
        CgroupError { attempt: "remove", path: self.directory.path.clone(), source }
    }
}

impl Drop for OwnedCgroup {
    fn drop(&mut self) {
        if self.there {
            // Whoever wants to know calls `remove`.
            let _ = self.try_remove();
        }
    }
}
