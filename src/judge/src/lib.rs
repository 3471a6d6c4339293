//! Judging a program by tests, as programming contests do: it is compiled once, and each test is a run of its own.
//!
//! Always holds: whatever is not ours (the compiler, what it makes, the solution, the checker, the interactor) runs in a sandbox, each time a new one; tests
//! and answers are shown to checker and interactor alone; a verdict is worked out from what the supervisor saw and from the statuses of checker and interactor,
//! never from what a solution says of itself; the only tie between two runs is the pair of pipes between a solution and its interactor.

#![forbid(unsafe_code)]

mod cases;
mod compare;
mod judging;
mod language;
mod link;
mod report;
mod runs;
mod task;
mod trial;
mod verdict;

pub use cases::{Case, CaseError, find, merge};
pub use compare::{Compare, Difference};
pub use judging::{LARGEST_SOURCE, judge};
pub use language::Language;
pub use report::{Compiled, Proof, Report, Spread, Tested, schema};
pub use task::{Against, JudgeError, Policies, Source, Task};
pub use verdict::Verdict;
