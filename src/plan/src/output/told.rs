//! Output as the record has it: as text, by channel and in one order.

use std::borrow::Cow;
use std::collections::VecDeque;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Channel, Kept, Log, Mark, Order, Pieces};

/// A captured stream: invalid UTF-8 is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Captured {
    /// The text kept; where some was dropped, what came before it.
    pub text: String,
    /// Whether more was written than is kept.
    pub truncated: bool,
    /// Bytes that were dropped after `text`, where the run went on (`limits.overflow`).
    #[serde(default, skip_serializing_if = "is_none")]
    pub dropped: u64,
    /// What came last, after the dropped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
}

/// Prints that were dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dropped {
    /// How many prints came before.
    pub after: u64,
    /// How many are missing.
    pub calls: u64,
    /// How many bytes are missing, those of prints that were cut included.
    pub bytes: u64,
}

fn is_none(number: &u64) -> bool {
    *number == 0
}

/// Many texts in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn push(&mut self, text: &str, continues: bool) {
        if continues {
            self.ends.pop();
        }
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<T: IntoIterator<Item = &'a str>>(texts: T) -> Self {
        texts.into_iter().fold(Self::default(), |mut all, text| {
            all.push(text, false);
            all
        })
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(deserializer).map(|texts| texts.iter().map(String::as_str).collect())
    }
}

impl JsonSchema for Texts {
    fn schema_name() -> Cow<'static, str> {
        "Texts".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<String>::json_schema(generator)
    }
}

/// All output in one order.
#[derive(Clone, Debug, Default)]
pub struct Output {
    text: String,
    values: String,
    marks: Vec<Mark>,
    /// The entries before which bytes were dropped, and how many.
    gaps: Vec<(usize, u64)>,
}

/// A piece of output.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Entry<'a> {
    /// Where it was written to.
    pub from: Channel,
    /// What was written.
    pub text: &'a str,
    /// Microseconds from `ready` to when the supervisor read it.
    pub us: u64,
    /// What was printed, where that is known and was not too much; what is no JSON is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    pub values: Option<&'a RawValue>,
    /// Bytes of the same channel that were dropped before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

impl Output {
    /// Each entry.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        let (mut text, mut values) = (self.text.as_str(), self.values.as_str());
        let mut next = move |mark: &Mark| {
            let (now, rest) = text.split_at_checked(mark.text as usize)?;
            let (printed, others) = values.split_at_checked(mark.values as usize)?;
            (text, values) = (rest, others);
            Some((now, printed))
        };
        self.marks.iter().enumerate().filter_map(move |(index, mark)| {
            let (text, printed) = next(mark)?;
            Some(Entry {
                from: mark.channel,
                text,
                us: mark.us,
                values: serde_json::from_str(printed).ok(),
                dropped: self.gaps.iter().find(|(entry, _)| *entry == index).map(|(_, bytes)| *bytes),
            })
        })
    }
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// An [`Entry`] as a record has it.
#[derive(Deserialize)]
struct Written {
    from: Channel,
    text: String,
    us: u64,
    #[serde(default)]
    values: Option<Box<RawValue>>,
    #[serde(default)]
    dropped: Option<u64>,
}

impl<'de> Deserialize<'de> for Output {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Self::default();
        for Written { from, text, us, values, dropped } in Vec::<Written>::deserialize(deserializer)? {
            let values = values.as_ref().map_or("", |values| values.get());
            let length = |text: &str| u32::try_from(text.len()).map_err(D::Error::custom);
            all.gaps.extend(dropped.map(|bytes| (all.marks.len(), bytes)));
            all.marks.push(Mark { us, number: 0, text: length(&text)?, values: length(values)?, channel: from, continues: false });
            all.text.push_str(&text);
            all.values.push_str(values);
        }
        Ok(all)
    }
}

impl JsonSchema for Output {
    fn schema_name() -> Cow<'static, str> {
        "Output".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<Entry<'_>>::json_schema(generator)
    }
}

/// What the record tells of output.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Told {
    pub output: Output,
    pub order: Order,
    pub prints: Texts,
    pub prints_dropped: Option<Dropped>,
    pub stdout: Captured,
    pub stderr: Captured,
}

/// A channel whose pieces are being told.
struct Telling {
    kept: Kept,
    /// The bytes of a character whose end has not come.
    cut: Vec<u8>,
    in_tail: bool,
}

impl Telling {
    fn next(&self) -> Option<u32> {
        self.kept.head.marks.front().or(self.kept.tail.marks.front()).map(|mark| mark.number)
    }

    /// The next piece, as text and with its values; and what was dropped before it.
    fn take(&mut self) -> Option<(Mark, String, String, u64)> {
        let in_tail = self.kept.head.marks.is_empty();
        let gap = if in_tail && !self.in_tail { self.kept.dropped } else { 0 };
        self.in_tail = in_tail;
        let pieces = if in_tail { &mut self.kept.tail } else { &mut self.kept.head };
        let mark = pieces.marks.pop_front()?;
        let Pieces { text, values, .. } = pieces;
        let (text, values) = (portion(text, mark.text), portion(values, mark.values));
        if gap > 0 {
            self.cut.clear();
        }
        // The rest of a character that was cut in two.
        let torn = if gap > 0 { text.iter().take_while(|byte| (0x80..0xc0).contains(*byte)).take(3).count() } else { 0 };
        self.cut.extend(text.into_iter().skip(torn));
        let rest = self.cut.split_off(self.cut.len() - unfinished(&self.cut));
        let text = String::from_utf8_lossy(&std::mem::replace(&mut self.cut, rest)).into_owned();
        Some((mark, text, String::from_utf8(values).unwrap_or_default(), gap))
    }
}

/// Bytes at the end that begin a character and do not end it.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    if std::str::from_utf8(last).is_err_and(|error| error.error_len().is_none()) { last.len() } else { 0 }
}

fn portion(of: &mut VecDeque<u8>, length: u32) -> Vec<u8> {
    of.drain(..(length as usize).min(of.len())).collect()
}

impl Log {
    /// All that was kept, as text.
    #[must_use]
    pub fn told(self) -> Told {
        let order = if self.pipes.iter().filter(|came| **came).count() < 2 && !self.moved { Order::Exact } else { Order::Read };
        let truncated = |channel: Channel| self.seen(channel) > self.channels.get(channel as usize).map_or(0, |kept| kept.limit);
        let captured = |channel| Captured { truncated: truncated(channel), ..Captured::default() };
        let (stdout, stderr) = (captured(Channel::Stdout), captured(Channel::Stderr));
        let mut told = Told { output: Output::default(), order, prints: Texts::default(), prints_dropped: None, stdout, stderr };
        told.output.text.reserve_exact(self.channels.iter().map(|kept| kept.head.text.len() + kept.tail.text.len()).sum());
        let mut channels = self.channels.map(|kept| Telling { kept, cut: Vec::new(), in_tail: false });
        while let Some(channel) = channels.iter_mut().filter(|one| one.next().is_some()).min_by_key(|one| one.next()) {
            let calls = channel.kept.dropped_pieces;
            if let Some((mark, text, values, gap)) = channel.take() {
                told.add(mark, &text, &values, gap, calls);
            }
        }
        told.end(&channels);
        told
    }
}

impl Told {
    fn add(&mut self, mark: Mark, text: &str, values: &str, gap: u64, calls: u64) {
        let continues = mark.continues && gap == 0;
        // What goes on a line of a stream is no entry of its own.
        let open = mark.channel != Channel::Print && gap == 0 && !self.output.text.ends_with('\n');
        match mark.channel {
            Channel::Print => {
                if gap > 0 {
                    self.prints_dropped = Some(Dropped { after: self.prints.ends.len() as u64, calls, bytes: gap });
                }
                self.prints.push(text, continues && !self.prints.is_empty());
            }
            Channel::Stdout => self.stdout.add(text, gap),
            Channel::Stderr => self.stderr.add(text, gap),
        }
        let [length, of_values] = [text.len(), values.len()].map(|length| u32::try_from(length).unwrap_or(u32::MAX));
        self.output.text.push_str(text);
        match self.output.marks.last_mut().filter(|last| (continues || open) && last.channel == mark.channel) {
            Some(last) => last.text = last.text.saturating_add(length),
            None => {
                if gap > 0 {
                    self.output.gaps.push((self.output.marks.len(), gap));
                }
                self.output.values.push_str(values);
                self.output.marks.push(Mark { text: length, values: of_values, ..mark });
            }
        }
    }

    /// Characters that never got their end, and what was dropped with nothing kept after it.
    fn end(&mut self, [prints, stdout, stderr]: &[Telling; 3]) {
        for (telling, captured) in [(stdout, &mut self.stdout), (stderr, &mut self.stderr)] {
            captured.add(&String::from_utf8_lossy(&telling.cut), 0);
            captured.dropped = telling.kept.dropped;
        }
        let Kept { dropped: bytes, dropped_pieces: calls, .. } = prints.kept;
        if bytes > 0 {
            self.prints_dropped.get_or_insert(Dropped { after: self.prints.ends.len() as u64, calls, bytes });
        }
    }
}

impl Captured {
    fn add(&mut self, text: &str, gap: u64) {
        self.dropped += gap;
        if self.dropped > 0 { self.tail.push_str(text) } else { self.text.push_str(text) }
    }
}
