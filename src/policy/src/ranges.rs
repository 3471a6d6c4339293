//! The range of every number in a policy file, in the smallest unit (bytes, microseconds, thousandths of a CPU), and how long texts and lists may be.
//!
//! Always holds: written here once, for the loader that refuses and for the schema that editors complete from.

use std::ops::RangeInclusive;

/// The kernel counts bytes and microseconds in signed 64 bits.
pub const MOST: u64 = i64::MAX as u64;
/// The end of the range of a limit that can be lifted.
const OPEN: u64 = u64::MAX;
const PAGE: u64 = 4096;

/// Times; the kernel's clocks are finer than the least of them.
pub const TIME: RangeInclusive<u64> = 1000..=OPEN;
/// The kernel's smallest quota is 1 ms in a period of 100 ms.
pub const CPUS: RangeInclusive<u64> = 10..=OPEN;
/// `limits.memory`; a page is the least.
pub const MEMORY: RangeInclusive<u64> = PAGE..=OPEN;
/// `limits.pids`.
pub const PIDS: RangeInclusive<u64> = 1..=OPEN;
/// `limits.open_files`; below 16 not every start has what it takes: the root, its mounts and Landlock are made within it.
pub const OPEN_FILES: RangeInclusive<u64> = 16..=1_048_576;
/// `limits.file_size`.
pub const FILE_SIZE: RangeInclusive<u64> = 1..=OPEN;
/// `limits.stack`.
pub const STACK: RangeInclusive<u64> = 64 << 10..=1 << 30;
/// What the supervisor keeps or hands in.
pub const KEPT: RangeInclusive<u64> = 1..=MOST;
/// Python's own encoder stops at about 1000 levels.
pub const RESULT_DEPTH: RangeInclusive<u64> = 1..=1000;
/// `limits.result_nodes`.
pub const RESULT_NODES: RangeInclusive<u64> = 1..=MOST;
/// `limits.artifact_files`.
pub const ARTIFACT_FILES: RangeInclusive<u64> = 1..=100_000;
/// For tmpfs 0 means no limit, and a page is the least it counts.
pub const TMP_SIZE: RangeInclusive<u64> = PAGE..=MOST;
/// `filesystem.tmp.inodes`; the root directory is one.
pub const TMP_INODES: RangeInclusive<u64> = 2..=MOST;
/// `landlock.minimum_abi`.
pub const MINIMUM_ABI: RangeInclusive<u64> = 1..=100;
/// Index of an argument of a system call.
pub const ARGUMENT: RangeInclusive<u64> = 0..=5;

/// Entries of one list or object. Checks for duplicates are quadratic.
pub const ENTRIES: usize = 512;
/// Longest text in bytes; environment values may be as long as [`LONGEST_VARIABLE`] lets them.
pub const TEXT: usize = 4096;
/// The kernel's `MAX_ARG_STRLEN` holds name, `=`, value and NUL.
pub const LONGEST_VARIABLE: usize = 131_072;

/// Longest path that the kernel takes, without its NUL.
pub const LONGEST_PATH: usize = 4095;
/// Longest name in a path.
pub const LONGEST_NAME: usize = 255;
