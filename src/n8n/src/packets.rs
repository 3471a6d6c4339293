//! What the front and the supervisor say to each other: two tables, without input or output.
//!
//! A message is one packet: a byte that names it, and its fields. What is large goes beside it, as a memory that nobody can change any more.
//!
//! Always holds: every field has a bound; each message has exactly the descriptors that `descriptors` says; what is not in the table is malformed. The supervisor
//! takes apart nothing that the broker wrote but these fields; the front takes apart nothing that a run wrote: its messages to the broker come to it whole.

use std::time::Duration;

use remand_front::bytes::{Malformed, Reader, Writer};

use crate::settings::{Broker, Level, Token};
use crate::task::{NodeMode, Task};

/// Longest line of the log.
pub const LINE: usize = 8 << 10;
/// Most messages of one answer.
const MESSAGES: usize = 1 << 20;

/// What a front is begun with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Where the broker is.
    pub broker: Broker,
    /// The name of this runner there.
    pub runner: String,
    /// Who this runner is to it.
    pub token: Token,
    /// Tasks at once.
    pub max_concurrency: usize,
    /// Bytes of the largest message.
    pub max_payload: u64,
    /// How long nothing may happen.
    pub idle: Option<Duration>,
    /// How long tasks may go on after a signal to end.
    pub grace: Duration,
    /// There is a listener, which follows.
    pub health: bool,
}

/// A front's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// It cannot begin, and ends.
    Failed(String),
    /// Something for the log.
    Say(Level, String),
    /// A connection to the broker, please.
    Dial,
    /// A task begins, under this number; it is beside.
    Start(u64),
    /// A task is to end.
    Cancel(u64),
    /// All is over, with this exit status.
    End(u8),
}

/// A supervisor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tell {
    /// The first: a [`Begin`] is beside.
    Begin,
    /// The listener for the health of this runner.
    Health,
    /// A connection to the broker.
    Connection,
    /// There is none, and why.
    Unreachable(String),
    /// A task is over: its messages to the broker are beside.
    Answer(u64),
    /// A signal of this name came: end.
    Stop(String),
}

impl Ask {
    /// How many descriptors it has.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        usize::from(matches!(self, Self::Start(_)))
    }

    /// As a packet.
    #[must_use]
    pub fn packet(&self) -> Vec<u8> {
        let mut to = Writer::default();
        match self {
            Self::Failed(why) => text(&mut to, 0, why),
            Self::Say(level, line) => {
                to.byte(1);
                to.byte(*level as u8);
                to.text(cut(line));
            }
            Self::Dial => to.byte(2),
            Self::Start(number) => numbered(&mut to, 3, *number),
            Self::Cancel(number) => numbered(&mut to, 4, *number),
            Self::End(status) => {
                to.byte(5);
                to.byte(*status);
            }
        }
        to.0
    }

    /// Of a packet.
    ///
    /// # Errors
    /// It is none.
    pub fn read(packet: &[u8]) -> Result<Self, Malformed> {
        Reader::all(packet, |from| {
            Ok(match from.byte()? {
                0 => Self::Failed(from.text(LINE)?),
                1 => Self::Say(level(from.byte()?)?, from.text(LINE)?),
                2 => Self::Dial,
                3 => Self::Start(from.number()?),
                4 => Self::Cancel(from.number()?),
                5 => Self::End(from.byte()?),
                _ => return Err(Malformed),
            })
        })
    }
}

impl Tell {
    /// How many descriptors it has.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        usize::from(!matches!(self, Self::Unreachable(_) | Self::Stop(_)))
    }

    /// As a packet.
    #[must_use]
    pub fn packet(&self) -> Vec<u8> {
        let mut to = Writer::default();
        match self {
            Self::Begin => to.byte(0),
            Self::Health => to.byte(1),
            Self::Connection => to.byte(2),
            Self::Unreachable(why) => text(&mut to, 3, why),
            Self::Answer(number) => numbered(&mut to, 4, *number),
            Self::Stop(signal) => text(&mut to, 5, signal),
        }
        to.0
    }

    /// Of a packet.
    ///
    /// # Errors
    /// It is none.
    pub fn read(packet: &[u8]) -> Result<Self, Malformed> {
        Reader::all(packet, |from| {
            Ok(match from.byte()? {
                0 => Self::Begin,
                1 => Self::Health,
                2 => Self::Connection,
                3 => Self::Unreachable(from.text(LINE)?),
                4 => Self::Answer(from.number()?),
                5 => Self::Stop(from.text(LINE)?),
                _ => return Err(Malformed),
            })
        })
    }
}

fn text(to: &mut Writer, kind: u8, text: &str) {
    to.byte(kind);
    to.text(cut(text));
}

fn numbered(to: &mut Writer, kind: u8, number: u64) {
    to.byte(kind);
    to.number(number);
}

/// What there is room for of a text.
fn cut(text: &str) -> &str {
    let end = (0..=LINE.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

fn level(byte: u8) -> Result<Level, Malformed> {
    [Level::Debug, Level::Info, Level::Warning, Level::Error].into_iter().find(|level| *level as u8 == byte).ok_or(Malformed)
}

impl Begin {
    /// As bytes.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut to = Writer::default();
        let (resident, token) = match &self.token {
            Token::Grant(token) => (0, token),
            Token::Auth(token) => (1, token),
        };
        to.byte(u8::from(self.broker.tls));
        to.text(&self.broker.host);
        to.number(self.broker.port.into());
        to.text(&self.runner);
        to.byte(resident);
        to.text(token);
        to.number(self.max_concurrency as u64);
        to.number(self.max_payload);
        to.number(self.idle.map_or(0, |idle| idle.as_secs()));
        to.number(self.grace.as_secs());
        to.byte(u8::from(self.health));
        to.0
    }

    /// Of bytes.
    ///
    /// # Errors
    /// They are none.
    pub fn unpack(bytes: &[u8]) -> Result<Self, Malformed> {
        let most = bytes.len();
        Reader::all(bytes, |from| {
            Ok(Self {
                broker: Broker { tls: from.flag()?, host: from.text(most)?, port: from.small()? },
                runner: from.text(most)?,
                token: if from.flag()? { Token::Auth(from.text(most)?) } else { Token::Grant(from.text(most)?) },
                max_concurrency: from.small()?,
                max_payload: from.number()?,
                idle: Some(Duration::from_secs(from.number()?)).filter(|idle| !idle.is_zero()),
                grace: Duration::from_secs(from.number()?),
                health: from.flag()?,
            })
        })
    }
}

/// A task as bytes.
#[must_use]
pub fn pack_task(task: &Task) -> Vec<u8> {
    let mut to = Writer::default();
    to.text(&task.id);
    to.text(&task.code);
    to.byte(u8::from(task.mode == NodeMode::PerItem));
    to.text(&task.items);
    to.byte(u8::from(task.continue_on_fail));
    for name in [&task.workflow_name, &task.workflow_id, &task.node_name, &task.node_id] {
        to.text(name);
    }
    to.maybe(task.query.as_deref(), Writer::text);
    to.0
}

/// A task of bytes.
///
/// # Errors
/// They are none.
pub fn unpack_task(bytes: &[u8]) -> Result<Task, Malformed> {
    let most = bytes.len();
    Reader::all(bytes, |from| {
        Ok(Task {
            id: from.text(most)?,
            code: from.text(most)?,
            mode: if from.flag()? { NodeMode::PerItem } else { NodeMode::AllItems },
            items: from.text(most)?,
            continue_on_fail: from.flag()?,
            workflow_name: from.text(most)?,
            workflow_id: from.text(most)?,
            node_name: from.text(most)?,
            node_id: from.text(most)?,
            query: from.maybe(|from| from.text(most))?,
        })
    })
}

/// Messages as bytes.
#[must_use]
pub fn pack_messages(messages: &[String]) -> Vec<u8> {
    let mut to = Writer::default();
    to.list(messages, |to, message| to.text(message));
    to.0
}

/// Messages of bytes.
///
/// # Errors
/// They are none.
pub fn unpack_messages(bytes: &[u8]) -> Result<Vec<String>, Malformed> {
    Reader::all(bytes, |from| from.list(MESSAGES, |from| from.text(bytes.len())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_read_as_it_was_written() {
        let asks =
            [Ask::Failed("why".into()), Ask::Say(Level::Warning, "ä".into()), Ask::Dial, Ask::Start(7), Ask::Cancel(u64::MAX), Ask::End(1)];
        for ask in asks {
            assert_eq!(Ask::read(&ask.packet()), Ok(ask));
        }
        let tells =
            [Tell::Begin, Tell::Health, Tell::Connection, Tell::Unreachable("x".into()), Tell::Answer(3), Tell::Stop("SIGTERM".into())];
        for tell in tells {
            assert_eq!(Tell::read(&tell.packet()), Ok(tell));
        }
        assert!(Ask::read(&[9]).is_err() && Tell::read(&[]).is_err() && Ask::read(&[2, 0]).is_err());
        let long = "ä".repeat(LINE);
        assert_eq!(Ask::read(&Ask::Say(Level::Info, long.clone()).packet()), Ok(Ask::Say(Level::Info, long[..LINE].to_owned())));
    }

    #[test]
    fn what_is_beside_is_read_as_it_was_written() {
        let begin = Begin {
            broker: Broker { tls: true, host: "n8n".into(), port: 5679 },
            runner: "r".into(),
            token: Token::Auth("secret".into()),
            max_concurrency: 5,
            max_payload: 1 << 30,
            idle: None,
            grace: Duration::from_secs(10),
            health: true,
        };
        assert_eq!(Begin::unpack(&begin.pack()), Ok(begin));
        let task = Task {
            id: "a_-".into(),
            code: "return 1".into(),
            mode: NodeMode::PerItem,
            items: "[]".into(),
            continue_on_fail: true,
            workflow_name: "w".into(),
            workflow_id: "1".into(),
            node_name: "n".into(),
            node_id: "2".into(),
            query: Some("null".into()),
        };
        assert_eq!(unpack_task(&pack_task(&task)), Ok(task));
        let messages = ["{}".to_owned(), String::new()];
        assert_eq!(unpack_messages(&pack_messages(&messages)).unwrap(), messages);
    }
}
