//! Owners that a user namespace does not map: the host's root among them, and everybody else of the host.
//!
//! Always holds: where all ids are mapped there are none.

use std::sync::OnceLock;

use remand_policy::places::beneath;

/// The number that stands for such an owner where nothing tells it.
const NOBODY: u32 = 65534;

/// Where only the host's root puts files, whoever that is in a user namespace.
const SYSTEM: [&str; 9] = ["/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/sbin", "/usr"];

/// The number that stands for every user whom this user namespace does not map; none where all are mapped.
pub fn owner() -> Option<u32> {
    static OWNER: OnceLock<Option<u32>> = OnceLock::new();
    *OWNER.get_or_init(|| {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let all = |map: &String| map.split_whitespace().eq(["0", "0", "4294967295"]);
        // Without a /proc nobody can say: then any number is somebody's.
        let some = read("/proc/self/uid_map").is_some_and(|map| !all(&map));
        some.then(|| read("/proc/sys/kernel/overflowuid").and_then(|text| text.trim().parse().ok()).unwrap_or(NOBODY))
    })
}

/// Whether a path lies where only the host's root puts files.
pub fn of_system(path: &str) -> bool {
    SYSTEM.iter().any(|tree| beneath(path, tree))
}
