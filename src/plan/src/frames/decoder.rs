//! The decoder: bytes in any portions to what they say.
//!
//! Always holds: what is kept of a frame is bounded before its kind is known by the head, and after that by its kind's own limit.

use serde_json::value::RawValue;

use super::bounds::Bounds;
use super::kind::{self, Kind};
use super::replaced::Replaced;
use super::shape::{self, Budget};
use super::{Channel, ERROR_SIZE, ErrorFrame, ErrorItem, FrameError, News, OUTPUT_SIZE, Received, Shown, Text, malformed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Running,
    Ended,
}

/// The frame that is being received.
#[derive(Debug)]
struct Frame {
    length: u64,
    /// Known, and its limit checked, once [`kind::HEAD`] bytes came.
    kind: Option<Kind>,
    bytes: Vec<u8>,
}

/// Decoder: feed it what was read; ask it at end of file whether all was well.
#[derive(Debug)]
pub struct Decoder {
    limits: Bounds,
    received: Received,
    news: Vec<News>,
    nodes: u64,
    /// The same of what was printed.
    printed: u64,
    state: State,
    /// Bytes of the next length that came, and how many.
    header: ([u8; 4], usize),
    frame: Option<Frame>,
    failed: Option<FrameError>,
}

impl Decoder {
    /// A decoder that expects `ready`.
    #[must_use]
    pub fn new(limits: Bounds) -> Self {
        let (received, news) = (Received::default(), Vec::new());
        Self { limits, received, news, nodes: 0, printed: 0, state: State::Start, header: ([0; 4], 0), frame: None, failed: None }
    }

    /// Takes bytes as they were read, in any portions. What came before an error counts: see [`Self::received`].
    ///
    /// # Errors
    /// The first violation of protocol or limit; later calls return it again.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.take_all(bytes).inspect_err(|error| {
            self.frame = None;
            self.failed = Some(error.clone());
        })
    }

    /// What came so far.
    #[must_use]
    pub fn received(&self) -> &Received {
        &self.received
    }

    /// What was said since this was asked.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// At end of file: everything received, and the error that [`Self::feed`] gave, or `CutShort` if a frame was.
    #[must_use]
    pub fn finish(self) -> (Received, Option<FrameError>) {
        let missing = match &self.frame {
            Some(frame) => frame.length.saturating_sub(frame.bytes.len() as u64),
            None if self.header.1 > 0 => 4_u64.saturating_sub(self.header.1 as u64),
            None => 0,
        };
        let error = self.failed.or_else(|| (missing > 0).then_some(FrameError::CutShort { missing }));
        (self.received, error)
    }

    fn take_all(&mut self, mut bytes: &[u8]) -> Result<(), FrameError> {
        while !bytes.is_empty() {
            if self.state == State::Ended {
                return Err(malformed("bytes after the final frame"));
            }
            bytes = match self.frame.take() {
                None => self.take_header(bytes)?,
                Some(frame) => self.take_payload(frame, bytes)?,
            };
        }
        Ok(())
    }

    fn take_header<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], FrameError> {
        let (buffer, have) = &mut self.header;
        let mut rest = bytes.iter();
        for slot in buffer.iter_mut().skip(*have) {
            let Some(byte) = rest.next() else { break };
            *slot = *byte;
            *have += 1;
        }
        if *have == buffer.len() {
            let length = u64::from(u32::from_be_bytes(*buffer));
            self.header.1 = 0;
            self.check_any(length)?;
            self.frame = Some(Frame { length, kind: None, bytes: Vec::new() });
        }
        Ok(rest.as_slice())
    }

    fn take_payload<'b>(&mut self, mut frame: Frame, bytes: &'b [u8]) -> Result<&'b [u8], FrameError> {
        let wanted = if frame.kind.is_none() { kind::HEAD } else { frame.length };
        let missing = usize::try_from(wanted.saturating_sub(frame.bytes.len() as u64)).unwrap_or(usize::MAX);
        let (now, rest) = bytes.split_at(missing.min(bytes.len()));
        frame.bytes.extend_from_slice(now);
        if frame.kind.is_none() && frame.bytes.len() as u64 == kind::HEAD {
            let kind = Kind::of_head(&frame.bytes).ok_or_else(|| malformed("a frame that does not start with a known kind"))?;
            self.check_order(kind)?;
            self.check_length(kind, frame.length)?;
            frame.kind = Some(kind);
        }
        match frame.kind {
            Some(kind) if frame.bytes.len() as u64 == frame.length => self.accept(kind, &frame.bytes)?,
            _ => self.frame = Some(frame),
        }
        Ok(rest)
    }

    /// Before the kind is known: no kind has that much room, or no frame is that short.
    fn check_any(&self, length: u64) -> Result<(), FrameError> {
        if length < kind::HEAD {
            return Err(malformed("a frame too short to have a kind"));
        }
        if length > self.result_left().max(OUTPUT_SIZE).max(ERROR_SIZE) {
            return Err(self.too_large(length));
        }
        Ok(())
    }

    fn check_order(&self, kind: Kind) -> Result<(), FrameError> {
        match (self.state, kind) {
            (State::Start, Kind::Ready)
            | (State::Running, Kind::Print | Kind::Out | Kind::Err | Kind::Item | Kind::Show | Kind::Done | Kind::Error) => Ok(()),
            (State::Running, Kind::Ready) => Err(malformed("a second ready frame")),
            (State::Start, _) => Err(malformed("a frame before ready")),
            (State::Ended, _) => Err(malformed("a frame after the final frame")),
        }
    }

    fn check_length(&self, kind: Kind, length: u64) -> Result<(), FrameError> {
        match kind {
            Kind::Ready if length > kind::READY => Err(malformed("a ready frame with more than its kind")),
            Kind::Error if length > ERROR_SIZE => {
                Err(FrameError::Malformed(format!("an error frame of {length} bytes, over {ERROR_SIZE}")))
            }
            Kind::Item | Kind::Show | Kind::Done if length > self.result_left().max(kind::HEAD) => Err(self.too_large(length)),
            Kind::Print | Kind::Out | Kind::Err if length > OUTPUT_SIZE => {
                Err(FrameError::Malformed(format!("a frame of output of {length} bytes, over {OUTPUT_SIZE}")))
            }
            _ => Ok(()),
        }
    }

    fn accept(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), FrameError> {
        let text = std::str::from_utf8(bytes).map_err(|error| FrameError::Malformed(format!("invalid UTF-8 in a frame: {error}")))?;
        match kind {
            Kind::Ready => {
                kind::parse::<kind::Bare>(text)?;
                self.received.ready = true;
                self.state = State::Running;
            }
            Kind::Print => {
                let kind::Print { text, values, continues, .. } = kind::parse(text)?;
                let values = values.filter(|values| self.may_be_told(values));
                self.say(Text { channel: Channel::Print, text, values, continues });
            }
            Kind::Out | Kind::Err => {
                let kind::Written { text, continues, .. } = kind::parse(text)?;
                let channel = if kind == Kind::Out { Channel::Stdout } else { Channel::Stderr };
                self.say(Text { channel, text, values: None, continues });
            }
            Kind::Item => {
                let item: kind::Item = kind::parse(text)?;
                if self.received.items.last().is_some_and(|(last, _)| *last >= item.index) {
                    return Err(malformed("an item index that does not rise"));
                }
                let value = match (item.value, item.error) {
                    (Some(value), None) => value,
                    (None, Some(error)) => self.failed_item(item.index, error.into())?,
                    _ => return Err(malformed("an item that is not one of a value and an error")),
                };
                self.count_value(&value, bytes.len(), 1)?;
                self.note(item.replaced)?;
                self.received.items.push((item.index, value));
                self.news.push(News::Item);
            }
            Kind::Show => {
                let show: kind::Show = kind::parse(text)?;
                self.count_value(&show.bundle, bytes.len(), 0)?;
                self.note(show.replaced)?;
                let bundle: kind::Bundle = kind::parse(show.bundle.get())?;
                self.news.push(News::Shown(Shown::checked(show.shown, bundle.data, bundle.metadata)?));
            }
            Kind::Done => {
                let done: kind::Done = kind::parse(text)?;
                if let Some(value) = &done.value {
                    self.count_value(value, bytes.len(), 0)?;
                }
                self.note(done.replaced)?;
                self.received.value = done.value;
                self.received.done = true;
                self.state = State::Ended;
            }
            Kind::Error => {
                let error: ErrorFrame = kind::parse::<kind::Error>(text)?.into();
                error.origin.check()?;
                self.received.error = Some(error);
                self.state = State::Ended;
            }
        }
        Ok(())
    }

    /// The item that stands for one whose code raised.
    fn failed_item(&mut self, index: u64, error: ErrorFrame) -> Result<Box<RawValue>, FrameError> {
        let value =
            serde_json::value::to_raw_value(&ErrorItem::of(index, &error)).map_err(|error| FrameError::Malformed(error.to_string()))?;
        error.origin.check()?;
        self.received.items_failed += 1;
        self.received.item_error.get_or_insert(ErrorFrame { item: Some(index), ..error });
        Ok(value)
    }

    fn say(&mut self, text: Text) {
        if !text.text.is_empty() {
            self.news.push(News::Text(text));
        }
    }

    /// Whether it is an array of values as results may be. What is not goes without an error: the text says it too.
    fn may_be_told(&mut self, values: &RawValue) -> bool {
        let mut budget = Budget { depth: self.limits.result_depth, nodes: self.limits.result_nodes, used: self.printed, around: 0 };
        let told = values.get().starts_with('[') && shape::check(values.get(), &mut budget).is_ok();
        self.printed = if told { budget.used } else { self.printed };
        told
    }

    /// `around`: arrays of the outcome's value that it will stand in.
    fn count_value(&mut self, value: &RawValue, frame: usize, around: u64) -> Result<(), FrameError> {
        if frame as u64 > self.result_left() {
            return Err(self.too_large(frame as u64));
        }
        let mut budget = Budget { depth: self.limits.result_depth, around, nodes: self.limits.result_nodes, used: self.nodes };
        shape::check(value.get(), &mut budget)?;
        self.nodes = budget.used;
        self.received.result_bytes = self.received.result_bytes.saturating_add(frame as u64);
        Ok(())
    }

    fn note(&mut self, replaced: Option<Replaced>) -> Result<(), FrameError> {
        let Some(replaced) = replaced else { return Ok(()) };
        replaced.check()?;
        self.received.replaced.get_or_insert_default().add(replaced);
        Ok(())
    }

    fn result_left(&self) -> u64 {
        self.limits.result_size.saturating_sub(self.received.result_bytes)
    }

    fn too_large(&self, length: u64) -> FrameError {
        FrameError::TooLarge { seen: self.received.result_bytes.saturating_add(length), allowed: self.limits.result_size }
    }
}
