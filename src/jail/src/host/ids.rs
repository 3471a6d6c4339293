//! Who this process is, and which ids it can give to runs.
//!
//! Always holds: ids for runs are mapped in this process's own user namespace, for users and groups alike, and are not 0, not 65534 ("nobody").

use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;

use caps::{CapSet, Capability};
use remand_plan::host::Fact;

/// What a privileged start needs: namespaces and mounts, id maps, files and signals of runs that have another id.
const NEEDED: [Capability; 6] = [
    Capability::CAP_SYS_ADMIN,
    Capability::CAP_SETUID,
    Capability::CAP_SETGID,
    Capability::CAP_CHOWN,
    Capability::CAP_KILL,
    Capability::CAP_DAC_OVERRIDE,
];
/// Far above what distributions, container runtimes and systemd give out.
const FIRST: u32 = 0x4000_0000;
const COUNT: u32 = 65536;
const NOBODY: u32 = 65534;
/// The forkserver's and one run's.
const LEAST: usize = 2;

pub(super) struct Ids {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) privileged: bool,
    /// Empty where this process can't map others.
    pub(super) pool: Range<u32>,
}

/// Given `/proc/self/uid_map` and `gid_map`.
pub(super) fn look(uid_map: &str, gid_map: &str) -> Ids {
    let held = caps::read(None, CapSet::Effective).unwrap_or_default();
    let mut pool = if NEEDED.iter().all(|needed| held.contains(needed)) { pool(uid_map, gid_map) } else { 0..0 };
    if pool.len() < LEAST {
        pool = 0..0;
    }
    Ids { uid: nix::unistd::geteuid().as_raw(), gid: nix::unistd::getegid().as_raw(), privileged: !pool.is_empty(), pool }
}

/// The number of the first PID namespace, `PROC_PID_INIT_INO` of the kernel's `proc_ns.h`.
const FIRST_PID_NAMESPACE: u64 = 0xefff_fffc;

/// Whether the file that ids are locked in ([`crate::ids`]) is the machine's own: this process belongs to the machine's first PID namespace, and has the `/run` of
/// its PID 1. Two containers have a file each, and may have the same ids on the host.
pub(super) fn alone() -> Fact {
    let at = |path: &str| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    let own = at("/proc/self/ns/pid").is_some_and(|(_, namespace)| namespace == FIRST_PID_NAMESPACE);
    let what = match at("/proc/1/root/run") {
        _ if !own => "this is not the machine's first PID namespace",
        None => "the /run of PID 1 cannot be looked at",
        run if run == at("/run") => return Fact::Available,
        Some(_) => "/run here is not the machine's",
    };
    Fact::Missing {
        blocker: format!("{what}: a remand in another container may give out the same ids"),
        remedy: "Run remand outside of containers, or say namespaces.own_uid = \"optional\".".into(),
    }
}

/// Whether this process's own ids mean something in its user namespace; others can't make user namespaces.
pub(super) fn mapped(uid_map: &str, gid_map: &str) -> bool {
    let covers = |map: &str, id: u32| ranges(map).iter().any(|range| range.contains(&id));
    covers(uid_map, nix::unistd::geteuid().as_raw()) && covers(gid_map, nix::unistd::getegid().as_raw())
}

/// The usual range where it is mapped, else the top quarter of the largest that is.
fn pool(uid_map: &str, gid_map: &str) -> Range<u32> {
    let groups = ranges(gid_map);
    let both = ranges(uid_map)
        .into_iter()
        .flat_map(|users| groups.iter().map(move |groups| users.start.max(groups.start)..users.end.min(groups.end)));
    let both: Vec<Range<u32>> = both.filter(|range| !range.is_empty()).collect();
    let usual = FIRST..FIRST + COUNT;
    if both.iter().any(|range| range.start <= usual.start && range.end >= usual.end) {
        return usual;
    }
    let Some(largest) = both.into_iter().max_by_key(Range::len) else { return 0..0 };
    let quarter = (largest.end - largest.start) / 4;
    let top = largest.end - quarter.min(COUNT)..largest.end;
    without_nobody(top)
}

fn without_nobody(range: Range<u32>) -> Range<u32> {
    if !range.contains(&NOBODY) {
        return range;
    }
    let (below, above) = (range.start..NOBODY, NOBODY + 1..range.end);
    if below.len() >= above.len() { below } else { above }
}

/// The ids that a map covers, as seen from inside.
fn ranges(map: &str) -> Vec<Range<u32>> {
    let parse = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let (inside, _outside, count) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(inside..inside.saturating_add(count))
    };
    map.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "         0          0 4294967295\n";

    #[test]
    fn the_usual_range_where_everything_is_mapped() {
        assert_eq!(pool(ALL, ALL), 0x4000_0000..0x4001_0000);
    }

    #[test]
    fn the_top_quarter_elsewhere() {
        let container = "0 1000 1\n1 100000 65536\n";
        assert_eq!(pool(container, container), 49153..65534);
        assert_eq!(pool("0 100000 1000000", "0 100000 1000000"), 934_464..1_000_000);
        assert_eq!(pool("0 100000 1000000", container), 49153..65534);
        assert_eq!(without_nobody(65000..70000), 65535..70000);
    }

    #[test]
    fn none_where_one_id_is_mapped_or_none() {
        assert_eq!(pool("0 1000 1", "0 1000 1"), 1..1);
        for odd in ["", "x", "0 0", "-1 0 5", "0 0 99999999999"] {
            assert_eq!(pool(odd, ALL), 0..0, "{odd}");
        }
        assert!(!mapped("", ""));
        assert!(mapped(ALL, ALL));
    }
}
