//! A process that makes one connection to the broker and hands it over.
//!
//! Names are looked up here and nowhere else: what answers is a stranger, the C library's services of names are loaded from the host, and a lookup takes its time.
//!
//! Always holds: it has no token and no privilege; it ends by itself.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use remand_front::wire;

use crate::packets::Tell;
use crate::settings::Broker;

/// What it is started with, in place of a command.
pub const WORD: &str = "dial-of-n8n";

/// How long one address may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Is one. `user`: the id to take on, where there is privilege.
///
/// # Errors
/// This process was not started as one.
pub fn dial(user: Option<u32>, host: &str, port: u16) -> Result<(), String> {
    let told = |errno: Errno| errno.to_string();
    let socket = io::stdin().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(told)?;
    if let Some(user) = user {
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
        setgroups(&[]).and_then(|()| setresgid(group, group, group)).and_then(|()| setresuid(user, user, user)).map_err(told)?;
        // A change of ids undoes it.
        prctl::set_pdeathsig(Signal::SIGKILL).map_err(told)?;
    }
    prctl::set_no_new_privs().map_err(told)?;
    match connected(host, port) {
        Ok(stream) => wire::send(socket.as_fd(), &Tell::Connection.packet(), Some(stream.as_fd())),
        Err(why) => wire::send(socket.as_fd(), &Tell::Unreachable(why).packet(), None),
    }
    .map_err(told)
}

fn connected(host: &str, port: u16) -> Result<TcpStream, String> {
    let addresses = (host, port).to_socket_addrs().map_err(|error| format!("looking up {host}: {error}"))?;
    let mut last = format!("looking up {host}: it has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                let ready = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
                return ready.map(|()| stream).map_err(|error| format!("{address}: {error}"));
            }
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(last)
}

/// One from the supervisor's side: readable when it is done. It is killed and waited for with this value.
#[derive(Debug)]
pub struct Dialer {
    child: Child,
    socket: OwnedFd,
    host: String,
}

impl Dialer {
    /// Starts one.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn start(broker: &Broker, user: Option<u32>) -> io::Result<Self> {
        let (socket, theirs) = wire::pair()?;
        let user = user.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let child = Command::new("/proc/self/exe")
            .arg0("remand")
            .args([WORD, &user, &broker.host, &broker.port.to_string()])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, socket, host: broker.host.clone() })
    }

    /// Waits for what it says, with the connection.
    pub fn wait(self) -> (Tell, Option<OwnedFd>) {
        while poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE) == Err(Errno::EINTR) {}
        self.said()
    }

    /// What it says, with the connection, once it is readable.
    pub fn said(mut self) -> (Tell, Option<OwnedFd>) {
        let mut buffer = Vec::new();
        let received = wire::receive(self.socket.as_fd(), &mut buffer);
        if let Ok(Some((length, mut beside))) = received
            && let Ok(tell @ (Tell::Connection | Tell::Unreachable(_))) = Tell::read(buffer.get(..length).unwrap_or_default())
            && beside.len() == tell.descriptors()
        {
            return (tell, beside.pop());
        }
        let signal = self.child.wait().ok().and_then(|ended| ended.signal());
        let how = signal.map_or_else(String::new, |signal| format!(" (signal {signal})"));
        (Tell::Unreachable(format!("looking up {} did not succeed{how}: name the broker by its address", self.host)), None)
    }
}

impl AsFd for Dialer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        let _ = self.child.kill(); // no error if it has ended
        let _ = self.child.wait();
    }
}
