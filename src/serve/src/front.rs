//! A front: the process that speaks HTTP and JSON with one identity, and holds nothing that this identity does not have already.
//!
//! Always holds: it has shut itself in ([`remand_front::confine`]) before it reads a byte of anybody's; what it knows of the world is one socket to the supervisor, which gave it
//! its identity and gives it that identity's connections; when the supervisor goes, it goes.

mod answer;
mod api;
mod batch;
mod body;
mod link;
pub mod openapi;
mod patience;
mod stream;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net;
use std::rc::Rc;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::{SockType, getsockopt, sockopt};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::{LocalSet, spawn_local};

use crate::limits::{BOUNDS, CALLS, FRONT_BODIES, HEADER_BYTES, HEADER_TIME, HEADERS, WRITE_TIME};
use crate::protocol::{Ask, Tell};
use crate::wire;
use body::Front;
use link::Link;
use patience::Patience;

/// What a front is started with, in place of a command.
pub const WORD: &str = "front-of-serve";

/// Is one. `user`: the id to take on, where the supervisor has privilege.
///
/// # Errors
/// This process was not started by the supervisor, or cannot be a front here.
pub fn front(user: Option<u32>) -> Result<(), String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let socket = io::stdin().as_fd().try_clone_to_owned().map_err(|error| told(&error))?;
    if getsockopt(&socket, sockopt::SockType) != Ok(SockType::SeqPacket) {
        return Err("this is a part of remand serve, which starts it".to_owned());
    }
    // Before the filter, which lets nothing like it be made.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| told(&error))?;
    let landlocked = match remand_front::confine(user, &BOUNDS) {
        Ok(landlocked) => landlocked,
        Err(why) => {
            let _ = wire::send(socket.as_fd(), &Ask::Unconfined(told(&why)).packet(0), None); // its end says it too
            return Err(told(&why));
        }
    };
    let serve = serve(socket, landlocked, user.is_some());
    // Whatever ends it is the supervisor's end, or its wish.
    let _: io::Result<()> = LocalSet::new().block_on(&runtime, serve);
    Ok(())
}

async fn serve(socket: OwnedFd, landlocked: bool, apart: bool) -> io::Result<()> {
    let link = Link::new(socket)?;
    let front = Rc::new(Front {
        link: Rc::clone(&link),
        bodies: Arc::new(Semaphore::new(FRONT_BODIES >> 10)),
        batched: Semaphore::new(CALLS / 2),
        landlocked,
        apart,
    });
    let (drain, draining) = watch::channel(false);
    let sender = Rc::clone(&link);
    let mut sending = spawn_local(async move { sender.send().await });
    loop {
        let (tell, beside) = tokio::select! {
            sent = &mut sending => return sent.map_err(io::Error::other)?,
            told = link.next() => told?,
        };
        match (tell, beside) {
            (Tell::Connection, Some(connection)) => {
                let connection = connection_of(connection, Rc::clone(&front), draining.clone());
                spawn_local(connection);
            }
            _ => drop(drain.send(true)),
        }
    }
}

/// Serves one to its end.
async fn connection_of(connection: OwnedFd, front: Rc<Front>, mut draining: watch::Receiver<bool>) {
    let link = Rc::clone(&front.link);
    if let Ok(stream) = UnixStream::from_std(net::UnixStream::from(connection)) {
        let answer = |request| {
            let front = Rc::clone(&front);
            async move { Ok::<_, std::convert::Infallible>(api::answer(front, request).await) }
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_headers(HEADERS)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(Patience::new(stream, WRITE_TIME)), service_fn(answer));
        let mut connection = std::pin::pin!(connection);
        loop {
            tokio::select! {
                // Whatever was wrong with it, it is over.
                _ = connection.as_mut() => break,
                Ok(()) = draining.changed() => connection.as_mut().graceful_shutdown(),
            }
        }
    }
    link.say(&Ask::Closed);
}
