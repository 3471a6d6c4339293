//! Places in a run that are its own, and how places lie to each other.
//!
//! Always holds: paths are compared by whole components: `/tmpfile` does not lie beneath `/tmp`.

/// Trees of a run that no mount covers: it has each of its own, or next to none (`/sys`).
pub const CLOSED_TARGETS: &[&str] = &["/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/remand", WORKSPACE];
/// Where a program begins: empty, its own, and gone with the run.
pub const WORKSPACE: &str = "/workspace";
/// What a run can always write: its tmpfs, which has these two names.
pub const WRITABLE: [&str; 2] = ["/tmp", WORKSPACE];
/// Directories that every root has.
pub const DIRECTORIES: [&str; 5] = ["/tmp", WORKSPACE, "/proc", "/dev", "/remand/empty"];
/// The first three, which are the kernel's: no mount shows the host's.
pub const CLOSED_SOURCES: &[&str] = CLOSED_TARGETS.split_at(3).0;
/// Where a run finds the terminal that it has, if any: its own name for it, and the directory of terminals.
pub const TTY: &str = "/dev/tty";
/// See [`TTY`].
pub const TERMINALS: &str = "/dev/pts";
/// All that a run has of `/sys`: what glibc counts the CPUs by.
pub const CPUS: &str = "/sys/devices/system/cpu/online";
macro_rules! run_id {
    () => {
        1000
    };
}
/// User and group id of a run inside, of the first where several share a forkserver.
pub const RUN_ID: u32 = run_id!();
/// Ids and names inside, for what looks users up.
pub const FILES: &[(&str, &str)] = &[
    (
        "/etc/passwd",
        concat!(
            "root:x:0:0:root:/nonexistent:/bin/false\n",
            concat!("remand:x:", run_id!(), ":", run_id!(), ":remand:/tmp:/bin/false\n"),
            "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
        ),
    ),
    ("/etc/group", concat!("root:x:0:\nremand:x:", run_id!(), ":\nnogroup:x:65534:\n")),
    ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
];

/// Places that are the run's own, with all beneath them.
pub fn owned<'p>() -> impl Iterator<Item = &'p str> + Clone {
    CLOSED_TARGETS.iter().copied().filter(|place| *place != "/sys")
}

/// Which place of the run's own a path is in.
#[must_use]
pub fn own(path: &str) -> Option<&'static str> {
    owned().find(|own| beneath(path, own))
}

/// Why no run can have a mount at `target`, whatever it runs.
#[must_use]
pub fn taken(target: &str) -> Option<String> {
    let own = owned().find(|own| overlap(target, own)).map(|own| format!("{own} is the run's own"));
    own.or_else(|| FILES.iter().find(|(file, _)| overlap(target, file)).map(|(file, _)| format!("{file} is made for the run")))
}

/// Whether one path is the other or lies beneath it.
#[must_use]
pub fn overlap(a: &str, b: &str) -> bool {
    beneath(a, b) || beneath(b, a)
}

/// Whether a path is this directory or lies beneath it.
#[must_use]
pub fn beneath(path: &str, directory: &str) -> bool {
    behind(path, directory).is_some()
}

/// Whether a path lies beneath this directory and is not the directory itself.
#[must_use]
pub fn inside(path: &str, directory: &str) -> bool {
    behind(path, directory).is_some_and(|rest| !rest.is_empty())
}

/// What a path has behind this directory, from the slash on; nothing where it is the directory itself.
#[must_use]
pub fn behind<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_beneath_each_other_by_whole_components() {
        for (path, directory, rest) in [
            ("/tmp/a", "/tmp", Some("/a")),
            ("/tmp/a", "/tmp/", Some("/a")),
            ("/tmp", "/tmp", Some("")),
            ("/tmpfile", "/tmp", None),
            ("/tmp", "/tmp/a", None),
            ("/tmp", "/", Some("/tmp")),
        ] {
            assert_eq!(behind(path, directory), rest, "{path} behind {directory}");
            assert_eq!((beneath(path, directory), inside(path, directory)), (rest.is_some(), rest.is_some_and(|rest| !rest.is_empty())));
        }
        assert!(overlap("/a", "/a/b") && overlap("/a/b", "/a") && !overlap("/a", "/ab"));
        assert_eq!((own("/tmp/x"), own("/tmpx"), own("/sys/x")), (Some("/tmp"), None, None));
        assert!(taken("/etc").is_some() && taken("/etc/passwd/x").is_some() && taken("/etc/pass").is_none());
    }
}
