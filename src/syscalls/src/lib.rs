//! System calls: the table, named groups, the compiler from rules to a seccomp filter, and a simulator for filters.
//!
//! Always holds: pure; nothing here asks the kernel or knows a policy file. The order of decisions: table (what exists) - groups (what belongs together, what is dangerous) -
//! granted (what rules mean) - kept (what a run's filter does not leave to the kernel) - compile and emit (what the kernel is given) - bpf (what the kernel will do with it).

#![forbid(unsafe_code)]

mod answer;
mod arch;
pub mod bpf;
mod compile;
mod cover;
mod emit;
mod granted;
mod groups;
mod handover;
mod kept;
mod names;
pub mod paths;
mod profile;
mod rules;
mod seccomp;
mod start;
mod table;
mod terminal;

pub use answer::{Barrier, Denial, NoRemedy, Remedy, answer, entry_names, remedy, risk};
pub use arch::Arch;
pub use compile::{CompileError, compile, compile_for_run, compile_learning};
pub use cover::{calls_named, covered};
pub use granted::{Alternatives, InvalidRules, granted, grants_of_group, ways};
pub use handover::{Key, with_handover};
pub use kept::{Around, COUNT, DONE, END, SERVE};
pub use names::{argument_count, argument_width, can_be_granted, danger, is_call, is_dangerous, is_group, name, names, number, purpose};
pub use profile::{Asked, Foreign, Unexportable, container_profile, profile};
pub use rules::{Comparison, Condition, Grant, Rules};
pub use seccomp::{ALLOW, KILL, NO_SUCH_CALL, NOTIFY, audit_arch};
pub use start::{Blocked, NEEDED_OF_HOST, NEEDED_TO_START, Starting, blocked};
pub use terminal::of_a_terminal;

#[cfg(test)]
mod tests;
