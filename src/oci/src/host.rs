//! What is known of the host, looked up when it is asked for.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::unistd::Uid;

use crate::narrow::Facts;

/// This host, as this process sees it.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// From where paths lead that are not absolute.
    pub bundle: &'a Path,
}

impl Facts for Host<'_> {
    fn is_the_hosts_root(&self, path: &str) -> bool {
        match (fs::metadata(self.bundle.join(path)), fs::metadata("/")) {
            // A mount of it elsewhere is the same directory.
            (Ok(there), Ok(root)) => same(&root, &there),
            // The runtime will say that nothing is there.
            (Err(error), _) => error.kind() != ErrorKind::NotFound,
            (_, Err(_)) => true,
        }
    }

    /// The host's are those of its first process and of this one.
    fn is_the_hosts(&self, kind: &str, path: &str) -> Result<bool, String> {
        let file = match kind {
            "network" => "net",
            "mount" => "mnt",
            other => other,
        };
        let there = fs::metadata(path).map_err(|error| error.to_string())?;
        let own = fs::metadata(format!("/proc/self/ns/{file}")).map_err(|error| error.to_string())?;
        let first = fs::metadata(format!("/proc/1/ns/{file}")).ok();
        Ok(first.iter().chain([&own]).any(|host| same(host, &there)))
    }

    fn leads_to(&self, path: &str) -> Result<String, String> {
        let real = fs::canonicalize(self.bundle.join(path)).map_err(|error| error.to_string())?;
        real.into_os_string().into_string().map_err(|_| "not UTF-8 text".to_owned())
    }

    /// The administrator's own, or those that were handed over to this user (cgroup v2).
    fn cgroups(&self) -> bool {
        let all = |map: String| map.split_whitespace().eq(["0", "0", "4294967295"]);
        let first = fs::read_to_string("/proc/self/uid_map").is_ok_and(all);
        let has = |list: String| ["memory", "pids", "cpu"].iter().all(|name| list.split_whitespace().any(|word| word == *name));
        (Uid::effective().is_root() && first)
            || own_group().is_some_and(|group| fs::read_to_string(format!("{group}/cgroup.controllers")).is_ok_and(has))
    }

    fn swap(&self) -> bool {
        let counted = ["/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes".to_owned()];
        let unified = own_group().map(|group| format!("{group}/memory.swap.max"));
        counted.iter().chain(&unified).any(|file| fs::metadata(file).is_ok())
            || fs::read_to_string("/proc/swaps").is_ok_and(|list| list.lines().count() > 1)
    }

    fn most(&self, limit: &str) -> Option<u64> {
        let resource = match limit {
            "RLIMIT_CORE" => Resource::RLIMIT_CORE,
            "RLIMIT_CPU" => Resource::RLIMIT_CPU,
            "RLIMIT_FSIZE" => Resource::RLIMIT_FSIZE,
            "RLIMIT_NPROC" => Resource::RLIMIT_NPROC,
            "RLIMIT_STACK" => Resource::RLIMIT_STACK,
            "RLIMIT_NOFILE" => Resource::RLIMIT_NOFILE,
            "RLIMIT_MEMLOCK" => Resource::RLIMIT_MEMLOCK,
            "RLIMIT_SIGPENDING" => Resource::RLIMIT_SIGPENDING,
            _ => return None,
        };
        getrlimit(resource).ok().map(|(_, hard)| hard).filter(|hard| *hard != RLIM_INFINITY)
    }
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The group of this process on cgroup v2.
fn own_group() -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(format!("/sys/fs/cgroup{path}"))
}
