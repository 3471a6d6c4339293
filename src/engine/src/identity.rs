//! Who a run is made for.
//!
//! Always holds: an identity is what the kernel says of this process or of the other end of a socket; nobody can claim one.

use std::io;
use std::os::fd::AsFd;

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Gid, Uid, getegid, geteuid};
use remand_jail::rights::as_user;

/// The user that a run is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    user: u32,
    group: u32,
}

impl Default for Identity {
    fn default() -> Self {
        Self::own()
    }
}

impl Identity {
    /// This process's own.
    #[must_use]
    pub fn own() -> Self {
        Self { user: geteuid().as_raw(), group: getegid().as_raw() }
    }

    /// Of whoever connected the other end of a Unix socket (`SO_PEERCRED`).
    ///
    /// # Errors
    /// The kernel's answer: the descriptor is no such socket.
    pub fn of_peer(socket: impl AsFd) -> io::Result<Self> {
        let peer = getsockopt(&socket, sockopt::PeerCredentials)?;
        Ok(Self { user: peer.uid(), group: peer.gid() })
    }

    /// A user by number, of whom somebody else has vouched.
    #[must_use]
    pub fn of(user: u32, group: u32) -> Self {
        Self { user, group }
    }

    /// Does something with the rights that the user has to files, by the user's id and primary group: which other groups there are, the name services would have
    /// to say, whose modules no static program can load.
    ///
    /// # Errors
    /// This process may not act for the user.
    pub(crate) fn on_behalf<T: Send>(&self, act: impl FnOnce() -> T + Send) -> io::Result<T> {
        if *self == Self::own() {
            Ok(act())
        } else {
            let group = Gid::from_raw(self.group);
            as_user(Uid::from_raw(self.user), group, &[group], act)
        }
    }

    /// User id, as this process's user namespace counts.
    #[must_use]
    pub fn user(&self) -> u32 {
        self.user
    }

    /// Primary group id.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.group
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_kernel_says_who_the_peer_is() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(Identity::of_peer(&one).unwrap(), Identity::own());
        assert!(Identity::of_peer(std::fs::File::open("/dev/null").unwrap()).is_err());
    }
}
