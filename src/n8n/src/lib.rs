//! n8n's Python runs on it: a task runner that n8n's broker takes for its own.
//!
//! Two processes: the supervisor ([`supervise`]), which has the rights and makes the runs, and the [`fn@front`], which has the token, speaks with the broker and has nothing
//! else. Between them, `packets`. A third, short one makes each connection ([`fn@dial`]).
//!
//! Always holds: no unsafe code; nothing of a task runs outside of a sandbox of ours; the supervisor takes no message of the broker's apart, and no process that
//! takes a run's bytes apart has had a token.

#![forbid(unsafe_code)]

mod dial;
mod doctor;
mod front;
mod ids;
mod incoming;
pub mod install;
mod log;
mod machine;
mod outgoing;
mod packets;
mod runner;
pub mod settings;
mod supervisor;
pub mod task;
pub mod tasks;

pub use dial::{WORD as DIAL, dial};
pub use doctor::{Finding, doctor};
pub use front::{WORD as FRONT, front};
pub use log::Log;
pub use runner::{begin, form};
pub use supervisor::{WORD as SUPERVISOR, supervise};
