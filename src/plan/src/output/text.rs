//! Bytes that come in portions, as text.
//!
//! Always holds: what is kept is at most the beginning of one character.

/// Text that comes in portions of bytes.
#[derive(Debug, Default)]
pub struct Text {
    /// A character whose end is missing.
    cut: Vec<u8>,
}

impl Text {
    /// What is there. What is no UTF-8 is replaced; a character whose end is missing waits for the next portion.
    pub fn take(&mut self, bytes: &[u8]) -> String {
        self.cut.extend_from_slice(bytes);
        let last = self.cut.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
        let cut = std::str::from_utf8(last).is_err_and(|error| error.error_len().is_none());
        let rest = self.cut.split_off(self.cut.len() - if cut { last.len() } else { 0 });
        String::from_utf8_lossy(&std::mem::replace(&mut self.cut, rest)).into_owned()
    }

    /// What never got its end.
    #[must_use]
    pub fn end(self) -> String {
        String::from_utf8_lossy(&self.cut).into_owned()
    }
}
