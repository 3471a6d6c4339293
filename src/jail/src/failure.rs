//! Why a run was not started: (step, index, errno) with the object that it was about.

use std::io;

use nix::errno::Errno;
use remand_plan::step::Step;

use crate::cgroup::CgroupError;
use crate::step;

/// A step of the supervisor or of the processes it makes that failed; nothing ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {object}")]
pub struct Failure {
    /// Which.
    pub step: Step,
    /// Which of several.
    pub index: u32,
    /// The kernel's answer; 0 if the kernel was not asked.
    pub errno: i32,
    /// What was tried on what.
    pub object: String,
    /// The place in the run of the mount that it was about, if it was about one.
    pub mount: Option<String>,
}

/// Why there is no run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmade {
    /// A step failed.
    Failed(Failure),
    /// The caller cancelled during this step.
    Cancelled(Step),
}

impl From<Failure> for Unmade {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<CgroupError> for Failure {
    fn from(error: CgroupError) -> Self {
        Self { errno: error.source.raw_os_error().unwrap_or(0), ..Self::new(Step::Cgroup, error.to_string()) }
    }
}

impl Failure {
    /// A failure that no kernel answer belongs to.
    #[must_use]
    pub fn new(step: Step, object: String) -> Self {
        Self { step, index: 0, errno: 0, object, mount: None }
    }

    /// A failure with the kernel's answer.
    #[must_use]
    pub fn kernel(step: Step, object: &str, errno: Errno) -> Self {
        Self { errno: errno as i32, ..Self::new(step, format!("{object}: {}", errno.desc())) }
    }

    /// A failure of the standard library.
    #[must_use]
    pub fn io(step: Step, object: &str, error: &io::Error) -> Self {
        Self { errno: error.raw_os_error().unwrap_or(0), ..Self::new(step, format!("{object}: {error}")) }
    }

    /// A failure that a child reported.
    #[must_use]
    pub fn reported(failure: remand_child::step::Failure) -> Self {
        let object = Errno::from_raw(failure.errno).desc().to_owned();
        Self { index: failure.index, errno: failure.errno, ..Self::new(step::of(failure.step), object) }
    }
}
