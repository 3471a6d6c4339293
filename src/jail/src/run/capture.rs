//! A bounded copy of one of the run's streams.
//!
//! Always holds: never more than the limit is kept, however much is written.

/// What was kept.
#[derive(Debug)]
pub struct Capture {
    kept: Vec<u8>,
    limit: usize,
    /// Bytes that came.
    pub seen: u64,
}

impl Capture {
    /// Keeps at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { kept: Vec::new(), limit: usize::try_from(limit).unwrap_or(usize::MAX), seen: 0 }
    }

    /// Takes what came; returns the part that is within the limit.
    pub fn take<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        self.seen += bytes.len() as u64;
        let within = bytes.get(..self.limit.saturating_sub(self.kept.len())).unwrap_or(bytes);
        self.kept.extend_from_slice(within);
        within
    }

    /// More came than is kept.
    pub fn over(&self) -> bool {
        self.seen > self.limit as u64
    }

    /// As text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_limit_is_not_over_it_and_one_more_is() {
        let mut capture = Capture::new(4);
        assert_eq!(capture.take(b"abcd"), b"abcd");
        assert!(!capture.over());
        assert_eq!(capture.take(b"e"), b"");
        assert!(capture.over());
        assert_eq!((capture.text().as_str(), capture.seen), ("abcd", 5));
    }
}
