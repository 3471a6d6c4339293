//! Quantities with units, as policy files write them: `"256MiB"`, `"10s"`, `1.5`, `"unlimited"`.
//!
//! Always holds: a value of a type here is in range, and its `Display` text parses back to the same value.

use std::fmt;
use std::str::FromStr;

/// An amount of memory or storage in bytes. Written `"64MiB"`, `"10kB"`, `"0B"`; a bare number is refused, since nobody can tell its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A span of time in microseconds. Written `"10s"`, `"250ms"`, `"1.5s"`, `"2min"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

/// A share of processors in thousandths of one CPU. Written as a number: `1`, `0.5`, `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus(pub u32);

/// A limit that has a value, or is lifted on purpose with the word `"unlimited"`.
///
/// The order is that of permission: every `At` is below `Unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit<T> {
    /// At most this much.
    At(T),
    /// No limit; only by the written word.
    Unlimited,
}
