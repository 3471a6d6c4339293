//! Calls that look a path up: which argument it is, and whether the call writes.
//!
//! Always holds: only calls that open, inspect or execute what is there; what only makes, renames or removes is not in the list. Used when learning, to
//! see what a program looked for; nothing is decided by it.

use Executes::{Always, Asks, Never};

use crate::arch::Arch;
use crate::table::find;

/// Name, argument that points to the path, argument with flags of `open` (6: none), what tells whether it is to be executed.
const LOOKING: &[(&str, u8, u8, Executes)] = &[
    ("access", 0, 6, Asks(1)),
    ("chdir", 0, 6, Never),
    ("execve", 0, 6, Always),
    ("execveat", 1, 6, Always),
    ("faccessat", 1, 6, Asks(2)),
    ("faccessat2", 1, 6, Asks(2)),
    ("lstat", 0, 6, Never),
    ("newfstatat", 1, 6, Never),
    ("open", 0, 1, Never),
    ("openat", 1, 2, Never),
    ("openat2", 1, 6, Never),
    ("readlink", 0, 6, Never),
    ("readlinkat", 1, 6, Never),
    ("stat", 0, 6, Never),
    ("statfs", 0, 6, Never),
    ("statx", 1, 6, Never),
];
/// `X_OK`: of these rights, the one to execute.
const EXECUTE: u64 = 1;
/// `O_WRONLY`, `O_RDWR`, `O_CREAT`, `O_TRUNC`: the same numbers on both instruction sets.
const WRITES: u64 = 0o1 | 0o2 | 0o100 | 0o1000;

/// `O_DIRECTORY`, as a listing opens.
const fn lists(arch: Arch) -> u64 {
    match arch {
        Arch::X86_64 => 0o200_000,
        Arch::Aarch64 => 0o40_000,
    }
}

/// Whether a call asks to execute what it looks up.
enum Executes {
    Always,
    /// With [`EXECUTE`] in this argument.
    Asks(u8),
    Never,
}

/// A path that a call was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Address of the path in the caller's memory.
    pub address: u64,
    /// The flags ask for writing; of `openat2` they lie in memory and say nothing here.
    pub writes: bool,
    /// The flags ask for a directory.
    pub lists: bool,
    /// It executes, or asks whether that is possible.
    pub executes: bool,
}

/// Where the path of a call lies; `None` if it is no call that looks one up.
#[must_use]
pub fn lookup(arch: Arch, name: &str, args: &[u64; 6]) -> Option<Lookup> {
    let (_, path, flags, executes) = LOOKING.iter().find(|(call, ..)| *call == name)?;
    let has = |index: u8, bits| args.get(usize::from(index)).is_some_and(|flags| flags & bits != 0);
    let executes = match executes {
        Always => true,
        Asks(mode) => has(*mode, EXECUTE),
        Never => false,
    };
    Some(Lookup { address: *args.get(usize::from(*path))?, writes: has(*flags, WRITES), lists: has(*flags, lists(arch)), executes })
}

/// Their rows in the table.
pub(crate) fn rows() -> impl Iterator<Item = usize> {
    LOOKING.iter().filter_map(|(name, ..)| find(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::argument_width;

    #[test]
    fn every_name_is_in_the_table_and_its_path_is_a_pointer() {
        assert_eq!(rows().count(), LOOKING.len());
        for (name, path, flags, executes) in LOOKING {
            assert_eq!(argument_width(name, *path), Some(64), "{name}");
            assert_eq!(argument_width(name, *flags), (*flags < 6).then_some(32), "{name}");
            assert!(!matches!(executes, Asks(mode) if argument_width(name, *mode) != Some(32)), "{name}");
        }
    }

    #[test]
    fn opens_tell_whether_they_write() {
        let at = |name, args| lookup(Arch::X86_64, name, &args);
        assert_eq!(at("openat", [0, 77, 0o100_000, 0, 0, 0]), Some(Lookup { address: 77, writes: false, lists: false, executes: false }));
        assert_eq!(at("openat", [0, 77, 0o2, 0, 0, 0]), Some(Lookup { address: 77, writes: true, lists: false, executes: false }));
        assert_eq!(
            at("stat", [77, u64::MAX, u64::MAX, 0, 0, 0]),
            Some(Lookup { address: 77, writes: false, lists: false, executes: false })
        );
        let listed = lookup(Arch::Aarch64, "openat", &[0, 77, 0o40_000, 0, 0, 0]);
        assert_eq!(listed, Some(Lookup { address: 77, writes: false, lists: true, executes: false }));
        let executes = |name, args| at(name, args).map(|looked| looked.executes);
        assert_eq!(executes("execve", [77, 0, 0, 0, 0, 0]), Some(true));
        assert_eq!([1, 5, 4].map(|mode| executes("faccessat2", [0, 77, mode, 0, 0, 0])), [Some(true), Some(true), Some(false)]);
        assert_eq!(at("unlink", [77, 0, 0, 0, 0, 0]), None);
    }
}
