//! Opening a policy file that can be trusted as far as its owner and mode go (whoever can write a policy decides what untrusted code may do).
//!
//! Always holds: what was checked is what is read, since every check is made on an open descriptor and the next name is opened relative to it;
//! symbolic links, FIFOs, devices and what the kernel makes up as it is read are not policies; nothing here blocks. Run by root, everything along the path
//! must be out of others' reach; run by anybody else, the file must be theirs or root's.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::sys::statfs::{DEBUGFS_MAGIC, FsType, PROC_SUPER_MAGIC, SECURITYFS_MAGIC, SYSFS_MAGIC, TRACEFS_MAGIC, fstatfs};
use nix::unistd::{Gid, Uid};

use crate::acl::{self, Writer};
use crate::unmapped;

/// Why a file is no policy: the component, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Distrust {
    /// The part of the path that the objection is about.
    pub component: PathBuf,
    /// What is wrong.
    pub objection: String,
    /// The file does not exist.
    pub missing: bool,
    /// A directory on the way could not be gone through from the root on.
    unwalkable: bool,
}

impl Distrust {
    /// What is wrong with the file at `path`, and where on the way if not with itself.
    #[must_use]
    pub fn of(&self, path: &Path) -> String {
        if self.component == path { self.objection.clone() } else { format!("{} {}", self.component.display(), self.objection) }
    }
}

/// Opens `path` for reading if it can be trusted with the rights of this process.
pub fn open_policy(path: &Path) -> Result<File, Distrust> {
    open_for(path, Uid::effective().as_raw())
}

/// As [`open_policy`]; `None` for no file, which costs a single call.
pub fn open_if_there(path: &Path) -> Result<Option<File>, Distrust> {
    match openat(AT_FDCWD, path, FILE, Mode::empty()) {
        Err(Errno::ENOENT) => Ok(None),
        _ => open_policy(path).map(Some),
    }
}

/// What makes a run under the policy at `path` unsafe for this user: what keeps the run from starting, and who else can write the file or a directory
/// on its path.
pub fn objections(path: &Path) -> Vec<Distrust> {
    let (user, group) = (Uid::effective().as_raw(), Gid::effective().as_raw());
    objections_for(path, user, group)
}

/// Opens a file that is to be replaced, and the directory that holds it; no file where there is none. Whoever else could write either is an objection.
pub fn open_to_replace(path: &Path) -> Result<(File, PathBuf, Option<File>), Distrust> {
    let unsafe_for = |path: &Path| objections(path).into_iter().find(|distrust| !distrust.missing).map_or(Ok(()), Err);
    unsafe_for(path)?;
    let absolute = std::path::absolute(path).map_err(|error| distrust(path, error.to_string()))?;
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else { return Err(distrust(path, "names no file".into())) };
    // Where links lead, once more: then nobody else can exchange a part of the path any more.
    let parent = &parent.canonicalize().map_err(|error| distrust(parent, format!("cannot be opened: {error}")))?;
    unsafe_for(&parent.join(name))?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = open(parent, flags, Mode::empty()).map_err(|errno| refused(parent, errno))?;
    let file = match openat(&directory, name, FILE, Mode::empty()) {
        Ok(file) => Some(file),
        Err(Errno::ENOENT) => None,
        Err(errno) => return Err(refused(path, errno)),
    };
    let user = Uid::effective().as_raw();
    if let Some(file) = &file {
        check(file, path, |stat| foreign(stat, user))?;
    }
    Ok((File::from(directory), name.into(), file.map(File::from)))
}

/// As [`objections`], for a process of this user and group.
pub fn objections_for(path: &Path, user: u32, group: u32) -> Vec<Distrust> {
    // A group that is a user's own by its number has no other member: many systems make files writable by it.
    let own = |fd: &OwnedFd, stat: &FileStat| {
        user != 0
            && stat.st_gid == group
            && group == user
            && stat.st_mode & Mode::S_IWOTH.bits() == 0
            && writers(fd, group).iter().all(|writer| *writer == Writer::Group(group))
    };
    let mut found = Vec::new();
    let seen = walk(path, user, &mut |distrust, fd, stat| {
        if foreign(stat, user).is_some_and(|_| user != 0 || unmapped::owner() != Some(stat.st_uid)) || !own(fd, stat) {
            found.push(distrust);
        }
        Ok(())
    });
    match seen {
        Ok((directory, name, parent)) => match openat(&directory, name.as_os_str(), FILE, Mode::empty()) {
            Ok(file) => {
                let here = parent.join(&name);
                let objection = |stat: &FileStat| foreign_file(stat, user, &here).or_else(|| shared(stat).filter(|_| !own(&file, stat)));
                found.extend(check(&file, &here, objection).err());
            }
            Err(errno) => found.push(refused(path, errno)),
        },
        Err(distrust) => found.push(distrust),
    }
    // A linked directory keeps only root's runs from starting.
    if user != 0 && open_for(path, user).is_ok() {
        found.retain(|distrust| !distrust.unwalkable);
    }
    found
}

/// Opens a regular file for reading, whoever owns it. For looking at policies, not for running under them.
pub fn open_regular(path: &Path) -> Result<File, Distrust> {
    let file = openat(AT_FDCWD, path, FILE, Mode::empty()).map_err(|errno| refused(path, errno))?;
    check(&file, path, |_| None)?;
    Ok(File::from(file))
}

const FILE: OFlag = OFlag::O_RDONLY.union(OFlag::O_NOFOLLOW).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);
const DIRECTORY: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// As [`open_policy`], for a process of this user.
pub fn open_for(path: &Path, user: u32) -> Result<File, Distrust> {
    if user != 0 {
        let file = openat(AT_FDCWD, path, FILE, Mode::empty()).map_err(|errno| refused(path, errno))?;
        check(&file, path, |stat| foreign_file(stat, user, path))?;
        return Ok(File::from(file));
    }
    let (directory, name, parent) = walk(path, 0, &mut |distrust, _, _| Err(distrust))?;
    let file = openat(&directory, name.as_os_str(), FILE, Mode::empty()).map_err(|errno| refused(path, errno))?;
    let here = parent.join(&name);
    check(&file, &here, |stat| foreign_file(stat, user, &here).or_else(|| shared(stat)))?;
    Ok(File::from(file))
}

/// From the root to the directory that holds the file, each step looked at on its own descriptor; `object` decides whether an objection ends the walk.
/// Returns that directory, the file's name, and the directory's path.
fn walk(
    path: &Path,
    user: u32,
    object: &mut dyn FnMut(Distrust, &OwnedFd, &FileStat) -> Result<(), Distrust>,
) -> Result<(OwnedFd, PathBuf, PathBuf), Distrust> {
    let absolute = std::path::absolute(path).map_err(|error| distrust(path, error.to_string()))?;
    let Some(name) = absolute.file_name().map(PathBuf::from) else { return Err(distrust(path, "names no file".into())) };
    let mut here = PathBuf::from("/");
    let mut directory = open("/", DIRECTORY, Mode::empty()).map_err(|errno| refused(&here, errno))?;
    let mut look = |directory: &OwnedFd, here: &Path| {
        let stat = fstat(directory).map_err(|errno| refused(here, errno))?;
        // In a user namespace that does not map its owner, root has no more rights than an ordinary user, who is asked for the file alone.
        let owner = if user == 0 && unmapped::owner() == Some(stat.st_uid) { None } else { foreign(&stat, user) };
        owner.or_else(|| shared(&stat)).map_or(Ok(()), |objection| object(distrust(here, objection), directory, &stat))
    };
    look(&directory, &here)?;
    for component in absolute.parent().unwrap_or(Path::new("/")).components() {
        let step: &OsStr = match component {
            Component::RootDir | Component::CurDir | Component::Prefix(_) => continue,
            Component::ParentDir => OsStr::new(".."),
            Component::Normal(step) => step,
        };
        here.push(step);
        let opened = openat(&directory, step, DIRECTORY, Mode::empty());
        directory = opened.map_err(|errno| Distrust { unwalkable: true, ..refused(&here, errno) })?;
        look(&directory, &here)?;
    }
    Ok((directory, name, here))
}

/// A file that is none, or that there is another objection to, is refused.
fn check(fd: &OwnedFd, path: &Path, objection: impl Fn(&FileStat) -> Option<String>) -> Result<(), Distrust> {
    let stat = fstat(fd).map_err(|errno| refused(path, errno))?;
    let system = fstatfs(fd).map_err(|errno| refused(path, errno))?.filesystem_type();
    let none = not_regular(&stat).or_else(|| is_of_kernel(system).then(|| "is made by the kernel as it is read".into()));
    none.or_else(|| objection(&stat)).map_or(Ok(()), |objection| Err(distrust(path, objection)))
}

/// Whether a file system's files are no files: some are regular by their mode, and block, or are used up by being read.
#[must_use]
pub fn is_of_kernel(system: FsType) -> bool {
    [PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC, SECURITYFS_MAGIC].contains(&system)
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

fn not_regular(stat: &FileStat) -> Option<String> {
    (kind(stat) != SFlag::S_IFREG).then(|| "is not a regular file".into())
}

fn foreign(stat: &FileStat, user: u32) -> Option<String> {
    (stat.st_uid != 0 && stat.st_uid != user).then(|| match user {
        0 => format!("belongs to user {}, who could change it; it must belong to root", stat.st_uid),
        user => format!("belongs to user {}, who could change it; it must belong to root or to user {user}", stat.st_uid),
    })
}

/// The same of the file itself. What the host's root shows to a user namespace is in the system's directories.
fn foreign_file(stat: &FileStat, user: u32, path: &Path) -> Option<String> {
    let of_host =
        unmapped::owner() == Some(stat.st_uid) && std::path::absolute(path).is_ok_and(|path| unmapped::of_system(&path.to_string_lossy()));
    if of_host { None } else { foreign(stat, user) }
}

/// Others may write. A sticky directory is harmless: nobody but the owner can replace what root has in it, and what is not root's is refused by itself.
fn shared(stat: &FileStat) -> Option<String> {
    let mode = Mode::from_bits_truncate(stat.st_mode);
    let sticky = kind(stat) == SFlag::S_IFDIR && mode.contains(Mode::S_ISVTX);
    (!sticky && mode.intersects(Mode::S_IWGRP | Mode::S_IWOTH))
        .then(|| format!("can be written by others than root (mode {:04o}); chmod go-w", stat.st_mode & 0o7777))
}

/// Whom the group bits of its mode let write, where these may be the mask of an access list.
fn writers(fd: &OwnedFd, group: u32) -> Vec<Writer> {
    // By descriptor, a place that is open but not for reading has no list.
    acl::writers_of_open(Path::new(&format!("/proc/self/fd/{}", fd.as_raw_fd())), group)
}

fn refused(path: &Path, errno: Errno) -> Distrust {
    let objection = match errno {
        Errno::ELOOP => "is a symbolic link; name the file itself".into(),
        Errno::ENOTDIR => "is a symbolic link or not a directory; name the real path".into(),
        Errno::ENXIO => "is not a regular file".into(),
        errno => format!("cannot be opened: {}", errno.desc()),
    };
    Distrust { missing: errno == Errno::ENOENT, ..distrust(path, objection) }
}

fn distrust(path: &Path, objection: String) -> Distrust {
    Distrust { component: path.to_owned(), objection, missing: false, unwalkable: false }
}
