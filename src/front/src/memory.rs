//! Large parts of messages: a file of memory that its maker can no longer change.
//!
//! Always holds: what is read is sealed before its size is looked at, so that no size or content changes under the reader, and reading never waits.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{Whence, lseek};

/// `MFD_NOEXEC_SEAL` (Linux 6.3).
const NOEXEC_SEAL: MFdFlags = MFdFlags::from_bits_retain(8);
/// What keeps size and content as they are.
const FIXED: SealFlag = SealFlag::F_SEAL_WRITE.union(SealFlag::F_SEAL_SHRINK).union(SealFlag::F_SEAL_GROW);

/// A memory that holds this for ever.
///
/// # Errors
/// The kernel's answer.
pub fn sealed(bytes: &[u8]) -> io::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let made = match memfd_create("remand", flags | NOEXEC_SEAL) {
        Err(Errno::EINVAL) => memfd_create("remand", flags),
        made => made,
    };
    let mut file = File::from(made?);
    file.write_all(bytes)?;
    fcntl(&file, FcntlArg::F_ADD_SEALS(FIXED | SealFlag::F_SEAL_SEAL))?;
    Ok(file.into())
}

/// What a memory holds that somebody else made, at most so many bytes.
///
/// # Errors
/// It is none, it is not sealed, it is larger, or the kernel's answer.
pub fn read(memory: OwnedFd, most: u64) -> io::Result<Vec<u8>> {
    let seals = fcntl(memory.as_fd(), FcntlArg::F_GET_SEALS).map_err(|_| io::Error::other("it is no memory"))?;
    if !SealFlag::from_bits_retain(seals).contains(FIXED) {
        return Err(io::Error::other("it is not sealed"));
    }
    let file = File::from(memory);
    // The one way that a front's filter has.
    let size = u64::try_from(lseek(&file, 0, Whence::SeekEnd)?).map_err(io::Error::other)?;
    if size > most {
        return Err(io::Error::other("it is too large"));
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_change_is_read() {
        assert_eq!(read(sealed(b"abc").unwrap(), 3).unwrap(), b"abc");
        assert!(read(sealed(b"abcd").unwrap(), 3).unwrap_err().to_string().contains("too large"));
        let open = memfd_create("open", MFdFlags::MFD_ALLOW_SEALING).unwrap();
        assert!(read(open, 3).unwrap_err().to_string().contains("not sealed"));
        let shrinks = memfd_create("shrinks", MFdFlags::MFD_ALLOW_SEALING).unwrap();
        fcntl(&shrinks, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW)).unwrap();
        assert!(read(shrinks, 3).unwrap_err().to_string().contains("not sealed"));
        let (from, _to) = nix::unistd::pipe().unwrap();
        assert!(read(from, 3).unwrap_err().to_string().contains("no memory"), "and nothing waits");
        assert!(read(File::open("/proc/self/exe").unwrap().into(), u64::MAX).is_err());
        let fixed = File::from(sealed(b"abc").unwrap());
        assert!(fixed.write_all_at(b"x", 0).is_err() && fixed.set_len(1).is_err() && fixed.set_len(9).is_err());
    }
}
