//! Numbers and texts as bytes, for messages and memories between our own processes.
//!
//! Always holds: reading never goes beyond the end and allocates no more than what is there; whatever is left over, or missing, makes the whole malformed.

/// What was read is not what was to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed")]
pub struct Malformed;

/// Writes.
#[derive(Debug, Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// One byte.
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// A number.
    pub fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Bytes with their length before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// As [`Self::bytes`].
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Something that may not be there.
    pub fn maybe<T: ?Sized>(&mut self, what: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.byte(u8::from(what.is_some()));
        if let Some(what) = what {
            write(self, what);
        }
    }

    /// Several, with their number before them.
    pub fn list<T>(&mut self, list: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.number(list.len() as u64);
        list.iter().for_each(|one| write(self, one));
    }
}

/// Reads what a [`Writer`] wrote, or anybody else.
#[derive(Debug)]
pub struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// All of it, by `read`.
    ///
    /// # Errors
    /// `read` fails, or leaves something.
    pub fn all<T>(bytes: &'b [u8], read: impl FnOnce(&mut Self) -> Result<T, Malformed>) -> Result<T, Malformed> {
        let mut reader = Self(bytes);
        let all = read(&mut reader)?;
        if reader.0.is_empty() { Ok(all) } else { Err(Malformed) }
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1)?.first().copied().ok_or(Malformed)
    }

    /// A flag: no other byte than 0 and 1.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// A number.
    pub fn number(&mut self) -> Result<u64, Malformed> {
        self.take(8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).ok_or(Malformed)
    }

    /// A number of a smaller type.
    pub fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.number()?).map_err(|_| Malformed)
    }

    /// Bytes, at most so many.
    pub fn bytes(&mut self, most: usize) -> Result<&'b [u8], Malformed> {
        let count = self.small::<usize>()?;
        if count > most { Err(Malformed) } else { self.take(count) }
    }

    /// UTF-8, at most so many bytes.
    pub fn text(&mut self, most: usize) -> Result<String, Malformed> {
        std::str::from_utf8(self.bytes(most)?).map(str::to_owned).map_err(|_| Malformed)
    }

    /// Something that may not be there.
    pub fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Malformed>) -> Result<Option<T>, Malformed> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// Several, at most so many.
    pub fn list<T>(&mut self, most: usize, mut read: impl FnMut(&mut Self) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
        let count = self.small::<usize>()?;
        if count > most {
            return Err(Malformed);
        }
        (0..count).map(|_| read(self)).collect()
    }
}
