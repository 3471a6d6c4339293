//! What fronts are made of: processes that speak with strangers for a supervisor, and hold nothing that is worth taking.
//!
//! Always holds: no unsafe code; a front that could not shut itself in ends; packets between a front and its supervisor arrive whole or not at all, and what is
//! beside them cannot change under their reader.

#![forbid(unsafe_code)]

pub mod bytes;
mod confine;
mod filter;
pub mod memory;
pub mod peer;
pub mod way;
pub mod wire;

pub use confine::{Bounds, Unconfined, confine};
