//! What stands in a value for something that JSON cannot say, as `result` of the policy says: a claim of the run about its own value.
//!
//! Always holds: no more than [`SPOTS`] places are kept, of at most [`AT`] characters each.

use serde::{Deserialize, Serialize};

use super::{FrameError, malformed};
use crate::words::words;

/// Places that are named; the others are only counted.
pub const SPOTS: usize = 10;
/// Characters of one place.
pub const AT: usize = 300;

/// How many there are, and where the first ones stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// All of them.
    pub count: u64,
    /// The first ten.
    pub first: Vec<Spot>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// Its place in `value` as a JSON path, such as `$[3].json.price`.
    pub at: String,
    /// What it was.
    pub was: Was,
}

words! {
    /// What JSON cannot say: numbers that are not finite, and text with half a surrogate pair.
    Was {
        Nan "NaN", Infinity "Infinity", MinusInfinity "-Infinity", Surrogate "surrogate",
    }
}

impl Replaced {
    /// Those of one frame.
    ///
    /// # Errors
    /// `Malformed` where more is named than an executor names.
    pub(super) fn check(&self) -> Result<(), FrameError> {
        let fits = self.first.len() <= SPOTS && self.first.iter().all(|spot| spot.at.chars().count() <= AT);
        if fits { Ok(()) } else { Err(malformed("more places of replaced values than are named")) }
    }

    /// Takes those of a later frame.
    pub(super) fn add(&mut self, more: Self) {
        self.count = self.count.saturating_add(more.count);
        let room = SPOTS.saturating_sub(self.first.len());
        self.first.extend(more.first.into_iter().take(room));
    }
}
