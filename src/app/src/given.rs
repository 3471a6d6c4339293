//! Files and directories of the caller's that a run is given, by content: `--file` and `--dir`.
//!
//! Always holds: each is opened with the caller's rights; nothing is waited for, no device is opened and no link is followed out of a directory; what is read is
//! bounded by the file system of the run that it must fit into, or by the request that carries it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::statfs::fstatfs;
use remand_engine::trust::is_of_kernel;
use remand_plan::request::{Given, GivenKind};

use crate::args::FilesArgs;
use crate::failure::Failure;
use crate::print::{self, plain};
use crate::read::{self, Bounds};
use crate::rights;

/// Directories inside each other.
const DEPTH: usize = 64;
/// Names that are told of what was left out.
const NAMED: usize = 5;

/// Whether standard input is one of the files.
pub fn takes_stdin(args: &FilesArgs) -> bool {
    args.files.iter().any(|typed| named(typed).1 == OsStr::new("-"))
}

/// Reads what is given.
pub fn read(args: &FilesArgs, bounds: Bounds) -> Result<Vec<Given>, Failure> {
    if args.files.is_empty() && args.dirs.is_empty() {
        return Ok(Vec::new());
    }
    rights::as_caller(|| {
        let mut taken = Taken { given: Vec::new(), left: bounds.files.0, entries: bounds.entries.0, bounds };
        args.files.iter().try_for_each(|typed| file(typed, &mut taken))?;
        args.dirs.iter().try_for_each(|typed| directory(typed, &mut taken))?;
        Ok(taken.given)
    })
}

struct Taken {
    given: Vec<Given>,
    /// Bytes that may still be read, of so many.
    left: u64,
    bounds: Bounds,
    /// Entries of directories that may still be looked at.
    entries: u64,
}

/// `NAME=PATH`, or a path alone.
fn named(typed: &OsStr) -> (Option<&OsStr>, &OsStr) {
    let bytes = typed.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => {
            let (name, path) = bytes.split_at(at);
            (Some(OsStr::from_bytes(name)), OsStr::from_bytes(path.get(1..).unwrap_or_default()))
        }
        None => (None, typed),
    }
}

fn file(typed: &OsString, taken: &mut Taken) -> Result<(), Failure> {
    let (name, path) = named(typed);
    let path = Path::new(path);
    let handed = read::is_stdin(path) || path.starts_with("/dev/fd") || path.starts_with("/proc");
    let own = || {
        path.file_name()
            .filter(|_| !handed)
            .ok_or_else(|| Failure::usage(format!("--file {0}: it has no name; give it one: --file NAME={0}", shown(path))))
    };
    let name = read::argument(name.map_or_else(own, Ok)?)?;
    let (content, executable) = read::content(path, "--file", taken.left, &bound(taken))?;
    taken.left = taken.left.saturating_sub(content.len() as u64);
    taken.given.push(Given { name, kind: GivenKind::File { content: content.into(), executable } });
    Ok(())
}

fn bound(taken: &Taken) -> String {
    let (allowed, named) = taken.bounds.files;
    let before = if taken.left < allowed { "what the files before it leave of " } else { "" };
    format!("{before}{named}")
}

fn directory(typed: &OsString, taken: &mut Taken) -> Result<(), Failure> {
    let (name, path) = named(typed);
    let path = Path::new(path);
    // `.` and what ends in it stand for what is in there.
    let content_alone = path.as_os_str().as_bytes().ends_with(b"/.") || path.file_name().is_none();
    let name = match (name, path.file_name()) {
        (None, Some(own)) if !content_alone => own,
        (None, _) => OsStr::new("."),
        (Some(name), _) => name,
    };
    let name = read::argument(name)?;
    let failed = |error: io::Error| Failure::usage(format!("cannot read --dir {}: {error}", shown(path)));
    let top = File::options().read(true).custom_flags(libc_flags()).open(path).map_err(failed)?;
    let mut walk = Walk { top: &top, path, name: &name, taken, left_out: Vec::new() };
    walk.taken.given.push(Given { name: name.clone(), kind: GivenKind::Directory { imports: true } });
    walk.directory(Path::new(""), 0)?;
    let left_out = walk.left_out;
    if !left_out.is_empty() {
        let named: Vec<_> = left_out.iter().take(NAMED).map(|path| shown(path)).collect();
        let more = left_out.len().checked_sub(NAMED).filter(|more| *more > 0).map(|more| format!(" and {more} more")).unwrap_or_default();
        print::stderr(&format!(
            "remand: --dir {}: left out {}{more}: links that lead out of it or to directories, FIFOs, sockets and devices are not copied\n",
            shown(path),
            named.join(", ")
        ));
    }
    Ok(())
}

fn libc_flags() -> i32 {
    (OFlag::O_DIRECTORY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).bits()
}

/// One directory on its way into a run.
struct Walk<'a> {
    top: &'a File,
    path: &'a Path,
    /// Where it will be.
    name: &'a str,
    taken: &'a mut Taken,
    left_out: Vec<PathBuf>,
}

impl Walk<'_> {
    fn directory(&mut self, inner: &Path, depth: usize) -> Result<(), Failure> {
        let at = if inner.as_os_str().is_empty() { Path::new(".") } else { inner };
        let failed = |error: io::Error| self.failed(inner, &error.to_string());
        let directory = self.open(at, OFlag::O_RDONLY | OFlag::O_DIRECTORY).map_err(|errno| failed(errno.into()))?;
        let mut names = Vec::new();
        for entry in fs::read_dir(format!("/proc/self/fd/{}", directory.as_raw_fd())).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name());
            if names.len() as u64 > self.taken.entries {
                return Err(self.failed(inner, &format!("it holds more files than {}", self.taken.bounds.entries.1)));
            }
        }
        if depth > DEPTH {
            return Err(self.failed(inner, &format!("it has more than {DEPTH} directories inside each other")));
        }
        self.taken.entries = self.taken.entries.saturating_sub(names.len() as u64);
        names.sort();
        names.iter().try_for_each(|name| self.entry(&inner.join(name), depth))
    }

    fn entry(&mut self, inner: &Path, depth: usize) -> Result<(), Failure> {
        let failed = |errno: Errno| self.failed(inner, errno.desc());
        let place = self.open(inner, OFlag::O_PATH | OFlag::O_NOFOLLOW).map_err(failed)?;
        let kind = place.metadata().map_err(|error| self.failed(inner, &error.to_string()))?.file_type();
        if kind.is_dir() {
            self.give(inner, GivenKind::Directory { imports: false })?;
            return self.directory(inner, depth + 1);
        }
        // A link to a file of the same directory is that file.
        let led = if kind.is_symlink() { self.open(inner, OFlag::O_PATH).ok() } else { Some(place) };
        match led.filter(|place| place.metadata().is_ok_and(|found| found.is_file())) {
            Some(place) => self.file(inner, &place),
            None => {
                self.left_out.push(inner.to_owned());
                Ok(())
            }
        }
    }

    fn file(&mut self, inner: &Path, place: &File) -> Result<(), Failure> {
        let failed = |error: io::Error| self.failed(inner, &error.to_string());
        if is_of_kernel(fstatfs(place).map_err(|errno| failed(errno.into()))?.filesystem_type()) {
            return Err(self.failed(inner, "it is made by the kernel as it is read"));
        }
        let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
        let file = File::options().read(true).custom_flags(flags).open(format!("/proc/self/fd/{}", place.as_raw_fd())).map_err(failed)?;
        let executable = file.metadata().map_err(failed)?.mode() & 0o111 != 0;
        let Some(content) = read::all(file.take(self.taken.left.saturating_add(1)), self.taken.left).map_err(failed)? else {
            return Err(self.failed(inner, &format!("larger than {} = {} bytes", bound(self.taken), self.taken.left)));
        };
        self.taken.left = self.taken.left.saturating_sub(content.len() as u64);
        self.give(inner, GivenKind::File { content: content.into(), executable })
    }

    fn give(&mut self, inner: &Path, kind: GivenKind) -> Result<(), Failure> {
        let inner = inner.to_str().ok_or_else(|| self.failed(inner, "its name is not UTF-8 text"))?;
        self.taken.given.push(Given { name: format!("{}/{inner}", self.name), kind });
        Ok(())
    }

    /// Opens something in the directory, wherever a link in it leads.
    fn open(&self, inner: &Path, flags: OFlag) -> Result<File, Errno> {
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        openat2(self.top, inner, how).map(File::from)
    }

    fn failed(&self, inner: &Path, why: &str) -> Failure {
        Failure::usage(format!("cannot read --dir {}: {why}", shown(&self.path.join(inner))))
    }
}

fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy()).into_owned()
}
