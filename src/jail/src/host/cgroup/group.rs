//! The cgroup of another process: the path that it is known by, who may write to it, whether anybody is left in it.
//!
//! Always holds: of several hierarchies one counts, the same for all processes; a path is what the kernel says, from the root that this process sees.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::geteuid;
use remand_plan::host::Fact;

use super::place::Place;
use super::{mounts, named, trust, unified};

/// Where there are hierarchies of v1, which one counts: every runtime puts its containers into systemd's, whatever it limits; where there is none, into these.
const V1: [&str; 3] = ["name=systemd", "pids", "memory"];
/// Most cgroups that are looked into before one counts as full, and how deep.
const MOST: (usize, usize) = (4096, 64);

/// A cgroup on the way from the root to a process's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// From the root on.
    pub path: String,
    /// Who besides root and this process's user may write to it or to one above it.
    pub foreign: Option<String>,
    /// Its directory.
    pub directory: String,
}

/// Those of a process, given its `/proc/PID/cgroup`, from the one below the root to its own.
pub(crate) fn levels(said: &str, mountinfo: &str) -> Result<Vec<Level>, String> {
    let place = counted(said, mountinfo).map_err(|fact| match fact {
        Fact::Missing { blocker, .. } => blocker,
        Fact::Available => "it has none".to_owned(),
    })?;
    let user = geteuid().as_raw();
    let mut foreign = None;
    let mut levels = Vec::new();
    for directory in place.chain().into_iter().rev() {
        foreign = foreign.or_else(|| trust::others(&directory, user));
        let path = directory.strip_prefix(&place.point).unwrap_or_default().to_owned();
        if !path.is_empty() {
            levels.push(Level { path, foreign: foreign.clone(), directory });
        }
    }
    Ok(levels)
}

fn counted(said: &str, mountinfo: &str) -> Result<Place, Fact> {
    let mounted = mounts::of_kinds(mountinfo, &["cgroup", "cgroup2"]);
    let v1 = V1.iter().find_map(|name| named(said, &mounted, name).ok());
    v1.map_or_else(|| unified(said, &mounted), Ok)
}

/// A cgroup that is held: another of the same path is another.
#[derive(Debug)]
pub struct Group {
    directory: OwnedFd,
    inode: u64,
}

impl Group {
    pub(crate) fn open(level: &Level) -> io::Result<Self> {
        let directory = open(level.directory.as_str(), OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let inode = fstat(&directory)?.st_ino;
        Ok(Self { directory, inode })
    }

    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.inode == other.inode
    }

    /// Whether it is gone, or nobody is left in it and in those below it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match read(&self.directory, "cgroup.events") {
            Ok(events) => events.lines().any(|line| line == "populated 0"),
            // Of v1, or gone.
            Err(_) => !holds(&self.directory, &mut 0, 0),
        }
    }
}

/// Whether a process is in a cgroup of v1, or in one below it. What cannot be looked at may be full, but not what is gone.
fn holds(directory: &OwnedFd, looked: &mut usize, depth: usize) -> bool {
    *looked += 1;
    if *looked > MOST.0 || depth > MOST.1 {
        return true;
    }
    match read(directory, "cgroup.procs") {
        Ok(processes) if processes.is_empty() => {}
        Err(errno) => return !is_gone(errno),
        Ok(_) => return true,
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let mut entries = match Dir::openat(directory, ".", flags, Mode::empty()) {
        Ok(entries) => entries,
        Err(errno) => return !is_gone(errno),
    };
    entries.iter().flatten().filter(|entry| entry.file_type() == Some(Type::Directory)).any(|entry| {
        let name = entry.file_name();
        ![c".", c".."].contains(&name)
            && match openat(directory, name, flags, Mode::empty()) {
                Ok(below) => holds(&below, looked, depth + 1),
                Err(errno) => !is_gone(errno),
            }
    })
}

fn is_gone(errno: Errno) -> bool {
    [Errno::ENOENT, Errno::ENODEV].contains(&errno)
}

/// As much of a file as tells whether there is something.
fn read(directory: impl AsFd, name: &str) -> Result<String, Errno> {
    let file = openat(directory, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())?;
    let mut text = Vec::new();
    let said = File::from(file).take(4096).read_to_end(&mut text);
    said.map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const V1_MOUNTS: &str = "1 0 0:1 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n2 0 0:2 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
        3 0 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n4 0 0:4 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
    const V2_MOUNTS: &str = "1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

    fn directory(said: &str, mounts: &str) -> Option<String> {
        counted(said, mounts).ok().map(|place| place.path())
    }

    #[test]
    fn one_hierarchy_counts() {
        let all = "9:name=systemd:/a/b\n8:pids:/p\n4:memory:/m\n0::/u\n";
        assert_eq!(directory(all, V1_MOUNTS).as_deref(), Some("/sys/fs/cgroup/systemd/a/b"));
        assert_eq!(directory("8:pids:/p\n4:memory:/m\n0::/u\n", V1_MOUNTS).as_deref(), Some("/sys/fs/cgroup/pids/p"));
        assert_eq!(directory("0::/x.slice/y.scope\n", V2_MOUNTS).as_deref(), Some("/sys/fs/cgroup/x.slice/y.scope"));
        assert_eq!(directory("0::/../other\n", V2_MOUNTS), None, "outside of what this process sees");
        assert_eq!(directory("9:name=systemd:/\n0::/\n", V1_MOUNTS).as_deref(), Some("/sys/fs/cgroup/systemd"));
        assert_eq!(levels("9:name=systemd:/\n", V1_MOUNTS), Ok(Vec::new()), "the root is nobody's");
        let paths: Vec<String> = levels(all, V1_MOUNTS).unwrap().into_iter().map(|level| level.path).collect();
        assert_eq!(paths, ["/a", "/a/b"]);
    }
}
