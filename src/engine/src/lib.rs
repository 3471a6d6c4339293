//! The one road to a run, for whatever program wants Python or another program run in a sandbox: the command, a daemon, your own.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use remand_engine::{Caller, Engine, Program, Request};
//!
//! let engine = Engine::from_environment();
//! let policy = engine.policy("default", &serde_json::json!({"limits": {"memory": "64MiB"}}))?;
//! let request = Request { code: "return 6 * 7".into(), ..Request::default() };
//! let outcome = engine.run(&policy, Program::Python, &request, Caller::default())?;
//! assert_eq!(outcome.value.get(), "42");
//! # Ok(())
//! # }
//! ```
//!
//! [`Engine::run`] blocks. [`Prepared::start`] does not: it gives a [`Run`], a handle with one descriptor, which is readable when there is something for
//! [`Run::advance`] to do; so one thread drives many (`examples/two_runs.rs`), and [`Run::cancel`] ends one. Each such run has a forkserver of its own. A
//! [`Forkserver`] that is kept ([`Prepared::forkserver`]) makes any number of runs of the same plan ([`Prepared::start_of`]), without the start of each anew.
//!
//! Always holds: no unsafe code; no foreign code runs outside of a sandbox of ours; nothing is printed. The engine is a guest in the process that calls it, from
//! any of its threads: it changes no capability, user, signal handler, working directory, umask, resource limit or child subreaper of it, and waits for no
//! child but its own. The one thing that it asks for: `SIGCHLD` must not be ignored, or the kernel keeps no child's end for anybody.

#![forbid(unsafe_code)]

pub mod acl;
mod beneath;
mod ceiling;
mod choose;
mod effective;
mod engine;
mod files;
mod identity;
pub mod interpreter;
mod laps;
mod prepared;
mod refusal;
pub mod store;
pub mod telling;
pub mod trust;
mod unmapped;

pub use ceiling::Ceiling;
pub use choose::Declined;
pub use effective::{Effective, narrowed};
pub use engine::{Engine, RunError};
pub use files::HostFiles;
pub use identity::Identity;
pub use laps::Laps;
pub use prepared::{Caller, PrepareError, Prepared, Program};
pub use refusal::{Document, Refusal};
pub use remand_jail::forkserver::Forkserver;
pub use remand_jail::host;
pub use remand_jail::moment::Moment;
pub use remand_jail::room;
pub use remand_jail::run::{Progress, Run, Said, Screen, Sink, Watcher, run_id};
pub use remand_jail::{Held, beside, close_on_exec, inherited, notify};
pub use remand_plan::output::{Channel, Piece};
pub use remand_plan::{Outcome, Request};
pub use telling::Telling;
