//! What is read of a run's process that waits for the answer to a lock call.
//!
//! Always holds: everything is bounded, and nothing here decides beyond the run: whoever changes its memory or descriptors meanwhile fools only itself.
//! What is read is believed only after a look whether the caller still waits, so that its number was not another process's.

use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd::{Whence, lseek};
use remand_plan::files::FileId;
use remand_plan::places::WRITABLE;

use super::request::{Open, SIZE};
use crate::sys::file;

/// The open file behind a descriptor.
#[derive(Debug)]
pub struct Opened {
    /// Ours, for the same open file.
    pub copy: OwnedFd,
    pub id: FileId,
    pub open: Open,
}

/// The process of a thread.
pub fn process(thread: u32) -> Option<u32> {
    number(&status(thread)?, "Tgid:")
}

/// A process's id as it sees it itself.
pub fn own_number(process: u32) -> Option<i32> {
    line(&status(process)?, "NSpid:")?.split_ascii_whitespace().last()?.parse().ok()
}

/// Whether a signal waits for this thread that it has a handler for.
pub fn signalled(thread: u32) -> bool {
    let Some(status) = status(thread) else { return false };
    let mask = |key| line(&status, key).and_then(|text| u64::from_str_radix(text.trim(), 16).ok()).unwrap_or(0);
    (mask("SigPnd:") | mask("ShdPnd:")) & !mask("SigBlk:") & mask("SigCgt:") != 0
}

/// The processes below `init`, at most a few thousand.
pub fn below(init: u32) -> Vec<u32> {
    const MOST: usize = 4096;
    let mut found = vec![init];
    let mut next = 0;
    while let Some(&process) = found.get(next).filter(|_| found.len() < MOST) {
        next += 1;
        let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(children.split_ascii_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

/// A thread that goes on of a process whose first thread has ended, which no longer shows what the process has.
pub fn successor(process: u32) -> Option<u32> {
    line(&status(process)?, "State:").filter(|state| state.trim_start().starts_with('Z'))?;
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten();
    let going = |thread: &u32| status(*thread).is_some_and(|text| line(&text, "State:").is_some_and(|state| !state.contains(['Z', 'X'])));
    threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(going)
}

/// Looks at a descriptor of a process, as its thread sees it.
///
/// # Errors
/// `EBADF`: nothing is open there, or only as a place (`O_PATH`). `ENOLCK`: no file that locks are kept of, or the kernel does not let us look: also
/// before Linux 6.9, where the process's first thread has ended.
pub fn opened((process, thread): (u32, u32), fd: i32) -> Result<Opened, Errno> {
    // First without a copy of it: the end of a pipe is not even held for a moment.
    let look = || file::facts(None, &format!("/proc/{thread}/fd/{fd}"));
    let kind = look().map_err(|errno| if errno == Errno::ENOENT { Errno::EBADF } else { Errno::ENOLCK })?;
    lockable(kind.kind)?;
    let copy =
        file::copy((process, thread), fd).map_err(|errno| if errno == Errno::EBADF && look().is_err() { errno } else { Errno::ENOLCK })?;
    let facts = file::facts(Some(copy.as_fd()), "").map_err(|_| Errno::ENOLCK)?;
    lockable(facts.kind)?;
    let flags = fcntl(&copy, FcntlArg::F_GETFL).map_err(|_| Errno::ENOLCK)?;
    if flags & libc::O_PATH != 0 {
        return Err(Errno::EBADF);
    }
    let position = lseek(copy.as_fd(), 0, Whence::SeekCur).unwrap_or(0);
    Ok(Opened { copy, id: facts.id, open: Open { flags, position, size: facts.size } })
}

fn lockable(kind: u32) -> Result<(), Errno> {
    if matches!(kind, libc::S_IFREG | libc::S_IFDIR | libc::S_IFCHR) { Ok(()) } else { Err(Errno::ENOLCK) }
}

/// Whose an open file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Nobody else writes to it, or the run does not.
    Ours,
    /// On a mount through which the run writes to the host, where a lock that only the run sees would be a lie.
    Shared,
    /// The same, on a file system that may ask somebody before it answers.
    Remote,
}

/// File systems that keep their locks in this kernel and are on no other machine: calls about them wait for nobody.
const LOCAL: [&str; 15] =
    ["ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "ramfs", "overlay", "f2fs", "zfs", "bcachefs", "jfs", "nilfs2", "exfat", "vfat"];

/// Whose an open file is, by the mount that it is on as a thread sees it.
pub fn whose(thread: u32, copy: &OwnedFd) -> Whose {
    mounted(thread, copy).map_or(Whose::Remote, |(mount, mounts)| by_mount(mount, &mounts))
}

/// Whether an open file is on the run's own file system.
pub fn is_own(thread: u32, copy: &OwnedFd) -> bool {
    mounted(thread, copy).is_some_and(|(mount, mounts)| line_of(mount, &mounts).is_some_and(|line| WRITABLE.contains(&line.place)))
}

/// The number of the mount that an open file is on, and the mounts that a thread sees.
fn mounted(thread: u32, copy: &OwnedFd) -> Option<(u32, String)> {
    let mount = fs::read_to_string(format!("/proc/self/fdinfo/{}", copy.as_raw_fd())).ok().and_then(|text| number(&text, "mnt_id:"));
    mount.zip(fs::read_to_string(format!("/proc/{thread}/mountinfo")).ok())
}

/// A line of `mountinfo`.
struct Line<'l> {
    place: &'l str,
    writable: bool,
    kind: &'l str,
}

fn line_of(mount: u32, mounts: &str) -> Option<Line<'_>> {
    mounts.lines().find_map(|line| {
        let (front, back) = line.split_once(" - ")?;
        let fields: Vec<&str> = front.split(' ').take(6).collect();
        let [id, _, _, _, place, options] = fields.as_slice() else { return None };
        let writable = options.split(',').any(|option| option == "rw");
        (id.parse() == Ok(mount)).then(|| Line { place, writable, kind: back.split(' ').next().unwrap_or_default() })
    })
}

fn by_mount(mount: u32, mounts: &str) -> Whose {
    // What is in no namespace (a memfd) is not listed; /tmp and /workspace are the run's own.
    match line_of(mount, mounts).filter(|line| line.writable && !WRITABLE.contains(&line.place)) {
        Some(line) if LOCAL.contains(&line.kind) => Whose::Shared,
        Some(_) => Whose::Remote,
        None => Whose::Ours,
    }
}

/// The caller's memory, bound to it: not another's, whatever becomes of its number.
pub fn memory(thread: u32) -> Result<File, Errno> {
    OpenOptions::new().read(true).write(true).open(format!("/proc/{thread}/mem")).map_err(|_| Errno::ENOLCK)
}

/// `struct flock`.
pub fn asked(memory: &File, address: u64) -> Result<[u8; SIZE], Errno> {
    let mut bytes = [0; SIZE];
    memory.read_exact_at(&mut bytes, address).map(|()| bytes).map_err(|_| Errno::EFAULT)
}

/// Writes it back.
pub fn tell(memory: &File, address: u64, bytes: &[u8; SIZE]) -> Result<(), Errno> {
    memory.write_all_at(bytes, address).map_err(|_| Errno::EFAULT)
}

fn status(thread: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{thread}/status")).ok()
}

fn line<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key))
}

fn number(text: &str, key: &str) -> Option<u32> {
    line(text, key)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_shared_where_its_mount_is_writable_and_its_file_system_asks_nobody() {
        let mounts = "20 1 0:5 / / ro - tmpfs none rw\n21 20 0:6 / /tmp rw,nosuid - tmpfs none rw\n\
                      22 20 8:1 /data /srv/out rw,nosuid shared:4 master:5 - ext4 /dev/sda1 rw\n\
                      23 20 0:7 / /srv/net rw - nfs4 host:/x rw\n24 20 0:8 / /srv/fuse rw - fuse.tmpfs x rw\n25 20 8:1 / /srv/in ro - ext4 /dev/sda1 rw\n";
        let expected = [
            (20, Whose::Ours),
            (21, Whose::Ours),
            (22, Whose::Shared),
            (23, Whose::Remote),
            (24, Whose::Remote),
            (25, Whose::Ours),
            (9, Whose::Ours),
        ];
        expected.into_iter().for_each(|(mount, whose)| assert_eq!(by_mount(mount, mounts), whose, "{mount}"));
    }
}
