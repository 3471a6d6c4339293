//! CPython's `marshal` format, the part that versions 4 and 5 share.
//!
//! Always holds: what is written decodes to what `json.loads` would have made of the same value. A number that would not is refused.

/// What comes with this bit is kept by the reader.
const KEPT: u8 = 0x80;
/// Python reads and writes integers of so many digits.
const DIGITS: usize = 4_300;
/// Decimal digits that a limb's power of ten holds.
const CHUNK: usize = 18;

/// Where the bytes go: counted first, then kept. Lengths over 2^31 are written wrong, and never kept: `limits.job_size` is far below.
pub trait Writer {
    fn put(&mut self, bytes: &[u8]);

    fn open_dict(&mut self) {
        self.put(b"{");
    }

    fn close_dict(&mut self) {
        self.put(b"0");
    }

    fn open_list(&mut self, length: usize) {
        self.put(b"[");
        self.length(length);
    }

    fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            // Python makes these without decoding them.
            Ok(length) if text.is_ascii() => {
                self.put(&[b'z', length]);
                self.put(text.as_bytes());
            }
            _ => self.coded(text.as_bytes()),
        }
    }

    /// Text that is UTF-8 but for halves of surrogate pairs, which CPython writes and reads so.
    fn coded(&mut self, text: &[u8]) {
        self.put(b"u");
        self.length(text.len());
        self.put(text);
    }

    /// Text that will come again: it is kept for [`Self::again`], by how many were kept before it.
    fn kept(&mut self, short: &[u8]) {
        self.put(&[b'Z' | KEPT, u8::try_from(short.len()).unwrap_or(u8::MAX)]);
        self.put(short);
    }

    /// The text that was kept as the `number`th.
    fn again(&mut self, number: u32) {
        self.put(b"r");
        self.put(&number.to_le_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.open_list(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    fn bool(&mut self, value: bool) {
        self.put(if value { b"T" } else { b"F" });
    }

    fn int(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(small) => {
                self.put(b"i");
                self.put(&small.to_le_bytes());
            }
            Err(_) => self.long(value < 0, &[value.unsigned_abs()]),
        }
    }

    /// Sign and magnitude; limbs of 64 bits, least first.
    fn long(&mut self, negative: bool, limbs: &[u64]) {
        let bits: usize = limbs.iter().rposition(|limb| *limb != 0).map_or(0, |top| {
            let leading = limbs.get(top).map_or(64, |limb| limb.leading_zeros() as usize);
            top * 64 + 64 - leading
        });
        let digits = bits.div_ceil(15);
        let count = i32::try_from(digits).unwrap_or(i32::MAX);
        self.put(b"l");
        self.put(&(if negative { -count } else { count }).to_le_bytes());
        for digit in 0..digits {
            let (limb, shift) = (digit * 15 / 64, digit * 15 % 64);
            let low = limbs.get(limb).map_or(0, |value| value >> shift);
            let high = if shift > 49 { limbs.get(limb + 1).map_or(0, |value| value << (64 - shift)) } else { 0 };
            let [first, second, ..] = ((low | high) & 0x7FFF).to_le_bytes();
            self.put(&[first, second]);
        }
    }

    fn length(&mut self, length: usize) {
        self.put(&self::length(length));
    }

    fn number(&mut self, number: &Number) {
        match number {
            Number::Int(value) => self.int(*value),
            Number::Long(negative, limbs) => self.long(*negative, limbs),
            Number::Float(value) => {
                self.put(b"g");
                self.put(&value.to_le_bytes());
            }
        }
    }

    /// A value that is encoded already, as a byte string of its own: its bytes, and how many there would be where they were too many to keep.
    fn encoded(&mut self, bytes: &[u8], _size: u64) {
        self.put(b"s");
        self.length(bytes.len());
        self.put(bytes);
    }
}

/// Counts bytes.
pub struct Size(pub u64);

impl Writer for Size {
    fn put(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len() as u64);
    }

    fn encoded(&mut self, _bytes: &[u8], size: u64) {
        self.0 = self.0.saturating_add(size).saturating_add(5);
    }
}

impl Writer for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A number as Python holds it.
pub enum Number {
    Int(i64),
    /// Whether it is below zero; limbs of 64 bits, least first.
    Long(bool, Vec<u64>),
    Float(f64),
}

/// As Python reads JSON: without point and exponent an int of any size, else a float. `None`: a float beyond the largest, more digits than Python reads.
pub fn number(text: &str) -> Option<Number> {
    if text.contains(['.', 'e', 'E']) {
        return text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Number::Float);
    }
    if let Ok(small) = text.parse::<i64>() {
        return Some(Number::Int(small));
    }
    let digits = text.trim_start_matches('-');
    let limbs = if digits.len() <= DIGITS { limbs(digits) } else { None };
    limbs.map(|limbs| Number::Long(text.starts_with('-'), limbs))
}

/// A length as it is written.
pub fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// Decimal digits to 64-bit limbs, 18 digits at a step, so that a job full of long integers costs little.
fn limbs(digits: &str) -> Option<Vec<u64>> {
    let mut limbs: Vec<u64> = Vec::new();
    let first = digits.len() % CHUNK;
    let (head, tail) = digits.split_at_checked(first)?;
    let chunks = tail.as_bytes().chunks(CHUNK).map(|chunk| std::str::from_utf8(chunk).ok());
    for chunk in std::iter::once(Some(head)).filter(|head| *head != Some("")).chain(chunks) {
        let mut carry = u128::from(chunk?.parse::<u64>().ok()?);
        for limb in &mut limbs {
            let sum = u128::from(*limb) * 1_000_000_000_000_000_000 + carry;
            #[allow(clippy::cast_possible_truncation)] // the low half, on purpose
            {
                *limb = sum as u64;
            }
            carry = sum >> 64;
        }
        if carry > 0 {
            limbs.push(u64::try_from(carry).ok()?);
        }
    }
    Some(limbs)
}
