//! Granted calls that a run's filter does not leave to the kernel: what stands in the place of "allow".
//!
//! Always holds: a call stands here only if the kernel's own doing would reach beyond the run. Locks are kernel memory that nothing charges, on inodes that
//! runs and the host share; a flush is work for the host's disk, by a descriptor that need not even be writable. What is not granted is refused as ever.

use super::groups::LOCKS;

/// `SECCOMP_RET_USER_NOTIF` with a mark that the kernel does not look at: the supervisor carries the call out itself.
pub const SERVE: u32 = 0x7fc0_0001;
/// `SECCOMP_RET_ERRNO` with 0: the call has succeeded, and nothing was done.
pub const DONE: u32 = 0x0005_0000;

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    call: &'static str,
    /// Only these values of an argument; any call otherwise.
    pub when: Option<(u8, &'static [u64])>,
    pub answer: u32,
    /// Also where files of the host can be written, which then are to reach the disk.
    with_writable: bool,
}

const KEPT: &[Kept] = &[
    Kept { call: "fcntl", when: Some((1, LOCKS)), answer: SERVE, with_writable: true },
    Kept { call: "flock", when: None, answer: SERVE, with_writable: true },
    Kept { call: "fsync", when: None, answer: DONE, with_writable: false },
    Kept { call: "fdatasync", when: None, answer: DONE, with_writable: false },
    Kept { call: "msync", when: None, answer: DONE, with_writable: false },
    Kept { call: "sync_file_range", when: None, answer: DONE, with_writable: false },
    // All that the host has not yet written, not only what a run wrote.
    Kept { call: "sync", when: None, answer: DONE, with_writable: true },
    Kept { call: "syncfs", when: None, answer: DONE, with_writable: true },
];

/// What a run's filter answers a call instead; `writable`: the run can write to a file of the host.
pub(super) fn kept(call: &str, writable: bool) -> Option<&'static Kept> {
    KEPT.iter().find(|kept| kept.call == call && (kept.with_writable || !writable))
}
