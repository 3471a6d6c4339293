//! Passing a program's output on as it comes, without ever waiting for whoever reads ours: the supervisor's loop, which keeps the limits, calls this.
//!
//! Always holds: a write is made only where it cannot block; what has to wait is bounded by the policy's output limits; a terminal gets no control
//! character of the program; once a reader is gone, nothing more is written and the run is cancelled.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;
use remand_policy::outcome::terminal::escape;

use crate::print::wait_for;

/// A pipe that polls as writable takes this many bytes without blocking (PIPE_BUF, and the smallest free space that counts as writable).
pub const PORTION: usize = 4096;

/// One of our own streams as the program's.
pub struct Relay<W> {
    to: W,
    terminal: bool,
    /// Bytes of a character whose end has not come yet (terminal only).
    cut: Vec<u8>,
    waiting: Vec<u8>,
    failed: Option<Errno>,
}

impl<W: AsFd> Relay<W> {
    /// `terminal`: control characters are shown, not sent.
    pub fn new(to: W, terminal: bool) -> Self {
        Self { to, terminal, cut: Vec::new(), waiting: Vec::new(), failed: None }
    }

    /// Takes bytes and writes what can be written at once. False: nobody reads them.
    pub fn pass(&mut self, bytes: &[u8]) -> bool {
        if self.failed.is_some() {
            return false;
        }
        if self.terminal {
            self.show(bytes)
        } else {
            self.waiting.extend_from_slice(bytes)
        }
        while !self.waiting.is_empty() && self.writable() {
            self.write();
        }
        self.failed.is_none()
    }

    /// Writes the rest, waiting for the reader: the run is over. The error, if anything could not be written.
    pub fn finish(mut self) -> Option<Errno> {
        if !self.cut.is_empty() {
            self.waiting.extend_from_slice("\u{fffd}".as_bytes());
        }
        while !self.waiting.is_empty() {
            match wait_for(self.to.as_fd()) {
                Ok(()) => self.write(),
                Err(errno) => return Some(errno),
            }
        }
        self.failed
    }

    /// Adds what a terminal can be shown, and keeps a character whose end is missing for the next portion.
    fn show(&mut self, bytes: &[u8]) {
        let text = [std::mem::take(&mut self.cut).as_slice(), bytes].concat();
        let mut chunks = text.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.waiting.extend_from_slice(escape(chunk.valid()).as_bytes());
            match std::str::from_utf8(chunk.invalid()) {
                Ok(_) => {}
                Err(error) if error.error_len().is_none() && chunks.peek().is_none() => self.cut = chunk.invalid().to_vec(),
                Err(_) => self.waiting.extend_from_slice("\u{fffd}".as_bytes()),
            }
        }
    }

    fn writable(&self) -> bool {
        let mut fds = [PollFd::new(self.to.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, PollTimeout::ZERO).is_ok() && fds.iter().any(|fd| fd.any().unwrap_or(true))
    }

    fn write(&mut self) {
        let portion = self.waiting.get(..PORTION).unwrap_or(&self.waiting);
        match write(&self.to, portion) {
            Ok(count) => drop(self.waiting.drain(..count)),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(errno) => {
                self.failed = Some(errno);
                self.waiting.clear();
            }
        }
    }
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
        let mut relay = Relay::new(writer, terminal);
        for portion in portions {
            relay.pass(portion);
        }
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
    fn a_reader_that_does_not_read_holds_nothing_up() {
        let (reader, writer) = pipe().unwrap();
        let mut relay = Relay::new(writer, false);
        let lot = vec![b'x'; 1 << 20];
        relay.pass(&lot);
        assert!(!relay.waiting.is_empty() && relay.failed.is_none());
        let read = std::thread::spawn(move || {
            let mut all = Vec::new();
            File::from(reader).read_to_end(&mut all).map(|_| all)
        });
        assert_eq!(relay.finish(), None);
        assert!(read.join().unwrap().unwrap() == lot);
    }
}
