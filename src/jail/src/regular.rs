//! Files of others, opened by a path that was looked at before.
//!
//! Always holds: nothing but a regular file or a directory is opened, whoever exchanges files meanwhile: a device could act, a FIFO or a lease could keep us
//! waiting, and a symbolic link leads where its maker cannot go.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};

/// A regular file at a real path, for reading. It is found first, and opened when it is known what it is.
pub fn open(real: &Path) -> io::Result<File> {
    let found = File::from(at(real, OFlag::O_PATH)?);
    if !found.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(format!("/proc/self/fd/{}", found.as_raw_fd()))
}

/// A directory at a real path, to be listed.
pub fn list(real: &Path) -> io::Result<Dir> {
    Ok(Dir::from_fd(at(real, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?)?)
}

fn at(real: &Path, flags: OFlag) -> io::Result<OwnedFd> {
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    Ok(openat2(AT_FDCWD, real, how)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_on_the_way_is_followed_and_nothing_but_files_is_opened() {
        let top = fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("remand-regular-{}", std::process::id()));
        fs::create_dir_all(top.join("real")).unwrap();
        fs::write(top.join("real/file"), "").unwrap();
        symlink("real", top.join("link")).unwrap();
        symlink("real/file", top.join("file")).unwrap();
        nix::unistd::mkfifo(&top.join("fifo"), Mode::S_IRWXU).unwrap();
        let opened = ["real/file", "link/file", "file", "real", "fifo"].map(|name| open(&top.join(name)).is_ok());
        assert_eq!(opened, [true, false, false, false, false]);
        let listed = ["real", "link", "real/file", "fifo"].map(|name| list(&top.join(name)).is_ok());
        assert_eq!(listed, [true, false, false, false]);
        // The control: all but the directory would be opened by their names alone, and links followed.
        assert!(["link/file", "file"].iter().all(|name| File::open(top.join(name)).is_ok()));
        assert!(open(Path::new("/dev/null")).is_err());
        fs::remove_dir_all(&top).unwrap();
    }
}
