//! What the kernel's Landlock knows, as in `linux/landlock.h`.

/// The newest ABI known here, and the Linux that brought it.
pub const NEWEST: (u32, &str) = (10, "7.2");

/// Rights over files, by the ABI that they came with.
pub mod fs {
    /// Execute a file.
    pub const EXECUTE: u64 = 1;
    /// Open a file for writing.
    pub const WRITE_FILE: u64 = 1 << 1;
    /// Open a file for reading.
    pub const READ_FILE: u64 = 1 << 2;
    /// List a directory.
    pub const READ_DIR: u64 = 1 << 3;
    /// Remove a directory or a file.
    pub const REMOVE: u64 = 1 << 4 | 1 << 5;
    /// Directories, regular files, sockets, FIFOs, symlinks; not devices (bits 6 and 11).
    pub const MAKE: u64 = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12;
    /// Link or rename between directories.
    pub const REFER: u64 = 1 << 13;
    /// Truncate a file.
    pub const TRUNCATE: u64 = 1 << 14;
    /// `ioctl` on a device.
    pub const IOCTL_DEV: u64 = 1 << 15;
    /// Connect to the socket of that name.
    pub const RESOLVE_UNIX: u64 = 1 << 16;
    /// Handled from (ABI, number of rights): 2 brought REFER, 3 TRUNCATE, 5 IOCTL_DEV, 9 RESOLVE_UNIX.
    pub const COUNTS: [(u32, u32); 5] = [(9, 17), (5, 16), (3, 15), (2, 14), (1, 13)];
}
