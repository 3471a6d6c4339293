//! Paths that a run looked for, read from its memory while the call waits. Only while learning.
//!
//! Always holds: nothing is decided by what is read here. Another thread may change the path between this look and the kernel's own, so a race can make the
//! record wrong, and never opens anything. What is kept and how often is looked are bounded.

use std::io::IoSliceMut;
use std::os::fd::BorrowedFd;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use remand_syscalls::{self, Arch, paths};

use crate::sys::notify::{self, Notification};

/// Different paths that are kept.
const MOST_PATHS: usize = 4096;
/// Calls that are looked at; later ones are let through without a look.
const MOST_LOOKUPS: u64 = 200_000;
/// Longest path that the kernel takes, with its NUL.
const LONGEST: usize = 4096;
/// Smallest page of both instruction sets: memory that is there is there at least to the next multiple.
const PAGE: usize = 4096;

/// A path that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathLookup {
    /// The call that first did.
    pub call: String,
    /// As the run wrote it; absolute.
    pub path: String,
    /// Some call asked to write there.
    pub writes: bool,
    /// Some call asked to list it, as a directory.
    pub lists: bool,
    /// Some call asked to execute it, or whether it may.
    pub executes: bool,
}

/// All of them, in the order of their first occurrence.
#[derive(Debug, Default)]
pub struct PathLookups {
    /// Different paths.
    pub seen: Vec<PathLookup>,
    /// More was looked for than is kept.
    pub truncated: bool,
    /// The place of the mount that could not be made, where that kept the run from starting.
    pub refused_mount: Option<String>,
    counted: u64,
}

impl PathLookups {
    /// Of a run that was not made.
    pub(super) fn of_unmade(refused_mount: Option<String>) -> Self {
        Self { refused_mount, ..Self::default() }
    }

    /// Records the path of a call that waits for its answer.
    pub fn record(&mut self, listener: BorrowedFd<'_>, arch: Arch, notification: &Notification) {
        let Some(call) = remand_syscalls::name(arch, notification.number) else { return };
        let Some(found) = paths::lookup(arch, call, &notification.args) else { return };
        self.counted += 1;
        if self.counted > MOST_LOOKUPS {
            self.truncated = true;
            return;
        }
        let path = text_at(notification.pid, found.address);
        // A caller that is gone may have left its number to another process.
        if !notify::waits(listener, notification.id) {
            return;
        }
        // Relative ones start in the run's own /tmp, or in a directory that it has.
        if let Some(path) = path.filter(|path| path.starts_with('/')) {
            self.keep(PathLookup { call: call.to_owned(), path, writes: found.writes, lists: found.lists, executes: found.executes });
        }
    }

    fn keep(&mut self, lookup: PathLookup) {
        if let Some(same) = self.seen.iter_mut().find(|same| same.path == lookup.path) {
            same.writes |= lookup.writes;
            same.lists |= lookup.lists;
            same.executes |= lookup.executes;
        } else if self.seen.len() < MOST_PATHS {
            self.seen.push(lookup);
        } else {
            self.truncated = true;
        }
    }
}

/// The text that ends with a NUL at this address of a process; `None` if it cannot be read, has no end within bounds, or is no UTF-8.
fn text_at(pid: u32, address: u64) -> Option<String> {
    let pid = Pid::from_raw(i32::try_from(pid).ok().filter(|pid| *pid > 0)?);
    let mut address = usize::try_from(address).ok()?;
    let mut bytes = Vec::new();
    while bytes.len() < LONGEST {
        let mut page = vec![0; PAGE - address % PAGE];
        let remote = RemoteIoVec { base: address, len: page.len() };
        let count = process_vm_readv(pid, &mut [IoSliceMut::new(&mut page)], &[remote]).ok().filter(|count| *count > 0)?;
        let read = page.get(..count)?;
        if let Some(end) = read.iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(read.get(..end)?);
            return String::from_utf8(bytes).ok();
        }
        bytes.extend_from_slice(read);
        address = address.checked_add(count)?;
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_over_page_ends_and_not_without_end() {
        let me = std::process::id();
        let mut memory = vec![b'x'; 3 * PAGE];
        let address = memory.as_ptr() as usize;
        let edge = PAGE - address % PAGE;
        memory[edge - 3..edge + 4].copy_from_slice(b"/abcde\0");
        let at = |offset: usize| text_at(me, (address + offset) as u64);
        assert_eq!(at(edge - 3).as_deref(), Some("/abcde"));
        memory[edge] = 0xff;
        assert_eq!(at(edge - 3), None, "no UTF-8");
        assert_eq!(text_at(me, 8), None, "no memory there");
        assert_eq!(text_at(0, address as u64), None);
        let endless = vec![b'x'; 4 * PAGE];
        assert_eq!(text_at(me, endless.as_ptr() as u64), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let look = |n: usize| PathLookup { call: "open".into(), path: format!("/{n}"), writes: n == 1, lists: false, executes: false };
        let mut lookups = PathLookups::default();
        (0..MOST_PATHS + 3).for_each(|n| lookups.keep(look(n)));
        lookups.keep(PathLookup { writes: true, ..look(0) });
        assert_eq!((lookups.seen.len(), lookups.truncated), (MOST_PATHS, true));
        assert!(lookups.seen[0].writes && lookups.seen[1].writes && !lookups.seen[2].writes);
    }
}
