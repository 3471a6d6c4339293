//! Harness of the end-to-end tests: runs the built command with probes, and tells what was seen from what was expected.
//!
//! Always holds: every wait is bounded, so a hanging command fails its test; nothing here asserts on time; a skip names the feature that is missing.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // test code: a panic is a failed test

#[path = "harness/broker.rs"]
pub mod broker;
#[path = "harness/command.rs"]
pub mod command;
#[path = "harness/daemon.rs"]
pub mod daemon;
#[path = "harness/facts.rs"]
pub mod facts;
#[path = "harness/groups.rs"]
pub mod groups;
#[path = "harness/installation.rs"]
pub mod installation;
#[path = "harness/leaks.rs"]
pub mod leaks;
#[path = "harness/observe.rs"]
pub mod observe;
#[path = "harness/plain.rs"]
pub mod plain;
#[path = "harness/policy_text.rs"]
pub mod policy_text;
#[path = "harness/probe.rs"]
pub mod probe;
#[path = "harness/processes.rs"]
pub mod processes;
#[path = "harness/scratch.rs"]
pub mod scratch;
#[path = "harness/service.rs"]
pub mod service;
#[path = "harness/technique.rs"]
pub mod technique;
#[path = "harness/terminal.rs"]
pub mod terminal;

use std::fs::File;
use std::path::Path;

use libtest_mimic::Trial;
use nix::fcntl::{Flock, FlockArg};
use remand_trial::complete;

pub use remand_trial::{Check, End, program};

/// A trial for the runner: a failed check fails it, a skip prints its reason.
#[must_use]
pub fn trial(name: impl Into<String>, body: impl FnOnce() -> Check + Send + 'static) -> Trial {
    guarded(name, FlockArg::LockShared, body)
}

/// A trial that counts what is on the host: it runs while no other does, of this process or of another user's beside it.
#[must_use]
pub fn trial_alone(name: impl Into<String>, body: impl FnOnce() -> Check + Send + 'static) -> Trial {
    guarded(name, FlockArg::LockExclusive, body)
}

/// All who run this same file share its lock. Whoever waits for it keeps the folder's, so that nobody who came later goes first.
fn guarded(name: impl Into<String>, how: FlockArg, body: impl FnOnce() -> Check + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || {
        let program = std::env::current_exe()?;
        let turn = lock(program.parent().unwrap_or(Path::new("/")), FlockArg::LockExclusive)?;
        let _host = lock(&program, how)?;
        drop(turn);
        complete(body())
    })
}

fn lock(file: &Path, how: FlockArg) -> std::io::Result<Flock<File>> {
    Flock::lock(File::open(file)?, how).map_err(|(_, error)| error.into())
}

/// Fails with what was seen unless `holds`.
///
/// # Errors
/// `what` and `seen` where it does not hold.
pub fn ensure(holds: bool, what: &str, seen: &dyn std::fmt::Debug) -> Check {
    if holds { Ok(()) } else { Err(End::Fail(format!("{what}; seen: {seen:?}"))) }
}
