//! The order of policies: comparing two texts mirrors, and narrowing never widens.

use std::collections::BTreeMap;

use remand_policy::load::{apply, parse};
use remand_policy::narrow::{Direction, compare, narrow};

use crate::loader::Files;

#[path = "../narrow/oracle.rs"]
mod oracle;

/// Two policy files and a request, separated by zero bytes.
pub fn holds(bytes: &[u8]) {
    let files = Files::of(bytes);
    let load = |index| parse(files.get(index)?, "p", &|name| files.find(name)).ok();
    let Some(one) = load(0) else { return };
    assert_eq!(compare(&one, &one), []);
    if let Some(request) = files.get(2).and_then(|source| serde_json::from_slice(&source.text).ok())
        && let Ok(narrowed) = apply(&one, &request)
    {
        assert_eq!(oracle::more(&one, &narrowed), Vec::<&str>::new(), "{request} over {one:?}");
    }
    let Some(other) = load(1) else { return };
    let directions = |from, to| {
        compare(from, to).into_iter().map(|change| (change.field, (change.direction, change.from, change.to))).collect::<BTreeMap<_, _>>()
    };
    let (there, back) = (directions(&one, &other), directions(&other, &one));
    let mirrored = back.into_iter().map(|(field, (direction, from, to))| (field, (reverse(direction), to, from))).collect();
    assert_eq!(there, mirrored);
    if let Ok(narrowed) = narrow(&one, other) {
        assert_eq!(oracle::more(&one, &narrowed), Vec::<&str>::new(), "{narrowed:?} over {one:?}");
    }
}

fn reverse(direction: Direction) -> Direction {
    match direction {
        Direction::Narrows => Direction::Widens,
        Direction::Widens => Direction::Narrows,
        Direction::Changes => Direction::Changes,
    }
}
