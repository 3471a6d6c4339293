//! Which descriptors a process of ours keeps.
//!
//! Always holds: what is not named is closed, whatever its number is.

use crate::step::{At, Failure, Step};
use crate::sys::{self, Fd};

/// Closes every descriptor but these, which are sorted.
///
/// # Errors
/// The kernel's answer, with which of the gaps.
pub fn close_all_except(kept: &[Fd]) -> Result<(), Failure> {
    let mut next: u32 = 0;
    for (index, fd) in kept.iter().enumerate() {
        let fd = fd.unsigned_abs();
        if fd > next {
            sys::close_range(next, fd - 1).at_index(Step::Fd, index)?;
        }
        next = fd + 1;
    }
    sys::close_range(next, u32::MAX).at_index(Step::Fd, kept.len())
}
