//! The language of policies: what a policy file says, how it is read, compared, narrowed and written.
//!
//! Always holds: no unsafe code, no input or output, no clock; nothing here knows a host, a plan or a run.

#![forbid(unsafe_code)]

pub mod ceiling;
pub mod field;
pub mod load;
pub mod narrow;
pub mod overrides;
pub mod places;
pub mod policy;
pub mod question;
pub mod ranges;
pub mod schema;
pub mod shipped;
pub mod source;
pub mod text;
pub mod units;
pub mod write;

pub use policy::Policy;
