//! Calls that look a path up: which argument it is, and whether the call writes.
//!
//! Always holds: only calls that open, inspect or execute what is there; what only makes, renames or removes is not in the list. Used when learning, to
//! see what a program looked for; nothing is decided by it.

use super::table::find;
use crate::host::Arch;

/// Name, argument that points to the path, argument with flags of `open` (6: none).
const LOOKING: &[(&str, u8, u8)] = &[
    ("access", 0, 6),
    ("chdir", 0, 6),
    ("execve", 0, 6),
    ("execveat", 1, 6),
    ("faccessat", 1, 6),
    ("faccessat2", 1, 6),
    ("lstat", 0, 6),
    ("newfstatat", 1, 6),
    ("open", 0, 1),
    ("openat", 1, 2),
    ("openat2", 1, 6),
    ("readlink", 0, 6),
    ("readlinkat", 1, 6),
    ("stat", 0, 6),
    ("statfs", 0, 6),
    ("statx", 1, 6),
];
/// `O_WRONLY`, `O_RDWR`, `O_CREAT`, `O_TRUNC`: the same numbers on both instruction sets.
const WRITES: u64 = 0o1 | 0o2 | 0o100 | 0o1000;

/// `O_DIRECTORY`, as a listing opens.
const fn lists(arch: Arch) -> u64 {
    match arch {
        Arch::X86_64 => 0o200_000,
        Arch::Aarch64 => 0o40_000,
    }
}

/// A path that a call was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Address of the path in the caller's memory.
    pub address: u64,
    /// The flags ask for writing; of `openat2` they lie in memory and say nothing here.
    pub writes: bool,
    /// The flags ask for a directory.
    pub lists: bool,
}

/// Where the path of a call lies; `None` if it is no call that looks one up.
#[must_use]
pub fn looked(arch: Arch, name: &str, args: &[u64; 6]) -> Option<Looked> {
    let (_, path, flags) = LOOKING.iter().find(|(call, ..)| *call == name)?;
    let has = |bits| args.get(usize::from(*flags)).is_some_and(|flags| flags & bits != 0);
    Some(Looked { address: *args.get(usize::from(*path))?, writes: has(WRITES), lists: has(lists(arch)) })
}

/// Their rows in the table.
pub(super) fn rows() -> impl Iterator<Item = usize> {
    LOOKING.iter().filter_map(|(name, ..)| find(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::argument_width;

    #[test]
    fn every_name_is_in_the_table_and_its_path_is_a_pointer() {
        assert_eq!(rows().count(), LOOKING.len());
        for (name, path, flags) in LOOKING {
            assert_eq!(argument_width(name, *path), Some(64), "{name}");
            assert_eq!(argument_width(name, *flags), (*flags < 6).then_some(32), "{name}");
        }
    }

    #[test]
    fn opens_tell_whether_they_write() {
        let at = |name, args| looked(Arch::X86_64, name, &args);
        assert_eq!(at("openat", [0, 77, 0o100_000, 0, 0, 0]), Some(Looked { address: 77, writes: false, lists: false }));
        assert_eq!(at("openat", [0, 77, 0o2, 0, 0, 0]), Some(Looked { address: 77, writes: true, lists: false }));
        assert_eq!(at("stat", [77, u64::MAX, u64::MAX, 0, 0, 0]), Some(Looked { address: 77, writes: false, lists: false }));
        let listed = looked(Arch::Aarch64, "openat", &[0, 77, 0o40_000, 0, 0, 0]);
        assert_eq!(listed, Some(Looked { address: 77, writes: false, lists: true }));
        assert_eq!(at("unlink", [77, 0, 0, 0, 0, 0]), None);
    }
}
