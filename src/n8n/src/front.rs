//! The front: the process that speaks with the broker.
//!
//! Always holds: it has shut itself in before it reads a byte of the broker's; what it knows of the world is one socket to the supervisor, which gives it its
//! connections; it has the token, and takes nothing apart that a run wrote; when the supervisor goes, it goes.

pub(crate) mod broker;
mod health;
mod heard;
mod session;
pub(crate) mod tls;

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use nix::sys::socket::{SockType, getsockopt, sockopt};
use remand_front::way::Way;
use remand_front::{Bounds, memory};
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsConnector;

use crate::ids;
use crate::packets::{Ask, Begin, Tell};
use heard::next;
use session::Session;

/// What a front is started with, in place of a command.
pub const WORD: &str = "front-of-n8n";

/// Largest of what a front is begun with.
const BEGIN: u64 = 4 << 20;

/// Is one. `user`: the id to take on, where there is privilege.
///
/// # Errors
/// This process was not started as one, or cannot be one here.
pub fn front(user: Option<u32>) -> Result<(), String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let socket = io::stdin().as_fd().try_clone_to_owned().map_err(|error| told(&error))?;
    if getsockopt(&socket, sockopt::SockType) != Ok(SockType::SeqPacket) {
        return Err("this is a part of remand n8n, which starts it".to_owned());
    }
    // Before the filter, which lets nothing like it be made.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| told(&error))?;
    // Whatever ends it is the supervisor's end, or its wish.
    let _: io::Result<()> = LocalSet::new().block_on(&runtime, serve(socket, user));
    Ok(())
}

async fn serve(socket: OwnedFd, user: Option<u32>) -> io::Result<()> {
    let way = Rc::new(Way::new(socket)?);
    let sender = Rc::clone(&way);
    let sending = spawn_local(async move { sender.send().await });
    let mut buffer = Vec::new();
    let (Tell::Begin, Some(begin)) = next(&way, &mut buffer).await? else { return Err(io::ErrorKind::InvalidData.into()) };
    let begin = Begin::unpack(&memory::read(begin, BEGIN)?).map_err(io::Error::other)?;
    let tls = match shut_in(&begin, user) {
        Ok(tls) => tls,
        Err(why) => {
            way.put(Ask::Failed(why).packet(), None);
            // Until it was heard, and the supervisor goes.
            loop {
                next(&way, &mut buffer).await?;
            }
        }
    };
    if begin.health {
        let (Tell::Health, Some(listener)) = next(&way, &mut buffer).await? else { return Err(io::ErrorKind::InvalidData.into()) };
        spawn_local(health::answer(TcpListener::from(listener)));
    }
    let mut session = Session::new(begin, tls, Rc::clone(&way));
    tokio::select! {
        done = session.work() => done,
        sent = sending => sent.map_err(io::Error::other)?,
    }
}

/// From here on it is a front; whom it trusts was read before.
fn shut_in(begin: &Begin, user: Option<u32>) -> Result<Option<TlsConnector>, String> {
    let tls = begin.broker.tls.then(tls::trusted).transpose()?;
    // In a static program randomness comes from a file, which is opened with the first of it and then stays open.
    let _ = ids::id();
    remand_front::confine(user, &bounds(begin)).map_err(|why| format!("it cannot shut itself in: {why}"))?;
    Ok(tls)
}

/// Of the largest message there are several copies at once: as it came, as a task, on its way to the supervisor.
fn bounds(begin: &Begin) -> Bounds {
    let memory = begin.max_payload.saturating_add(1 << 20);
    Bounds { descriptors: 256, address_space: memory.saturating_mul(6).saturating_add(1 << 30), memory, accepts: begin.health }
}
