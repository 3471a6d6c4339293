//! remand in front of an OCI runtime: holds containers to a policy before the runtime makes them.
//!
//! Always holds: no unsafe code. What is decided is decided without input or output: [`command`] (which command line is what), [`settings`] (what the
//! administrator says), [`narrow`] (a container's configuration under a policy). The rest does it: [`agent`] (who is told refused calls), `document` (the files of a bundle), `host`, `runtime`, and
//! [`front`], which is the whole of it in order.

#![forbid(unsafe_code)]

pub mod agent;
pub mod command;
mod document;
pub mod front;
mod host;
pub mod narrow;
mod runtime;
pub mod settings;
