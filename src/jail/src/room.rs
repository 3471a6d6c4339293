//! Room for this process itself, whatever limits its caller has set: a stack to stand on, and descriptors.
//!
//! Always holds: only a soft limit is raised, and never above the hard one; a run's own limits come from its plan.

use std::io;
use std::thread;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

/// The usual stack of a first thread. Command line and policies need less than a tenth.
const STACK: u64 = 8 << 20;
/// With less, `work` gets a thread with a stack of its own.
const LEAST_STACK: u64 = 2 << 20;
/// A run needs some forty, half of them at numbers from 64 on.
const DESCRIPTORS: u64 = 1024;

/// Does `work` with room enough.
///
/// # Errors
/// There is none, and no thread can be made.
pub fn with_room<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    raise(Resource::RLIMIT_NOFILE, DESCRIPTORS);
    // Counts at once: the kernel looks at it whenever the first thread's stack grows.
    if raise(Resource::RLIMIT_STACK, STACK) >= LEAST_STACK {
        return Ok(work());
    }
    on_a_thread(work)
}

/// The soft limit after it was raised as far as can be, to `wanted` at most.
fn raise(resource: Resource, wanted: u64) -> u64 {
    let Ok((soft, hard)) = getrlimit(resource) else { return 0 };
    let raised = wanted.min(hard);
    if soft >= raised || setrlimit(resource, raised, hard).is_err() { soft } else { raised }
}

/// The first thread only waits, with every signal blocked, so that signals go to the other one as if it were the only one.
fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    let settled = move || {
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None); // cannot fail: a mask that was there before
        work()
    };
    let thread = thread::Builder::new().stack_size(usize::try_from(STACK).unwrap_or(usize::MAX)).spawn(settled)?;
    thread.join().map_err(|_| io::Error::other("the thread that did the work has panicked"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_thread_of_its_own_has_the_mask_and_the_answer() {
        let mask = || SigSet::thread_get_mask().unwrap();
        let before = mask();
        assert_eq!(on_a_thread(mask).unwrap(), before);
    }

    #[test]
    fn a_soft_limit_is_raised_to_the_hard_one_at_most() {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(raise(Resource::RLIMIT_NOFILE, 1), soft);
        assert!(raise(Resource::RLIMIT_NOFILE, u64::MAX) <= hard);
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    }
}
