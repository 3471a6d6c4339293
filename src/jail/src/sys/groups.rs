//! Groups of one thread.

use nix::errno::Errno;
use nix::unistd::Gid;

/// The supplementary groups of this thread alone; the C library's own would be every thread's.
///
/// # Errors
/// The kernel's answer.
pub fn set_groups(groups: &[Gid]) -> Result<(), Errno> {
    let groups: Vec<libc::gid_t> = groups.iter().map(|group| group.as_raw()).collect();
    // SAFETY: the list lives through the call and is only read, by its length.
    Errno::result(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) }).map(drop)
}
