//! The door: who connects, to which front, and who is turned away.
//!
//! Always holds: nothing that a connection says is read here; nobody has a front whom the configuration does not map.

use std::fs;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use nix::unistd::geteuid;
use remand_engine::host::peer::Peer;
use remand_engine::{Identity, Moment};
use serde_json::json;

use super::process::Front;
use super::{FRONT, LISTENER, Supervisor};
use crate::client::{Client, User};
use crate::limits::{CONNECTIONS, FRONTS};
use crate::protocol::Tell;
use crate::whence::{Whence, whence};

/// Whether the kernel says this user of everybody whom this process's user namespace does not know.
fn nameless(user: u32) -> bool {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    let whole = |map: &str| map.split_whitespace().any(|count| count == "4294967295");
    read("/proc/sys/kernel/overflowuid").trim().parse() == Ok(user) && !whole(&read("/proc/self/uid_map"))
}

const FORBIDDEN: &str = "403 Forbidden";
const BUSY: &str = "503 Service Unavailable";

/// A status of HTTP, and why.
type Refusal = (&'static str, String);

impl Supervisor<'_> {
    /// Takes connections, each to the front of whoever made it.
    pub(super) fn accept(&mut self) {
        for _ in 0..64 {
            let Some(bound) = &self.bound else { return };
            let stream = match bound.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) => return self.cannot_accept(&error),
            };
            if let Err((status, why)) = self.admit(&stream) {
                // One line a second: whoever is refused can come again and again.
                let now = Moment::now();
                if self.told_refusal.is_none_or(|told| now.since(told) >= Duration::from_secs(1)) {
                    self.told_refusal = Some(now);
                    self.log.say("refused", json!({ "status": status, "why": why }));
                }
                self.refuse(stream, status, &why);
            }
        }
    }

    /// Where there is no descriptor for a connection it is left waiting for a second, and not asked for again and again.
    fn cannot_accept(&mut self, error: &io::Error) {
        let Some(bound) =
            self.bound.as_ref().filter(|_| ![io::ErrorKind::WouldBlock, io::ErrorKind::ConnectionAborted].contains(&error.kind()))
        else {
            return;
        };
        if self.epoll.modify(&bound.listener, &mut EpollEvent::new(EpollFlags::empty(), LISTENER)).is_ok() {
            self.deaf = Some(Moment::now());
            self.log.say("deaf", json!({ "why": error.to_string() }));
        }
    }

    /// Takes connections again, if it is time to.
    pub(super) fn hear_again(&mut self, now: Moment) {
        let Some(bound) = self.bound.as_ref().filter(|_| self.deaf.is_some_and(|since| now.since(since) >= Duration::from_secs(1))) else {
            return;
        };
        if self.epoll.modify(&bound.listener, &mut EpollEvent::new(EpollFlags::EPOLLIN, LISTENER)).is_ok() {
            self.deaf = None;
        }
    }

    /// Hands a connection to its front, which is started if there is none.
    fn admit(&mut self, stream: &UnixStream) -> Result<(), Refusal> {
        let internal = |error: &dyn std::fmt::Display| (BUSY, error.to_string());
        let client = self.client(stream)?;
        let named = client.name();
        let (tenant, _) = self.config.tenant(&client).ok_or_else(|| (FORBIDDEN, format!("{named} is in no tenant of this daemon")))?;
        stream.set_nonblocking(true).map_err(|error| internal(&error))?;
        let copy = stream.try_clone().map_err(|error| internal(&error))?;
        let number = match self.front_of.get(&(client.owner(), tenant.clone())) {
            Some(number) => *number,
            None => self.start_front(client, tenant).map_err(|why| (BUSY, why))?,
        };
        let Some(front) = self.fronts.get_mut(&number) else { return Err((BUSY, "its front has ended".to_owned())) };
        if front.connections >= CONNECTIONS {
            return Err((BUSY, format!("{named} has {CONNECTIONS} connections, which is all that one may have")));
        }
        front.connections += 1;
        front.idle = None;
        self.tell(number, 0, &Tell::Connection, Some(OwnedFd::from(copy)));
        Ok(())
    }

    /// Who connected.
    fn client(&mut self, stream: &UnixStream) -> Result<Client, Refusal> {
        let identity = Identity::of_peer(stream).map_err(|error| (BUSY, error.to_string()))?;
        let who = identity.user();
        let forbidden = |why: String| (FORBIDDEN, format!("user {who}: {why}"));
        let stranger = who != geteuid().as_raw() && self.first_front.is_none();
        let alone = || forbidden("without privilege this daemon serves its own user alone".to_owned());
        let looked = Peer::of(stream).and_then(|peer| Ok((peer.look(&self.home)?, peer)));
        let (seen, peer) = looked.map_err(|why| if stranger { alone() } else { forbidden(why) })?;
        match whence(&seen, &self.config).map_err(forbidden)? {
            Whence::Container(level) => {
                let group = peer.hold(&level).map_err(forbidden)?;
                let number = self.number();
                self.containers.of(level.path, group, number).map(Client::Container).map_err(|why| (BUSY, why))
            }
            Whence::Host if stranger => Err(alone()),
            Whence::Host if nameless(who) => Err(forbidden("it is whoever this daemon's user namespace does not know".to_owned())),
            Whence::Host => {
                let [passwd, group] = ["/etc/passwd", "/etc/group"].map(|file| fs::read_to_string(file).unwrap_or_default());
                Ok(Client::User(User::of(who, identity.group(), &passwd, &group)))
            }
        }
    }

    fn start_front(&mut self, client: Client, tenant: String) -> Result<u64, String> {
        if self.fronts.len() >= FRONTS {
            return Err(format!("{FRONTS} users and containers are connected, which is all that this daemon serves at once"));
        }
        let taken: Vec<u32> = self.fronts.values().map(|front| front.index).collect();
        let index = (0..).find(|index| !taken.contains(index)).unwrap_or_default();
        let id = self.first_front.map(|first| first - index);
        let front = Front::start(client.clone(), tenant.clone(), index, id).map_err(|error| format!("cannot start a front: {error}"))?;
        let number = self.number();
        let added = self.epoll.add(&front, EpollEvent::new(front.armed, FRONT | number));
        added.map_err(|errno| format!("cannot follow a front: {errno}"))?;
        self.log.say("front", client.told(json!({ "tenant": tenant, "pid": front.pid(), "id": id })));
        self.fronts.insert(number, front);
        self.front_of.insert((client.owner(), tenant), number);
        Ok(number)
    }

    /// Says in fixed words why a connection is not taken. Nothing of it is read, but its end.
    fn refuse(&mut self, mut stream: UnixStream, status: &str, why: &str) {
        let code = status.split(' ').next().unwrap_or_default();
        let title = status.split_once(' ').map_or("", |(_, title)| title);
        let number: u16 = code.parse().unwrap_or(503);
        self.metrics.refused(number);
        let body = json!({ "type": "about:blank", "title": title, "status": number, "detail": why, "exit_status": 10 }).to_string();
        let retry = if number == 503 { "Retry-After: 1\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n{retry}Connection: close\r\n\r\n",
            body.len()
        );
        // What does not go into the socket at once is not worth waiting for.
        let _ = stream.set_nonblocking(true).and_then(|()| stream.write_all((head + &body).as_bytes()));
        let _ = stream.shutdown(Shutdown::Write);
        self.refused.push_back(stream);
        if self.refused.len() > 64 {
            self.refused.pop_front();
        }
    }
}
