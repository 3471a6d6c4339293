//! Who connected: the process at the other end of a Unix socket, and where it lives.
//!
//! Always holds: a process is what its descriptor says it is (`SO_PEERPIDFD`), and what was read of it is its own: it had not ended when all was read, so no other
//! had its number; namespaces are compared while both are held, since their numbers recur.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};

use super::cgroup::group::{self, Group, Level};

/// Where a process lives, held.
#[derive(Debug)]
pub struct Namespaces {
    user: File,
    mount: File,
    pid: File,
}

impl Namespaces {
    fn of(process: &str) -> io::Result<Self> {
        let open = |name: &str| File::open(format!("/proc/{process}/ns/{name}"));
        Ok(Self { user: open("user")?, mount: open("mnt")?, pid: open("pid")? })
    }
}

/// What counts as the host: where process 1 lives, or, for a process that may not look there, where it lives itself.
#[derive(Debug)]
pub struct Home {
    namespaces: Namespaces,
    /// Why it is not process 1's.
    pub narrower: Option<String>,
}

impl Home {
    /// Looks.
    ///
    /// # Errors
    /// The kernel's answer: not even this process's own can be looked at.
    pub fn look() -> io::Result<Self> {
        match Namespaces::of("1") {
            Ok(namespaces) => Ok(Self { namespaces, narrower: None }),
            Err(error) => {
                let why = format!(
                    "the namespaces of process 1 cannot be looked at ({error}): who is not in this process's own is not taken to be of the host"
                );
                Ok(Self { namespaces: Namespaces::of("self")?, narrower: Some(why) })
            }
        }
    }
}

/// What was seen of whoever connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// By a descriptor of the process (Linux 6.5). If not, by a number that may have become another process's.
    pub surely: bool,
    /// Its user namespace is the host's.
    pub user: bool,
    /// Its mount namespace is.
    pub mount: bool,
    /// Its PID namespace is.
    pub pid: bool,
    /// Its cgroup and those above it, from below the root on; or why they are not known.
    pub cgroups: Result<Vec<Level>, String>,
}

/// A process that connected.
#[derive(Debug)]
pub struct Peer {
    /// None: this kernel gives none.
    held: Option<OwnedFd>,
    number: u32,
}

impl Peer {
    /// Of whoever connected the other end of this socket.
    ///
    /// # Errors
    /// Why it cannot be known: it has ended, or lives where this process cannot see it.
    pub fn of(socket: impl AsFd) -> Result<Self, String> {
        let held = match getsockopt(&socket, sockopt::PeerPidfd) {
            Ok(held) => Some(held),
            Err(Errno::ENOPROTOOPT) => None,
            Err(errno) => return Err(format!("the process that connected cannot be found ({errno}): it may have ended")),
        };
        let number = match &held {
            Some(held) => number(held).map_err(|error| format!("the process that connected has no number: {error}"))?,
            None => getsockopt(&socket, sockopt::PeerCredentials).map_err(|errno| errno.to_string())?.pid(),
        };
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(Self { held, number }),
            Ok(_) => Err("the process that connected lives in a PID namespace that is not this one or below it".to_owned()),
            Err(_) => Err(ENDED.to_owned()),
        }
    }

    /// Looks where it lives.
    ///
    /// # Errors
    /// It has ended, or this process may not look.
    pub fn look(&self, home: &Home) -> Result<Seen, String> {
        let refused = |error: io::Error| match self.has_ended() {
            true => ENDED.to_owned(),
            false => format!("process {} cannot be looked at: {error}", self.number),
        };
        let its = Namespaces::of(&self.number.to_string()).map_err(refused)?;
        let cgroups = text(&format!("/proc/{}/cgroup", self.number)).map_err(refused)?;
        if self.has_ended() {
            return Err(ENDED.to_owned());
        }
        let home = &home.namespaces;
        let same = |one: &File, other: &File| same(one, other).map_err(|error| error.to_string());
        let (user, mount, pid) = (same(&its.user, &home.user)?, same(&its.mount, &home.mount)?, same(&its.pid, &home.pid)?);
        let at_home = user && mount;
        let levels = if at_home {
            Ok(Vec::new())
        } else {
            group::levels(&cgroups, &text("/proc/self/mountinfo").map_err(|error| error.to_string())?)
        };
        Ok(Seen { surely: self.held.is_some(), user, mount, pid, cgroups: levels })
    }

    /// Takes hold of a cgroup that it was seen in or below.
    ///
    /// # Errors
    /// It is there no longer.
    pub fn hold(&self, level: &Level) -> Result<Group, String> {
        let group = Group::open(level).map_err(|error| format!("{}: {error}", level.path))?;
        // It is the one that the process was seen in, and not one that came after it.
        if self.has_ended() { Err(ENDED.to_owned()) } else { Ok(group) }
    }

    fn has_ended(&self) -> bool {
        let Some(held) = &self.held else { return false };
        // Readable, or no process at all.
        !matches!(poll(&mut [PollFd::new(held.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO), Ok(0))
    }
}

const ENDED: &str = "the process that connected has ended";

/// Two files of one namespace.
fn same(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// The number of a process by its descriptor; 0: of none that can be seen here, -1: it has ended.
fn number(held: &OwnedFd) -> io::Result<i32> {
    let said = text(&format!("/proc/self/fdinfo/{}", held.as_raw_fd()))?;
    let number = said.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    number.ok_or_else(|| io::Error::other("/proc/self/fdinfo does not say it"))
}

fn text(path: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(16 << 20).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::process::{Command, Stdio};

    fn home() -> Home {
        Home { namespaces: Namespaces::of("self").unwrap(), narrower: None }
    }

    #[test]
    fn whoever_connects_from_here_is_at_home() {
        let (one, _other) = UnixStream::pair().unwrap();
        let peer = Peer::of(&one).unwrap();
        assert_eq!(peer.number, std::process::id());
        let seen = peer.look(&home()).unwrap();
        assert_eq!((seen.user, seen.mount, seen.pid), (true, true, true));
    }

    #[allow(clippy::disallowed_methods)] // what it starts is this test's own
    #[test]
    fn a_process_that_has_ended_is_nobody() {
        let place = std::env::temp_dir().join(format!("remand-peer-{}", std::process::id()));
        let listener = UnixListener::bind(&place).unwrap();
        let code = format!(
            "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect({:?})\nprint(1, flush=True)\nsys.stdin.read()",
            place.display().to_string()
        );
        let mut child = Command::new("python3").args(["-c", &code]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (socket, _) = listener.accept().unwrap();
        std::fs::remove_file(&place).unwrap();
        let peer = Peer::of(&socket).unwrap();
        assert!(peer.look(&home()).is_ok(), "the control: while it lives");
        drop(child.stdin.take());
        child.wait().unwrap();
        if peer.held.is_some() {
            assert_eq!(peer.look(&home()).unwrap_err(), ENDED);
            assert!(Peer::of(&socket).is_err(), "nor is it found anew");
        }
    }
}
