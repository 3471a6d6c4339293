//! Numbers as the kernel's options take them, written without allocation.

use core::ffi::CStr;

/// A number in decimal digits.
#[derive(Clone, Copy, Debug)]
pub struct Decimal([u8; 11], usize);

impl Decimal {
    /// Writes it.
    #[must_use]
    pub fn of(mut number: u32) -> Self {
        let mut written = Self([0; 11], 10);
        loop {
            written.1 -= 1;
            if let Some(digit) = written.0.get_mut(written.1) {
                *digit = b'0' + (number % 10) as u8;
            }
            number /= 10;
            if number == 0 {
                return written;
            }
        }
    }

    /// The digits.
    #[must_use]
    pub fn text(&self) -> &CStr {
        self.0.get(self.1..).and_then(|digits| CStr::from_bytes_until_nul(digits).ok()).unwrap_or(c"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_smallest_to_the_largest() {
        for (number, text) in [(0, c"0"), (9, c"9"), (10, c"10"), (1001, c"1001"), (u32::MAX, c"4294967295")] {
            assert_eq!(Decimal::of(number).text(), text);
        }
    }
}
