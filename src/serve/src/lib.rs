//! A daemon that unprivileged programs call: runs over HTTP and JSON on a Unix socket.
//!
//! Two kinds of processes: the [`supervisor`], which has the rights and makes the runs, and a [`front`](mod@front) for each identity that calls, which speaks with it and has
//! nothing. Between them, [`protocol`].
//!
//! Always holds: no unsafe code; the supervisor reads no HTTP, and no JSON of a caller's but the bounded object of a narrowing; a client is what the kernel says
//! of a connection's other end.

#![forbid(unsafe_code)]

mod client;
pub mod config;
mod front;
mod limits;
mod log;
pub mod packed;
mod pattern;
pub mod protocol;
mod queue;
mod supervisor;
mod whence;

use remand_front::{bytes, memory, wire};

pub use front::openapi::document as openapi;
pub use front::{WORD as FRONT, front};
pub use log::Form;
pub use supervisor::{Places, ServeError, configured, found, serve};
