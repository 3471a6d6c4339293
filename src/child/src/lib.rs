//! What runs between clone and exec: the forkserver, each run's init, and the executor process until it becomes the interpreter.
//!
//! Always holds: no allocation, no locks, no standard library; only system calls on data that `remand-jail` prepared before the clone. The processes here
//! read nothing that a run's code wrote, apart from how its processes ended. A step that fails says which, and nothing runs after it.
#![no_std]
#![deny(unsafe_code)]

mod decimal;
pub mod executor;
mod fds;
pub mod files;
pub mod forkserver;
mod init;
pub mod message;
mod root;
pub mod spec;
pub mod step;
#[allow(unsafe_code)]
pub mod sys;
mod terminal;
