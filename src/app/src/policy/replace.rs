//! Replacing a policy file by another text.
//!
//! Always holds: the file is the old text or the new one, whole, at any moment; owner, group, mode and extended attributes stay; it is replaced only if nobody else changed
//! it since it was opened. While it is open here it is locked (advisory, as everything that goes through here asks for the lock).

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::{AccessFlags, Uid, UnlinkatFlags, faccessat, linkat, unlinkat};
use remand_engine::store::Store;
use remand_engine::{Document, Refusal, trust};
use remand_policy::source::LARGEST;
use xattr::FileExt as _;

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::print::plain;
use crate::read;

/// A file that is to be replaced, or the place of a new one.
pub struct Original {
    path: PathBuf,
    directory: File,
    name: PathBuf,
    /// What it holds; `None`: there is no file yet.
    pub text: Option<Vec<u8>>,
    /// The file; where there is none, the directory.
    locked: Flock<File>,
}

impl Original {
    /// Opens, locks and reads it. Another edit is waited for: one that is no person's is over in a moment. Several are waited for one after the other: each
    /// that comes through has replaced the file.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let (mut end, mut before) = (Instant::now() + PATIENCE, None);
        loop {
            match Self::open_now(path) {
                // What was opened may be replaced by now, so it is opened anew.
                Err(Busy::Now(failure, file)) => {
                    if file != before {
                        (end, before) = (Instant::now() + PATIENCE, file);
                    }
                    if Instant::now() >= end {
                        return Err(failure);
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(Busy::Never(failure)) => return Err(failure),
                Ok(original) => {
                    original.sweep();
                    return Ok(original);
                }
            }
        }
    }

    /// The same of one that may be made: the directory of the user's own policies is made for it.
    pub fn open_or_new(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::usage(format!("policy {}: cannot make its directory: {error}", plain(&path.to_string_lossy())));
        Store::system().make_way(path).map_err(failed)?;
        Self::open(path)
    }

    fn open_now(path: &Path) -> Result<Self, Busy> {
        let distrusted = |distrust| Refusal::Distrusted { document: Document::Policy, path: path.to_owned(), distrust };
        let (directory, name, file) = trust::open_to_replace(path).map_err(|distrust| Failure::from(distrusted(distrust)))?;
        let shown = plain(&path.to_string_lossy()).into_owned();
        if let Err(errno) = faccessat(&directory, ".", AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::AT_EACCESS) {
            let failure = Failure::usage(format!("policy {shown}: the directory that holds it cannot be written: {}", errno.desc()));
            return Err(
                Failure { hint: Some("a file is replaced as a whole; run this as the directory's owner".to_owned()), ..failure }.into()
            );
        }
        let unread = |error: io::Error| Failure::usage(format!("policy {shown}: cannot be read: {error}"));
        if let Some(owner) = file.as_ref().map(File::metadata).transpose().map_err(unread)?.map(|meta| meta.uid())
            && !Uid::effective().is_root()
            && owner != Uid::effective().as_raw()
        {
            let whose = if owner == 0 { "root".to_owned() } else { format!("user {owner}") };
            let failure = Failure::usage(format!("policy {shown}: it belongs to {whose}, and a file keeps its owner"));
            let hint = format!("run this as {whose}, or edit a copy of it: cp, then name the copy");
            return Err(Failure { hint: Some(hint), ..failure }.into());
        }
        let missing = file.is_none();
        let locked = lock(file.map_or_else(|| directory.try_clone(), Ok).map_err(unread)?, &shown)?;
        let mut original = Self { path: path.to_owned(), directory, name, text: None, locked };
        if !missing {
            let text = read::all(&*original.locked, LARGEST as u64).map_err(unread)?;
            original.text = Some(text.ok_or_else(|| Failure::usage(format!("policy {shown}: larger than {LARGEST} bytes")))?);
        }
        original.unchanged().map_err(|failure| Busy::Now(failure, inode(&original.locked)))?;
        Ok(original)
    }

    /// Takes away what an edit left that was killed. Only who holds the lock makes such files.
    fn sweep(&self) {
        let (before, after) = (format!(".{}.", self.name.display()), ".new");
        let left = |name: &str| name.strip_prefix(&before)?.strip_suffix(after)?.parse::<u32>().ok();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let Ok(mut names) = Dir::openat(&self.directory, ".", flags, Mode::empty()) else { return };
        for entry in names.iter().flatten() {
            if entry.file_name().to_str().is_ok_and(|name| left(name).is_some()) {
                // What cannot be taken away harms nobody.
                let _ = unlinkat(&self.directory, entry.file_name(), UnlinkatFlags::NoRemoveDir);
            }
        }
    }

    /// The text of a file that must be there; `how` it is made else.
    pub fn present(&self, path: &Path, how: &str) -> Result<&[u8], Failure> {
        let missing = || {
            let shown = plain(&path.to_string_lossy()).into_owned();
            Failure { hint: Some(how.to_owned()), ..Failure::usage(format!("policy {shown}: no such file")) }
        };
        self.text.as_deref().ok_or_else(missing)
    }

    /// Refuses what is not to be edited: a file of several names, and one that has another policy's name, now or with the new text: nothing runs under it.
    pub fn fits(&self, text: &[u8]) -> Result<(), Failure> {
        self.single()?;
        let store = Store::system();
        self.text.as_deref().map_or(Ok(()), |old| store.may_stand(&self.path, old))?;
        Ok(store.may_stand(&self.path, text)?)
    }

    /// Refuses a file that has other names, which would keep the old text: what edits it through one of them means all.
    fn single(&self) -> Result<(), Failure> {
        let links = self.locked.metadata().map_err(|error| self.failed(&error))?.nlink();
        if self.text.is_none() || links < 2 {
            return Ok(());
        }
        let message =
            format!("policy {}: it has {links} names (hard links), and a file is replaced under one", plain(&self.path.to_string_lossy()));
        let hint = "make it a file of its own, such as by: cp FILE FILE.new && mv FILE.new FILE".to_owned();
        Err(Failure { hint: Some(hint), ..Failure::usage(message) })
    }

    /// Puts the new text in its place. Signals wait meanwhile.
    pub fn replace(&self, text: &[u8]) -> Result<(), Failure> {
        self.single()?;
        // What nothing runs under already may be laid out anew.
        let store = Store::system();
        if self.text.as_deref().is_none_or(|old| store.may_stand(&self.path, old).is_ok()) {
            store.may_stand(&self.path, text)?;
        }
        let _held = Cancel::hold()?;
        self.unchanged()?;
        let temporary = PathBuf::from(format!(".{}.{}.new", self.name.display(), std::process::id()));
        let done = self.write(&temporary, text).and_then(|()| {
            self.unchanged()?;
            self.place(&temporary).map_err(|error| self.failed(&error))
        });
        // After a rename it is gone already.
        let _ = unlinkat(&self.directory, &temporary, UnlinkatFlags::NoRemoveDir);
        done
    }

    fn write(&self, temporary: &Path, text: &[u8]) -> Result<(), Failure> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let write = || {
            let mut file = File::from(openat(&self.directory, temporary, flags, Mode::S_IRUSR | Mode::S_IWUSR)?);
            file.write_all(text)?;
            let mut mode = 0o644;
            if self.text.is_some() {
                let (old, new) = (self.locked.metadata()?, file.metadata()?);
                if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                    fchown(&file, Some(old.uid()), Some(old.gid()))?;
                }
                mode = old.mode() & 0o7777;
            }
            // After the owner, since a change of owner takes bits away.
            file.set_permissions(Permissions::from_mode(mode))?;
            // After the mode, which would change what an access control list says.
            if self.text.is_some() {
                copy_attributes(&self.locked, &file)?;
            }
            file.sync_all()
        };
        write().map_err(|error| self.failed(&error))
    }

    /// Gives the new file the name; that of a new policy only if nobody else has taken it.
    fn place(&self, temporary: &Path) -> io::Result<()> {
        match self.text {
            Some(_) => renameat(&self.directory, temporary, &self.directory, &self.name)?,
            None => linkat(&self.directory, temporary, &self.directory, &self.name, AtFlags::empty())?,
        }
        self.directory.sync_all()
    }

    /// Whether the name still stands for this file, with the text that was read.
    fn unchanged(&self) -> Result<(), Failure> {
        let changed = |how: &str| {
            let message = format!("policy {}: {how} in the meantime; it is left as it is", plain(&self.path.to_string_lossy()));
            Err(Failure { hint: Some("look at what changed, and start again".to_owned()), ..Failure::usage(message) })
        };
        let now = fstatat(&self.directory, &self.name, AtFlags::AT_SYMLINK_NOFOLLOW);
        match (&self.text, now) {
            (None, Err(Errno::ENOENT)) => Ok(()),
            (None, Ok(_)) => changed("was made by somebody else"),
            (Some(_), Err(Errno::ENOENT)) => changed("was removed"),
            (_, Err(errno)) => Err(self.failed(&errno.into())),
            (Some(text), Ok(now)) => {
                let then = self.locked.metadata().map_err(|error| self.failed(&error))?;
                let mut file = File::from(
                    openat(&self.directory, &self.name, OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
                        .map_err(|errno| self.failed(&errno.into()))?,
                );
                let same = (now.st_dev, now.st_ino) == (then.dev(), then.ino());
                let read = read::all(&mut file, LARGEST as u64).map_err(|error| self.failed(&error))?;
                if !same {
                    return changed("was replaced by somebody else");
                }
                if read.as_ref() == Some(text) { Ok(()) } else { changed("was changed by somebody else") }
            }
        }
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let message = format!("policy {}: cannot be replaced: {error}", plain(&self.path.to_string_lossy()));
        Failure { hint: Some("it is as it was before".to_owned()), ..Failure::usage(message) }
    }
}

/// Gives the new file the old one's extended attributes, access control lists among them, and no others.
fn copy_attributes(old: &File, new: &File) -> io::Result<()> {
    let names = |file: &File| match file.list_xattr() {
        Ok(names) => Ok(names.collect::<Vec<_>>()),
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let kept = names(old)?;
    for name in names(new)?.iter().filter(|name| !kept.contains(name)) {
        new.remove_xattr(name)?;
    }
    for name in &kept {
        let value = old.get_xattr(name)?.unwrap_or_default();
        if new.get_xattr(name)?.as_ref() != Some(&value) {
            new.set_xattr(name, &value)?;
        }
    }
    Ok(())
}

/// How long one edit of somebody else's is waited for, and how long between two looks (`flock` knows no deadline).
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// Why a file cannot be had.
enum Busy {
    /// Somebody else has it, or has just replaced it: the inode of what was opened.
    Now(Failure, Option<u64>),
    Never(Failure),
}

impl From<Failure> for Busy {
    fn from(failure: Failure) -> Self {
        Self::Never(failure)
    }
}

/// Takes the lock, or says who has it.
fn lock(file: File, shown: &str) -> Result<Flock<File>, Busy> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(file, errno)| match errno {
        Errno::EWOULDBLOCK => {
            let inode = inode(&file);
            let who = inode.and_then(holder).map_or_else(|| "somebody else".to_owned(), |pid| format!("process {pid}{}", command(pid)));
            Busy::Now(Failure::usage(format!("policy {shown}: {who} is editing it")), inode)
        }
        errno => Busy::Never(Failure::usage(format!("policy {shown}: cannot be locked: {}", errno.desc()))),
    })
}

fn inode(file: &File) -> Option<u64> {
    file.metadata().ok().map(|meta| meta.ino())
}

/// The process that holds a lock on the file of this inode, as far as the kernel tells.
fn holder(inode: u64) -> Option<u32> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (kind, pid) = (words.nth(1)?, words.nth(2)?);
        let file = words.next()?;
        (kind == "FLOCK" && file.rsplit(':').next()?.parse() == Ok(inode)).then(|| pid.parse().ok()).flatten()
    })
}

fn command(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if name.is_empty() { name } else { format!(" ({})", plain(name.trim_end())) }
}
