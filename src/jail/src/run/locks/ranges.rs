//! The locks on one file: byte ranges with owners, as POSIX has them.
//!
//! Always holds: pure; no two locks of different owners overlap unless both are shared; those of one owner neither overlap nor, where they are of one kind,
//! touch. A test compares it with the kernel's own answers.

/// First and last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: i64,
    /// `i64::MAX`: to the end of the file, wherever that will be.
    pub last: i64,
}

impl Range {
    /// The whole file.
    pub const ALL: Self = Self { first: 0, last: i64::MAX };

    fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn touches(self, other: Self) -> bool {
        self.first <= other.last.saturating_add(1) && other.first <= self.last.saturating_add(1)
    }
}

/// Who holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A process, by its id here.
    Process(u32),
    /// An open file description, by the number that it is held under here.
    Description(u64),
}

/// One lock, held or wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    pub owner: Owner,
    pub exclusive: bool,
    pub range: Range,
}

/// Those of one owner stand together and in order, owners in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Lock>);

impl Ranges {
    /// The first lock of another owner that stands in the way.
    pub fn conflict(&self, wanted: &Lock) -> Option<Lock> {
        let blocks = |held: &&Lock| held.owner != wanted.owner && (held.exclusive || wanted.exclusive) && held.range.meets(wanted.range);
        self.0.iter().find(blocks).copied()
    }

    /// Gives the lock to its owner, in place of what it holds there. To be asked for a conflict before.
    pub fn set(&mut self, lock: Lock) {
        let place = self.cut(lock.owner, lock.range);
        let mut merged = lock;
        let joins = |held: &Lock, merged: &Lock| {
            held.owner == merged.owner && held.exclusive == merged.exclusive && held.range.touches(merged.range)
        };
        self.0.retain(|held| {
            let joined = joins(held, &merged);
            if joined {
                merged.range = Range { first: held.range.first.min(merged.range.first), last: held.range.last.max(merged.range.last) };
            }
            !joined
        });
        let after = |held: &Lock| held.owner == lock.owner && held.range.first > merged.range.first;
        let last = self.0.iter().rposition(|held| held.owner == lock.owner).map(|last| last + 1);
        let place = self.0.iter().position(after).or(last).unwrap_or(place).min(self.0.len());
        self.0.insert(place, merged);
    }

    /// Takes a range from an owner; says where its first lock stood.
    pub fn cut(&mut self, owner: Owner, range: Range) -> usize {
        let place = self.0.iter().position(|held| held.owner == owner).unwrap_or(self.0.len());
        if !self.0.iter().any(|held| held.owner == owner && held.range.meets(range)) {
            return place;
        }
        let parts = |held: Lock| {
            if held.owner != owner || !held.range.meets(range) {
                return [Some(held), None];
            }
            let before = (held.range.first < range.first).then(|| Range { last: range.first - 1, ..held.range });
            let behind = (held.range.last > range.last).then(|| Range { first: range.last + 1, ..held.range });
            [before, behind].map(|range| range.map(|range| Lock { range, ..held }))
        };
        self.0 = self.0.drain(..).flat_map(parts).flatten().collect();
        place
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this owner has any.
    pub fn has(&self, owner: Owner) -> bool {
        self.0.iter().any(|held| held.owner == owner)
    }

    /// Those of an owner.
    pub fn of(&self, owner: Owner) -> impl Iterator<Item = Lock> {
        self.0.iter().filter(move |held| held.owner == owner).copied()
    }

    /// All owners, some more than once.
    pub fn owners(&self) -> impl Iterator<Item = Owner> {
        self.0.iter().map(|held| held.owner)
    }
}

#[cfg(test)]
mod tests;
