//! Files that a run left in its `/workspace`, read when its last process is dead and before the memory that holds them is given back.
//!
//! Always holds: what lies there is hostile. Each step is from an open directory to a name in it, and follows no link and enters no mount; nothing but a regular
//! file is opened; bytes read, files, directories inside each other and entries looked at are bounded. Nobody changes anything meanwhile: the directory came from
//! init before any code ran, by a mount that the run never saw, and all of the run is dead.

use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat};
use remand_plan::artifacts::{DEPTH, Patterns};
use remand_plan::frames::Bounds;
use remand_plan::outcome::{self, LeftOut, Why, is_plain};

/// Entries of directories that are looked at.
const ENTRIES: usize = 20_000;
/// Files left out that are named.
const NAMED: usize = 100;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<outcome::File>,
    pub left_out: Vec<LeftOut>,
    /// More was left out.
    pub more: bool,
}

/// Reads what is wanted of a directory, within the bounds.
pub fn collect(workspace: &OwnedFd, patterns: &Patterns, bounds: &Bounds) -> Found {
    let mut walk = Walk { patterns, bytes: bounds.artifacts, files: bounds.artifact_files, entries: ENTRIES, found: Found::default() };
    // See [`readable`].
    let _ = fchmod(workspace, Mode::S_IRWXU);
    walk.directory(workspace, Path::new(""), 0);
    walk.found.files.sort_by(|one, other| one.name.cmp(&other.name));
    walk.found
}

struct Walk<'a> {
    patterns: &'a Patterns,
    /// Bytes that may still be read.
    bytes: u64,
    /// Files that may still be taken.
    files: u64,
    /// Entries that may still be looked at.
    entries: usize,
    found: Found,
}

impl Walk<'_> {
    /// `depth`: directories around it.
    fn directory(&mut self, directory: &OwnedFd, path: &Path, depth: usize) {
        let names = match self.names(directory, path) {
            Ok(names) => names,
            Err(_) => return self.leave_out(path, Why::Unreadable),
        };
        for name in names {
            let inner = path.join(OsStr::from_bytes(name.to_bytes()));
            self.entry(directory, &name, &inner, depth);
        }
    }

    /// The names in a directory, in order, as far as they may be looked at.
    fn names(&mut self, directory: &OwnedFd, path: &Path) -> Result<Vec<CString>, Errno> {
        let mut names = Vec::new();
        for entry in Dir::from_fd(directory.try_clone().map_err(|_| Errno::EMFILE)?)?.iter() {
            let entry = entry?;
            if entry.file_name() == c"." || entry.file_name() == c".." {
                continue;
            }
            if self.entries == 0 {
                self.leave_out(path, Why::Entries);
                break;
            }
            self.entries -= 1;
            names.push(entry.file_name().to_owned());
        }
        names.sort();
        Ok(names)
    }

    fn entry(&mut self, directory: &OwnedFd, name: &CStr, path: &Path, depth: usize) {
        let place = open(directory.as_fd(), name, OFlag::O_PATH | OFlag::O_NOFOLLOW);
        let Ok((place, found)) = place.and_then(|place| fstat(&place).map(|found| (place, found))) else {
            return self.leave_out(path, Why::Unreadable);
        };
        let why = match SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR if !self.patterns.enters(path) => return,
            SFlag::S_IFDIR if depth < self.patterns.depth() => return self.enter(directory, name, (&place, found.st_mode), path, depth),
            SFlag::S_IFDIR if depth >= DEPTH => return self.leave_out(path, Why::Depth),
            SFlag::S_IFDIR => return,
            _ if !self.patterns.matches(path) => return,
            SFlag::S_IFREG => return self.file(directory, name, (&place, found.st_mode), path),
            SFlag::S_IFLNK => Why::Link,
            SFlag::S_IFIFO => Why::Fifo,
            SFlag::S_IFSOCK => Why::Socket,
            _ => Why::Device,
        };
        self.leave_out(path, why);
    }

    fn enter(&mut self, directory: &OwnedFd, name: &CStr, place: (&OwnedFd, u32), path: &Path, depth: usize) {
        match readable(directory, name, place, OFlag::O_DIRECTORY, 0o500) {
            Ok(inner) => self.directory(&inner, path, depth + 1),
            Err(_) => self.leave_out(path, Why::Unreadable),
        }
    }

    fn file(&mut self, directory: &OwnedFd, name: &CStr, place: (&OwnedFd, u32), path: &Path) {
        // A name that is shown otherwise than it is names something else to whoever reads it.
        let Some(shown) = path.to_str().filter(|shown| is_plain(shown)) else { return self.leave_out(path, Why::Name) };
        let read = readable(directory, name, place, OFlag::empty(), 0o400).map(File::from);
        if let (Some(given), Ok(file)) = (self.patterns.given(shown), &read)
            && is_unchanged(file, given)
        {
            return;
        }
        if self.files == 0 {
            return self.leave_out(path, Why::Count);
        }
        match read.map_err(|_| Why::Unreadable).and_then(|file| self.read(file)) {
            Ok(content) => {
                self.files -= 1;
                self.found.files.push(outcome::File::new(shown.to_owned(), content, place.1 & 0o111 != 0));
            }
            Err(why) => self.leave_out(path, why),
        }
    }

    /// All of a file, within what may still be read. A hole is read as what it stands for, so it counts as that.
    fn read(&mut self, file: File) -> Result<Vec<u8>, Why> {
        let found = file.metadata().map_err(|_| Why::Unreadable)?;
        if !found.is_file() {
            return Err(Why::Unreadable);
        }
        if found.size() > self.bytes {
            return Err(Why::Size);
        }
        let mut content = Vec::new();
        let read = file.take(self.bytes.saturating_add(1)).read_to_end(&mut content);
        let size = content.len() as u64;
        let fits = size <= self.bytes;
        self.bytes = self.bytes.saturating_sub(size);
        match read {
            Ok(_) if fits => Ok(content),
            Ok(_) => Err(Why::Size),
            Err(_) => Err(Why::Unreadable),
        }
    }

    fn leave_out(&mut self, path: &Path, why: Why) {
        if self.found.left_out.len() >= NAMED {
            self.found.more = true;
            return;
        }
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        self.found.left_out.push(LeftOut::new(&path.to_string_lossy(), why));
    }
}

/// Opens what was looked at. The run may have taken a right from its owner, who without privilege is this process's own user: it is given back, to what goes
/// anyway. With privilege it is another's, and no right is needed.
fn readable(directory: &OwnedFd, name: &CStr, (place, mode): (&OwnedFd, u32), flags: OFlag, least: u32) -> Result<OwnedFd, Errno> {
    if mode & least != least {
        let path = format!("/proc/self/fd/{}", place.as_raw_fd());
        let _ = fs::set_permissions(path, Permissions::from_mode(mode & 0o777 | least));
    }
    open(directory.as_fd(), name, flags)
}

/// Opens a name in a directory: to be read, unless the flags say otherwise, without waiting for anybody.
fn open(directory: BorrowedFd<'_>, name: &CStr, flags: OFlag) -> Result<OwnedFd, Errno> {
    let inside = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_XDEV;
    let no_links = ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let to_read = if flags.contains(OFlag::O_PATH) { OFlag::empty() } else { OFlag::O_NONBLOCK | OFlag::O_NOCTTY };
    openat2(directory, name, OpenHow::new().flags(flags | to_read | OFlag::O_CLOEXEC).resolve(inside | no_links))
}

/// Whether a file is what the run was given by its name; no more of it is read than that.
fn is_unchanged(file: &File, given: &[u8]) -> bool {
    let mut content = vec![0; given.len()];
    file.metadata().is_ok_and(|found| found.is_file() && found.size() == given.len() as u64)
        && file.read_exact_at(&mut content, 0).is_ok()
        && content == given
}
