//! The one road to a run: what an interpreter or a program needs is read, the files of the host are looked at, and the jail is handed a plan.
//!
//! Always holds: no unsafe code; no foreign code runs outside of a sandbox of ours; nothing is printed.

#![forbid(unsafe_code)]

pub mod acl;
mod files;
pub mod interpreter;

pub use files::HostFiles;
