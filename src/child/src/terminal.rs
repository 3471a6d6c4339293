//! The terminal of a run that has one: a pseudo-terminal of its own, alone in a devpts of its own.
//!
//! Always holds: no terminal of the host is in reach, and none of the run's is in the host's `/dev/pts`; the run gets the end that programs have, and never
//! the other; nobody makes a second one there.

use core::ffi::CStr;

use crate::message::Report;
use crate::step::{At, Failure, RunMount, Step};
use crate::sys::{self, Fd};

/// Read-only, so that nobody makes `ptmx` one that opens; devices are written to all the same.
const ATTRIBUTES: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
const OPEN: i32 = libc::O_RDWR | libc::O_NOCTTY;

/// Makes it at `/dev/pts` for a user, hands its two ends to the supervisor, and gives the run's.
///
/// # Errors
/// The step.
pub fn make(report: Fd, owner: &CStr) -> Result<Fd, Failure> {
    let options = [(c"mode", c"0600"), (c"ptmxmode", c"0000"), (c"uid", owner), (c"gid", owner)];
    let mount = sys::new_mount(c"devpts", &options, ATTRIBUTES).at_index(Step::RunMounts, RunMount::NewTerminals as usize)?;
    sys::attach(mount, sys::CWD, c"/dev/pts").at_index(Step::RunMounts, RunMount::AttachTerminals as usize)?;
    let ours = sys::openat(mount, c"ptmx", OPEN, 0).at_index(Step::Terminal, 0)?;
    sys::unlock_terminal(ours).at_index(Step::Terminal, 1)?;
    let theirs = sys::openat(mount, c"0", OPEN, 0).at_index(Step::Terminal, 2)?;
    sys::send(report, &Report::Terminal.words(), &[ours, theirs]).at_index(Step::Terminal, 3)?;
    sys::close(ours).at_index(Step::Terminal, 4)?;
    sys::close(mount).at_index(Step::Terminal, 5)?;
    Ok(theirs)
}

/// Makes standard input the controlling terminal of this process's session, which has none.
///
/// # Errors
/// The step.
pub fn take_control() -> Result<(), Failure> {
    sys::control_terminal(0).at_index(Step::Terminal, 6)
}
