//! Random bits from the kernel.

use std::mem::size_of_val;

use nix::errno::Errno;

/// Words that nobody can guess.
///
/// # Errors
/// The kernel's answer; EIO if it gave less than was asked for.
pub fn random<const N: usize>() -> Result<[u64; N], Errno> {
    let mut words = [0; N];
    let size = size_of_val(&words);
    // SAFETY: the kernel writes at most as many bytes as the array has, and every bit pattern is a number.
    let written = Errno::result(unsafe { libc::getrandom(words.as_mut_ptr().cast(), size, 0) })?;
    if usize::try_from(written) == Ok(size) { Ok(words) } else { Err(Errno::EIO) }
}
