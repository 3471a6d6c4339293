//! What this host gives, as `remand doctor --json` says: which tests can run here, and which expectations differ.
//!
//! Always holds: asked once; a test is skipped by a fact, never by a user id.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use crate::End;
use crate::command::Call;

/// A feature that a test needs.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Its name, for the skip.
    pub name: &'static str,
    /// Whether it is here.
    pub met: fn() -> bool,
}

/// Memory held by a cgroup.
pub const CGROUP_MEMORY: Need = Need { name: "the memory cgroup controller for runs", met: || cgroup("memory") };
/// Processes counted by a cgroup.
pub const CGROUP_PIDS: Need = Need { name: "the pids cgroup controller for runs", met: || cgroup("pids") };
/// CPU time counted by a cgroup.
pub const CGROUP_CPU: Need = Need { name: "the cpu cgroup controller for runs", met: || cgroup("cpu") };
/// Cgroups of version 2.
pub const CGROUP_V2: Need = Need { name: "cgroup v2 for runs", met: || cgroup("memory") && host()["cgroup"]["version"] == "v2" };
/// A removed cgroup lives on while a cached page is charged to it. Newer kernels charge its parent from then on, and there is nothing to try.
pub const PAGES_KEEP_CGROUPS: Need = Need {
    name: "a kernel in which cached pages keep their removed cgroup",
    met: || !std::fs::read_to_string("/proc/kallsyms").is_ok_and(|symbols| symbols.contains("lru_reparent_memcg")),
};
/// Somewhere to swap to.
pub const SWAP: Need = Need { name: "swap", met: || std::fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() > 1) };
/// Ids of its own for each run.
pub const RUN_IDS: Need = Need { name: "host ids for runs (privilege)", met: || host()["run_ids"].as_u64().is_some_and(|count| count > 1) };
/// A start with privilege.
pub const PRIVILEGED: Need = Need { name: "a privileged start", met: || host()["privileged"] == true };
/// x86-64.
pub const X86_64: Need = Need { name: "an x86_64 machine", met: || cfg!(target_arch = "x86_64") };
/// Namespaces for a control.
pub const UNSHARE: Need = Need { name: "unshare -Urm for the control", met: can_unshare };
/// Landlock that scopes abstract sockets and signals.
pub const LANDLOCK_SCOPES: Need = Need { name: "Landlock ABI 6", met: || host()["landlock_abi"].as_u64().is_some_and(|abi| abi >= 6) };

/// Skips unless all are met.
///
/// # Errors
/// The skip, naming the first that is missing.
pub fn need(needs: &[Need]) -> Result<(), End> {
    match needs.iter().find(|need| !(need.met)()) {
        Some(missing) => Err(End::Skip(missing.name.to_owned())),
        None => Ok(()),
    }
}

/// The whole answer of `remand doctor --json`.
pub fn doctor() -> &'static Value {
    static ANSWER: OnceLock<Value> = OnceLock::new();
    ANSWER.get_or_init(|| {
        let ended = Call::new(&["doctor", "--json"]).end().unwrap_or_else(|end| panic!("remand doctor: {end:?}"));
        serde_json::from_slice(&ended.stdout)
            .unwrap_or_else(|error| panic!("remand doctor --json printed no JSON ({error}): {} {}", ended.out(), ended.err()))
    })
}

/// The host's facts in it.
pub fn host() -> &'static Value {
    doctor().get("host").unwrap_or_else(|| doctor())
}

fn cgroup(controller: &str) -> bool {
    let cgroup = &host()["cgroup"];
    cgroup["version"] != "none" && cgroup[controller] == "available"
}

fn can_unshare() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| Call::program(Path::new("unshare"), &["-U", "-r", "-m", "true"]).end().is_ok_and(|ended| ended.code == Some(0)))
}
