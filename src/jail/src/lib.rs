//! The mechanisms: host facts, cgroups, the forkserver and the supervisor of runs.
//!
//! Always holds: unsafe code only in `sys`; everything that is decided is decided in `remand-plan`, as a pure function; every answer of the
//! kernel is checked, and what could not be enforced is in the outcome.
#![deny(unsafe_code)]

pub mod cgroup;
pub mod failure;
pub mod forkserver;
pub mod host;
mod ids;
pub mod moment;
mod regular;
pub mod rights;
pub mod room;
pub mod run;
mod setup;
mod step;
#[allow(unsafe_code)]
mod sys;
mod timeline;
mod warm;

/// For those who answer for filters of others' making: notifications, and descriptors that come with bytes.
pub use sys::{beside, notify};

pub use sys::inherited::{close_on_exec, inherited};
pub use sys::terminal::Size;

pub use sys::signals::{Held, settle as settle_signals};
