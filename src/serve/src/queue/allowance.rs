//! Something of which there is so much per minute: it is taken, and comes back with time.

use remand_engine::Moment;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    left: f64,
    /// As much as there is when none was taken.
    whole: f64,
    at: Moment,
}

impl Allowance {
    /// Nothing of it is taken.
    pub fn whole(whole: f64, now: Moment) -> Self {
        Self { left: whole, whole, at: now }
    }

    fn come_back(&mut self, whole: f64, now: Moment) {
        let left = self.left + now.since(self.at).as_secs_f64() * whole / 60.0;
        *self = Self { left: left.min(whole), whole, at: now };
    }

    /// Takes of it, more than there is too.
    pub fn take(&mut self, amount: f64, whole: f64, now: Moment) {
        self.come_back(whole, now);
        self.left -= amount;
    }

    /// Whole seconds until there is this much, or more than nothing; none where there is.
    pub fn lacks(&mut self, amount: f64, whole: f64, now: Moment) -> Option<u64> {
        self.come_back(whole, now);
        let there = if amount > 0.0 { self.left >= amount } else { self.left > 0.0 };
        // A quota is above nothing, and what is taken is no more than all runs of a machine can.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (!there).then(|| (((amount - self.left) * 60.0 / whole).ceil() as u64).max(1))
    }

    /// Whether nothing of it is taken by now.
    pub fn is_whole(&self, now: Moment) -> bool {
        let mut later = *self;
        later.come_back(self.whole, now);
        later.left >= self.whole
    }
}
