//! Passing a program's output on as it comes: the supervisor's loop, which keeps the limits, hands bytes over; a thread for each stream of ours writes them.
//!
//! Always holds: handing over waits for nobody, whatever the stream is (a full pipe, a stopped terminal, a file on a server that is gone) and whoever else
//! writes to it; what waits is bounded by the policy's output limits, and goes on whenever the reader reads; a terminal gets no control character of the
//! program; once something cannot be written, nothing more is, and [`Relay::gone`] tells.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{pipe2, write};
use remand_jail::rights;
use remand_plan::output::Text;
use remand_policy::text::terminal::escape;

use crate::print::wait_for;
use crate::progress::Line;

/// Stack of a thread that passes bytes on. The usual one is more than a small limit of data (ulimit -d) leaves, which is for the start of a run to name.
pub const STACK: usize = 128 << 10;

/// One of our own streams as the program's.
pub struct Relay<W> {
    to: Arc<W>,
    queue: Arc<Queue>,
    /// Its other end is the thread's.
    gone: OwnedFd,
    thread: JoinHandle<Result<(), Errno>>,
}

/// What waits to be written. One portion, however many it came in.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    news: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Nothing comes any more.
    over: bool,
}

impl<W: AsFd + Send + Sync + 'static> Relay<W> {
    /// `terminal`: control characters are shown, not sent. `line`: what makes room, where it is a terminal.
    pub fn start(to: W, terminal: bool, line: Option<Line>) -> io::Result<Self> {
        let (gone, ours) = pipe2(OFlag::O_CLOEXEC)?;
        let (to, queue) = (Arc::new(to), Arc::new(Queue::default()));
        let (stream, taken) = (Arc::clone(&to), Arc::clone(&queue));
        let thread = thread::Builder::new().stack_size(STACK).spawn(move || {
            let _ours = ours;
            rights::keep_none().map_err(|_| Errno::EPERM)?;
            pass_on(&*stream, &taken, terminal, line.as_ref())
        })?;
        Ok(Self { to, queue, gone, thread })
    }

    /// Takes bytes to be written.
    pub fn take(&self, bytes: &[u8]) {
        self.queue.lock().bytes.extend_from_slice(bytes);
        self.queue.news.notify_one();
    }

    /// Where others hand over what can be left out.
    pub fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }

    /// Readable when something could not be written.
    pub fn gone(&self) -> BorrowedFd<'_> {
        self.gone.as_fd()
    }

    /// Waits until the rest is written: the run is over. The error, if anything could not be written.
    pub fn finish(self) -> Option<Errno> {
        self.queue.lock().over = true;
        self.queue.news.notify_one();
        while !self.thread.is_finished() {
            match wait_for(self.gone()) {
                Err(errno) if !self.writable() => return Some(errno),
                _ => {}
            }
        }
        self.thread.join().unwrap_or(Err(Errno::EIO)).err()
    }

    fn writable(&self) -> bool {
        let mut fds = [PollFd::new(self.to.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, PollTimeout::ZERO).is_ok() && fds.iter().any(|fd| fd.any().unwrap_or(true))
    }
}

impl Queue {
    /// Takes bytes, unless the reader is behind: nothing bounds how many there will be.
    pub fn offer(&self, bytes: &[u8]) {
        let mut waiting = self.lock();
        if waiting.bytes.is_empty() {
            waiting.bytes.extend_from_slice(bytes);
            self.news.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that waits, as soon as something does; nothing at the end.
    fn next(&self) -> Vec<u8> {
        let waiting = self.news.wait_while(self.lock(), |waiting| waiting.bytes.is_empty() && !waiting.over);
        std::mem::take(&mut waiting.unwrap_or_else(PoisonError::into_inner).bytes)
    }
}

/// Writes all that comes.
fn pass_on(to: &impl AsFd, queue: &Queue, terminal: bool, line: Option<&Line>) -> Result<(), Errno> {
    let mut text = Text::default();
    loop {
        let bytes = queue.next();
        let over = bytes.is_empty();
        let bytes = match terminal {
            true if over => std::mem::take(&mut text).end().into_bytes(),
            true => escape(&text.take(&bytes)).into_owned().into_bytes(),
            false => bytes,
        };
        line.into_iter().for_each(Line::begin);
        let written = write_all(to, &bytes);
        line.into_iter().for_each(|line| line.end(&bytes));
        written?;
        if over {
            return Ok(());
        }
    }
}

/// Writes it all, however long that takes.
pub fn write_all(to: &impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(to, bytes) {
            Ok(0) => return Err(Errno::EIO),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            // Somebody who shares it has made it non-blocking.
            Err(Errno::EAGAIN) => drop(poll(&mut [PollFd::new(to.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE)),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nix::unistd::pipe;
    use std::fs::File;
    use std::io::Read;

    fn shown(portions: &[&[u8]], terminal: bool) -> Vec<u8> {
        let (reader, writer) = pipe().unwrap();
        let relay = Relay::start(writer, terminal, None).unwrap();
        portions.iter().for_each(|portion| relay.take(portion));
        assert_eq!(relay.finish(), None);
        let mut all = Vec::new();
        File::from(reader).read_to_end(&mut all).unwrap();
        all
    }

    #[test]
    fn a_pipe_gets_the_bytes_and_a_terminal_gets_text() {
        let bytes: &[u8] = b"\x1b[2J\xff\x00\n";
        assert_eq!(shown(&[bytes], false), bytes);
        let text = String::from_utf8(shown(&[bytes], true)).unwrap();
        assert_eq!(text, "\\u{1b}[2J\u{fffd}\\u{0}\n");
        assert_eq!(shown(&[&[0xe2], &[0x82], &[0xac, 0xe2]], true), "\u{20ac}\u{fffd}".as_bytes());
        assert_eq!(shown(&[&[0xe2, 0x82], b"a"], true), "\u{fffd}a".as_bytes());
    }

    #[test]
    fn a_reader_that_does_not_read_holds_nothing_up_and_what_waits_goes_on_when_it_does() {
        let (reader, writer) = pipe().unwrap();
        let relay = Relay::start(writer, false, None).unwrap();
        let lot = vec![b'x'; 1 << 20];
        relay.take(&lot);
        relay.take(b"y");
        // Nothing more is handed over, and the run has not ended.
        let mut all = vec![0; lot.len() + 1];
        File::from(reader.try_clone().unwrap()).read_exact(&mut all).unwrap();
        assert!(all.starts_with(&lot) && all.ends_with(b"y"));
        assert_eq!(relay.finish(), None);
    }

    #[test]
    fn what_can_be_left_out_does_not_pile_up() {
        let (reader, writer) = pipe().unwrap();
        let relay = Relay::start(writer, false, None).unwrap();
        let queue = relay.queue();
        relay.take(&vec![b'x'; 1 << 20]);
        (0..1000).for_each(|_| queue.offer(b"y"));
        let reader = thread::spawn(move || {
            let mut all = Vec::new();
            File::from(reader).read_to_end(&mut all).unwrap();
            all.len()
        });
        assert_eq!(relay.finish(), None);
        assert!(reader.join().unwrap() <= (1 << 20) + 2);
    }

    #[test]
    fn a_reader_that_is_gone_is_told_without_more_output() {
        let (reader, writer) = pipe().unwrap();
        let relay = Relay::start(writer, false, None).unwrap();
        relay.take(&vec![b'x'; 1 << 20]);
        drop(reader);
        let mut fds = [PollFd::new(relay.gone(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut fds, PollTimeout::NONE), Ok(1));
        assert_eq!(relay.finish(), Some(Errno::EPIPE));
    }
}
