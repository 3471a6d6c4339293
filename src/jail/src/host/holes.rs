//! Holes of Linux through which sandboxes were left, by version: a handful of well-known ones.
//!
//! Always holds: judged by the upstream version alone; distributions repair older ones without changing it, and the sentence says so.

type Version = (u32, u32, u32);

struct Hole {
    name: &'static str,
    what: &'static str,
    /// First series that has it.
    since: (u32, u32),
    /// First repaired version of each series that was repaired, oldest first. Series between that are not listed were never repaired.
    fixed: &'static [Version],
}

const HOLES: &[Hole] = &[
    Hole {
        name: "CVE-2021-33909",
        what: "very long paths in /proc overflow a buffer (Sequoia)",
        since: (3, 16),
        fixed: &[(4, 4, 276), (4, 9, 276), (4, 14, 240), (4, 19, 198), (5, 4, 134), (5, 10, 52), (5, 12, 19), (5, 13, 4)],
    },
    Hole {
        name: "CVE-2022-0185",
        what: "file system options overflow a buffer in a user namespace",
        since: (5, 1),
        fixed: &[(5, 4, 173), (5, 10, 93), (5, 15, 16), (5, 16, 2)],
    },
    Hole {
        name: "CVE-2022-0492",
        what: "cgroup v1's release_agent can be set from a user namespace",
        since: (2, 6),
        fixed: &[(4, 9, 301), (4, 14, 266), (4, 19, 229), (5, 4, 177), (5, 10, 97), (5, 15, 20), (5, 16, 6)],
    },
    Hole {
        name: "CVE-2022-0847",
        what: "read-only files can be written to through a pipe (Dirty Pipe)",
        since: (5, 8),
        fixed: &[(5, 10, 102), (5, 15, 25), (5, 16, 11)],
    },
    Hole {
        name: "CVE-2023-0386",
        what: "overlayfs copies set-user-id files out of a user namespace",
        since: (5, 11),
        fixed: &[(5, 15, 91), (6, 1, 9)],
    },
    Hole {
        name: "CVE-2023-3269",
        what: "memory maps are used after they are freed (StackRot)",
        since: (6, 1),
        fixed: &[(6, 1, 37), (6, 3, 11), (6, 4, 1)],
    },
    Hole {
        name: "CVE-2023-32233",
        what: "nf_tables sets are used after they are freed, reachable from user and network namespaces",
        since: (3, 13),
        fixed: &[(4, 14, 315), (4, 19, 283), (5, 4, 243), (5, 10, 180), (5, 15, 111), (6, 1, 28), (6, 2, 15), (6, 3, 2)],
    },
    Hole {
        name: "CVE-2024-1086",
        what: "nf_tables verdicts free memory twice, reachable from user and network namespaces",
        since: (3, 15),
        fixed: &[(4, 19, 307), (5, 4, 269), (5, 10, 210), (5, 15, 149), (6, 1, 76), (6, 6, 15), (6, 7, 3)],
    },
];

/// A sentence for each hole that this version has.
pub(super) fn of(version: Version) -> Vec<String> {
    let sentence = |hole: &Hole| {
        let (major, minor, patch) = version;
        format!("Linux {major}.{minor}.{patch} has {}: {}, unless its distributor repaired it; update the kernel.", hole.name, hole.what)
    };
    HOLES.iter().filter(|hole| hole.is_in(version)).map(sentence).collect()
}

impl Hole {
    fn is_in(&self, version: Version) -> bool {
        let series = (version.0, version.1);
        let repaired = self.fixed.iter().any(|fixed| (fixed.0, fixed.1) == series && version.2 >= fixed.2);
        let newer = self.fixed.iter().all(|fixed| (fixed.0, fixed.1) < series);
        series >= self.since && !repaired && !newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(version: Version) -> Vec<&'static str> {
        HOLES.iter().filter(|hole| hole.is_in(version)).map(|hole| hole.name).collect()
    }

    #[test]
    fn by_version() {
        assert_eq!(names((6, 18, 44)), [""; 0]);
        assert_eq!(names((6, 1, 76)), [""; 0]);
        assert_eq!(names((6, 1, 75)), ["CVE-2024-1086"]);
        // A series that ended before the repair.
        assert_eq!(names((6, 5, 13)), ["CVE-2024-1086"]);
        assert!(names((5, 15, 24)).contains(&"CVE-2022-0847") && !names((5, 15, 25)).contains(&"CVE-2022-0847"));
        assert!(!names((5, 7, 0)).contains(&"CVE-2022-0847"));
        assert_eq!(names((0, 0, 0)), [""; 0]);
        assert!(of((6, 1, 75)).concat().contains("distributor"));
    }

    #[test]
    fn each_list_is_in_order() {
        for hole in HOLES {
            assert!(hole.fixed.is_sorted() && hole.fixed.first().is_some_and(|first| (first.0, first.1) >= hole.since), "{}", hole.name);
        }
    }
}
