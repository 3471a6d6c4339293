//! Granted calls that a run's filter does not leave to the kernel: what stands in the place of "allow".
//!
//! Always holds: a call stands here only if the kernel's own doing would reach beyond the run. Locks are kernel memory that nothing charges, on inodes that
//! runs and the host share; a flush is work for the host's disk, by a descriptor that need not even be writable; a socket's name may be the host's. What is not granted is refused as ever.

use super::groups::Test;
use crate::groups::LOCKS;

/// `SECCOMP_RET_USER_NOTIF` with a mark that the kernel does not look at: the supervisor carries the call out itself.
pub const SERVE: u32 = 0x7fc0_0001;
/// The same with another mark: the supervisor ends the run, and the call is never carried out.
pub const END: u32 = 0x7fc0_0002;
/// `SECCOMP_RET_ERRNO` with 0: the call has succeeded, and nothing was done.
pub const DONE: u32 = 0x0005_0000;

/// And with another: the supervisor adds up what it asks for, and lets it through.
pub const COUNT: u32 = 0x7fc0_0003;

/// What there is around a run that its filter has to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// It can write to a file of the host.
    pub writable: bool,
    /// No memory cgroup counts what it makes.
    pub watched: bool,
    /// It is shown files among which there may be a socket of the host's, and nothing else keeps it from that.
    pub names: bool,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    call: &'static str,
    /// Only such values of an argument; any call otherwise.
    pub when: Option<(u8, Test)>,
    pub answer: u32,
    only: Only,
}

/// In which runs.
#[derive(Debug, PartialEq, Eq)]
enum Only {
    Always,
    /// Where files of the host can be written, these are to reach the disk.
    NothingWritable,
    /// Where no memory cgroup counts.
    Watched,
    /// Where names of sockets lead out.
    Names,
}

const fn k(call: &'static str, when: Option<(u8, Test)>, answer: u32, only: Only) -> Kept {
    Kept { call, when, answer, only }
}

/// `MAP_SHARED | MAP_ANONYMOUS`: what was touched of such memory stays as long as a page of it is mapped anywhere, and need be in nobody's resident memory.
const SHARED_MEMORY: Test = Test::Bits { mask: 0x2f, value: 0x21 };

const KEPT: &[Kept] = &[
    k("fcntl", Some((1, Test::In(LOCKS))), SERVE, Only::Always),
    k("flock", None, SERVE, Only::Always),
    k("fsync", None, DONE, Only::NothingWritable),
    k("fdatasync", None, DONE, Only::NothingWritable),
    k("msync", None, DONE, Only::NothingWritable),
    k("sync_file_range", None, DONE, Only::NothingWritable),
    // All that the host has not yet written, not only what a run wrote.
    k("sync", None, DONE, Only::Always),
    k("syncfs", None, DONE, Only::Always),
    // A read-only mount keeps nobody from a socket in it.
    k("connect", None, SERVE, Only::Names),
    k("mmap", Some((3, SHARED_MEMORY)), COUNT, Only::Watched),
];

/// What a run's filter answers a call instead.
pub(crate) fn kept(call: &str, around: Around) -> Option<&'static Kept> {
    let here = |only: &Only| match only {
        Only::Always => true,
        Only::NothingWritable => !around.writable,
        Only::Watched => around.watched,
        Only::Names => around.names,
    };
    KEPT.iter().find(|kept| kept.call == call && here(&kept.only))
}
