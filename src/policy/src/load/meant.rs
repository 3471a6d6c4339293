//! What was meant by a key or a name that does not exist: other spellings, other sections, other tools' words.
//!
//! Always holds: only help is made here; nothing that was meant is ever taken for what was written.

use serde_json::Value;

use super::problem::did_you_mean;
use crate::policy::Policy;

/// Words for keys that people bring along, and where remand has them.
const KEYS: &[(&str, &str)] = &[
    ("allowed_syscalls", "syscalls.allow"),
    ("allowlist", "syscalls.allow"),
    ("base", "extends"),
    ("bind", "filesystem.mounts"),
    ("binds", "filesystem.mounts"),
    ("cpu", "limits.cpus"),
    ("cpu_limit", "limits.cpu_time"),
    ("deadline", "limits.wall_time"),
    ("env", "environment"),
    ("environ", "environment"),
    ("fds", "limits.open_files"),
    ("files", "filesystem"),
    ("from", "extends"),
    ("fs", "filesystem"),
    ("include", "extends"),
    ("inherit", "extends"),
    ("inherits", "extends"),
    ("max_memory", "limits.memory"),
    ("mem", "limits.memory"),
    ("memory_limit", "limits.memory"),
    ("modules", "python.stdlib_allow"),
    ("net", "network"),
    ("nofile", "limits.open_files"),
    ("nproc", "limits.pids"),
    ("packages", "python.external_allow"),
    ("processes", "limits.pids"),
    ("ram", "limits.memory"),
    ("resources", "limits"),
    ("rlimits", "limits"),
    ("seccomp", "syscalls"),
    ("syscall", "syscalls"),
    ("system_calls", "syscalls"),
    ("tasks", "limits.pids"),
    ("threads", "limits.pids"),
    ("time", "limits.wall_time"),
    ("time_limit", "limits.wall_time"),
    ("timeout", "limits.wall_time"),
    ("tmpfs", "filesystem.tmp"),
    ("volumes", "filesystem.mounts"),
];

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

/// Help for a key that the section `field` does not have; it has those in `known`.
pub(super) fn key<'k>(name: &str, field: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<String> {
    if name.len() > 64 {
        return did_you_mean(name, known);
    }
    let plain = snake(name);
    let near = |candidate: &&str| strsim::damerau_levenshtein(&plain, candidate) <= 1 && candidate.len() > 2;
    if let Some(here) = known.clone().find(|candidate| *candidate == plain).or_else(|| known.clone().find(near)) {
        return Some(format!("did you mean \"{here}\"?"));
    }
    if field.is_empty() && name == "name" {
        return Some("a policy has the name of its file".to_owned());
    }
    let slip = KEYS.iter().find(|(slip, _)| *slip == plain).map(|(_, path)| (*path).to_owned());
    match slip.map_or_else(|| elsewhere(&plain), |path| vec![path]).as_slice() {
        [] => did_you_mean(name, known),
        [path] => Some(match path.rsplit_once('.') {
            Some((section, last)) if section == field => format!("did you mean \"{last}\"?"),
            None if field.is_empty() => format!("did you mean \"{path}\"?"),
            _ => format!("did you mean {path}? It is written {}", nested(path)),
        }),
        paths => Some(format!("did you mean {}?", paths.join(" or "))),
    }
}

/// The name of a call or group that somebody may have meant.
pub(super) fn call(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let bare = ["sys_", "__nr_", "scmp_sys_"].iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
    let exact = || crate::syscalls::names().find(|known| *known == bare);
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
fn elsewhere(name: &str) -> Vec<String> {
    let tree = Policy::floor("").tree();
    let mut found = Vec::new();
    search("", &tree, &|key, path| key == name || path == name, &mut found);
    if found.is_empty() && name.len() > 4 {
        search("", &tree, &|key, _| strsim::damerau_levenshtein(name, key) <= 1, &mut found);
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
    use super::*;
    use crate::syscalls::{is_call, is_group};

    #[test]
    fn every_slip_leads_to_something_that_exists_and_is_none_itself() {
        for (slip, path) in KEYS {
            assert!(*path == "extends" || elsewhere(path).iter().any(|found| found == path), "{path}");
            assert!(elsewhere(slip).iter().all(|path| path.rsplit('.').next() != Some(slip)), "{slip} is a key");
        }
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
        assert_eq!(told("zzzz"), None);
        let limits = |name: &str| key(name, "limits", ["wall_time", "cpu_time", "memory", "pids"].into_iter());
        for name in ["wallTime", "wall-time", "Wall Time", "timeout"] {
            assert_eq!(limits(name).as_deref(), Some("did you mean \"wall_time\"?"), "{name}");
        }
        assert_eq!(limits("pid").as_deref(), Some("did you mean \"pids\"?"));
        assert_eq!(limits("mode").as_deref(), Some("did you mean network.mode? It is written \"network\": {\"mode\": ...}"));
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
