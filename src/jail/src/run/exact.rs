//! The exact look at a run's memory, in a thread of its own: it waits for locks that the run's processes hold, and the loop that keeps the wall clock must not.
//!
//! Always holds: no more than a share of one processor's time goes into it; nobody waits for an answer longer than a moment; when this is dropped, the thread is
//! gone, and with it what it held of the run's memory.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use remand_child::sys::now;

use super::tree::proportional;

/// How long most looks take at most: an answer within this time is waited for.
const MOMENT: Duration = Duration::from_millis(2);
/// Nanoseconds after which a look that has not ended is none: pages are then not known to be shared, and count for each who has them.
const PATIENCE: u64 = 2_000_000_000;
/// A look is followed by a rest of this many times what it took.
const REST: u64 = 3;

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
    thread: Option<JoinHandle<()>>,
    /// When the look began that has not ended.
    asked: Option<u64>,
    /// Until when it rests.
    rests: u64,
}

impl Exact {
    /// Starts the thread, which waits to be asked about the run of this init.
    ///
    /// # Errors
    /// The kernel's answer.
    pub fn start(init: u32) -> io::Result<Self> {
        let (questions, asked) = channel();
        let (answer, answers) = channel();
        let looks = move || asked.iter().map(|()| proportional(init)).try_for_each(|found| answer.send(found)).unwrap_or_default();
        let thread = Builder::new().name("exact look".into()).spawn(looks)?;
        Ok(Self { questions: Some(questions), answers, thread: Some(thread), asked: None, rests: 0 })
    }

    /// Asks, and gives the answer if it comes at once; else a later call does.
    pub fn look(&mut self) -> Looked {
        let began = match self.asked {
            Some(began) => began,
            None if now() < self.rests => return Looked::NotYet,
            None => {
                // A thread that is gone hangs up, which is found below.
                let _ = self.questions.as_ref().map(|questions| questions.send(()));
                *self.asked.insert(now())
            }
        };
        match self.answers.recv_timeout(MOMENT) {
            Ok(found) => {
                self.asked = None;
                let ended = now();
                self.rests = ended + REST * ended.saturating_sub(began);
                found.map_or(Looked::Cannot, |(own, shared)| Looked::Holds { own, shared })
            }
            Err(RecvTimeoutError::Timeout) if now().saturating_sub(began) < PATIENCE => Looked::NotYet,
            Err(_) => Looked::Cannot,
        }
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

    use super::*;

    #[test]
    fn a_look_is_answered_and_then_rests() {
        let mut exact = Exact::start(std::process::id()).unwrap();
        let mut first = exact.look();
        while first == Looked::NotYet {
            first = exact.look();
        }
        assert!(matches!(first, Looked::Holds { .. }), "{first:?}");
        exact.rests = u64::MAX;
        assert_eq!(exact.look(), Looked::NotYet);
    }
}
