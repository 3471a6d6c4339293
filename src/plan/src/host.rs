//! What one look at the machine found, as plain data. Gathered by `remand-jail`'s `host` module; decided upon here.
//!
//! Always holds: a fact is either what the kernel showed, or a named lack with the reason; nothing is assumed.

use std::collections::BTreeMap;

use remand_syscalls::Arch;
use serde::Serialize;

/// Something the host gives, or why it does not and what an administrator can do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Tried, and it worked.
    Available,
    /// Refused.
    Missing {
        /// What refused it, with the kernel's answer: `"kernel.unprivileged_userns_clone = 0 (EPERM)"`.
        blocker: String,
        /// What to do.
        remedy: String,
    },
}

impl Fact {
    /// Whether the host gives it.
    #[must_use]
    pub fn available(&self) -> bool {
        matches!(self, Self::Available)
    }

    /// What refused it, and what to do; nothing where it is given.
    #[must_use]
    pub fn lack(&self) -> Option<(&str, &str)> {
        match self {
            Self::Available => None,
            Self::Missing { blocker, remedy } => Some((blocker, remedy)),
        }
    }
}

/// The machine as this process finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HostFacts {
    /// `uname -r`.
    pub kernel: String,
    /// Major and minor of `kernel`.
    pub kernel_version: (u32, u32),
    /// This machine's.
    pub arch: Arch,
    /// Effective ids of this process.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Whether this process holds the capabilities of a privileged start (SYS_ADMIN, SETUID, SETGID, CHOWN, KILL...) in the initial user namespace
    /// or one that maps the run uids.
    pub privileged: bool,
    /// Number of uids that runs can be given, from `first_run_id` on; 0 where this process cannot map others.
    pub run_ids: u32,
    /// First host uid of the pool.
    pub first_run_id: u32,
    /// Every remand of this machine takes its ids where this one does, so that no two runs have the same.
    pub ids_alone: Fact,
    /// Each namespace, tried for real in a child process.
    pub namespaces: NamespaceFacts,
    /// Where cgroups for runs can be made.
    pub cgroup: CgroupFacts,
    /// Landlock ABI; 0: none.
    pub landlock_abi: u32,
    /// Why `landlock_abi` is 0.
    pub landlock: Fact,
    /// Seccomp filters with user notification.
    pub seccomp: Fact,
    /// A fresh `/proc` in a new PID namespace can be mounted.
    pub proc_mount: Fact,
    /// Descriptors that this process can have open (RLIMIT_NOFILE, raised as far as can be).
    pub descriptors: u64,
    /// Bytes of stack that a program may have (RLIMIT_STACK, the hard limit).
    pub stack: u64,
    /// CPUs that are online.
    pub cpus: u32,
    /// Version of the C library that programs here start with, where it is glibc and can be known.
    pub glibc: Option<(u32, u32)>,
    /// Known kernel holes and host settings that weaken every sandbox here, as sentences.
    pub warnings: Vec<String>,
}

/// One entry per namespace kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct NamespaceFacts {
    pub user: Fact,
    pub mount: Fact,
    pub pid: Fact,
    pub ipc: Fact,
    pub uts: Fact,
    pub network: Fact,
    pub cgroup: Fact,
}

/// Which cgroup hierarchy can hold runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CgroupFacts {
    /// The usable hierarchy.
    pub version: CgroupVersion,
    /// Per controller: usable for runs, or why not.
    pub memory: Fact,
    /// `pids`.
    pub pids: Fact,
    /// `cpu` (bandwidth) and CPU accounting.
    pub cpu: Fact,
    /// v2: the directory below which runs' cgroups are made. v1: empty.
    pub parent: String,
    /// v2: this process's own cgroup, which is `parent` or below it. v1: empty.
    pub own: String,
    /// v1: the same for each controller (`memory`, `pids`, `cpu`, `cpuacct`) that is usable. v2: empty.
    pub v1: BTreeMap<String, String>,
    /// Whether swap use can be limited.
    pub swap: Fact,
    /// v2: limits of this process's own cgroup, and of those between it and `parent`, which runs would otherwise get past.
    pub surrounding: Vec<Surrounding>,
    /// Another user may write to this process's own cgroup, and so stop it: who, and where.
    pub exposed: Option<String>,
}

impl CgroupFacts {
    /// No cgroups, for this reason.
    #[must_use]
    pub fn none(blocker: &str, remedy: &str) -> Self {
        let reason = Fact::Missing { blocker: blocker.into(), remedy: remedy.into() };
        Self {
            version: CgroupVersion::None,
            memory: reason.clone(),
            pids: reason.clone(),
            cpu: reason.clone(),
            parent: String::new(),
            own: String::new(),
            v1: BTreeMap::new(),
            swap: reason,
            surrounding: Vec::new(),
            exposed: None,
        }
    }
}

/// A limit that holds this process, and would not hold its runs: it is copied onto their parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Surrounding {
    /// The cgroup file, such as `memory.max`.
    pub file: String,
    /// What is in it.
    pub value: String,
    /// The cgroup that it was found in.
    pub cgroup: String,
    /// Whether runs' cgroups can have it too.
    pub copied: Fact,
}

/// A cgroup hierarchy's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum CgroupVersion {
    V1,
    V2,
    None,
}
