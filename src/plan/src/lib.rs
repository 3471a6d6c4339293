//! What is decided about a run, before and after: facts of a host, a request and a policy become a plan; evidence becomes a verdict and an outcome.
//!
//! Always holds: no unsafe code, no input or output, no clock. Everything here is data and pure functions over it, so that every decision of the
//! supervisor can be tested by equality.
//!
//! The words are those of the design: a [`Policy`](remand_policy::Policy) is what an operator wrote, a [`Request`] what one caller asks for, a [`Plan`] what
//! both mean on this host, [`Evidence`] what the supervisor saw, an [`Outcome`] the record that it answers with.

#![forbid(unsafe_code)]

pub mod artifacts;
pub mod choice;
pub mod enforcement;
pub mod event;
pub mod evidence;
mod file_id;
pub mod files;
pub mod frames;
pub mod host;
pub mod interpreter;
pub mod job;
pub mod landlock;
pub mod limit;
pub mod outcome;
pub mod output;
pub mod plan;
pub mod protection;
pub mod python_variables;
pub mod request;
mod resolve;
mod start;
pub mod step;
pub mod submission;
mod together;
pub mod trace;
pub mod verdict;
pub mod view;
mod words;
pub mod workspace;

pub use remand_policy::places;

pub use evidence::Evidence;
pub use host::HostFacts;
pub use interpreter::Interpreter;
pub use outcome::Outcome;
pub use plan::Plan;
pub use protection::Protection;
pub use request::Request;
pub use resolve::{DEFAULT_PATH, POOLS, Shown, UNCOUNTED, no_descriptors, no_room, own_ids, resolve, shown, unexecutable};
pub use start::{blocked_by_syscalls, blocked_start, plan_to_start};

#[cfg(test)]
extern crate self as remand_plan;
#[cfg(test)]
mod fixtures;
