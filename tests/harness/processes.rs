//! Processes of runs as the host sees them, found by the name that a probe gave itself.
//!
//! Always holds: only reads `/proc`; a process that goes away while it is looked at counts as gone.

use std::fs;
use std::path::Path;

use crate::command::until;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Process id on the host.
    pub pid: i32,
    /// Start time in clock ticks; with `pid`, an identity.
    pub started: u64,
    /// `comm`.
    pub name: String,
    /// Real user id on the host.
    pub uid: u32,
    /// How many PID namespaces deep it is, seen from here.
    pub depth: usize,
}

/// All processes that can be seen.
#[must_use]
pub fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(read).collect()
}

fn read(pid: i32) -> Option<Process> {
    let base = Path::new("/proc").join(pid.to_string());
    let stat = fs::read_to_string(base.join("stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None; // dead; whoever is its parent has yet to notice
    }
    let started = fields.nth(18)?.parse().ok()?;
    let status = fs::read_to_string(base.join("status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::split_whitespace);
    Some(Process {
        pid,
        started,
        name: field("Name:")?.next()?.to_owned(),
        uid: field("Uid:")?.next()?.parse().ok()?,
        depth: field("NSpid:")?.count(),
    })
}

/// Those of this name.
#[must_use]
pub fn named(name: &str) -> Vec<Process> {
    all().into_iter().filter(|process| process.name == name).collect()
}

/// Waits until a process of this name is there.
#[must_use]
pub fn appears(name: &str) -> Option<Process> {
    until(|| named(name).into_iter().next())
}

/// Waits until none of this name is left.
#[must_use]
pub fn vanishes(name: &str) -> bool {
    until(|| named(name).is_empty().then_some(())).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_as_it_is() {
        let pid = std::process::id().cast_signed();
        let own = all().into_iter().find(|process| process.pid == pid).unwrap();
        assert_eq!(own.uid, nix::unistd::getuid().as_raw());
        assert_eq!(own.depth, 1);
        assert!(named(&own.name).contains(&own));
        assert!(named("no such name").is_empty());
    }
}
