//! What was meant by a key or a name that does not exist: other spellings, other sections, other tools' words.
//!
//! Always holds: only help is made here; nothing that was meant is ever taken for what was written.

use serde_json::Value;

use super::words::{self, Meant};
use crate::policy::Policy;
use crate::text::{did_you_mean, same_sense};

/// Names of calls and groups in C libraries, on other instruction sets and in systemd's sets, and what remand calls them.
const CALLS: &[(&str, &str)] = &[
    ("@basic-io", "@io"),
    ("@chown", "@ownership"),
    ("@cpu-emulation", "@obsolete"),
    ("@file-system", "@files"),
    ("@filesystem", "@files"),
    ("@fork", "@exec"),
    ("@io-event", "@poll"),
    ("@keyring", "@keys"),
    ("@module", "@administration"),
    ("@net", "@sockets"),
    ("@network", "@sockets"),
    ("@network-io", "@sockets"),
    ("@raw-io", "@administration"),
    ("@reboot", "@administration"),
    ("@resources", "@scheduling"),
    ("@setuid", "@set_ids"),
    ("@subprocess", "@exec"),
    ("@swap", "@administration"),
    ("@timer", "@time"),
    ("_llseek", "lseek"),
    ("exec", "execve"),
    ("fcntl64", "fcntl"),
    ("fopen", "openat"),
    ("getaddrinfo", "@sockets"),
    ("gethostbyname", "@sockets"),
    ("malloc", "@memory"),
    ("printf", "write"),
    ("popen", "@exec"),
    ("sleep", "clock_nanosleep"),
    ("socketcall", "@sockets"),
    ("usleep", "clock_nanosleep"),
    ("ipc", "@ipc"),
    ("@sync", "fsync"),
    ("@sandbox", "@sandboxing"),
    ("@clone", "@threads"),
    ("@ipc-sysv", "@ipc"),
    ("fstat64", "fstat"),
    ("fstatat", "newfstatat"),
    ("fstatat64", "newfstatat"),
    ("mmap2", "mmap"),
    ("posix_spawn", "@exec"),
    ("pread", "pread64"),
    ("prlimit", "prlimit64"),
    ("pthread_create", "@threads"),
    ("pwrite", "pwrite64"),
    ("recv", "recvfrom"),
    ("send", "sendto"),
    ("sigaction", "rt_sigaction"),
    ("sigprocmask", "rt_sigprocmask"),
    ("sigreturn", "rt_sigreturn"),
    ("stat64", "stat"),
    ("umount", "umount2"),
    ("wait", "wait4"),
    ("waitpid", "wait4"),
];

/// Sets of calls in other tools that are no one group here, and what to write for them.
const SETS: &[(&str, &str)] = &[
    ("@system-service", "\"extends\": \"default\" starts from the harmless groups; `remand policy show default` lists them"),
    ("@default", "\"extends\": \"default\" starts from the harmless groups; `remand policy show default` lists them"),
    ("@default-nodebuggers", "\"extends\": \"default\" starts from the harmless groups, without @debug"),
    ("@privileged", "no one group: \"@administration\", \"@ownership\", \"@set_ids\" and others; `remand policy explain` lists them"),
    ("@known", "there is no group of all calls: name what runs need"),
    ("@all", "there is no group of all calls: name what runs need"),
    ("*", "there is no group of all calls: name what runs need"),
];

/// What to write for a set that no group is.
pub(super) fn set(name: &str) -> Option<&'static str> {
    SETS.iter().find(|(set, _)| *set == name.to_ascii_lowercase()).map(|(_, say)| *say)
}

/// Keys that mean in each section what the section is about, and elsewhere something else.
const OF_ITS_SECTION: &[&str] = &["allow", "deny", "description", "enforce", "exec", "kill", "mode", "reason", "size", "version"];

/// Help for a key that the section `field` does not have; it has those in `known`.
pub(super) fn key<'k>(name: &str, field: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<String> {
    if name.len() > 64 {
        return did_you_mean(name, known);
    }
    let plain = snake(name);
    let near = |candidate: &&str| same_sense(name, candidate) && strsim::damerau_levenshtein(&plain, candidate) <= 1 && candidate.len() > 2;
    if let Some(here) = known.clone().find(|candidate| *candidate == plain).or_else(|| known.clone().find(near)) {
        return Some(format!("did you mean \"{here}\"?"));
    }
    let paths = match words::meant(name, &entry_of(field)) {
        Some(Meant::Say(say)) => return Some(say.to_owned()),
        Some(Meant::Field(path)) => vec![path.to_owned()],
        // A field of the whole file is not meant by a key of one entry.
        None if field.ends_with(']') => Vec::new(),
        None if !field.is_empty() && OF_ITS_SECTION.contains(&plain.as_str()) => Vec::new(),
        None => elsewhere(&plain, name),
    };
    match paths.as_slice() {
        [] => did_you_mean(name, known),
        [path] => Some(match path.rsplit_once('.') {
            Some((section, last)) if section == field => format!("did you mean \"{last}\"?"),
            None if field.is_empty() => format!("did you mean \"{path}\"?"),
            _ => format!("did you mean {path}? It is written {}", nested(path)),
        }),
        paths => Some(format!("did you mean {}?", paths.join(" or "))),
    }
}

/// The section as [`words`] names it: `filesystem.mounts.add[2]` is an entry of `filesystem.mounts`.
fn entry_of(field: &str) -> String {
    let mut parts = field.split('[');
    let first = parts.next().unwrap_or_default().trim_end_matches(".add").to_owned();
    parts.fold(first, |section, rest| section + "[]" + rest.split_once(']').map_or("", |(_, rest)| rest).trim_end_matches(".add"))
}

/// The name of a call or group that somebody may have meant.
pub(super) fn call(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let bare = ["sys_", "__nr_", "scmp_sys_"].iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
    let exact = || remand_syscalls::names().find(|known| *known == bare);
    CALLS.iter().find(|(slip, _)| *slip == bare.replace('_', "-") || *slip == bare).map(|(_, meant)| *meant).or_else(exact)
}

/// `wallTime`, `wall-time` and `Wall Time` as `wall_time`.
fn snake(name: &str) -> String {
    let mut plain = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && plain.ends_with(|before: char| before.is_ascii_lowercase()) {
            plain.push('_');
        }
        plain.push(if matches!(c, '-' | ' ') { '_' } else { c.to_ascii_lowercase() });
    }
    plain
}

/// The fields of this name, or this dotted path, anywhere in a policy; if there is none, those whose name is one slip away.
fn elsewhere(name: &str, typed: &str) -> Vec<String> {
    let tree = Policy::floor("").tree();
    let mut found = Vec::new();
    search("", &tree, &|key, path| key == name || path == name, &mut found);
    if found.is_empty() && name.len() > 4 {
        search("", &tree, &|key, _| same_sense(typed, key) && strsim::damerau_levenshtein(name, key) <= 1, &mut found);
    }
    found
}

fn search(path: &str, tree: &Value, wanted: &dyn Fn(&str, &str) -> bool, found: &mut Vec<String>) {
    for (key, value) in tree.as_object().into_iter().flatten() {
        let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if wanted(key, &here) {
            found.push(here.clone());
        }
        search(&here, value, wanted, found);
    }
}

/// `limits.memory` as a file writes it.
fn nested(path: &str) -> String {
    path.rsplit('.')
        .fold(String::new(), |inner, key| if inner.is_empty() { format!("\"{key}\": ...") } else { format!("\"{key}\": {{{inner}}}") })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use remand_syscalls::{is_call, is_group};

    use super::*;

    #[test]
    fn every_slip_leads_to_something_that_exists_and_is_none_itself() {
        for (slip, meant) in CALLS {
            assert!(is_call(meant) || is_group(meant), "{meant}");
            assert!(!is_call(slip) && !is_group(slip), "{slip} exists");
        }
    }

    #[test]
    fn keys_of_other_sections_spellings_and_tools() {
        let top = || ["version", "extends", "limits", "filesystem", "syscalls", "network", "environment", "python", "landlock"].into_iter();
        let told = |name: &str| key(name, "", top());
        assert_eq!(told("memory").as_deref(), Some("did you mean limits.memory? It is written \"limits\": {\"memory\": ...}"));
        assert_eq!((told("limits.memory"), told("memroy")), (told("memory"), told("memory")));
        assert_eq!(told("tmpfs").as_deref(), Some("did you mean filesystem.tmp? It is written \"filesystem\": {\"tmp\": ...}"));
        assert_eq!(told("seccomp").as_deref(), Some("did you mean \"syscalls\"?"));
        assert_eq!(told("limit").as_deref(), Some("did you mean \"limits\"?"));
        assert_eq!(told("enforce").as_deref(), Some("did you mean syscalls.enforce or landlock.enforce?"));
        assert!(told("zzzz").is_some_and(|told| told.starts_with("known here: version, extends, ")));
        let limits = |name: &str| key(name, "limits", ["wall_time", "cpu_time", "memory", "pids"].into_iter());
        for name in ["wallTime", "wall-time", "Wall Time", "timeout"] {
            assert_eq!(limits(name).as_deref(), Some("did you mean \"wall_time\"?"), "{name}");
        }
        assert_eq!(limits("pid").as_deref(), Some("did you mean \"pids\"?"));
        for (section, name) in [("limits", "mode"), ("python", "kill"), ("network", "size"), ("landlock", "deny"), ("limits", "version")] {
            let told = key(name, section, ["one", "other"].into_iter());
            assert_eq!(told.as_deref(), Some("known here: one, other"), "{section}.{name} says nothing of what that is elsewhere");
        }
        assert_eq!(limits("proc").as_deref(), Some("did you mean filesystem.proc? It is written \"filesystem\": {\"proc\": ...}"));
    }

    #[test]
    fn no_hint_turns_a_meaning_round() {
        let known = ["size", "inodes", "exec", "enforce", "writable", "proc"];
        for name in ["noexec", "no_exec", "no-exec", "!exec", "~exec", "-exec", "noproc", "unwritable", "nosize"] {
            let told = key(name, "filesystem.other", known.into_iter()).unwrap();
            assert!(!told.contains("did you mean"), "{name}: {told}");
        }
        assert_eq!(key("noexec", "filesystem.tmp", known.into_iter()).as_deref(), Some("write \"exec\": false"));
        assert_eq!(key("exce", "filesystem.other", known.into_iter()).as_deref(), Some("did you mean \"exec\"?"), "control");
        assert_eq!(did_you_mean("~@mount", ["@mount"].into_iter()).as_deref(), Some("known here: @mount"));
        assert_eq!(did_you_mean("unlnik", ["unlink"].into_iter()).as_deref(), Some("did you mean \"unlink\"?"), "both have it");
    }

    #[test]
    fn calls_by_other_names() {
        for (name, meant) in [
            ("@network", "@sockets"),
            ("SYS_openat", "openat"),
            ("__NR_read", "read"),
            ("fstatat", "newfstatat"),
            ("Read", "read"),
            ("@File_System", "@files"),
        ] {
            assert_eq!(call(name), Some(meant), "{name}");
        }
        assert_eq!(call("opneat"), None);
    }
}
