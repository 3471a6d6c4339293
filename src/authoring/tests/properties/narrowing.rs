//! The order of policies: comparing two texts mirrors, and narrowing never widens.

use remand_policy::load::{Chain, parse};
use remand_policy::narrow::{Change, Direction, compare, narrow};
use remand_policy::overrides::apply;

use crate::loader::Files;

#[path = "../narrow/oracle.rs"]
mod oracle;

/// Two policy files and a request, separated by zero bytes.
pub fn holds(bytes: &[u8]) {
    let files = Files::of(bytes);
    let load = |index| parse(&Chain::follow(files.get(index)?, |_, name| files.find(name)), "p").ok();
    let Some(one) = load(0) else { return };
    assert_eq!(compare(&one, &one), []);
    if let Some(request) = files.get(2).and_then(|source| serde_json::from_slice(&source.text).ok())
        && let Ok(narrowed) = apply(&one, &request)
    {
        assert_eq!(oracle::more(&one, &narrowed), Vec::<&str>::new(), "{request} over {one:?}");
    }
    let Some(other) = load(1) else { return };
    // One entry for a field, or for each call or mount, in an order of its own.
    let sorted = |mut changes: Vec<Change>| {
        changes.sort_by_key(|change| (change.field.clone(), change.from.clone(), change.to.clone()));
        changes
    };
    let mirror = |change: Change| Change { field: change.field, direction: reverse(change.direction), from: change.to, to: change.from };
    let mirrored = compare(&other, &one).into_iter().map(mirror).collect();
    assert_eq!(sorted(compare(&one, &other)), sorted(mirrored));
    if let Ok(narrowed) = narrow(&one, other) {
        assert_eq!(oracle::more(&one, &narrowed), Vec::<&str>::new(), "{narrowed:?} over {one:?}");
    }
}

fn reverse(direction: Direction) -> Direction {
    match direction {
        Direction::Narrows => Direction::Widens,
        Direction::Widens => Direction::Narrows,
        same @ (Direction::Changes | Direction::Free) => same,
    }
}
