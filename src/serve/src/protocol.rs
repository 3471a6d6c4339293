//! What a front and the supervisor say to each other: two tables, without input or output.
//!
//! A message is one packet: a byte that names it, the number of the call that it belongs to, its fields. A front makes the numbers; every answer bears its call's.
//! What is large goes beside it, as a memory that nobody can change any more.
//!
//! Always holds: every field has a bound; each message has exactly the descriptors that [`Ask::descriptors`] and [`Tell::descriptors`] say; what is not in the
//! table is malformed, whoever said it. A front may be hostile: nothing that it says names an identity, a file of the host, or another's run.

use crate::bytes::{Malformed, Reader, Writer};

pub use crate::wire::PACKET;
/// Longest name of a policy.
pub const NAME: usize = 255;
/// Longest text of a narrowing, JSON.
pub const NARROWING: usize = 64 << 10;
/// Longest id of a run.
pub const RUN: usize = 64;
/// Longest document that goes inside a packet.
pub const INLINE: usize = 96 << 10;
/// Longest sentence of a problem.
pub const SENTENCE: usize = 16 << 10;
/// Longest label.
pub const LABEL: usize = 64;
/// Longest idempotency key.
pub const KEY: usize = 255;

/// How a front goes on with a run that it submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The run is the caller's no longer than the call is: its outcome is wanted.
    Wait,
    /// The same; its events are wanted.
    Stream,
    /// It lives on without the call.
    Detach,
}

/// A policy as a request names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chosen {
    /// Its name.
    pub policy: String,
    /// What is narrowed, a JSON object.
    pub narrowing: String,
}

/// What a caller calls a run by, within what is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// For whom of its own it is; see [`is_label`].
    pub label: Option<String>,
    /// What it would ask for the same run by once more; see [`is_key`].
    pub key: Option<String>,
}

/// Whether a text can be a label: letters, digits and `-._~`, which stand for themselves in a query of HTTP too.
#[must_use]
pub fn is_label(text: &str) -> bool {
    (1..=LABEL).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// Whether a text can be an idempotency key: visible ASCII.
#[must_use]
pub fn is_key(text: &str) -> bool {
    (1..=KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a front asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// How large what is given to a run may be.
    Limits(Chosen),
    /// A run, whose request is beside it ([`crate::packed`]).
    Submit(Chosen, Then, Tags),
    /// What goes on with a run.
    Look(String),
    /// Which runs there are; of one label, if there is one.
    List(Option<String>),
    /// Events of a run from this one on, as soon as there are some.
    Events(String, u64),
    /// The run is to end.
    Cancel(String),
    /// All of a label are to end.
    CancelLabel(String),
    /// Which policies the identity may use.
    Policies,
    /// What one of them says.
    Policy(Chosen),
    /// Whether the supervisor takes runs, and what is wrong with its configuration.
    Ready,
    /// What the supervisor has counted.
    Metrics,
    /// The call is wanted no longer.
    Forget,
    /// A connection that was handed over is closed. Belongs to no call.
    Closed,
    /// This front could not shut itself in, and ends. Belongs to no call.
    Unconfined(String),
}

/// What the supervisor tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tell {
    /// A connection, beside it. Belongs to no call.
    Connection,
    /// Answers [`Ask::Limits`].
    Limits {
        /// `limits.job_size`.
        size: u64,
        /// `limits.result_depth`.
        depth: u64,
    },
    /// The run is taken, under this id; more follows but for [`Then::Detach`].
    Accepted(String),
    /// A JSON document, the answer. None: it is beside, and so long.
    Document(Long),
    /// Events, a line each, the first of this number; whether these are the last.
    Events {
        /// Number of the first.
        first: u64,
        /// Nothing will come after these.
        over: bool,
        /// The lines.
        lines: Long,
    },
    /// There is no answer.
    Problem(Problem),
    /// The supervisor takes no more. Belongs to no call.
    Drain,
}

/// A text within the packet, or its length where it is beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Long {
    /// Here.
    Here(String),
    /// Beside the packet.
    Beside(u64),
}

/// Why there is no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// Of HTTP.
    pub status: u16,
    /// What the command would exit with.
    pub exit_status: u8,
    /// Seconds after which it may be different.
    pub retry_after: Option<u64>,
    /// What was tried, on which object, with what answer.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
}

fn chosen(from: &mut Reader<'_>) -> Result<Chosen, Malformed> {
    Ok(Chosen { policy: from.text(NAME)?, narrowing: from.text(NARROWING)? })
}

fn then(from: &mut Reader<'_>) -> Result<Then, Malformed> {
    [Then::Wait, Then::Stream, Then::Detach].get(usize::from(from.byte()?)).copied().ok_or(Malformed)
}

/// A text of at most so many bytes that is one.
fn of(from: &mut Reader<'_>, most: usize, is: impl FnOnce(&str) -> bool) -> Result<String, Malformed> {
    let text = from.text(most)?;
    if is(&text) { Ok(text) } else { Err(Malformed) }
}

fn label(from: &mut Reader<'_>) -> Result<String, Malformed> {
    of(from, LABEL, is_label)
}

fn tags(from: &mut Reader<'_>) -> Result<Tags, Malformed> {
    Ok(Tags { label: from.maybe(label)?, key: from.maybe(|from| of(from, KEY, is_key))? })
}

impl Ask {
    /// How many descriptors it has.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        usize::from(matches!(self, Self::Submit(..)))
    }

    /// As a packet.
    #[must_use]
    pub fn packet(&self, call: u64) -> Vec<u8> {
        let mut to = Writer::default();
        to.byte(match self {
            Self::Limits(_) => 1,
            Self::Submit(..) => 2,
            Self::Look(_) => 3,
            Self::List(_) => 4,
            Self::Events(..) => 5,
            Self::Cancel(_) => 6,
            Self::Policies => 7,
            Self::Ready => 8,
            Self::Forget => 9,
            Self::Closed => 10,
            Self::Unconfined(_) => 11,
            Self::CancelLabel(_) => 12,
            Self::Metrics => 13,
            Self::Policy(_) => 14,
        });
        to.number(call);
        if let Self::Limits(chosen) | Self::Submit(chosen, ..) | Self::Policy(chosen) = self {
            to.text(&chosen.policy);
            to.text(&chosen.narrowing);
        }
        match self {
            Self::Submit(_, then, tags) => {
                to.byte(*then as u8);
                to.maybe(tags.label.as_deref(), Writer::text);
                to.maybe(tags.key.as_deref(), Writer::text);
            }
            Self::List(label) => to.maybe(label.as_deref(), Writer::text),
            Self::Look(text) | Self::Cancel(text) | Self::CancelLabel(text) => to.text(text),
            Self::Events(run, from) => {
                to.text(run);
                to.number(*from);
            }
            Self::Unconfined(why) => to.text(cut(why, SENTENCE)),
            Self::Limits(_) | Self::Policy(_) | Self::Policies | Self::Ready | Self::Metrics | Self::Forget | Self::Closed => {}
        }
        to.0
    }

    /// Of a packet: the call, and what is asked.
    ///
    /// # Errors
    /// It is none of the table.
    pub fn read(packet: &[u8]) -> Result<(u64, Self), Malformed> {
        Reader::all(packet, |from| {
            let (kind, call) = (from.byte()?, from.number()?);
            let ask = match kind {
                1 => Self::Limits(chosen(from)?),
                2 => Self::Submit(chosen(from)?, then(from)?, tags(from)?),
                3 => Self::Look(from.text(RUN)?),
                4 => Self::List(from.maybe(label)?),
                5 => Self::Events(from.text(RUN)?, from.number()?),
                6 => Self::Cancel(from.text(RUN)?),
                7 => Self::Policies,
                8 => Self::Ready,
                9 => Self::Forget,
                10 => Self::Closed,
                11 => Self::Unconfined(from.text(SENTENCE)?),
                12 => Self::CancelLabel(label(from)?),
                13 => Self::Metrics,
                14 => Self::Policy(chosen(from)?),
                _ => return Err(Malformed),
            };
            Ok((call, ask))
        })
    }
}

impl Long {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Here(text) => {
                to.byte(0);
                to.text(text);
            }
            Self::Beside(length) => {
                to.byte(1);
                to.number(*length);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(if from.flag()? { Self::Beside(from.number()?) } else { Self::Here(from.text(INLINE)?) })
    }
}

impl Tell {
    /// How many descriptors it has.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        match self {
            Self::Connection => 1,
            Self::Document(long) | Self::Events { lines: long, .. } => usize::from(matches!(long, Long::Beside(_))),
            _ => 0,
        }
    }

    /// As a packet.
    #[must_use]
    pub fn packet(&self, call: u64) -> Vec<u8> {
        let mut to = Writer::default();
        let kind = match self {
            Self::Connection => 1,
            Self::Limits { .. } => 2,
            Self::Accepted(_) => 3,
            Self::Document(_) => 4,
            Self::Events { .. } => 5,
            Self::Problem(_) => 6,
            Self::Drain => 7,
        };
        to.byte(kind);
        to.number(call);
        match self {
            Self::Connection | Self::Drain => {}
            Self::Limits { size, depth } => {
                to.number(*size);
                to.number(*depth);
            }
            Self::Accepted(run) => to.text(run),
            Self::Document(long) => long.write(&mut to),
            Self::Events { first, over, lines } => {
                to.number(*first);
                to.byte(u8::from(*over));
                lines.write(&mut to);
            }
            Self::Problem(problem) => {
                to.number(problem.status.into());
                to.byte(problem.exit_status);
                to.maybe(problem.retry_after.as_ref(), |to, seconds| to.number(*seconds));
                to.text(cut(&problem.detail, SENTENCE));
                to.maybe(problem.hint.as_deref(), |to, hint| to.text(cut(hint, SENTENCE)));
            }
        }
        to.0
    }

    /// Of a packet: the call, and what is told.
    ///
    /// # Errors
    /// It is none of the table.
    pub fn read(packet: &[u8]) -> Result<(u64, Self), Malformed> {
        Reader::all(packet, |from| {
            let (kind, call) = (from.byte()?, from.number()?);
            let tell = match kind {
                1 => Self::Connection,
                2 => Self::Limits { size: from.number()?, depth: from.number()? },
                3 => Self::Accepted(from.text(RUN)?),
                4 => Self::Document(Long::read(from)?),
                5 => Self::Events { first: from.number()?, over: from.flag()?, lines: Long::read(from)? },
                6 => Self::Problem(Problem {
                    status: from.small()?,
                    exit_status: from.byte()?,
                    retry_after: from.maybe(Reader::number)?,
                    detail: from.text(SENTENCE)?,
                    hint: from.maybe(|from| from.text(SENTENCE))?,
                }),
                7 => Self::Drain,
                _ => return Err(Malformed),
            };
            Ok((call, tell))
        })
    }
}

/// At most so many bytes of a text, whole characters.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rfind(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asks() -> Vec<Ask> {
        let chosen = Chosen { policy: "default".into(), narrowing: "{}".into() };
        let then = [Then::Wait, Then::Stream, Then::Detach];
        let run = || "0a".to_owned();
        let tags = Tags { label: Some("student-42".into()), key: Some("0b\"a!".into()) };
        then.map(|then| Ask::Submit(chosen.clone(), then, if then == Then::Wait { Tags::default() } else { tags.clone() }))
            .into_iter()
            .chain([
                Ask::Limits(chosen.clone()),
                Ask::Policy(chosen),
                Ask::Look(run()),
                Ask::List(None),
                Ask::List(tags.label),
                Ask::Events(run(), 7),
            ])
            .chain([Ask::Cancel(run()), Ask::CancelLabel("a".into()), Ask::Policies])
            .chain([Ask::Ready, Ask::Metrics, Ask::Forget, Ask::Closed, Ask::Unconfined("why".into())])
            .collect()
    }

    fn tells() -> Vec<Tell> {
        let problem = Problem { status: 429, exit_status: 2, retry_after: Some(1), detail: "full".into(), hint: Some("wait".into()) };
        vec![
            Tell::Connection,
            Tell::Limits { size: 1, depth: 2 },
            Tell::Accepted("0a".into()),
            Tell::Document(Long::Here("{}".into())),
            Tell::Document(Long::Beside(1 << 30)),
            Tell::Events { first: 3, over: true, lines: Long::Here(String::new()) },
            Tell::Problem(Problem { hint: None, retry_after: None, ..problem.clone() }),
            Tell::Problem(problem),
            Tell::Drain,
        ]
    }

    #[test]
    fn what_is_written_is_read_and_nothing_shorter_or_longer() {
        for ask in asks() {
            let packet = ask.packet(9);
            assert_eq!(Ask::read(&packet), Ok((9, ask)));
            assert!((0..packet.len()).all(|length| Ask::read(packet.get(..length).unwrap()).is_err()));
            assert_eq!(Ask::read(&[packet.as_slice(), &[0]].concat()), Err(Malformed));
        }
        for tell in tells() {
            let packet = tell.packet(u64::MAX);
            assert_eq!(Tell::read(&packet), Ok((u64::MAX, tell)));
            assert!((0..packet.len()).all(|length| Tell::read(packet.get(..length).unwrap()).is_err()));
            assert_eq!(Tell::read(&[packet.as_slice(), &[0]].concat()), Err(Malformed));
        }
    }

    #[test]
    fn what_is_too_long_is_cut_by_whoever_tells_and_refused_from_whoever_asks() {
        let long = "\u{20ac}".repeat(SENTENCE);
        let (_, Tell::Problem(told)) =
            Tell::read(&Tell::Problem(Problem { detail: long.clone(), ..Problem::default() }).packet(0)).unwrap()
        else {
            unreachable!()
        };
        assert!(told.detail.len() <= SENTENCE && told.detail.len() > SENTENCE - 4);
        assert_eq!(Ask::read(&Ask::Look("x".repeat(RUN + 1)).packet(0)), Err(Malformed));
        assert!(Ask::read(&Ask::Look("x".repeat(RUN)).packet(0)).is_ok());
        for wrong in ["", "a b", "a/b", "\u{e9}", &"x".repeat(LABEL + 1)] {
            assert!(!is_label(wrong) && Ask::read(&Ask::CancelLabel(wrong.to_owned()).packet(0)).is_err(), "{wrong}");
        }
        assert!(is_key(&"!".repeat(KEY)) && !is_key(&"!".repeat(KEY + 1)) && !is_key("a b") && !is_key(""));
        let chosen = Chosen { policy: String::new(), narrowing: "x".repeat(NARROWING + 1) };
        assert_eq!(Ask::read(&Ask::Limits(chosen).packet(0)), Err(Malformed));
    }

    proptest! {
        #[test]
        fn garbage_is_malformed_or_means_what_it_says(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((call, ask)) = Ask::read(&packet) {
                prop_assert_eq!(ask.packet(call), packet.clone());
            }
            if let Ok((call, tell)) = Tell::read(&packet) {
                prop_assert_eq!(tell.packet(call), packet);
            }
        }
    }
}
