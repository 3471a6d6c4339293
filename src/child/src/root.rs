//! The root file system: a small tmpfs with what the policy shows of the host, read-only, built by descriptors and pivoted into.
//!
//! Always holds: no path of the host is followed through a symlink, and only the very file that was judged is shown; every mount is nosuid, every mount but single device nodes nodev; the host's mounts
//! are private before anything is mounted and gone when this returns.

use core::ffi::CStr;

use crate::spec::Entry;
use crate::step::{At, Errno, Failure, Step, THE_ROOT};
use crate::sys::{self, Fd};

/// The answer for a source that is no longer the file that was judged. Network file systems say it too of a file that is gone.
const REPLACED: Errno = libc::ESTALE;

/// Makes a mount namespace whose root has exactly these entries.
///
/// # Errors
/// The step; for an entry, its number.
pub fn build(entries: &[Entry<'_>]) -> Result<(), Failure> {
    sys::unshare(libc::CLONE_NEWNS).at(Step::MountNamespace)?;
    // Before anything is mounted, or it would appear on the host.
    sys::mount_attributes(sys::CWD, c"/", 0, libc::MS_PRIVATE).at(Step::MountNamespace)?;
    let root = sys::new_mount(
        c"tmpfs",
        &[(c"mode", c"0755"), (c"size", c"8m"), (c"nr_inodes", c"4096")],
        libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
    )
    .at_index(Step::Root, THE_ROOT as usize)?;
    // Over "/" it hides nothing: absolute paths go on from the old root until the pivot.
    sys::attach(root, sys::CWD, c"/").at(Step::Pivot)?;
    for (index, entry) in entries.iter().enumerate() {
        make(root, entry).at_index(Step::Root, index)?;
    }
    sys::mount_read_only(root).at(Step::Pivot)?;
    sys::fchdir(root).at(Step::Pivot)?;
    // pivot_root(".", ".") stacks the old root on the new one, from where it is detached, with every mount beneath it.
    sys::pivot_root(c".", c".").at(Step::Pivot)?;
    sys::umount(c".", libc::MNT_DETACH).at(Step::Pivot)?;
    sys::chdir(c"/").at(Step::Pivot)?;
    sys::close(root).at(Step::Pivot)
}

fn make(root: Fd, entry: &Entry<'_>) -> Result<(), Errno> {
    match *entry {
        Entry::Directory(path) => sys::mkdirat(root, path, 0o755),
        Entry::Link { path, target } => sys::symlinkat(target, root, path),
        Entry::File { path, content } => {
            let file = sys::openat(root, path, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL, 0o644)?;
            let written = if content.is_empty() { Ok(()) } else { sys::write(file, content) };
            sys::close(file)?;
            written
        }
        Entry::Bind { source, target, attributes, owner, seen } => {
            let place = sys::open_place(source)?;
            let bound = still(place, seen).and_then(|()| bind(root, place, c"", target, attributes, owner));
            sys::close(place)?;
            bound
        }
        Entry::Hidden { path, empty } => bind(
            root,
            root,
            empty,
            path,
            libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC,
            None,
        ),
    }
}

/// Whoever may write a directory above could put another file there since it was judged; a place that is open stays what it is.
fn still(place: Fd, seen: Option<(u64, u64)>) -> Result<(), Errno> {
    match seen {
        Some(seen) if sys::file_id(place)? != seen => Err(REPLACED),
        _ => Ok(()),
    }
}

fn bind(root: Fd, place: Fd, path: &CStr, target: &CStr, attributes: u64, owner: Option<Fd>) -> Result<(), Errno> {
    let mount = sys::clone_mount(place, path)?;
    let mapped = owner.map_or(Ok(()), |namespace| sys::map_owners(mount, namespace));
    let bound = mapped.and_then(|()| sys::mount_attributes(mount, c"", attributes, 0)).and_then(|()| sys::attach(mount, root, target));
    sys::close(mount)?;
    bound
}
