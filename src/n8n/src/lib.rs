//! n8n's Python runs on it: a task runner that n8n's broker takes for its own.
//!
//! Always holds: no unsafe code; nothing of a task runs outside of a sandbox of ours.

#![forbid(unsafe_code)]

pub mod settings;
pub mod task;
pub mod tasks;
