//! What the tests of every package share: trials that are skipped by name where a feature is missing, and programs to start.
//!
//! Always holds: a trial passed, failed with a reason, or named what it needs; nothing that lacks a feature counts as passed.
#![forbid(unsafe_code)]

pub mod program;

use libtest_mimic::{Arguments, Completion, Failed};

pub use libtest_mimic::Trial;

/// Why a trial ends early.
#[derive(Debug)]
pub enum End {
    /// Something is wrong; what.
    Fail(String),
    /// A feature is missing here; which.
    Skip(String),
}

impl From<String> for End {
    fn from(text: String) -> Self {
        Self::Fail(text)
    }
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Fail(error.to_string())
    }
}

/// What a trial returns.
pub type Check = Result<(), End>;

/// What a test function may return: a check, or nothing where it needs nothing of the host.
pub trait Ending {
    /// As a check.
    ///
    /// # Errors
    /// Its own.
    fn check(self) -> Check;
}

impl Ending for () {
    fn check(self) -> Check {
        Ok(())
    }
}

impl Ending for Check {
    fn check(self) -> Check {
        self
    }
}

/// Ends the test unless this host gives the feature.
///
/// # Errors
/// The skip, naming it.
pub fn need(met: bool, feature: &str) -> Check {
    if met { Ok(()) } else { Err(End::Skip(feature.to_owned())) }
}

/// For the runner: a failed check fails the trial, a skip prints its reason.
///
/// # Errors
/// The failure.
pub fn complete(check: Check) -> Result<Completion, Failed> {
    match check {
        Ok(()) => Ok(Completion::Completed),
        Err(End::Skip(missing)) => Ok(Completion::ignored_with(format!("needs {missing}"))),
        Err(End::Fail(reason)) => Err(Failed::from(reason)),
    }
}

/// Runs trials as the arguments of this program say, and ends it.
pub fn run(trials: Vec<Trial>) -> ! {
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

/// The `main` of a test program (`harness = false`): these functions, each a trial under its name. A function that is left out is dead code, of which the
/// compiler warns.
#[macro_export]
macro_rules! tests {
    ($($name:ident),+ $(,)?) => {
        fn main() {
            $crate::run(vec![$($crate::Trial::ignorable_test(stringify!($name), || $crate::complete($crate::Ending::check($name())))),+])
        }
    };
}
