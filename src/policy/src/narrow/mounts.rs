//! The order of `filesystem.mounts`, by target.
//!
//! Always holds: a mount below another mount is never taken out or put in by narrowing, since it hides a part of the outer one.

use std::cmp::Ordering;

use serde_json::Value;

use super::change::{Change, changed, entry, together};
use crate::places::inside;
use crate::policy::Mount;
use crate::write::write_mount;

pub(super) fn compare(changes: &mut Vec<Change>, field: &str, from: &[Mount], to: &[Mount]) {
    let nested = |mount: &Mount| from.iter().chain(to).any(|outer| inside(&mount.target, &outer.target));
    let missing = |mount: &Mount, ordering| if nested(mount) { None } else { Some(ordering) };
    let mut differ = |ordering, old: Option<&Mount>, new: Option<&Mount>| {
        let shown = |mount: Option<&Mount>| Value::from_iter(mount.map(write_mount));
        entry(changes, field, ordering, &shown(old), &shown(new));
    };
    for old in from {
        match at(to, old) {
            Some(new) => differ(permission(old, new), Some(old), Some(new)),
            None => differ(missing(old, Ordering::Greater), Some(old), None),
        }
    }
    for new in to.iter().filter(|mount| at(from, mount).is_none()) {
        differ(missing(new, Ordering::Less), None, Some(new));
    }
}

fn at<'m>(mounts: &'m [Mount], wanted: &Mount) -> Option<&'m Mount> {
    mounts.iter().find(|mount| mount.target == wanted.target)
}

/// Of two mounts at one target. A mount that must be there allows less than an optional one: the run may not start.
fn permission(from: &Mount, to: &Mount) -> Option<Ordering> {
    let Mount { source, target: _, writable, exec, optional, reason: _ } = from;
    together([changed(*source == to.source), Some(writable.cmp(&to.writable)), Some(exec.cmp(&to.exec)), Some(optional.cmp(&to.optional))])
}

#[cfg(test)]
mod tests {
    use crate::narrow::{Direction, compare};
    use crate::policy::{Mount, Policy};

    fn with(targets: &[&str]) -> Policy {
        let mount = |target: &&str| Mount {
            source: "/s".to_owned() + target,
            target: (*target).to_owned(),
            writable: false,
            exec: false,
            optional: false,
            reason: None,
        };
        let mut policy = Policy::floor("p");
        policy.filesystem.mounts = targets.iter().map(mount).collect();
        policy
    }

    /// The directions of all that differs.
    fn directions(from: &[&str], to: &[&str]) -> Vec<Direction> {
        compare(&with(from), &with(to)).into_iter().map(|change| change.direction).collect()
    }

    #[test]
    fn a_mount_that_hides_a_part_of_another_stays() {
        assert_eq!(directions(&["/a", "/a/secret"], &["/a"]), [Direction::Changes]);
        assert_eq!(directions(&["/a", "/a/secret"], &["/a/secret"]), [Direction::Narrows]);
        assert_eq!(directions(&["/a", "/ab"], &["/a"]), [Direction::Narrows]);
        assert_eq!(directions(&["/a"], &["/a", "/b"]), [Direction::Widens]);
        assert_eq!(directions(&["/a"], &["/b"]), [Direction::Narrows, Direction::Widens]);
        assert_eq!(directions(&["/a", "/b"], &["/b", "/a"]), []);
    }
}
