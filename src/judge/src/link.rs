//! What a run reads: what we give it, or what another run writes.
//!
//! Always holds: a run holds the reading end of a pipe of ours and nothing else of it; a thread writes the other, and ends with whichever of the two ends first;
//! what waits between two runs is bounded by what the writing one may write.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

/// Standard input for a run: what is sent is written, until the sender is gone.
pub fn pipe() -> io::Result<(OwnedFd, Sender<Vec<u8>>, JoinHandle<()>)> {
    let (from, to) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let (sender, receiver) = channel();
    let thread = thread::Builder::new().spawn(move || pass_on(&receiver, File::from(to)))?;
    Ok((from, sender, thread))
}

fn pass_on(receiver: &Receiver<Vec<u8>>, mut to: File) {
    while let Ok(bytes) = receiver.recv() {
        if to.write_all(&bytes).is_err() {
            return; // nobody reads any more
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;

    #[test]
    fn all_comes_through_and_ends() {
        let (from, sender, thread) = pipe().unwrap();
        let lot = vec![b'x'; 1 << 20];
        sender.send(lot.clone()).unwrap();
        sender.send(b"y".to_vec()).unwrap();
        drop(sender);
        fcntl(&from, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        let mut all = Vec::new();
        File::from(from).read_to_end(&mut all).unwrap();
        assert_eq!(all, [lot, b"y".to_vec()].concat());
        thread.join().unwrap();
    }

    #[test]
    fn a_reader_that_is_gone_ends_the_thread() {
        let (from, sender, thread) = pipe().unwrap();
        drop(from);
        sender.send(b"x".to_vec()).unwrap();
        thread.join().unwrap();
        assert!(sender.send(b"y".to_vec()).is_err());
    }
}
