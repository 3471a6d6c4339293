//! What a run said, in one order: its prints, its standard output, its standard error.
//!
//! Always holds: of each channel no more text is kept than its limit, with some tens of bytes for each piece that it came in, up to a number of them: what comes
//! in more goes on in the piece before it; where a run's output is truncated,
//! the first half and the last are; what is dropped is counted.

mod kept;
mod text;
mod told;

use std::collections::VecDeque;

use crate::frames::{Bounds, Overflow};
use crate::words::words;

pub use crate::frames::Channel;
pub use text::Text;
pub use told::{Captured, Dropped, Entry, Output, Texts, Told};

words! {
    /// What is known of the order of output.
    Order {
        Exact "exact", Read "read",
    }
}

/// By which pipe a piece came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// In a frame of the result pipe.
    Frame,
    /// By the pipe of the stream itself.
    Stream,
}

/// A portion of output.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Where it was written to.
    pub channel: Channel,
    /// What was written.
    pub text: &'a [u8],
    /// What was printed, a JSON array.
    pub values: Option<&'a str>,
    /// It goes on where the piece before it ended.
    pub continues: bool,
}

/// All output of a run.
#[derive(Debug)]
pub struct Log {
    channels: [Kept; 3],
    count: u32,
    /// The pipes that output came by.
    pipes: [bool; 3],
    /// Where the last piece came from.
    last: Option<Channel>,
    /// A piece went into one that was not the last.
    moved: bool,
}

/// What is kept of one channel.
#[derive(Debug)]
struct Kept {
    /// Bytes that are kept, and that may come.
    limit: u64,
    most: u64,
    seen: u64,
    head: Pieces,
    tail: Pieces,
    /// Bytes of values that may still be kept.
    values: usize,
    /// Bytes, and whole prints, that are not kept between head and tail.
    dropped: u64,
    dropped_pieces: u64,
}

/// Pieces in order, in as little memory as they take.
#[derive(Debug)]
struct Pieces {
    room: usize,
    text: VecDeque<u8>,
    values: VecDeque<u8>,
    marks: VecDeque<Mark>,
}

/// One piece: when it came, which of all it was, the bytes that are its.
#[derive(Clone, Copy, Debug)]
struct Mark {
    us: u64,
    number: u32,
    text: u32,
    values: u32,
    channel: Channel,
    continues: bool,
}

impl Log {
    /// Nothing yet.
    #[must_use]
    pub fn new(bounds: &Bounds) -> Self {
        let kept = |channel| Kept::new(bounds.kept(channel), bounds.most(channel), bounds.overflow);
        Self {
            channels: [Channel::Print, Channel::Stdout, Channel::Stderr].map(kept),
            count: 0,
            pipes: [false; 3],
            last: None,
            moved: false,
        }
    }

    /// Takes a piece, so many microseconds after user code could begin; returns the part that is within the limit.
    pub fn take<'a>(&mut self, piece: &Piece<'a>, by: By, us: u64) -> &'a [u8] {
        let pipe = if by == By::Frame { Channel::Print } else { piece.channel };
        if let Some(came) = self.pipes.get_mut(pipe as usize) {
            *came |= !piece.text.is_empty();
        }
        self.count = self.count.saturating_add(1);
        let number = self.count;
        let follows = self.last.replace(piece.channel) == Some(piece.channel);
        let Some(kept) = self.channels.get_mut(piece.channel as usize) else { return &[] };
        let (within, joined) = kept.take(piece, number, us);
        self.moved |= joined && !follows;
        within
    }

    /// Bytes that came.
    #[must_use]
    pub fn seen(&self, channel: Channel) -> u64 {
        self.channels.get(channel as usize).map_or(0, |kept| kept.seen)
    }

    /// More came than the run may say.
    #[must_use]
    pub fn over(&self, channel: Channel) -> bool {
        self.channels.get(channel as usize).is_some_and(|kept| kept.seen > kept.most)
    }

    /// At the end: what is kept of the channel and was not within the limit as it came, and the bytes that are missing before it.
    pub fn rest(&mut self, channel: Channel) -> Option<(u64, &[u8])> {
        self.channels.get_mut(channel as usize).and_then(Kept::rest)
    }
}

#[cfg(test)]
mod tests;
