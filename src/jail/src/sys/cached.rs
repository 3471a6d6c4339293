//! Whether a file is in the page cache.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// Whether the first page of a file is in the page cache, asked without reading it in. Where the file system cannot tell: yes.
#[must_use]
pub fn first_page_cached(file: BorrowedFd<'_>) -> bool {
    let mut byte = 0_u8;
    let part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: the one part is a byte of our own that outlives the call.
    let result = unsafe { libc::preadv2(file.as_raw_fd(), &raw const part, 1, 0, libc::RWF_NOWAIT) };
    match Errno::result(result) {
        Ok(count) => count > 0,
        Err(errno) => errno != Errno::EAGAIN,
    }
}
