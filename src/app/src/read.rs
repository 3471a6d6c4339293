//! Bounded reading: no file, pipe or standard input is taken into memory beyond a size that was set before.
//!
//! Always holds: what a path names is opened with the rights of whoever called, under sudo theirs. A reader stops one byte after the limit; what was read is either complete or refused. Nothing is waited for that the caller did not hand
//! over itself: a file is a regular one on a file system of files, a pipe is one that this process has open already (`<(...)`, `/dev/stdin`), a device is a terminal or `/dev/null`.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{major, minor};
use nix::sys::statfs::{FsType, statfs};
use remand_engine::trust::is_of_kernel;

use crate::failure::Failure;
use remand_plan::submission::LARGEST;
use remand_policy::Policy;

use crate::print::plain;
use crate::rights;

/// How much of a caller's is read, and what says so.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of code, items or a query.
    pub text: (u64, &'static str),
    /// Bytes of all files.
    pub files: (u64, &'static str),
    /// Entries of directories.
    pub entries: (u64, &'static str),
}

impl From<&Policy> for Bounds {
    fn from(policy: &Policy) -> Self {
        let tmp = &policy.filesystem.tmp;
        Self {
            text: (policy.limits.job_size.0, "limits.job_size"),
            files: (tmp.size.0, "filesystem.tmp.size"),
            entries: (tmp.inodes, "filesystem.tmp.inodes of the policy"),
        }
    }
}

impl Bounds {
    /// Of what goes to a daemon, whose policies are not known here.
    pub fn of_request() -> Self {
        let most = (LARGEST as u64, "what a daemon takes");
        Self { text: most, files: most, entries: (1 << 20, "a request can name") }
    }
}

/// The name that stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a file, or standard input for `-`, of at most `limit` bytes. `what` names it in messages, `bound` names the limit's origin.
pub fn bytes(path: &Path, what: &str, limit: u64, bound: &str) -> Result<Vec<u8>, Failure> {
    content(path, what, limit, bound).map(|(bytes, _)| bytes)
}

/// The same, and whether it is a file that may be executed.
pub fn content(path: &Path, what: &str, limit: u64, bound: &str) -> Result<(Vec<u8>, bool), Failure> {
    let (read, executable) = read(path, what, |file| all(file, limit))?;
    let name = || name(path, what);
    read.map(|bytes| (bytes, executable)).ok_or_else(|| Failure::usage(format!("{}: larger than {bound} = {limit} bytes", name())))
}

/// At most so many bytes of it, from the beginning.
pub fn begun(path: &Path, what: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let begun = |file: File| {
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).map(|_| bytes)
    };
    read(path, what, begun).map(|(bytes, _)| bytes)
}

/// Opens something with the rights of whoever called, since they named it; standard input is open already.
fn read<T: Send>(path: &Path, what: &str, take: impl FnOnce(File) -> io::Result<T> + Send) -> Result<(T, bool), Failure> {
    let failed = |error: io::Error| Failure::usage(format!("cannot read {}: {error}", name(path, what)));
    let file = if is_stdin(path) { stdin().map_err(failed)? } else { rights::as_caller(|| open(path).map_err(failed))? };
    let found = file.metadata().map_err(failed)?;
    let taken = take(file).map_err(failed)?;
    Ok((taken, found.is_file() && found.mode() & 0o111 != 0))
}

fn name(path: &Path, what: &str) -> String {
    if is_stdin(path) { format!("{what} from standard input") } else { format!("{what} {}", plain(&path.to_string_lossy())) }
}

/// As [`bytes`], for text.
pub fn text(path: &Path, what: &str, limit: u64, bound: &str) -> Result<String, Failure> {
    let text = String::from_utf8(bytes(path, what, limit, bound)?)
        .map_err(|error| Failure::usage(format!("{what} is not UTF-8 text: wrong at byte {}", error.utf8_error().valid_up_to())))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// An argument as text.
pub fn argument(argument: impl AsRef<OsStr>) -> Result<String, Failure> {
    let argument = argument.as_ref();
    argument.to_str().map(str::to_owned).ok_or_else(|| Failure::usage(format!("{}: not UTF-8 text", plain(&argument.to_string_lossy()))))
}

/// Standard input as a file: the standard library's takes one that is not open for reading for one that has ended.
fn stdin() -> io::Result<File> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    if file.metadata()?.is_dir() { Err(io::Error::other("it is closed, or a directory")) } else { Ok(file) }
}

/// The file system of pipes without a name (`PIPEFS_MAGIC`).
const PIPES: FsType = FsType(0x5049_5045);

/// Opens a file that can be read without waiting for somebody who may never come.
fn open(path: &Path) -> io::Result<File> {
    // Before it is opened: that alone can wait for a writer, take a terminal over, or set a device off.
    let found = fs::metadata(path)?;
    let kind = found.file_type();
    let other = |what: &str| {
        Err(io::Error::other(format!("it is {what}; regular files, pipes of the shell (<(...)) and - for standard input are read")))
    };
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    } else if kind.is_socket() {
        return other("a socket");
    } else if kind.is_block_device() || (kind.is_char_device() && !is_harmless(found.rdev())) {
        return other("a device");
    } else if kind.is_fifo() && statfs(path)?.filesystem_type() != PIPES {
        return other("a FIFO, which has no writer until somebody opens it (cat FIFO | remand run -)");
    }
    if kind.is_file() && is_of_kernel(statfs(path)?.filesystem_type()) {
        return other("made by the kernel as it is read, and may wait for more");
    }
    let file = OpenOptions::new().read(true).custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits()).open(path)?;
    let opened = file.metadata()?;
    if (opened.dev(), opened.ino()) != (found.dev(), found.ino()) {
        return other("being replaced by another one");
    }
    if kind.is_file() {
        return Ok(file);
    }
    // Whoever holds the other end of what was handed over may take their time; a signal ends the wait.
    let flags = OFlag::from_bits_truncate(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags & !OFlag::O_NONBLOCK))?;
    Ok(file)
}

/// `/dev/null`, consoles, `/dev/tty` and pseudo-terminals, by the numbers that Linux gives them.
fn is_harmless(device: u64) -> bool {
    matches!((major(device), minor(device)), (1, 3) | (4 | 136..=143, _) | (5, 0 | 1))
}

/// Everything up to end of file, or `None` if that is more than `limit`.
pub fn all(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_byte_over_the_limit_is_refused() {
        assert_eq!(all(&b"1234"[..], 4).unwrap(), Some(b"1234".to_vec()));
        assert_eq!(all(&b"12345"[..], 4).unwrap(), None);
        assert_eq!(all(io::repeat(0), 1 << 20).unwrap(), None, "an endless reader ends");
        assert_eq!(all(&b""[..], u64::MAX).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn a_fifo_or_a_device_is_not_waited_for_and_a_pipe_in_hand_is_read() {
        let place = std::env::temp_dir().join(format!("remand-read-{}", std::process::id()));
        nix::unistd::mkfifo(&place, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let said = |path: &Path| bytes(path, "code", 10, "limits.job_size").unwrap_err().message;
        let fifo = said(&place);
        fs::remove_file(&place).unwrap();
        assert!(fifo.contains("a FIFO"), "{fifo}");
        let zero = said(Path::new("/dev/zero"));
        assert!(zero.contains("a device"), "{zero}");
        let kernels = said(Path::new("/proc/kmsg"));
        assert!(kernels.contains("made by the kernel"), "{kernels}");
        assert_eq!(bytes(Path::new("/dev/null"), "code", 10, "limits.job_size").unwrap(), b"");
        let (reader, writer) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&writer, b"print(1)").unwrap();
        drop(writer);
        let handed = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        assert_eq!(bytes(Path::new(&handed), "code", 10, "limits.job_size").unwrap(), b"print(1)");
    }

    #[test]
    fn a_directory_is_no_file() {
        let failure = bytes(Path::new("/"), "code", 10, "limits.job_size").unwrap_err();
        assert_eq!(failure.message, "cannot read code /: is a directory");
    }
}
