//! The one fence around unsafe code in this package: each system call that no library wraps, once, with the fact that makes it sound.

pub mod beside;
pub mod cached;
pub mod file;
pub mod glibc;
pub mod groups;
pub mod inherited;
pub mod message;
pub mod notify;
pub mod owner;
pub mod probe;
pub mod process;
pub mod random;
pub mod signals;
#[cfg(feature = "standard-streams")]
mod streams;
pub mod terminal;
