//! What a configuration is held to, and what must be known of the host for that.

use remand_policy::Policy;
use remand_syscalls::Arch;

/// What is known of the host where the container is to run.
pub trait Facts {
    /// Whether a path leads to a namespace of this kind that the host has itself. `Err`: it cannot be told.
    fn is_the_hosts(&self, kind: &str, path: &str) -> Result<bool, String>;
    /// Where a path leads, without links.
    fn leads_to(&self, path: &str) -> Result<String, String>;
    /// Whether a path leads to the host's own root, or cannot be looked at.
    fn is_the_hosts_root(&self, path: &str) -> bool;
    /// Whether cgroups can hold a container's limits here.
    fn cgroups(&self) -> bool;
    /// Whether swap can be limited, or must be.
    fn swap(&self) -> bool;
    /// The most that processes here can have of a limit, by its name such as `RLIMIT_NOFILE`; `None`: any amount.
    fn most(&self, limit: &str) -> Option<u64>;
}

/// For which container.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Its name towards the runtime.
    pub id: &'a str,
    /// What it is held to.
    pub policy: &'a Policy,
    /// The processor.
    pub arch: Arch,
    /// The socket of who is told refused calls.
    pub listener: Option<&'a str>,
    /// The host.
    pub facts: &'a dyn Facts,
}
