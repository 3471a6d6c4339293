//! Tasks of n8n on the real engine, without a broker: what its own runner answers, or what is listed as different, and what no code of a task can do.

mod cases;
mod isolation;
mod node;
mod semantics;

use libtest_mimic::Trial;

/// All of them.
pub fn trials() -> Vec<Trial> {
    cases::trials().into_iter().chain(semantics::trials()).chain(isolation::trials()).collect()
}
