//! What runs could leave behind on the host, counted before and after.
//!
//! Always holds: only reads; what other programs of the host do in between is left out as far as it can be told apart.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::until;
use crate::processes;

/// Everything of runs that is there at one moment, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Supervisors, forkservers, and whatever lives in a PID namespace below ours.
    pub processes: BTreeSet<String>,
    /// Directories of remand's in every mounted cgroup hierarchy.
    pub cgroups: BTreeSet<String>,
    /// Mounts of this mount namespace.
    pub mounts: BTreeSet<String>,
    /// Namespaces that a process which we may look at is in.
    pub namespaces: BTreeSet<String>,
    /// Descriptors of this process.
    pub descriptors: BTreeSet<String>,
    /// Files in `/tmp`, `/run/remand`, `/dev/shm` and further directories.
    pub files: BTreeSet<String>,
}

impl Traces {
    /// Looks. `directories`: further ones whose files count.
    #[must_use]
    pub fn now(directories: &[&Path]) -> Self {
        Self {
            processes: run_processes(),
            cgroups: cgroups(),
            mounts: mounts(),
            namespaces: namespaces(),
            descriptors: descriptors(),
            files: files(directories),
        }
    }

    /// What is here and was not there in `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<String> {
        let kinds = [
            ("process", &self.processes, &before.processes),
            ("cgroup", &self.cgroups, &before.cgroups),
            ("mount", &self.mounts, &before.mounts),
            ("namespace", &self.namespaces, &before.namespaces),
            ("descriptor", &self.descriptors, &before.descriptors),
            ("file", &self.files, &before.files),
        ];
        kinds.iter().flat_map(|(kind, after, before)| after.difference(before).map(move |name| format!("{kind} {name}"))).collect()
    }

    /// Waits until nothing is left that was not there in `before`; what is, when the patience ends.
    #[must_use]
    pub fn left_since(before: &Self, directories: &[&Path]) -> Vec<String> {
        let mut left = Vec::new();
        let clean = until(|| {
            left = Self::now(directories).since(before);
            left.is_empty().then_some(())
        });
        if clean.is_some() { Vec::new() } else { left }
    }
}

fn run_processes() -> BTreeSet<String> {
    let ours = processes::all().into_iter().filter(|process| process.depth > 1 || process.name.starts_with("remand"));
    ours.map(|process| format!("{} {} (started {})", process.pid, process.name, process.started)).collect()
}

fn mount_lines() -> Vec<String> {
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default().lines().map(str::to_owned).collect()
}

fn mounts() -> BTreeSet<String> {
    mount_lines().into_iter().collect()
}

fn cgroups() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in mount_lines().iter().filter(|line| line.contains(" - cgroup")) {
        if let Some(root) = line.split(' ').nth(4) {
            descend(Path::new(root), &mut found);
        }
    }
    found
}

fn descend(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let path = entry.path();
            if path.to_string_lossy().contains("remand") {
                found.insert(path.display().to_string());
            }
            descend(&path, found);
        }
    }
}

fn namespaces() -> BTreeSet<String> {
    let readable = |pid: String| {
        fs::read_dir(format!("/proc/{pid}/ns")).into_iter().flatten().flatten().filter_map(|entry| fs::read_link(entry.path()).ok())
    };
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let pids = pids.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    pids.flat_map(readable).map(|link| link.display().to_string()).collect()
}

fn descriptors() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    // Pipes carry a number of their own; the listing's own descriptor is gone by the time its link is read.
    entries
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .map(|link| link.display().to_string())
        .filter(|link| !link.contains("/proc/"))
        .collect()
}

fn files(directories: &[&Path]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for directory in directories.iter().copied().chain(["/run/remand", "/dev/shm"].map(Path::new)) {
        found.extend(listing(directory).map(|path| path.display().to_string()));
    }
    // /tmp belongs to everybody: there only what bears remand's name.
    found.extend(listing(Path::new("/tmp")).map(|path| path.display().to_string()).filter(|name| name.contains("remand")));
    found
}

fn listing(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Call;
    use crate::scratch::Scratch;

    #[test]
    fn a_left_file_and_an_open_descriptor_are_seen() {
        let before = Traces::now(&[]);
        let scratch = Scratch::new();
        let held = fs::File::create(scratch.path().join("held")).unwrap();
        let left = Traces::now(&[scratch.path()]).since(&before);
        assert!(left.iter().any(|name| name.starts_with("file ") && name.ends_with("/held")), "{left:?}");
        assert!(left.iter().any(|name| name.starts_with("descriptor ") && name.ends_with("/held")), "{left:?}");
        drop(held);
    }

    #[test]
    fn a_process_in_a_namespace_of_its_own_is_seen_until_it_is_gone() {
        let before = Traces::now(&[]);
        let mut sleeper = Call::program(Path::new("unshare"), &["-U", "-r", "-p", "-f", "--kill-child", "sleep", "1000"]).start();
        let seen =
            until(|| Traces::now(&[]).since(&before).into_iter().find(|name| name.starts_with("process ") && name.contains("sleep")));
        let namespace = Traces::now(&[]).since(&before).into_iter().any(|name| name.starts_with("namespace pid"));
        sleeper.signal(nix::sys::signal::Signal::SIGKILL);
        if sleeper.end().unwrap().err().contains("unshare failed") {
            return; // no user namespaces for this user here
        }
        assert!(seen.is_some() && namespace);
        let gone = until(|| (!Traces::now(&[]).since(&before).iter().any(|name| name.contains("sleep"))).then_some(()));
        assert!(gone.is_some());
    }

    #[test]
    fn a_cgroup_of_remands_name_is_seen() {
        let Some(root) =
            mount_lines().into_iter().find(|line| line.contains(" - cgroup")).and_then(|line| line.split(' ').nth(4).map(PathBuf::from))
        else {
            return; // no cgroups here
        };
        let directory = root.join(format!("remand-leak-test-{}", std::process::id()));
        let before = Traces::now(&[]);
        if fs::create_dir(&directory).is_err() {
            return; // not ours to write
        }
        let left = Traces::now(&[]).since(&before);
        fs::remove_dir(&directory).unwrap();
        assert!(left.contains(&format!("cgroup {}", directory.display())), "{left:?}");
    }
}
