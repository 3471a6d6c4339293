//! What a run says, as lines of JSON: an event each.
//!
//! Always holds: a line is one event and no more, whatever the run said; a character that came in two portions is one; the bytes of a stream can be had from its
//! events, whatever they are.

use remand_plan::event::Event;
use remand_plan::outcome::{PolicyRef, VERSION};
use remand_plan::output::{Channel, Text};

use remand_jail::run::Said;
use remand_policy::text::terminal::one_line;

/// Makes lines of what one run says.
#[derive(Debug)]
pub struct Telling {
    policy: PolicyRef,
    /// By channel.
    texts: [Text; 3],
}

impl Telling {
    /// Of a run under this policy.
    #[must_use]
    pub fn new(policy: PolicyRef) -> Self {
        Self { policy, texts: Default::default() }
    }

    /// The event, without an end of line; nothing where there is none yet.
    pub fn line(&mut self, said: Said<'_>, us: u64) -> Option<String> {
        let Self { policy, texts } = self;
        let text;
        let event = match said {
            Said::Begun(run) => Event::Start { version: VERSION, run, policy },
            Said::Shown(shown) => Event::Display { shown },
            Said::Item(index, value) => Event::Item { us, index, value },
            Said::Dropped(from, bytes) => Event::Dropped { us, from, bytes },
            Said::Output(piece) => {
                text = texts.get_mut(piece.channel as usize)?.take(piece.text);
                let base64 = (text.as_bytes() != piece.text).then_some(piece.text);
                match piece.channel {
                    _ if piece.text.is_empty() => return None,
                    Channel::Print => {
                        let values = piece.values.and_then(|values| serde_json::from_str(values).ok());
                        Event::Print { us, text: &text, values, continues: piece.continues }
                    }
                    Channel::Stdout => Event::Stdout { us, text: &text, base64 },
                    Channel::Stderr => Event::Stderr { us, text: &text, base64 },
                }
            }
        };
        line(&event)
    }
}

/// An event as a line. Nothing of it can fail to be JSON.
#[must_use]
pub fn line(event: &Event<'_>) -> Option<String> {
    // What a run gave as JSON may have lines of its own.
    serde_json::to_string(event).ok().map(|text| one_line(&text).into_owned())
}
