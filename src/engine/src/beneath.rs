//! Files of the host that a request names, opened with the rights of whoever makes it.
//!
//! Always holds: what is found lies beneath the place that the policy allows, with no symbolic link on the way, from `/` on; the caller can read it; it is a
//! regular file or a directory. It is told by device and inode, so that what is mounted later is what was judged.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use remand_plan::files::FileId;
use remand_policy::places::behind;

use crate::identity::Identity;

/// Looks at what is at `path`, beneath `place`, for somebody who wants to read it, or to write it too.
///
/// # Errors
/// Why they may not.
pub(crate) fn judged(place: &str, path: &str, writable: bool, caller: &Identity) -> Result<FileId, String> {
    caller
        .on_behalf(|| look(place, path, writable, caller))
        .map_err(|error| format!("cannot look at it as user {}: {error}", caller.user()))?
}

fn look(place: &str, path: &str, writable: bool, caller: &Identity) -> Result<FileId, String> {
    let no_links = ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = |resolve| OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(resolve);
    let rest = behind(path, place).ok_or_else(|| format!("it does not lie in {place}"))?.trim_start_matches('/');
    let top = openat2(AT_FDCWD, place, how(no_links)).map_err(|errno| refused(place, errno))?;
    let found = if rest.is_empty() {
        top
    } else {
        openat2(&top, rest, how(no_links | ResolveFlag::RESOLVE_BENEATH)).map_err(|errno| refused(path, errno))?
    };
    let found = File::from(found);
    let meta = found.metadata().map_err(|error| error.to_string())?;
    if !meta.is_dir() && !meta.is_file() {
        return Err("it is neither a directory nor a regular file".to_owned());
    }
    // Of a descriptor that only names a file, this asks for the right to read it.
    let open = |flags| {
        nix::fcntl::open(format!("/proc/self/fd/{}", found.as_raw_fd()).as_str(), flags | OFlag::O_CLOEXEC | OFlag::O_NOCTTY, Mode::empty())
    };
    open(OFlag::O_RDONLY).map_err(|errno| format!("user {} cannot read it: {}", caller.user(), std::io::Error::from(errno)))?;
    // A run writes with the rights of the owner, whom the mount shows as the run's own user.
    if writable && *caller != Identity::own() && meta.uid() != caller.user() {
        return Err(format!("it belongs to user {}, with whose rights a run would write, and not to user {}", meta.uid(), caller.user()));
    }
    Ok(FileId { device: meta.dev(), inode: meta.ino() })
}

fn refused(path: &str, errno: Errno) -> String {
    match errno {
        Errno::ELOOP => format!("{path} is or leads through a symbolic link, which no mount follows: write where it leads"),
        errno => format!("{path}: {}", std::io::Error::from(errno)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use nix::unistd::geteuid;
    use std::fs::{Permissions, create_dir_all, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn only_what_lies_beneath_without_a_link_and_can_be_read() {
        let top = std::env::temp_dir().join(format!("remand-beneath-{}", std::process::id()));
        create_dir_all(top.join("place/in")).unwrap();
        let place = top.canonicalize().unwrap().join("place").display().to_string();
        write(top.join("secret"), "").unwrap();
        write(top.join("place/in/file"), "").unwrap();
        symlink("../secret", top.join("place/out")).unwrap();
        symlink("in", top.join("place/link")).unwrap();
        let said = |path: &str, writable, who: Identity| judged(&place, &format!("{place}{path}"), writable, &who);
        let own = |path| said(path, false, Identity::own());
        assert!(own("").is_ok() && own("/in").is_ok() && own("/in/file").is_ok());
        for (path, why) in [
            ("/out", "symbolic link"),
            ("/link/file", "symbolic link"),
            ("/../secret", "/../secret: "),
            ("2", "does not lie in"),
            ("/none", "No such file"),
        ] {
            assert!(own(path).unwrap_err().contains(why), "{path}: {:?}", own(path));
        }
        assert!(judged(&place, "/etc/passwd", false, &Identity::own()).is_err());
        if geteuid().is_root() {
            let other = Identity::of(4_000_000, 4_000_000);
            set_permissions(top.join("place/in/file"), Permissions::from_mode(0o644)).unwrap();
            assert!(said("/in/file", false, other).is_ok(), "{:?}", said("/in/file", false, other));
            assert!(said("/in/file", true, other).unwrap_err().contains("belongs to user 0"));
            set_permissions(top.join("place/in/file"), Permissions::from_mode(0o640)).unwrap();
            assert!(said("/in/file", false, other).unwrap_err().contains("user 4000000 cannot read it"));
            assert!(said("/in/file", false, Identity::of(4_000_000, 0)).is_ok(), "by the group");
            assert!(own("/in/file").is_ok(), "this thread has kept its rights");
            chown(top.join("place/in/file"), Some(4_000_000), None).unwrap();
            assert!(said("/in/file", true, other).is_ok());
        }
        std::fs::remove_dir_all(&top).unwrap();
    }
}
