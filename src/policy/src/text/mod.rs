//! Text that people wrote and text for people: what is wrong and where, what may have been meant, what a terminal may be shown.

mod problem;
pub mod terminal;

pub use problem::{Position, Problem, Severity, Text, did_you_mean, quote, same_sense};
