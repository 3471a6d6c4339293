//! Places in a run that are its own, and how places lie to each other.
//!
//! Always holds: paths are compared by whole components: `/tmpfile` does not lie beneath `/tmp`.

/// Places that are the run's own, with all beneath them.
pub const OWN: &[&str] = &["/tmp", "/var/tmp", "/proc", "/dev", "/remand"];
/// Ids and names inside, for what looks users up.
pub const FILES: &[(&str, &str)] = &[
    (
        "/etc/passwd",
        "root:x:0:0:root:/nonexistent:/bin/false\nremand:x:1000:1000:remand:/tmp:/bin/false\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    ),
    ("/etc/group", "root:x:0:\nremand:x:1000:\nnogroup:x:65534:\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
];

/// Which place of the run's own a path is in.
#[must_use]
pub fn own(path: &str) -> Option<&'static str> {
    OWN.iter().copied().find(|own| beneath(path, own))
}

/// Why no run can have a mount at `target`, whatever it runs.
#[must_use]
pub fn taken(target: &str) -> Option<String> {
    let own = OWN.iter().find(|own| meet(target, own)).map(|own| format!("{own} is the run's own"));
    own.or_else(|| FILES.iter().find(|(file, _)| meet(target, file)).map(|(file, _)| format!("{file} is made for the run")))
}

/// Whether one path is the other or lies beneath it.
#[must_use]
pub fn meet(a: &str, b: &str) -> bool {
    beneath(a, b) || beneath(b, a)
}

/// Whether a path is this directory or lies beneath it.
#[must_use]
pub fn beneath(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
