//! What an interpreter, or another program, needs to start at all, and what it tries.
//!
//! Always holds: without any one of these, no CPython that was measured (3.9 to 3.13) gets through user code, on any instruction set that has the
//! call; the end-to-end tests take each of them away and look. What only some C libraries need
//! (`newfstatat` here, `fstat` there) or some versions try is said of those alone.

use crate::arch::Arch;
use crate::cover::calls_named;
use crate::granted::granted;
use crate::names::number;
use crate::rules::Rules;

/// In the order of the table.
pub const NEEDED_TO_START: &[&str] = &[
    "arch_prctl",     // the loader's thread-local storage
    "close",          // every file that was opened
    "fcntl",          // whether the standard streams are open
    "futex",          // C's own buffers are flushed at the end by a function that is looked up
    "getdents64",     // the import system lists directories
    "mmap",           // the loader maps libraries, the allocator takes arenas
    "mprotect",       // the loader makes relocated pages read-only
    "openat",         // libraries and modules
    "read",           // libraries, modules and the job
    "rt_sigaction",   // Python's own signal handlers
    "rt_sigprocmask", // threads and signals of the C library
    "write",          // the `ready` frame and the result
];

/// What a start asks of the host beyond what every program does: the calls that containers' filters are met at, in the order of the start.
pub const NEEDED_OF_HOST: [&str; 13] = [
    "clone3",        // processes in new namespaces and in their cgroup
    "unshare",       // namespaces
    "mount_setattr", // mounts that are read-only, without devices, without programs
    "fsopen",        // the run's own root, /tmp and /proc
    "fsconfig",
    "fsmount",
    "move_mount", // each to its place
    "open_tree",  // what is shown of the host
    "pivot_root", // and nothing else
    "umount2",
    "landlock_create_ruleset", // the second layer
    "landlock_add_rule",
    "landlock_restrict_self",
];

/// What is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Starting {
    /// CPython, of this version if it is known.
    Python(Option<(u32, u32, u32)>),
    /// Any program that is linked dynamically.
    Program,
}

/// As [`NEEDED_TO_START`], for any program that is linked dynamically.
const NEEDED_TO_LOAD: &[&str] = &["arch_prctl", "close", "mmap", "mprotect", "openat", "read"];

/// What a start tries besides, and mostly does without; some of it in some versions alone.
struct Tried {
    call: &'static str,
    /// The versions of glibc that try it themselves, whatever they load: from the first to before the second.
    program: Option<(Version, Version)>,
    /// The versions of CPython that start with it on those and later versions of glibc.
    python: (Version, Version),
    /// It is needed, and not merely tried.
    needed: bool,
}

type Version = (u32, u32);
const EVER: (Version, Version) = ((0, 0), (99, 0));

const fn loader(call: &'static str, since: Version) -> Tried {
    Tried { call, program: Some((since, EVER.1)), python: EVER, needed: false }
}

const fn python(call: &'static str, versions: (Version, Version)) -> Tried {
    Tried { call, program: None, python: versions, needed: false }
}

/// Measured with glibc 2.36 and CPython 3.9 to 3.13, as [`NEEDED_TO_START`].
const TRIED: &[Tried] = &[
    loader("access", (2, 0)), // /etc/ld.so.preload
    loader("brk", (2, 0)),
    loader("exit_group", (2, 0)),
    loader("prlimit64", (2, 36)),
    loader("rseq", (2, 35)),
    loader("set_robust_list", (2, 0)),
    loader("set_tid_address", (2, 0)),
    // Open files are looked at by `fstat` again since 2.39, paths are not.
    Tried { call: "newfstatat", program: Some(((2, 33), (2, 39))), python: EVER, needed: true },
    Tried { call: "pread64", program: Some(((2, 31), EVER.1)), python: EVER, needed: true },
    python("dup", ((3, 9), (3, 11))),
    python("getpid", EVER),
    python("getrandom", EVER),
    python("gettid", ((3, 11), EVER.1)),
    python("ioctl", EVER),
    python("lseek", EVER),
    python("munmap", EVER),
    python("open", ((3, 13), EVER.1)),
    python("readlink", EVER),
    python("sigaltstack", EVER), // stacks are told of one that has overflowed too
    python("sysinfo", EVER),
];

impl Tried {
    fn by(&self, what: Starting, glibc: Version) -> bool {
        let within = |(first, end): (Version, Version), version| first <= version && version < end;
        match what {
            Starting::Program => self.program.is_some_and(|versions| within(versions, glibc)),
            Starting::Python(version) => {
                let since = self.program.map_or((0, 0), |(since, _)| since);
                let known = version.map_or(self.python == EVER, |(major, minor, _)| within(self.python, (major, minor)));
                known && since <= glibc
            }
        }
    }
}

/// The calls without which it does not start. Without glibc, those alone that every C library needs.
fn needed(what: Starting, glibc: Option<Version>) -> Vec<&'static str> {
    let always = if what == Starting::Program { NEEDED_TO_LOAD } else { NEEDED_TO_START };
    always.iter().copied().chain(tries(what, glibc, true)).collect()
}

/// The calls that it makes when it starts, whatever they are answered.
fn tried_at_start(what: Starting, glibc: Option<Version>) -> Vec<&'static str> {
    let mut all = needed(what, glibc);
    all.extend(tries(what, glibc, false));
    all
}

fn tries(what: Starting, glibc: Option<Version>, needed: bool) -> impl Iterator<Item = &'static str> {
    let by = move |tried: &&Tried| tried.needed == needed && glibc.is_some_and(|glibc| tried.by(what, glibc));
    TRIED.iter().filter(by).map(|tried| tried.call)
}

/// How rules keep something from starting, by which calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// It tries these, which ends the run.
    Killed(Vec<&'static str>),
    /// It needs these, which are denied by name.
    Denied(Vec<&'static str>),
    /// It needs these, which are not granted.
    Missing(Vec<&'static str>),
}

/// What keeps it from starting on an instruction set; nothing where nothing does, or where nobody knows.
#[must_use]
pub fn blocked(rules: &Rules, arch: Arch, what: Starting, glibc: Option<Version>) -> Option<Blocked> {
    let killed = calls_named(&rules.kill);
    let known = |call: &&str| number(arch, call).is_some();
    let ends: Vec<_> = tried_at_start(what, glibc).into_iter().filter(known).filter(|call| killed.contains(*call)).collect();
    if !ends.is_empty() {
        return Some(Blocked::Killed(ends));
    }
    let (granted, denied) = (granted(rules).unwrap_or_default(), calls_named(&rules.deny));
    let missing: Vec<_> = needed(what, glibc).into_iter().filter(known).filter(|call| !granted.contains_key(*call)).collect();
    let blocked = if missing.iter().all(|call| denied.contains(*call)) { Blocked::Denied } else { Blocked::Missing };
    (!missing.is_empty()).then(|| blocked(missing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Grant;

    #[test]
    fn what_keeps_from_starting_is_told_by_the_list_that_does() {
        let rules = |allow: &[&str], deny: &[&str], kill: &[&str]| {
            let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let allow = allow.iter().map(|call| Grant::any(call)).collect();
            Rules { allow, deny: names(deny), kill: names(kill) }
        };
        let python = |rules: &Rules| blocked(rules, Arch::X86_64, Starting::Python(None), None);
        let all = ["@io", "@files", "@memory", "@process", "@signals", "@locks", "futex"];
        assert_eq!(python(&rules(&all, &[], &[])), None);
        assert_eq!(python(&rules(&all, &["mmap"], &[])), Some(Blocked::Denied(vec!["mmap"])));
        assert_eq!(python(&rules(&all, &["mmap"], &["read"])), Some(Blocked::Killed(vec!["read"])));
        assert_eq!(python(&rules(&all[1..], &["mmap"], &[])), Some(Blocked::Missing(vec!["close", "mmap", "read", "write"])));
    }

    #[test]
    fn what_only_some_versions_do_is_said_of_those() {
        let python = |minor| Starting::Python(Some((3, minor, 0)));
        let tries = |what, glibc, call| tried_at_start(what, glibc).contains(&call);
        let glibc = Some((2, 36));
        assert!(tries(python(9), glibc, "dup") && !tries(python(11), glibc, "dup") && !tries(Starting::Python(None), glibc, "dup"));
        assert!(tries(python(11), glibc, "rseq") && tries(Starting::Program, glibc, "rseq") && !tries(python(11), Some((2, 31)), "rseq"));
        assert!(!tries(Starting::Program, glibc, "getpid") && tries(Starting::Python(None), glibc, "getpid"));
        let needs = |what, glibc| needed(what, glibc).contains(&"newfstatat");
        assert!(needs(Starting::Program, glibc) && !needs(Starting::Program, Some((2, 39))) && needs(python(12), Some((2, 39))));
        assert!(!needs(python(12), None) && !needs(python(12), Some((2, 31))), "another C library asks by other calls");
    }
}
