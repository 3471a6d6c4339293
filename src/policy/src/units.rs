//! Quantities with units, as policy files write them: `"256MiB"`, `"10s"`, `1.5`, `"unlimited"`.
//!
//! Always holds: `Display` writes one exact text per value, and that text parses back to the same value. Parsing never rounds: what has no
//! exact value in bytes, microseconds or thousandths of a CPU is refused.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// An amount of memory or storage in bytes. Written `"64MiB"`, `"1.5GiB"`, `"10000B"`. Units are B, KiB, MiB, GiB, TiB and no others: `"10MB"` means
/// two different amounts to two readers, and a bare number means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A span of time in microseconds. Written `"10s"`, `"250ms"`, `"1.5s"`, `"2min"`. Units are us, ms, s, min, h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

/// A share of processors in thousandths of one CPU. Written as a number: `1`, `0.5`, `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus(pub u32);

/// A limit that has a value, or is lifted on purpose with the word `"unlimited"`. Zero is never a limit: half of all tools read it as "none".
///
/// The order is that of permission: every `At` is below `Unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit<T> {
    /// At most this much.
    At(T),
    /// No limit; only by the written word.
    Unlimited,
}

/// Why a text is no quantity. `Display` says what is wrong, [`UnitError::help`] what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum UnitError {
    #[error("{text:?} has no unit")]
    NoUnit { text: String, help: String },
    #[error("{text:?} has the unknown unit {unit:?}")]
    UnknownUnit { text: String, unit: String, help: String },
    #[error("{text:?} is not a number{expected}")]
    NotANumber { text: String, expected: &'static str },
    #[error("{text:?} is negative")]
    Negative { text: String },
    #[error("{text:?} is not a whole number of {smallest}")]
    TooFine { text: String, smallest: &'static str },
    #[error("{text:?} is larger than can be counted")]
    TooLarge { text: String },
    #[error("{text:?}: zero is no limit")]
    Zero { text: String },
}

impl UnitError {
    /// What to write instead, if anything sensible can be said.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoUnit { help, .. } | Self::UnknownUnit { help, .. } => Some(help.clone()),
            Self::NotANumber { .. } | Self::TooLarge { .. } => None,
            Self::Negative { .. } | Self::Zero { .. } => {
                Some("write a limit above zero; \"unlimited\" lifts a limit where that is allowed".into())
            }
            Self::TooFine { smallest, .. } => Some(format!("write the amount in a smaller unit, down to whole {smallest}")),
        }
    }
}

/// A kind of quantity: its units, smallest first, with the value of each in the smallest.
struct Scale {
    units: &'static [(&'static str, u64)],
    smallest: &'static str,
    example: &'static str,
    /// Other spellings: what people write, and what they may have meant.
    slips: &'static [(&'static str, &'static str)],
}

const BYTES: Scale = Scale {
    units: &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)],
    smallest: "bytes",
    example: " with a unit, such as 64MiB",
    slips: &[
        ("kb", "KiB"),
        ("mb", "MiB"),
        ("gb", "GiB"),
        ("tb", "TiB"),
        ("k", "KiB"),
        ("m", "MiB"),
        ("g", "GiB"),
        ("t", "TiB"),
        ("ki", "KiB"),
        ("mi", "MiB"),
        ("gi", "GiB"),
        ("ti", "TiB"),
        ("kib", "KiB"),
        ("mib", "MiB"),
        ("gib", "GiB"),
        ("tib", "TiB"),
        ("b", "B"),
        ("byte", "B"),
        ("bytes", "B"),
    ],
};

const SPANS: Scale = Scale {
    units: &[("us", 1), ("ms", 1000), ("s", 1_000_000), ("min", 60_000_000), ("h", 3_600_000_000)],
    smallest: "microseconds",
    example: " with a unit, such as 10s",
    slips: &[
        ("µs", "us"),
        ("μs", "us"),
        ("usec", "us"),
        ("msec", "ms"),
        ("sec", "s"),
        ("secs", "s"),
        ("second", "s"),
        ("seconds", "s"),
        ("m", "min"),
        ("mins", "min"),
        ("minute", "min"),
        ("minutes", "min"),
        ("hr", "h"),
        ("hour", "h"),
        ("hours", "h"),
    ],
};

impl Scale {
    fn parse(&self, text: &str) -> Result<u64, UnitError> {
        // Nothing sensible is longer, and messages repeat the text.
        if text.chars().count() > 40 {
            return Err(UnitError::NotANumber { text: text.chars().take(40).chain("...".chars()).collect(), expected: self.example });
        }
        let trimmed = text.trim();
        let digits_end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits_end);
        if unit.is_empty() && !number.is_empty() {
            return Err(match self.exact(text, number, 1) {
                Ok(_) | Err(UnitError::TooFine { .. }) => UnitError::NoUnit { text: text.into(), help: self.help_bare(number) },
                Err(error) => error,
            });
        }
        if number.is_empty() {
            return Err(UnitError::NotANumber { text: text.into(), expected: self.example });
        }
        match self.units.iter().find(|(name, _)| *name == unit) {
            // `text != trimmed` would be a second spelling of one value.
            Some((_, factor)) if text == trimmed => self.exact(text, number, *factor),
            _ => Err(UnitError::UnknownUnit { text: text.into(), unit: unit.trim().into(), help: self.help(number, unit.trim()) }),
        }
    }

    /// What a number without a unit may have meant.
    fn help_bare(&self, number: &str) -> String {
        let written: Vec<_> = self.units.iter().take(3).map(|(unit, _)| format!("\"{number}{unit}\"")).collect();
        let whole = number.parse::<u64>().ok().map(|n| self.show(n)).filter(|shown| *shown != format!("{number}{}", self.units[0].0));
        let same = whole.map_or(String::new(), |shown| format!(" (as {}: \"{shown}\")", self.smallest));
        format!("write {}{same}", written.join(" or "))
    }

    fn help(&self, number: &str, unit: &str) -> String {
        let lower = unit.to_lowercase();
        if self.units.iter().any(|(name, _)| *name == unit) {
            return format!("write \"{number}{unit}\", without spaces");
        }
        let Some((_, meant)) = self.slips.iter().find(|(slip, _)| *slip == lower) else {
            let units = || format!("units are {}", self.units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
            return self.other_notation(&format!("{number}{unit}")).unwrap_or_else(units);
        };
        // "MB" is 1000 squared to some and 1024 squared to others: say both.
        let decimal = ["kb", "mb", "gb", "tb"].iter().position(|name| *name == lower).and_then(|power| u32::try_from(power + 1).ok());
        let bytes = decimal.and_then(|power| self.exact(unit, number, 1000_u64.pow(power)).ok());
        bytes.map_or_else(
            || format!("write \"{number}{meant}\""),
            |n| format!("write \"{number}{meant}\", or \"{n}B\" if powers of 1000 are meant"),
        )
    }

    /// Help for `1m30s`, `1:30:00`, `1,5GiB`, `1_024MiB` and `50%`.
    fn other_notation(&self, text: &str) -> Option<String> {
        if text.ends_with('%') {
            return Some(format!("a share has nothing here to be a share of: write an amount{}", self.example));
        }
        if text.contains('_') {
            let plain = text.replace('_', "");
            return self.parse(&plain).is_ok().then(|| format!("write \"{plain}\""));
        }
        if let Some((whole, fraction)) = text.split_once(',') {
            let both = [format!("{whole}.{fraction}"), format!("{whole}{fraction}")];
            let fits: Vec<String> = both.iter().filter(|text| self.parse(text).is_ok()).map(|text| format!("\"{text}\"")).collect();
            let thousands = fraction.bytes().take_while(u8::is_ascii_digit).count() == 3;
            let fits = if thousands { fits.as_slice() } else { fits.get(..1).unwrap_or_default() };
            return (!fits.is_empty()).then(|| format!("write {}", fits.join(" or ")));
        }
        self.clock(text).or_else(|| self.sum(text)).map(|value| format!("write \"{}\"", self.show(value)))
    }

    /// `1:30:00` in microseconds, where this is a scale of time.
    fn clock(&self, text: &str) -> Option<u64> {
        self.units.iter().find(|(name, _)| *name == "s")?;
        let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let seconds = match parts.as_slice() {
            [hours, minutes, seconds] => hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(*seconds),
            [minutes, seconds] => minutes.checked_mul(60)?.checked_add(*seconds),
            _ => None,
        };
        seconds?.checked_mul(1_000_000).filter(|value| *value > 0)
    }

    /// `1m30s`: numbers with units, one after the other.
    fn sum(&self, text: &str) -> Option<u64> {
        let (mut rest, mut sum) = (text.trim(), 0_u64);
        while !rest.is_empty() {
            let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
            let (unit, next) =
                after.trim_start().split_at(after.trim_start().find(|c: char| c.is_ascii_digit()).unwrap_or(after.trim_start().len()));
            let unit = unit.trim().to_lowercase();
            let slip = self.slips.iter().find(|(slip, _)| *slip == unit).map(|(_, meant)| *meant);
            let factor = self.units.iter().find(|(name, _)| Some(*name) == slip || *name == unit)?.1;
            sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
            rest = next.trim_start();
        }
        (sum > 0).then_some(sum)
    }

    fn exact(&self, text: &str, number: &str, factor: u64) -> Result<u64, UnitError> {
        exact(text, number, factor, self.smallest, self.example)
    }

    /// The largest unit that leaves a whole number.
    fn show(&self, value: u64) -> String {
        let fits = self.units.iter().rev().find(|(_, factor)| value != 0 && value.is_multiple_of(*factor));
        fits.map_or_else(|| format!("{value}{}", self.units[0].0), |(name, factor)| format!("{}{name}", value / factor))
    }
}

/// `number * factor`, if that is whole and fits. `number` is digits with at most one point between digits.
fn exact(text: &str, number: &str, factor: u64, smallest: &'static str, expected: &'static str) -> Result<u64, UnitError> {
    if let Some(positive) = number.strip_prefix('-') {
        let numeric = positive.starts_with(|c: char| c.is_ascii_digit());
        return Err(if numeric {
            UnitError::Negative { text: text.into() }
        } else {
            UnitError::NotANumber { text: text.into(), expected }
        });
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(UnitError::NotANumber { text: text.into(), expected });
    }
    let too_large = || UnitError::TooLarge { text: text.into() };
    let fraction = fraction.trim_end_matches('0');
    let scale = u32::try_from(fraction.len()).ok().and_then(|digits| 10_u128.checked_pow(digits));
    // More digits than the power of ten can hold are finer than any unit.
    let scale = scale.ok_or(UnitError::TooFine { text: text.into(), smallest })?;
    let part = if fraction.is_empty() { 0 } else { fraction.parse::<u128>().map_err(|_| too_large())? };
    let units = whole.parse::<u128>().ok().and_then(|n| n.checked_mul(scale)).and_then(|n| n.checked_add(part)).ok_or_else(too_large)?;
    let units = units.checked_mul(u128::from(factor)).ok_or_else(too_large)?;
    if !units.is_multiple_of(scale) {
        return Err(UnitError::TooFine { text: text.into(), smallest });
    }
    u64::try_from(units / scale).map_err(|_| too_large())
}

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        BYTES.parse(text).map(Self)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BYTES.show(self.0))
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        SPANS.parse(text).map(Self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&SPANS.show(self.0))
    }
}

impl FromStr for Cpus {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let thousandths = exact(text, text, 1000, "thousandths of a CPU", ", such as 1 or 0.5")?;
        u32::try_from(thousandths).map(Self).map_err(|_| UnitError::TooLarge { text: text.into() })
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, thousandths) = (self.0 / 1000, self.0 % 1000);
        if thousandths == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{thousandths:03}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// What a number counts, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unit {
    Bytes,
    Time,
    Cpus,
    Count,
}

impl Unit {
    /// A value that may be written.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Bytes => "256MiB",
            Self::Time => "10s",
            Self::Cpus => "1.5",
            Self::Count => "100",
        }
    }

    /// An amount for people.
    #[must_use]
    pub fn show(self, amount: u64) -> String {
        match self {
            Self::Bytes => Bytes(amount).to_string(),
            Self::Time => Span(amount).to_string(),
            Self::Cpus => Cpus::of(Some(amount)).to_string(),
            Self::Count => amount.to_string(),
        }
    }

    /// A limit as a policy file writes it; `None` is `unlimited`.
    #[must_use]
    pub fn json(self, amount: Option<u64>) -> Value {
        let Some(amount) = amount else { return Value::from("unlimited") };
        let shown = self.show(amount);
        match self {
            Self::Bytes | Self::Time => Value::from(shown),
            // The exact decimal digits; a float would do for these values, but not provably.
            Self::Cpus | Self::Count => shown.parse().map_or(Value::Null, Value::Number),
        }
    }

    /// The amount that a policy file writes; `None` where it is no number, or `unlimited`.
    #[must_use]
    pub fn amount(self, written: &Value) -> Option<u64> {
        match self {
            Self::Bytes => written.as_str()?.parse().ok().map(|bytes: Bytes| bytes.0),
            Self::Time => written.as_str()?.parse().ok().map(|span: Span| span.0),
            Self::Cpus => written.to_string().parse().ok().map(|cpus: Cpus| cpus.0.into()),
            Self::Count => written.as_u64(),
        }
    }
}

/// A type of numbers: an amount of a unit, or `None` for `unlimited` where [`Number::LIFTS`].
pub trait Number: Copy + Ord + fmt::Display {
    /// Of what.
    const UNIT: Unit;
    /// Whether `"unlimited"` may be written.
    const LIFTS: bool = false;

    /// The amount.
    fn amount(self) -> Option<u64>;

    /// The number that is this amount; the largest that there is where it is more than that.
    fn of(amount: Option<u64>) -> Self;
}

macro_rules! numbers {
    ($($type:ty, $unit:ident, $amount:expr, $of:expr;)*) => {$(
        impl Number for $type {
            const UNIT: Unit = Unit::$unit;

            fn amount(self) -> Option<u64> {
                let amount: fn(Self) -> u64 = $amount;
                Some(amount(self))
            }

            fn of(amount: Option<u64>) -> Self {
                let of: fn(u64) -> Self = $of;
                of(amount.unwrap_or(u64::MAX))
            }
        }
    )*};
}

numbers! {
    Bytes, Bytes, |bytes| bytes.0, Self;
    Span, Time, |span| span.0, Self;
    Cpus, Cpus, |cpus| cpus.0.into(), |amount| Self(u32::try_from(amount).unwrap_or(u32::MAX));
    u64, Count, |count| count, |amount| amount;
    u32, Count, |count| count.into(), |amount| u32::try_from(amount).unwrap_or(u32::MAX);
}

impl<T: Number> Number for Limit<T> {
    const UNIT: Unit = T::UNIT;
    const LIFTS: bool = true;

    fn amount(self) -> Option<u64> {
        self.value().and_then(T::amount)
    }

    fn of(amount: Option<u64>) -> Self {
        amount.map_or(Self::Unlimited, |_| Self::At(T::of(amount)))
    }
}

impl<T> Limit<T> {
    /// The value; `None` where the limit is lifted.
    pub fn value(self) -> Option<T> {
        match self {
            Self::At(value) => Some(value),
            Self::Unlimited => None,
        }
    }
}

impl<T: Number> Limit<T> {
    /// A limit at `value`.
    ///
    /// # Errors
    /// Zero.
    pub fn at(value: T) -> Result<Self, UnitError> {
        if value.amount() == Some(0) { Err(UnitError::Zero { text: value.to_string() }) } else { Ok(Self::At(value)) }
    }
}

impl<T: Number + FromStr<Err = UnitError>> FromStr for Limit<T> {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text {
            "unlimited" => Ok(Self::Unlimited),
            "0" => Err(UnitError::Zero { text: text.into() }),
            _ => Self::at(text.parse()?),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(value) => value.fmt(f),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused<T: FromStr<Err = UnitError> + fmt::Debug>(text: &str) -> (String, Option<String>) {
        let error = text.parse::<T>().unwrap_err();
        (error.to_string(), error.help())
    }

    #[test]
    fn exact_amounts() {
        for (text, value) in
            [("0B", 0), ("64MiB", 64 << 20), ("1.5GiB", 3 << 29), ("10000B", 10000), ("0.50KiB", 512), ("16777215TiB", 16_777_215 << 40)]
        {
            assert_eq!(text.parse(), Ok(Bytes(value)), "{text}");
        }
        for (text, value) in
            [("10s", 10_000_000), ("250ms", 250_000), ("1.5s", 1_500_000), ("2min", 120_000_000), ("1h", 3_600_000_000), ("7us", 7)]
        {
            assert_eq!(text.parse(), Ok(Span(value)), "{text}");
        }
        for (text, value) in [("1", 1000), ("0.5", 500), ("2.125", 2125), ("1.0000", 1000)] {
            assert_eq!(text.parse(), Ok(Cpus(value)), "{text}");
        }
        assert_eq!("unlimited".parse(), Ok(Limit::<Bytes>::Unlimited));
        assert_eq!("64MiB".parse(), Ok(Limit::At(Bytes(64 << 20))));
    }

    #[test]
    fn refusals_say_what_to_write() {
        let cases: [(&str, &str, Option<&str>); 12] = [
            ("10MB", "\"10MB\" has the unknown unit \"MB\"", Some("write \"10MiB\", or \"10000000B\" if powers of 1000 are meant")),
            ("64M", "\"64M\" has the unknown unit \"M\"", Some("write \"64MiB\"")),
            ("64 MiB", "\"64 MiB\" has the unknown unit \"MiB\"", Some("write \"64MiB\", without spaces")),
            ("64Mib", "\"64Mib\" has the unknown unit \"Mib\"", Some("write \"64MiB\"")),
            ("64XB", "\"64XB\" has the unknown unit \"XB\"", Some("units are B, KiB, MiB, GiB, TiB")),
            ("64", "\"64\" has no unit", Some("write \"64B\" or \"64KiB\" or \"64MiB\"")),
            ("1048576", "\"1048576\" has no unit", Some("write \"1048576B\" or \"1048576KiB\" or \"1048576MiB\" (as bytes: \"1MiB\")")),
            ("-1MiB", "\"-1MiB\" is negative", Some("write a limit above zero; \"unlimited\" lifts a limit where that is allowed")),
            ("NaN", "\"NaN\" is not a number with a unit, such as 64MiB", None),
            ("0.1KiB", "\"0.1KiB\" is not a whole number of bytes", Some("write the amount in a smaller unit, down to whole bytes")),
            ("16777216TiB", "\"16777216TiB\" is larger than can be counted", None),
            ("", "\"\" is not a number with a unit, such as 64MiB", None),
        ];
        for (text, message, help) in cases {
            assert_eq!(refused::<Bytes>(text), (message.into(), help.map(Into::into)), "{text}");
        }
        assert_eq!(refused::<Span>("10m").1.unwrap(), "write \"10min\"");
        assert_eq!(refused::<Span>("10").1.unwrap(), "write \"10us\" or \"10ms\" or \"10s\"");
        assert_eq!(refused::<Span>("0.5us").0, "\"0.5us\" is not a whole number of microseconds");
        for zero in ["0", "0B", "0MiB", "0.0GiB"] {
            assert!(matches!(zero.parse::<Limit<Bytes>>(), Err(UnitError::Zero { .. })), "{zero}");
        }
        for text in ["1e3", "+1", ".5", "5.", "1_000", "inf", "1.2.3", "0.0001", "5000000", " 1", "١"] {
            text.parse::<Cpus>().unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn every_value_round_trips(n: u64, shift in 0_u32..64, thousandths: u32) {
            for n in [n, n >> shift << shift, (n >> shift).saturating_mul(60_000_000)] {
                prop_assert_eq!(Bytes(n).to_string().parse(), Ok(Bytes(n)));
                prop_assert_eq!(Span(n).to_string().parse(), Ok(Span(n)));
            }
            prop_assert_eq!(Cpus(thousandths).to_string().parse(), Ok(Cpus(thousandths)));
            let limit = Limit::At(Bytes(n.max(1)));
            prop_assert_eq!(limit.to_string().parse(), Ok(limit));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,12}", number in "[-0-9.]{0,60}", unit in "[kKMmGTiBbsuhn µ]{0,4}") {
            for text in [&text, &format!("{number}{unit}")] {
                let _ = (text.parse::<Limit<Bytes>>(), text.parse::<Limit<Span>>(), text.parse::<Cpus>());
            }
        }
    }
}
