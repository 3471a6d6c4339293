//! What is looked at before a run: what an interpreter or a program needs, and the files of the host that a plan depends on.
//!
//! Always holds: no unsafe code; no foreign code runs outside of a sandbox of ours; nothing is printed.

#![forbid(unsafe_code)]

pub mod acl;
mod files;
pub mod interpreter;

pub use files::HostFiles;
