//! Whether as many tasks as may run at once have the memory that each may use.
//!
//! Always holds: only looks; what cannot be read bounds nothing.

use std::fs::read_to_string;

/// The least memory that this process and all that it starts may use, and whose bound that is.
pub(super) fn memory() -> Option<(u64, &'static str)> {
    let host = read_to_string("/proc/meminfo").ok().and_then(|text| total(&text)).map(|bytes| (bytes, "the host has"));
    let cgroups = read_to_string("/proc/self/cgroup").unwrap_or_default();
    let bounds = directories(&cgroups).into_iter().filter_map(|(directory, file)| bound(&directory, file));
    host.into_iter().chain(bounds.map(|bytes| (bytes, "its container or service may use"))).min()
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Where this process's cgroup is, and the file that bounds its memory.
fn directories(cgroups: &str) -> Vec<(String, &'static str)> {
    let of = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        match rest.split_once(':')? {
            ("", path) => Some((format!("/sys/fs/cgroup{path}"), "memory.max")),
            (controllers, path) if controllers.split(',').any(|one| one == "memory") => {
                Some((format!("/sys/fs/cgroup/memory{path}"), "memory.limit_in_bytes"))
            }
            _ => None,
        }
    };
    cgroups.lines().filter_map(of).collect()
}

/// The least bound of a directory and those above it.
fn bound(directory: &str, file: &str) -> Option<u64> {
    let above = std::iter::successors(Some(directory), |path| path.rsplit_once('/').map(|(above, _)| above));
    let read = |path: &str| read_to_string(format!("{path}/{file}")).ok()?.trim().parse().ok();
    above.take_while(|path| path.starts_with("/sys/fs/cgroup")).filter_map(read).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_memory_and_the_cgroups_of_both_versions() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:        2048 kB\n"), Some(2 << 20));
        assert_eq!(total("MemTotal: many kB"), None);
        let v2 = [("/sys/fs/cgroup/system.slice/a".to_owned(), "memory.max")];
        assert_eq!(directories("0::/system.slice/a\n"), v2);
        let v1 = [("/sys/fs/cgroup/memory/b".to_owned(), "memory.limit_in_bytes")];
        assert_eq!(directories("3:cpu,cpuacct:/c\n2:memory:/b\n"), v1);
        assert!(memory().is_some_and(|(bytes, _)| bytes > 1 << 20));
    }
}
