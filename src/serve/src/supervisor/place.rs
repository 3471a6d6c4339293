//! Where the supervisor listens.
//!
//! Always holds: the socket lies in a directory that only this user can write; everybody may connect, since who may do what is decided by who they are; it is one
//! daemon's alone, from before it is made until after it is removed, by a lock on the file beside it; what is no socket is left alone.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::{env, process};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::socket::{SockType, getsockopt, sockopt};
use nix::unistd::geteuid;
use remand_engine::inherited;

/// A socket that is listened on.
#[derive(Debug)]
pub struct Bound {
    /// The socket.
    pub listener: UnixListener,
    /// Its file and the lock on it, where it was made here.
    made: Option<(PathBuf, Flock<File>)>,
}

/// Below a directory for what lives as long as the machine or a session.
const SOCKET: &str = "remand/remand.sock";

/// Where it is, if nothing else is said.
#[must_use]
pub fn usual() -> PathBuf {
    let own = env::var_os("XDG_RUNTIME_DIR").filter(|_| !geteuid().is_root());
    Path::new(own.as_deref().unwrap_or("/run".as_ref())).join(SOCKET)
}

/// Where a client finds a daemon, if nothing else is said: the user's own, if there is one, else the machine's.
#[must_use]
pub fn found() -> PathBuf {
    let usual = usual();
    if usual.exists() { usual } else { Path::new("/run").join(SOCKET) }
}

impl Bound {
    /// Takes the socket that this process was started with, or makes one.
    pub fn listen(path: &Path) -> Result<Self, String> {
        let bound = match given()? {
            Some(listener) => Self { listener, made: None },
            None => {
                let (listener, lock) = made(path)?;
                Self { listener, made: Some((path.to_owned(), lock)) }
            }
        };
        bound.listener.set_nonblocking(true).map_err(|error| error.to_string())?;
        Ok(bound)
    }
}

/// By socket activation: the first descriptor after the three.
fn given() -> Result<Option<UnixListener>, String> {
    let said = |name| env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    if said("LISTEN_PID") != Some(process::id()) {
        return Ok(None);
    }
    if said("LISTEN_FDS") != Some(1) {
        return Err("socket activation: exactly one socket is expected".to_owned());
    }
    let socket: OwnedFd = inherited(3).map_err(|errno| format!("socket activation: descriptor 3: {errno}"))?;
    let listens = getsockopt(&socket, sockopt::AcceptConn).unwrap_or(false);
    if !listens || getsockopt(&socket, sockopt::SockType) != Ok(SockType::Stream) {
        return Err("socket activation: descriptor 3 is no stream socket that listens".to_owned());
    }
    let listener = UnixListener::from(socket);
    // An address of another family is none here.
    listener.local_addr().map_err(|error| format!("socket activation: {error}"))?;
    Ok(Some(listener))
}

fn made(path: &Path) -> Result<(UnixListener, Flock<File>), String> {
    let directory = path.parent().filter(|_| path.is_absolute()).ok_or("name the socket by its absolute path")?;
    let named = |error: io::Error| format!("{}: {error}", directory.display());
    match DirBuilder::new().mode(0o755).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(named(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(directory).map_err(named)?;
    let own = [0, geteuid().as_raw()].contains(&found.uid());
    if !found.is_dir() || !own || found.mode() & 0o022 != 0 {
        return Err(format!("{} is no directory that only this user can write: chmod go-w, or name another socket", directory.display()));
    }
    // What locks ids there may have made it for itself alone.
    if directory == Path::new("/run/remand") {
        fs::set_permissions(directory, Permissions::from_mode(0o755)).map_err(named)?;
    }
    let lock = lock(path)?;
    match fs::symlink_metadata(path) {
        Err(_) => {}
        Ok(found) if !found.file_type().is_socket() => return Err("there is something else".to_owned()),
        Ok(_) => fs::remove_file(path).map_err(|error| format!("the old one cannot be removed: {error}"))?,
    }
    let listener = UnixListener::bind(path).map_err(|error| error.to_string())?;
    fs::set_permissions(path, Permissions::from_mode(0o666)).map_err(|error| error.to_string())?;
    Ok((listener, lock))
}

/// Nobody else can open it, and so nobody else can lock it. It stays: who removed it could take it from whoever has it open by then.
fn lock(socket: &Path) -> Result<Flock<File>, String> {
    let mut path = socket.as_os_str().to_owned();
    path.push(".lock");
    let named = |error: &dyn std::fmt::Display| format!("its lock {}: {error}", path.display());
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(OFlag::O_NOFOLLOW.bits()).open(&path);
    match Flock::lock(opened.map_err(|error| named(&error))?, FlockArg::LockExclusiveNonblock) {
        Err((_, Errno::EWOULDBLOCK)) => Err("another daemon has it".to_owned()),
        locked => locked.map_err(|(_, errno)| named(&errno.desc())),
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.made {
            let _ = fs::remove_file(path); // a later daemon takes one over that is left
        }
    }
}
