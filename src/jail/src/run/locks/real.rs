//! The kernel's own locks behind those of a run on files of writable host mounts, so that the run and whoever else opens these files meet each other's.
//!
//! Always holds: the kernel is asked before the book is changed, so that a refusal leaves the run what it had (but for `flock`, which gives the old lock up
//! first, as its own conversion does), and what the book has not, the kernel has not; nothing here waits: no lock does, and files are opened without
//! waiting, on file systems that ask nobody; never more descriptors, with those held, than `MOST` of them.
//!
//! What a description owns is locked on a copy of that description; what a process owns (whose locks would be the supervisor's here), on a description of
//! the supervisor's own for each file and process, opened as the run had opened the file.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use remand_plan::files::FileId;

use super::ranges::{Lock, Owner, Range};
use crate::sys::file;

#[derive(Debug)]
struct Backing {
    file: FileId,
    owner: Owner,
    by: Arc<OwnedFd>,
}

/// All of a run.
#[derive(Debug, Default)]
pub struct Real(Vec<Backing>);

impl Real {
    /// Takes a lock for its owner through `ours`, a copy of the run's description; `before`: the record locks that the owner has on the file.
    ///
    /// # Errors
    /// `EAGAIN`: somebody else's is in the way. `ENOLCK`: anything else.
    pub fn take(&mut self, file: FileId, whole: bool, lock: &Lock, ours: &Arc<OwnedFd>, before: &[Lock], room: usize) -> Result<(), Errno> {
        let index = self.ready(file, lock, ours, before, room)?;
        let by = self.0.get(index).ok_or(Errno::ENOLCK)?.by.as_fd();
        let kind = |shared, exclusive| if lock.exclusive { exclusive } else { shared };
        let taken = if whole {
            file::flock(by, kind(libc::LOCK_SH, libc::LOCK_EX))
        } else {
            record(by, kind(libc::F_RDLCK, libc::F_WRLCK), lock.range)
        };
        taken.map_err(|errno| if errno == Errno::EAGAIN { errno } else { Errno::ENOLCK })
    }

    /// Where the owner's locks on this file are, and can be of the kind that is wanted.
    fn ready(&mut self, file: FileId, lock: &Lock, ours: &Arc<OwnedFd>, before: &[Lock], room: usize) -> Result<usize, Errno> {
        let known = self.find(file, lock.owner);
        if let Some(index) = known.filter(|&index| self.0.get(index).is_some_and(|backing| backing.can(lock.exclusive))) {
            return Ok(index);
        }
        let by = match lock.owner {
            Owner::Description(_) => Arc::clone(ours),
            Owner::Process(_) if self.opened() >= room => return Err(Errno::ENOLCK),
            Owner::Process(_) => Arc::new(again(ours)?),
        };
        if known.is_some() {
            // What was opened for reading only has shared locks only, and these can be there twice: nobody comes between.
            before
                .iter()
                .try_for_each(|held| record(by.as_fd(), if held.exclusive { libc::F_WRLCK } else { libc::F_RDLCK }, held.range))
                .map_err(|_| Errno::ENOLCK)?;
        }
        self.0.retain(|backing| (backing.file, backing.owner) != (file, lock.owner));
        self.0.push(Backing { file, owner: lock.owner, by });
        Ok(self.0.len() - 1)
    }

    /// Gives a range back, if there is anything.
    ///
    /// # Errors
    /// `ENOLCK`: the kernel cannot split a lock.
    pub fn give(&self, file: FileId, whole: bool, owner: Owner, range: Range) -> Result<(), Errno> {
        let Some(backing) = self.find(file, owner).and_then(|index| self.0.get(index)) else { return Ok(()) };
        let by = backing.by.as_fd();
        if whole { file::flock(by, libc::LOCK_UN) } else { record(by, libc::F_UNLCK, range) }.map_err(|_| Errno::ENOLCK)
    }

    /// What of somebody else's stands in the way of a record lock, and the process id that its owner has here: none of those of a run.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn tell(&self, file: FileId, lock: &Lock, ours: BorrowedFd<'_>) -> Result<Option<(bool, Range, i32)>, Errno> {
        // Who has no lock yet meets the same ones through the run's own description.
        let by = self.find(file, lock.owner).and_then(|index| self.0.get(index)).map_or(ours, |backing| backing.by.as_fd());
        let mut asked = of(if lock.exclusive { libc::F_WRLCK } else { libc::F_RDLCK }, lock.range);
        fcntl(by, FcntlArg::F_OFD_GETLK(&mut asked))?;
        let last = if asked.l_len == 0 { i64::MAX } else { asked.l_start + (asked.l_len - 1) };
        let found = i32::from(asked.l_type) != libc::F_UNLCK;
        Ok(found.then(|| (i32::from(asked.l_type) == libc::F_WRLCK, Range { first: asked.l_start, last }, asked.l_pid.min(0))))
    }

    /// Lets go of everything of owners that are not needed.
    pub fn keep(&mut self, needed: impl Fn(FileId, Owner) -> bool) {
        self.0.retain(|backing| needed(backing.file, backing.owner));
    }

    /// Everybody who has any, on which file.
    pub fn owners(&self) -> Vec<(FileId, Owner)> {
        self.0.iter().map(|backing| (backing.file, backing.owner)).collect()
    }

    /// Descriptions that were opened for them.
    pub fn opened(&self) -> usize {
        self.0.iter().filter(|backing| matches!(backing.owner, Owner::Process(_))).count()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, file: FileId, owner: Owner) -> Option<usize> {
        self.0.iter().position(|backing| (backing.file, backing.owner) == (file, owner))
    }
}

impl Backing {
    /// Whether it was opened for locks of this kind. What a description may, the caller has looked at; `flock` asks for neither.
    fn can(&self, exclusive: bool) -> bool {
        let mode = fcntl(&self.by, FcntlArg::F_GETFL).map(|flags| flags & libc::O_ACCMODE);
        let enough = if exclusive { libc::O_WRONLY } else { libc::O_RDONLY };
        matches!(self.owner, Owner::Description(_)) || mode.is_ok_and(|mode| mode == libc::O_RDWR || mode == enough)
    }
}

impl Drop for Backing {
    /// In words, not by closing it: another process can have the same description for a moment, or for ever.
    fn drop(&mut self) {
        let _ = record(self.by.as_fd(), libc::F_UNLCK, Range::ALL);
        let _ = file::flock(self.by.as_fd(), libc::LOCK_UN);
    }
}

/// The same file once more, opened as it was; for reading too where that is allowed, so that one description is enough for locks of both kinds.
fn again(ours: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = fcntl(ours, FcntlArg::F_GETFL).map_err(|_| Errno::ENOLCK)?;
    let mode = flags & libc::O_ACCMODE;
    let open = |read: bool| -> Result<File, std::io::Error> {
        // Where a lease of somebody's is in the way, it is not waited for.
        let custom = (flags & libc::O_APPEND) | libc::O_NONBLOCK | libc::O_NOCTTY;
        let path = format!("/proc/self/fd/{}", ours.as_raw_fd());
        OpenOptions::new().read(read).write(mode != libc::O_RDONLY).custom_flags(custom).open(path)
    };
    let opened = open(true).or_else(|error| if mode == libc::O_WRONLY { open(false) } else { Err(error) });
    opened.map(OwnedFd::from).map_err(|_| Errno::ENOLCK)
}

fn record(by: BorrowedFd<'_>, kind: i32, range: Range) -> Result<(), Errno> {
    fcntl(by, FcntlArg::F_OFD_SETLK(&of(kind, range))).map(drop)
}

fn of(kind: i32, range: Range) -> libc::flock {
    libc::flock {
        l_type: i16::try_from(kind).unwrap_or_default(),
        l_whence: 0,
        l_start: range.first,
        l_len: if range.last == i64::MAX { 0 } else { range.last - range.first + 1 },
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests;
