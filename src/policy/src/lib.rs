//! What may be asked of remand and what was decided: policies, requests, plans, evidence, verdicts, outcomes.
//!
//! Always holds: no unsafe code, no input or output, no clock. Everything here is data and pure functions over it, so that every
//! decision of the supervisor can be tested by equality.
//!
//! The words are those of the design: a [`Policy`] is what an operator wrote, a [`Request`] what one caller asks for, a [`Plan`] what both
//! mean on this host, [`Evidence`] what the supervisor saw, an [`Outcome`] the record that it answers with.

#![forbid(unsafe_code)]

pub mod ask;
pub mod ceiling;
pub mod diff;
pub mod edit;
pub mod evidence;
pub mod explain;
pub mod files;
pub mod foreign;
pub mod frames;
pub mod host;
pub mod interpreter;
pub mod job;
pub mod learn;
pub mod load;
pub mod narrow;
pub mod outcome;
pub mod plan;
pub mod policy;
pub mod request;
pub mod schema;
pub mod shipped;
pub mod show;
pub mod syscalls;
pub mod units;
pub mod verdict;

pub use evidence::Evidence;
pub use host::HostFacts;
pub use interpreter::Interpreter;
pub use outcome::Outcome;
pub use plan::Plan;
pub use policy::Policy;
pub use request::Request;
