//! What a lock call asks for: from registers, `struct flock` and the file's facts to a lock, or the error that the kernel would answer.
//!
//! Always holds: pure; the checks and their order are those of the kernel.

use nix::errno::Errno;

use super::ranges::{Owner, Range};

/// Bytes of `struct flock`, on both instruction sets.
pub const SIZE: usize = 32;

/// What a call wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// `flock`, whose locks are of another kind than `fcntl`'s.
    pub whole: bool,
    pub range: Range,
    pub wants: Wants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Wants {
    /// To know what stands in the way.
    Tell {
        exclusive: bool,
    },
    Lock {
        exclusive: bool,
        wait: bool,
    },
    Unlock,
}

/// A lock call, by its registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `flock`, and its operation.
    Flock(i32),
    /// `fcntl`, and what it does; `by_process`: the process owns the lock, not the description.
    Fcntl { tell: bool, wait: bool, by_process: bool, address: u64 },
}

impl Call {
    /// By the call's name and its registers, of which the kernel looks at 32 bits.
    pub fn of(name: &str, args: &[u64; 6]) -> Option<Self> {
        #[allow(clippy::cast_possible_truncation)] // the kernel takes an int
        let operation = (args[1] as u32).cast_signed();
        let fcntl = |tell, wait, by_process| Some(Self::Fcntl { tell, wait, by_process, address: args[2] });
        match (name, operation) {
            ("flock", _) => Some(Self::Flock(operation)),
            ("fcntl", libc::F_GETLK) => fcntl(true, false, true),
            ("fcntl", libc::F_SETLK) => fcntl(false, false, true),
            ("fcntl", libc::F_SETLKW) => fcntl(false, true, true),
            ("fcntl", libc::F_OFD_GETLK) => fcntl(true, false, false),
            ("fcntl", libc::F_OFD_SETLK) => fcntl(false, false, false),
            ("fcntl", libc::F_OFD_SETLKW) => fcntl(false, true, false),
            _ => None,
        }
    }
}

/// What is known of the open file.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// `O_*`, as `F_GETFL` tells.
    pub flags: i32,
    pub position: i64,
    pub size: i64,
}

impl Open {
    fn writes(self) -> bool {
        matches!(self.flags & libc::O_ACCMODE, libc::O_WRONLY | libc::O_RDWR)
    }

    fn reads(self) -> bool {
        matches!(self.flags & libc::O_ACCMODE, libc::O_RDONLY | libc::O_RDWR)
    }
}

/// A call of `flock`.
///
/// # Errors
/// The kernel's.
pub fn flock(operation: i32) -> Result<Request, Errno> {
    let wait = operation & libc::LOCK_NB == 0;
    let wants = match operation & !libc::LOCK_NB {
        libc::LOCK_SH => Wants::Lock { exclusive: false, wait },
        libc::LOCK_EX => Wants::Lock { exclusive: true, wait },
        libc::LOCK_UN => Wants::Unlock,
        _ => return Err(Errno::EINVAL),
    };
    Ok(Request { whole: true, range: Range::ALL, wants })
}

/// A call of `fcntl`.
///
/// # Errors
/// The kernel's.
pub fn fcntl(tell: bool, wait: bool, by_process: bool, asked: &[u8; SIZE], open: Open) -> Result<Request, Errno> {
    let kind = i32::from(short(asked, 0));
    if tell && !matches!(kind, libc::F_RDLCK | libc::F_WRLCK) {
        return Err(Errno::EINVAL);
    }
    let range = range(asked, open)?;
    let wants = match kind {
        libc::F_RDLCK | libc::F_WRLCK if tell => Wants::Tell { exclusive: kind == libc::F_WRLCK },
        libc::F_RDLCK if open.reads() => Wants::Lock { exclusive: false, wait },
        libc::F_WRLCK if open.writes() => Wants::Lock { exclusive: true, wait },
        libc::F_RDLCK | libc::F_WRLCK => return Err(Errno::EBADF),
        libc::F_UNLCK => Wants::Unlock,
        _ => return Err(Errno::EINVAL),
    };
    if !by_process && asked.get(24..28) != Some(&[0; 4]) {
        return Err(Errno::EINVAL);
    }
    Ok(Request { whole: false, range, wants })
}

fn range(asked: &[u8; SIZE], open: Open) -> Result<Range, Errno> {
    let (start, length) = (long(asked, 8), long(asked, 16));
    let base = match i32::from(short(asked, 2)) {
        libc::SEEK_SET => 0,
        libc::SEEK_CUR => open.position,
        libc::SEEK_END => open.size,
        _ => return Err(Errno::EINVAL),
    };
    let first = base.checked_add(start).ok_or(Errno::EOVERFLOW)?;
    if first < 0 {
        return Err(Errno::EINVAL);
    }
    match length {
        0 => Ok(Range { first, last: i64::MAX }),
        1.. => Ok(Range { first, last: first.checked_add(length - 1).ok_or(Errno::EOVERFLOW)? }),
        _ => match first.checked_add(length) {
            Some(start @ 0..) => Ok(Range { first: start, last: first - 1 }),
            _ => Err(Errno::EINVAL),
        },
    }
}

/// `struct flock` as `F_GETLK` gives it back: what stands in the way, and the process id of its owner as the caller numbers it.
pub fn told(mut asked: [u8; SIZE], found: Option<(bool, Range, i32)>) -> [u8; SIZE] {
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = asked.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    let Some((exclusive, range, pid)) = found else {
        put(0, &kind(libc::F_UNLCK));
        return asked;
    };
    put(0, &kind(if exclusive { libc::F_WRLCK } else { libc::F_RDLCK }));
    put(2, &kind(libc::SEEK_SET));
    put(8, &range.first.to_ne_bytes());
    put(16, &if range.last == i64::MAX { 0 } else { range.last - range.first + 1 }.to_ne_bytes());
    put(24, &pid.to_ne_bytes());
    asked
}

fn kind(value: i32) -> [u8; 2] {
    i16::try_from(value).unwrap_or_default().to_ne_bytes()
}

fn short(bytes: &[u8; SIZE], at: usize) -> i16 {
    bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map_or(-1, i16::from_ne_bytes)
}

fn long(bytes: &[u8; SIZE], at: usize) -> i64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(-1, i64::from_ne_bytes)
}

/// Whether waiting for `blocker` would be waiting for oneself: the kernel looks as far, and at processes only.
pub fn deadlock(me: Owner, mut blocker: Owner, waits_for: impl Fn(Owner) -> Option<Owner>) -> bool {
    for _ in 0..10 {
        if !matches!(blocker, Owner::Process(_)) {
            return false;
        }
        match waits_for(blocker) {
            Some(next) if next == me => return true,
            Some(next) => blocker = next,
            None => return false,
        }
    }
    false
}
