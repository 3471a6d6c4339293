//! Standard streams that the caller has closed.
//!
//! Always holds: when `main` begins, descriptors 0, 1 and 2 are open, so that no file, pipe or socket of ours is ever taken for one of them; one that the
//! caller has closed is a directory, from which nothing can be read and to which nothing can be written, so that using it is an error and not a loss.

/// Before `main`: the standard library opens `/dev/null` for closed ones, where what is written is lost without a word.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = fill;

extern "C" fn fill() {
    for fd in 0..=2 {
        // SAFETY: integers only.
        let closed = unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1;
        if closed {
            // SAFETY: a string with its NUL. The lowest free number is this one; a failure leaves it to the standard library.
            unsafe { libc::open(c"/".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY) };
        }
    }
}
