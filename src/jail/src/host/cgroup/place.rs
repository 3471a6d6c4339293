//! The place of a process's cgroup, and what can be said of a directory there.

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat, geteuid};

pub(super) const V2_CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];

/// The place of a process's cgroup in one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the hierarchy is mounted.
    pub(super) point: String,
    /// This process's cgroup below it: empty, or with a leading slash.
    pub(super) below: String,
}

impl Place {
    pub(super) fn path(&self) -> String {
        format!("{}{}", self.point, self.below)
    }

    /// This directory and those above it up to the mount.
    pub(super) fn chain(&self) -> Vec<String> {
        let mut below = self.below.as_str();
        let mut all = vec![self.path()];
        while let Some((above, _)) = below.rsplit_once('/') {
            below = above;
            all.push(format!("{}{below}", self.point));
        }
        all
    }
}

/// Whether a list of controllers has this one.
pub(super) fn has(list: &str, controller: &str) -> bool {
    list.split_whitespace().any(|name| name == controller)
}

/// How the reason ends where the file system is read-only.
pub(super) const READ_ONLY: &str = "is mounted read-only (EROFS)";

/// Why a file or directory can't be written to, if so.
pub(super) fn locked(path: &str) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let errno = faccessat(AT_FDCWD, path, AccessFlags::W_OK, AtFlags::AT_EACCESS).err()?;
    if errno == Errno::EROFS {
        return Some(format!("{path} {READ_ONLY}"));
    }
    let owner = std::fs::metadata(path).map_or_else(|_| "unknown".into(), |metadata| metadata.uid().to_string());
    Some(format!("{path}, owned by uid {owner}, can't be written to by uid {} ({errno:?})", geteuid()))
}

/// How to make room in a container's own cgroup, which is all that there is of the hierarchy: who is in it is moved by whoever started them, never by remand.
pub(super) fn aside(point: &str) -> String {
    format!("begin the container's entrypoint with these two lines: mkdir {point}/self; echo 0 > {point}/self/cgroup.procs")
}

/// How to get a cgroup that runs' own can be made in.
pub(super) fn scope() -> String {
    let user = if geteuid().is_root() { "" } else { " --user" };
    format!(
        "start it in a cgroup of its own: systemd-run{user} --scope -p Delegate=yes remand ...; without systemd, an administrator makes a cgroup, \
         gives its directory, cgroup.procs and cgroup.subtree_control to this user, and starts this in a child of it"
    )
}
