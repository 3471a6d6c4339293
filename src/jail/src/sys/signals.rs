//! What a caller of ours may have set for signals, and what this process does with those that would end it.
//!
//! Always holds: no handler is installed; what outlives an exec is changed only where it would break remand, before anything is started.

use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{from_mut, from_ref, null};

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::read;

/// Signals whose default action ends nothing: these do nothing, stop or go on. The others end a process, SIGKILL past all holding back.
const HARMLESS: [i32; 8] =
    [libc::SIGCHLD, libc::SIGCONT, libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU, libc::SIGURG, libc::SIGWINCH];
/// What a signalfd gives begins with the signal's number.
const INFO: usize = size_of::<libc::signalfd_siginfo>();

/// Makes children waitable, which an ignored SIGCHLD prevents, and a file beyond `ulimit -f` an error of the write rather than this process's end.
///
/// # Errors
/// The kernel's answer.
pub fn settle() -> Result<(), Errno> {
    for (number, handler) in [(Signal::SIGCHLD, SigHandler::SigDfl), (Signal::SIGXFSZ, SigHandler::SigIgn)] {
        // SAFETY: no handler is installed, so no code can run at a bad moment.
        unsafe { signal(number, handler) }?;
    }
    Ok(())
}

/// Signals held back from this thread: they end nothing, and can be read. A fault of this process's own ends it all the same: the kernel does not hold that
/// back. Gone with this value, like those that came and were not read.
#[derive(Debug)]
pub struct Held {
    signals: OwnedFd,
    before: u64,
}

impl Held {
    /// Holds back every signal that would end this process, real-time ones included, and `more`. One that is ignored (by nohup, by a shell for what it
    /// starts in the background) stays so.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn all_that_end(more: &[i32]) -> Result<Self, Errno> {
        let ending = (1..=64).filter(|number| !HARMLESS.contains(number) && *number != libc::SIGKILL && !ignored(*number));
        Self::these(ending.chain(more.iter().copied()))
    }

    /// Holds back these signals. What is held later is given back sooner.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn these(numbers: impl Iterator<Item = i32>) -> Result<Self, Errno> {
        let mask = numbers.fold(0, |mask, number| mask | 1u64 << (number - 1));
        let before = change(libc::SIG_BLOCK, mask)?;
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: the kernel reads one word.
        let made = Errno::result(unsafe { libc::syscall(libc::SYS_signalfd4, -1, from_ref(&mask), size_of::<u64>(), flags) });
        match made.and_then(|number| i32::try_from(number).map_err(|_| Errno::EBADF)) {
            // SAFETY: the kernel has just made this descriptor for us.
            Ok(number) => Ok(Self { signals: unsafe { OwnedFd::from_raw_fd(number) }, before }),
            Err(errno) => change(libc::SIG_SETMASK, before).and(Err(errno)),
        }
    }

    /// The number of one that came.
    #[must_use]
    pub fn came(&self) -> Option<i32> {
        let mut info = [0; INFO];
        (read(&self.signals, &mut info) == Ok(INFO)).then(|| info.first_chunk().map(|number| i32::from_ne_bytes(*number)))?
    }
}

impl AsFd for Held {
    /// Readable when one came.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        while self.came().is_some() {}
        let _ = change(libc::SIG_SETMASK, self.before); // cannot fail: a mask that was there before
    }
}

/// Changes which signals are blocked, by the raw call: libc's leaves out two that it uses itself. The mask before.
fn change(how: i32, mask: u64) -> Result<u64, Errno> {
    let mut before = 0u64;
    // SAFETY: the kernel reads one word and writes one.
    let done = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, from_ref(&mask), from_mut(&mut before), size_of::<u64>()) };
    Errno::result(done).map(|_| before)
}

/// Whether a signal is ignored. One that libc does not tell of is not.
fn ignored(number: i32) -> bool {
    // SAFETY: plain integers and a pointer, for which zero is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is changed, and libc writes one structure.
    let asked = unsafe { libc::sigaction(number, null(), from_mut(&mut action)) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn to_this_thread(number: i32) {
        let thread = nix::unistd::gettid().as_raw();
        // SAFETY: integers only; the signal is held back.
        let sent = unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), thread, number) };
        assert_eq!(sent, 0);
    }

    #[test]
    fn every_signal_that_ends_a_process_is_held_and_read() {
        let held = Held::all_that_end(&[libc::SIGCHLD]).unwrap();
        let ending = (1..=64).filter(|number| ![libc::SIGKILL, libc::SIGPIPE].contains(number) && !HARMLESS.contains(number));
        for number in ending.filter(|number| !ignored(*number)).chain([libc::SIGCHLD]) {
            to_this_thread(number);
            assert_eq!(held.came(), Some(number));
            assert_eq!(held.came(), None);
        }
        to_this_thread(libc::SIGTERM);
        let before = held.before;
        drop(held);
        assert_eq!(change(libc::SIG_BLOCK, 0).unwrap(), before, "what came is gone, and the mask is as it was");
    }

    #[test]
    fn what_is_ignored_is_not_held() {
        assert!(ignored(libc::SIGPIPE), "Rust programs do");
        let held = Held::all_that_end(&[]).unwrap();
        to_this_thread(libc::SIGPIPE);
        assert_eq!(held.came(), None);
    }
}
