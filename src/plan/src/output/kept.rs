//! What is kept of one channel: its beginning, and where its run goes on, its end.

use std::collections::VecDeque;

use super::{Channel, Kept, Mark, Overflow, Piece, Pieces};

/// Pieces of a channel's beginning, and of its end, that are told apart however short they are; then they are joined to some of this length.
const PRINTS_APART: usize = 1 << 20;
const APART: usize = 1 << 16;
const JOINED: u32 = 4096;

impl Kept {
    pub(super) fn new(limit: u64, most: u64, overflow: Overflow) -> Self {
        let room = usize::try_from(limit).unwrap_or(usize::MAX);
        let tail = if overflow == Overflow::Truncate { room / 2 } else { 0 };
        let (head, tail) = (Pieces::new(room - tail), Pieces::new(tail));
        Self { limit, most, seen: 0, head, tail, values: room, dropped: 0, dropped_pieces: 0 }
    }

    /// Returns what is within the limit, and whether any of it was joined to the piece before.
    pub(super) fn take<'a>(&mut self, piece: &Piece<'a>, number: u32, us: u64) -> (&'a [u8], bool) {
        let left = usize::try_from(self.limit.saturating_sub(self.seen)).unwrap_or(usize::MAX);
        self.seen = self.seen.saturating_add(piece.text.len() as u64);
        let values = piece.values.filter(|values| values.len() <= self.values).unwrap_or_default();
        self.values -= values.len();
        let mut joined = false;
        let (first, last) = piece.text.split_at(piece.text.len().min(self.head.room.saturating_sub(self.head.text.len())));
        let mut mark = Mark { us, number, text: 0, values: 0, channel: piece.channel, continues: piece.continues };
        if !first.is_empty() {
            joined |= self.head.push(mark, first, values);
            mark.continues = true;
        }
        // Of a run that ends for it, nothing more is kept or counted.
        if !last.is_empty() && self.most > self.limit {
            joined |= self.tail.push(mark, last, if first.is_empty() { values } else { "" });
            self.trim();
        }
        (piece.text.get(..left).unwrap_or(piece.text), joined)
    }

    fn trim(&mut self) {
        while let Some(over) = self.tail.text.len().checked_sub(self.tail.room + 1).map(|over| over + 1) {
            let Some(first) = self.tail.marks.front_mut() else { return };
            let cut = over.min(first.text as usize);
            let whole = cut == first.text as usize;
            self.dropped = self.dropped.saturating_add(cut as u64);
            self.dropped_pieces += u64::from(whole && !first.continues);
            self.tail.text.drain(..cut);
            self.tail.values.drain(..first.values as usize);
            self.values += first.values as usize;
            // Fits: `cut` is no more than it.
            first.text -= u32::try_from(cut).unwrap_or(first.text);
            first.values = 0;
            if whole {
                self.tail.marks.pop_front();
            }
        }
    }

    /// What was not within the limit as it came, with what is missing before it.
    pub(super) fn rest(&mut self) -> Option<(u64, &[u8])> {
        let rest = usize::try_from(self.seen.saturating_sub(self.limit)).unwrap_or(usize::MAX);
        let tail = &*self.tail.text.make_contiguous();
        let tail = tail.get(tail.len() - rest.min(tail.len())..).filter(|tail| !tail.is_empty())?;
        Some((rest as u64 - tail.len() as u64, tail))
    }
}

impl Pieces {
    fn new(room: usize) -> Self {
        Self { room, text: VecDeque::new(), values: VecDeque::new(), marks: VecDeque::new() }
    }

    /// A portion is what was read at once, or a frame's: far below 4 GiB. Returns whether it was joined to the one before.
    fn push(&mut self, mark: Mark, text: &[u8], values: &str) -> bool {
        self.text.extend(text);
        if self.marks.len() >= if mark.channel == Channel::Print { PRINTS_APART } else { APART }
            && let Some(last) = self.marks.back_mut().filter(|last| last.text < JOINED)
        {
            // Values of several are nobody's.
            self.values.truncate(self.values.len() - last.values as usize);
            last.values = 0;
            last.text += u32::try_from(text.len()).unwrap_or(u32::MAX - JOINED);
            return true;
        }
        let [length, of_values] = [text.len(), values.len()].map(|length| u32::try_from(length).unwrap_or(u32::MAX));
        self.values.extend(values.as_bytes());
        self.marks.push_back(Mark { text: length, values: of_values, ..mark });
        false
    }
}
