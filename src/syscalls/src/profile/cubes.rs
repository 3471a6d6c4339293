//! Sets of argument registers as cubes (bits that must have a value), and what three such sets decide together.
//!
//! Always holds: the leaves of a decision are disjoint and together cover everything. They come from an ordered tree of bits, lower arguments and higher bits
//! first, so that a runtime's library, which compares one argument after the other and never goes back, finds the right one.

use super::{RULES, masks};
use crate::names::argument_width;
use crate::rules::Condition;

/// For each argument the bits that are looked at, and their values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cube(pub [(u64, u64); 6]);

/// What becomes of a call with the arguments of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    /// Both sides allow it.
    Allowed,
    /// The policy does not.
    Refused,
    /// The policy does, the other profile does not.
    Theirs,
}

/// Who allows and who denies what of one call.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    pub ours: Vec<Cube>,
    pub allowed: Vec<Cube>,
    pub denied: Vec<Cube>,
}

impl Cube {
    /// Both at once; `None` where they exclude each other.
    pub fn and(&self, arg: usize, mask: u64, value: u64) -> Option<Self> {
        let mut both = *self;
        let slot = both.0.get_mut(arg)?;
        ((slot.1 ^ value) & slot.0 & mask == 0).then(|| *slot = (slot.0 | mask, slot.1 | value))?;
        Some(both)
    }

    fn is_all(&self) -> bool {
        self.0.iter().all(|(mask, _)| *mask == 0)
    }

    fn is_none(set: &[Self]) -> bool {
        set.is_empty()
    }

    /// What is left of it where a bit is known; `None` where it has the other value.
    fn at(&self, arg: usize, bit: u64, set: bool) -> Option<Self> {
        let mut rest = *self;
        let slot = rest.0.get_mut(arg)?;
        if slot.0 & bit != 0 && (slot.1 & bit != 0) != set {
            return None;
        }
        *slot = (slot.0 & !bit, slot.1 & !bit);
        Some(rest)
    }
}

/// One alternative of a grant as cubes; `None` if they are too many.
pub(super) fn of_way(call: &str, way: &[Condition]) -> Option<Vec<Cube>> {
    way.iter().try_fold(vec![Cube::default()], |cubes, condition| {
        let max = if argument_width(call, condition.arg) == Some(32) { u32::MAX.into() } else { u64::MAX };
        product(&cubes, usize::from(condition.arg), &masks(&condition.op, max))
    })
}

/// Each of the cubes narrowed by each of the masks of one argument.
pub(super) fn product(cubes: &[Cube], arg: usize, masks: &[(u64, u64)]) -> Option<Vec<Cube>> {
    if cubes.len() * masks.len() > RULES {
        return None;
    }
    Some(cubes.iter().flat_map(|cube| masks.iter().filter_map(|(mask, value)| cube.and(arg, *mask, *value))).collect())
}

/// The disjoint parts and what becomes of each; `None` if they are too many.
pub(super) fn decide(sides: Sides) -> Option<Vec<(Cube, Leaf)>> {
    let mut leaves = Vec::new();
    split(sides, Cube::default(), &mut leaves).then_some(leaves)
}

fn split(sides: Sides, path: Cube, leaves: &mut Vec<(Cube, Leaf)>) -> bool {
    if leaves.len() > RULES {
        return false;
    }
    let sides = Sides { ours: simplified(sides.ours), allowed: simplified(sides.allowed), denied: simplified(sides.denied) };
    if let Some(leaf) = sides.leaf() {
        leaves.push((path, leaf));
        return true;
    }
    let Some((arg, bit)) = sides.first_bit() else { return false };
    let before = leaves.len();
    for set in [false, true] {
        let of = |cubes: &[Cube]| cubes.iter().filter_map(|cube| cube.at(arg, bit, set)).collect();
        let part = Sides { ours: of(&sides.ours), allowed: of(&sides.allowed), denied: of(&sides.denied) };
        let Some(path) = path.and(arg, bit, if set { bit } else { 0 }) else { return false };
        if !split(part, path, leaves) {
            return false;
        }
    }
    if let [(_, one), (_, other)] = leaves.get(before..).unwrap_or_default()
        && one == other
    {
        let leaf = *one;
        leaves.truncate(before);
        leaves.push((path, leaf));
    }
    true
}

/// A set with everything in it is that alone.
fn simplified(set: Vec<Cube>) -> Vec<Cube> {
    if set.iter().any(Cube::is_all) { vec![Cube::default()] } else { set }
}

impl Sides {
    /// What becomes of all that is left, where that is one thing.
    fn leaf(&self) -> Option<Leaf> {
        let all = |set: &[Cube]| set.first().is_some_and(Cube::is_all);
        let none = Cube::is_none;
        if none(&self.ours) {
            Some(Leaf::Refused)
        } else if !all(&self.ours) {
            None
        } else if none(&self.allowed) || all(&self.denied) {
            Some(Leaf::Theirs)
        } else {
            (all(&self.allowed) && none(&self.denied)).then_some(Leaf::Allowed)
        }
    }

    fn first_bit(&self) -> Option<(usize, u64)> {
        let cubes = || self.ours.iter().chain(&self.allowed).chain(&self.denied);
        (0..6).find_map(|arg| {
            let mask = cubes().filter_map(|cube| cube.0.get(arg)).fold(0, |all, (mask, _)| all | mask);
            (mask != 0).then(|| (arg, 1 << (63 - mask.leading_zeros())))
        })
    }
}
