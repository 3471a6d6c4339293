//! Cgroups that a test makes, beside those of runs; as root.
//!
//! Always holds: a group is removed with its value, after what is left in it was killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::End;
use crate::command::{Call, binary, until};

/// A group in the hierarchy that holds memory limits, and everything below it.
#[derive(Debug)]
pub struct Group(PathBuf);

impl Group {
    /// Makes one at the root of the hierarchy; a name that is no run's.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn new() -> Result<Self, End> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let root = root().ok_or_else(|| End::Skip("a mounted cgroup hierarchy with memory limits".to_owned()))?;
        let path = root.join(format!("trial-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes a group in it; gone with it.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn make(&self, name: &str) -> Result<PathBuf, End> {
        let path = self.0.join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for pid in below(&self.0).iter().filter_map(|path| fs::read_to_string(path.join("cgroup.procs")).ok()).flat_map(|text| pids(&text))
        {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        let _ = until(|| {
            below(&self.0).iter().rev().for_each(|path| drop(fs::remove_dir(path)));
            (!self.0.exists()).then_some(())
        });
    }
}

/// Where memory limits are: the v2 hierarchy, or v1's.
#[must_use]
pub fn root() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let point = |line: &str| line.split(' ').nth(4).map(PathBuf::from);
    let v1 = mounts.lines().find(|line| line.contains(" - cgroup ") && line.rsplit([' ', ',']).any(|option| option == "memory"));
    v1.or_else(|| mounts.lines().find(|line| line.contains(" - cgroup2 "))).and_then(point)
}

/// A group and all below it, the outer before the inner.
#[must_use]
pub fn below(path: &Path) -> Vec<PathBuf> {
    let mut all = vec![path.to_owned()];
    for entry in fs::read_dir(path).into_iter().flatten().flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        all.extend(below(&entry.path()));
    }
    all
}

/// Groups of a supervisor, wherever they are.
#[must_use]
pub fn of_supervisor(pid: nix::unistd::Pid) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = mounts.lines().filter(|line| line.contains(" - cgroup")).filter_map(|line| line.split(' ').nth(4));
    let name = format!("remand-{pid}-");
    let all = points.flat_map(|point| below(Path::new(point)));
    all.filter(|path| path.file_name().is_some_and(|found| found.to_string_lossy().starts_with(&name))).collect()
}

/// The numbers in a `cgroup.procs` file.
#[must_use]
pub fn pids(text: &str) -> Vec<i32> {
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// The command under test from within a group: alone there, or with the shell that starts it.
#[must_use]
pub fn within(group: &Path, alone: bool, args: &[&str]) -> Call {
    let script = format!("echo $$ >'{}/cgroup.procs' && {} \"$0\" \"$@\"", group.display(), if alone { "exec" } else { "" });
    let script = if alone { script } else { format!("{script}; code=$?; exit $code") };
    let binary = binary();
    let mut all = vec!["-c", script.as_str(), binary.to_str().unwrap_or_default()];
    all.extend(args);
    Call::program(Path::new("/bin/sh"), &all)
}
