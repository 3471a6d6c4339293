//! The exact look at a run's memory, in a thread of its own: it waits for locks that the run's processes hold, and the loop that keeps the wall clock must not.
//!
//! Always holds: no more than a share of one processor's time goes into it; nobody waits for an answer; when this is dropped, the thread is
//! gone, and with it what it held of the run's memory.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::tree::proportional;
use crate::moment::Moment;
use crate::rights::{FOR_LOOKS, keep};

/// After this, a look that has not ended is none: pages are then not known to be shared, and count for each who has them.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of the thread: it reads text line by line.
const STACK: usize = 256 << 10;
/// A look is followed by a rest of this many times what it took.
const REST: u32 = 3;

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Bytes, anonymous and shared.
    #[allow(missing_docs)]
    Holds { own: u64, shared: u64 },
    /// It may not look, or cannot in time.
    Cannot,
    /// It is at it, or rests.
    NotYet,
}

/// The thread.
#[derive(Debug)]
pub struct Exact {
    questions: Option<Sender<()>>,
    answers: Receiver<Option<(u64, u64)>>,
    thread: Option<JoinHandle<Option<()>>>,
    /// Readable when there is an answer.
    answered: Arc<EventFd>,
    /// When the look began that has not ended.
    asked: Option<Moment>,
    /// Until when it rests.
    rests: Moment,
}

impl Exact {
    /// Starts the thread, which waits to be asked about the run of this init.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn start(init: u32) -> io::Result<Self> {
        let (questions, asked) = channel();
        let (answer, answers) = channel();
        let answered = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let tells = Arc::clone(&answered);
        let look = move |()| {
            let told = answer.send(proportional(init));
            let _ = tells.write(1); // fails only for one who has not read 2^64 answers
            told
        };
        let looks = move || {
            // What is read is shaped by a hostile run; a thread that cannot give anything up gives no answer.
            keep(&FOR_LOOKS).ok().and_then(|()| asked.iter().try_for_each(look).ok())
        };
        let thread = Builder::new().name("exact look".into()).stack_size(STACK).spawn(looks)?;
        Ok(Self { questions: Some(questions), answers, thread: Some(thread), answered, asked: None, rests: Moment::told(0) })
    }

    /// Asks, and gives the answer once it is there: then this is readable.
    pub fn look(&mut self, now: Moment) -> Looked {
        let began = match self.asked {
            Some(began) => began,
            None if now < self.rests => return Looked::NotYet,
            None => {
                // A thread that is gone hangs up, which is found below.
                let _ = self.questions.as_ref().map(|questions| questions.send(()));
                *self.asked.insert(now)
            }
        };
        match self.answers.try_recv() {
            Ok(found) => {
                let _ = self.answered.read(); // quiet again; it rang for this one
                self.asked = None;
                self.rests = now.after(REST * now.since(began));
                found.map_or(Looked::Cannot, |(own, shared)| Looked::Holds { own, shared })
            }
            Err(TryRecvError::Empty) if now.since(began) < PATIENCE => Looked::NotYet,
            Err(_) => Looked::Cannot,
        }
    }

    /// Whether an answer is awaited.
    pub fn is_asked(&self) -> bool {
        self.asked.is_some()
    }
}

impl AsFd for Exact {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.answered.as_fd()
    }
}

impl Drop for Exact {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn a_look_is_answered_and_then_rests() {
        let mut exact = Exact::start(std::process::id()).unwrap();
        assert_eq!(exact.look(Moment::now()), Looked::NotYet, "it has only begun");
        poll(&mut [PollFd::new(exact.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
        let found = exact.look(Moment::now());
        assert!(matches!(found, Looked::Holds { .. }), "{found:?}");
        assert_eq!(poll(&mut [PollFd::new(exact.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO), Ok(0), "once");
        exact.rests = Moment::told(u64::MAX);
        assert_eq!(exact.look(Moment::now()), Looked::NotYet);
        assert!(!exact.is_asked());
    }

    #[test]
    fn a_look_that_takes_too_long_is_none() {
        let (questions, _thread) = channel();
        let (_answer, answers) = channel();
        let answered = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK).unwrap());
        let mut exact = Exact { questions: Some(questions), answers, thread: None, answered, asked: None, rests: Moment::told(0) };
        let now = Moment::now();
        assert_eq!(exact.look(now), Looked::NotYet);
        assert_eq!(exact.look(now.after(PATIENCE)), Looked::Cannot);
    }
}
