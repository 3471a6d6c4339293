//! One look at the machine.

mod cgroup;
mod mounts;

use remand_policy::HostFacts;
use remand_policy::host::{CgroupFacts, Fact};

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What costs next to nothing: version, ids, capabilities, cgroups, ABI numbers. Namespaces are taken to be available; a start that fails shows otherwise.
    Quick,
    /// Each namespace and `/proc` mount is tried in a child process, and who refuses is found out.
    Full,
}

/// Looks at the machine.
#[must_use]
pub fn observe(depth: Depth) -> HostFacts {
    let _ = depth;
    unimplemented!()
}

/// Looks for cgroups only.
#[must_use]
pub fn cgroups() -> CgroupFacts {
    cgroup::facts(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))
}

/// A file's text; nothing where it can't be read, which every reader of these facts takes as "not there".
fn read(path: &str) -> String {
    std::fs::read(path).map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn missing(blocker: impl Into<String>, remedy: impl Into<String>) -> Fact {
    Fact::Missing { blocker: blocker.into(), remedy: remedy.into() }
}
