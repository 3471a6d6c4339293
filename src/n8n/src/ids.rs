//! Names that this runner makes for itself, its offers and its calls: 22 letters and digits, which nobody can guess.

use rand::RngExt;
use rand::distr::Alphanumeric;

/// One.
#[must_use]
pub fn id() -> String {
    rand::rng().sample_iter(Alphanumeric).take(22).map(char::from).collect()
}

/// A number up to `most`, for offers that do not all end at once.
#[must_use]
pub fn jitter(most: u64) -> u64 {
    rand::rng().random_range(0..=most)
}
