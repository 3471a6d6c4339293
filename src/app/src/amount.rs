//! Amounts, as people read them: three significant digits at most, with a unit.
//!
//! Always holds: never rounded down, so that a counter just over a limit does not read like the limit itself.

use remand_plan::limit::Unit;

/// A number with its unit, as people read it: three significant digits at most after scaling.
pub fn amount(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Us => time(value),
        Unit::Bytes => bytes(value),
        unit => format!("{value} {unit}"),
    }
}

/// Microseconds, as people read them.
pub fn time(value: u64) -> String {
    scaled(value, &[("µs", 1), ("ms", 1000), ("s", 1_000_000)])
}

/// The same of bytes.
pub fn bytes(value: u64) -> String {
    scaled(value, &[("bytes", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)])
}

fn scaled(value: u64, units: &[(&str, u64)]) -> String {
    let (unit, size) = units.iter().rev().find(|(_, size)| value >= *size).or(units.first()).copied().unwrap_or(("", 1));
    let (whole, rest) = (value / size, value % size);
    // Rounded up, so that a counter just over a limit never reads like the limit itself.
    match rest.saturating_mul(100).div_ceil(size) {
        0 => format!("{whole} {unit}"),
        100 => format!("{} {unit}", whole + 1),
        hundredths => format!("{whole}.{hundredths:02} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_and_never_rounded_down() {
        let shown = [0, 999, 1000, 1_999_999, 2_000_000, u64::MAX].map(|us| amount(us, Unit::Us));
        assert_eq!(shown, ["0 µs", "999 µs", "1 ms", "2 s", "2 s", "18446744073709.56 s"]);
        assert_eq!(amount(1 << 30, Unit::Bytes), "1 GiB");
        assert_eq!(amount((1 << 20) - 1, Unit::Bytes), "1024 KiB");
        assert_eq!(amount(3, Unit::Tasks), "3 tasks");
    }
}
