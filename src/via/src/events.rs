//! Server-sent events, as a daemon writes them: each has its number and one line of data.
//!
//! Always holds: what waits for its end is bounded; an event that is missing is seen by the numbers.

/// What came of a stream.
#[derive(Debug)]
pub struct Events {
    /// Most bytes of an event.
    longest: usize,
    /// What is no whole line yet, and how much of it was looked at.
    waiting: Vec<u8>,
    seen: usize,
    /// Number of the next.
    next: u64,
}

/// Why a stream is none.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// An event is too long.
    Long,
    /// It is no text.
    Text,
    /// Events are missing.
    Missing(u64),
}

impl Events {
    /// None yet, of which each has at most so many bytes.
    pub fn new(longest: usize) -> Self {
        Self { longest, waiting: Vec::new(), seen: 0, next: 0 }
    }

    /// Takes a portion.
    pub fn add(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The data of the next event that is whole.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn next(&mut self) -> Result<Option<String>, Broken> {
        while let Some(line) = self.line()? {
            if let Some(number) = line.strip_prefix("id: ").and_then(|number| number.parse::<u64>().ok()) {
                let missing = number.saturating_sub(self.next);
                self.next = number.saturating_add(1);
                if missing > 0 {
                    return Err(Broken::Missing(missing));
                }
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Ok(Some(data.to_owned()));
            }
        }
        Ok(None)
    }

    fn line(&mut self) -> Result<Option<String>, Broken> {
        let rest = self.waiting.get(self.seen..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n').map(|at| self.seen + at) else {
            self.seen = self.waiting.len();
            return if self.seen > self.longest { Err(Broken::Long) } else { Ok(None) };
        };
        let rest = self.waiting.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.waiting, rest);
        self.seen = 0;
        line.pop();
        String::from_utf8(line).map(Some).map_err(|_| Broken::Text)
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Long => f.write_str("it sent an event that is too long"),
            Self::Text => f.write_str("it sent an event that is no text"),
            Self::Missing(count) => write!(f, "{count} events were not read in time and are lost"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn whole_events_come_in_any_portions() {
        let stream = "id: 0\nevent: start\ndata: {\"a\": 1}\n\nid: 1\nevent: x\ndata: \u{e9}\n\n: keep\n";
        for size in [1, 2, 7, 1000] {
            let (mut events, mut all) = (Events::new(1000), Vec::new());
            for portion in stream.as_bytes().chunks(size) {
                events.add(portion);
                while let Some(data) = events.next().unwrap() {
                    all.push(data);
                }
            }
            assert_eq!(all, ["{\"a\": 1}", "\u{e9}"]);
        }
    }

    #[test]
    fn what_is_missing_or_none_is_seen() {
        let of = |stream: &[u8]| {
            let mut events = Events::new(1000);
            events.add(stream);
            events.next()
        };
        assert_eq!(of(b"id: 3\ndata: {}\n"), Err(Broken::Missing(3)));
        assert_eq!(of(b"data: \xff\n"), Err(Broken::Text));
        assert_eq!(of(&[b'x'; 1001]), Err(Broken::Long));
        assert_eq!(of(b"id: 0\ndata: unfinished"), Ok(None));
    }
}
