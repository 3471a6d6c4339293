//! What a run's `/workspace` holds at its start: copied in by its init, which is in the run's cgroup, so that the memory is the run's.
//!
//! Always holds: nothing is written over and no link is followed; what is made belongs to the run's id.
//!
//! It comes as one file: for each entry its [`Entry`] in words of the machine's own order, its path with a NUL, its content. A directory comes before what it holds.

use core::ffi::CStr;

use crate::step::{At, Errno, Failure, Step};
use crate::sys::{self, Fd};

/// Longest path with its NUL.
pub const LONGEST: usize = 4096;

/// What stands before an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Type and permissions: a directory or a regular file.
    pub mode: u32,
    /// Bytes of its path, the NUL among them.
    pub path: u64,
    /// Bytes of its content.
    pub content: u64,
}

impl Entry {
    /// Bytes of one.
    pub const SIZE: usize = 24;

    /// As it is written.
    #[must_use]
    pub fn bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        for (place, word) in bytes.chunks_exact_mut(8).zip([u64::from(self.mode), self.path, self.content]) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let mut words = [0; 3];
        for (word, place) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_ne_bytes(place.try_into().ok()?);
        }
        let [mode, path, content] = words;
        Some(Self { mode: u32::try_from(mode).ok()?, path, content })
    }
}

/// Makes all of it in a directory.
///
/// # Errors
/// The kernel's answer, with the number of the entry.
pub fn place(from: Fd, directory: Fd, id: u32) -> Result<(), Failure> {
    let size = sys::size(from).at(Step::Files)?;
    let (mut at, mut index) = (0, 0);
    while at < size {
        at = one(from, at, directory, id).at_index(Step::Files, index)?;
        index += 1;
    }
    Ok(())
}

/// Makes the entry at a place; where the next one is.
fn one(from: Fd, at: u64, directory: Fd, id: u32) -> Result<u64, Errno> {
    let mut header = [0; Entry::SIZE];
    sys::read_at(from, &mut header, at)?;
    let entry = Entry::from_bytes(&header).ok_or(libc::EINVAL)?;
    let mut room = [0; LONGEST];
    let path = usize::try_from(entry.path).ok().and_then(|length| room.get_mut(..length)).ok_or(libc::ENAMETOOLONG)?;
    let at = at + Entry::SIZE as u64;
    sys::read_at(from, path, at)?;
    let path = CStr::from_bytes_with_nul(path).map_err(|_| libc::EINVAL)?;
    let at = at + entry.path;
    if entry.mode & libc::S_IFMT == libc::S_IFDIR {
        sys::mkdirat(directory, path, entry.mode & 0o777)?;
    } else {
        let file = sys::openat(directory, path, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL, entry.mode & 0o777)?;
        let copied = copy(from, at, file, entry.content);
        sys::close(file)?;
        copied?;
    }
    sys::chown(directory, path, id, id, libc::AT_SYMLINK_NOFOLLOW)?;
    Ok(at + entry.content)
}

fn copy(from: Fd, mut at: u64, to: Fd, size: u64) -> Result<(), Errno> {
    let end = at + size;
    while at < end {
        match sys::copy(from, at, to, end - at)? {
            0 => return Err(libc::EIO),
            copied => at += copied as u64,
        }
    }
    Ok(())
}
