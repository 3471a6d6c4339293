//! What two runs of one forkserver may have in common, and how many of them there can be.
//!
//! Always holds: whatever joins two runs is not shared. A namespace is one run's alone unless this says otherwise, and where what joins them is no namespace's
//! but their user's, there are no two.

use remand_syscalls::{Grant, Rules, covered, grants_of_group};

use crate::Plan;
use crate::plan::NetworkMode;

/// What grants sockets that others can find, but pairs of sockets: known by name, since it is asked on the way to each start.
const SOCKETS: [&str; 6] = ["socket", "@unix_sockets", "@raw_sockets", "@sockets", "io_uring_setup", "@io_uring"];
/// What reaches keyrings, which belong to a user.
const KEYS: [&str; 4] = ["add_key", "request_key", "keyctl", "@keys"];
/// `RLIMIT_NPROC`, which counts what a user has in the whole user namespace.
const NPROC: u32 = 6;

impl Plan {
    /// Whether runs can have one empty network namespace: to make one takes longer than all the others together. They can where none of them can make a socket
    /// but pairs of connected streams; any other can be found by its abstract name, or on the loopback device.
    #[must_use]
    pub fn shares_network(&self) -> bool {
        self.network == NetworkMode::None && !self.filter.is_empty() && only_pairs(&self.rules)
    }

    /// The most runs that one forkserver can have at once. `own_ids`: each has a user id of its own.
    #[must_use]
    pub fn most_together(&self, own_ids: bool) -> u32 {
        let by_user = || self.rlimits.iter().any(|(resource, ..)| *resource == NPROC) || reaches_keys(&self.rules);
        // A mount shows its files as those of one id.
        let by_mount = self.root.binds.iter().any(|bind| bind.owner.is_some());
        let joined = if own_ids { by_mount } else { by_user() };
        if joined { 1 } else { u32::MAX }
    }
}

fn only_pairs(rules: &Rules) -> bool {
    let streams = || {
        grants_of_group("@socketpair")
            .into_iter()
            .flatten()
            .filter(|grant| grant.call == "socketpair")
            .map(|grant| grant.when)
            .collect::<Vec<_>>()
    };
    let alone = |grant: &Grant| match grant.call.as_str() {
        "socketpair" => covered(&grant.when, &streams()),
        name => !SOCKETS.contains(&name),
    };
    rules.allow.iter().all(alone)
}

fn reaches_keys(rules: &Rules) -> bool {
    rules.allow.iter().any(|grant| KEYS.contains(&grant.call.as_str()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use remand_syscalls::{Comparison, Condition, granted, names};

    use super::*;

    fn rules(grants: &[Grant]) -> Rules {
        Rules { allow: grants.to_vec(), ..Rules::default() }
    }

    #[test]
    fn only_connected_streams_join_nobody() {
        let pair = |kind| {
            let when = |arg, op| Condition { arg, op };
            Grant { when: vec![when(0, Comparison::Equals(1)), when(1, Comparison::Equals(kind))], ..Grant::any("socketpair") }
        };
        for (grant, alone) in [
            (Grant::any("read"), true),
            (Grant::any("@socketpair"), true),
            (pair(1), true),
            (pair(1 | 0o2_000_000), true),
            (pair(2), false),
            (pair(5), false),
            (Grant::any("socketpair"), false),
            (Grant::any("@sockets"), false),
            (Grant::any("socket"), false),
        ] {
            assert_eq!(only_pairs(&rules(&[Grant::any("@io"), grant.clone()])), alone, "{grant:?}");
        }
    }

    #[test]
    fn every_name_that_grants_sockets_or_keys_is_known() {
        for name in names() {
            let rules = rules(&[Grant::any(name)]);
            let granted = granted(&rules).unwrap_or_default();
            let one = |calls: &[&str]| calls.iter().any(|call| granted.contains_key(call));
            assert_eq!(SOCKETS.contains(&name), one(&["socket", "io_uring_setup"]), "{name}");
            assert_eq!(reaches_keys(&rules), one(&["add_key", "request_key", "keyctl"]), "{name}");
        }
    }
}
