//! A plan: policy, request and host facts resolved into what the mechanisms are to do. Pure data; the only thing that mechanisms see.
//!
//! Always holds: a plan exists only if every required protection can be enforced on the host it was made for. Paths are absolute, numbers final.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use remand_syscalls::bpf::Instruction;
use remand_syscalls::{Rules, granted};

use crate::enforcement::Enforcement;
use crate::files::FileId;
use crate::frames::Bounds;
use crate::interpreter::{Interpreter, Tree};
use crate::landlock::fs;
use crate::protection::Protection;
use crate::python_variables;

use remand_policy::places::{TERMINALS, TTY};

pub use remand_policy::policy::NetworkMode;

/// One run, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Name of the policy.
    pub policy_name: String,
    /// SHA-256 over the effective policy's canonical text, hex.
    pub policy_hash: String,
    /// The root file system that the forkserver builds once.
    pub root: Root,
    /// The private tmpfs of each run.
    pub tmp: TmpMount,
    /// Mount a restricted `/proc`.
    pub proc: bool,
    /// What the run reaches.
    pub network: NetworkMode,
    /// What cgroups hold; `None` where no controller is used.
    pub cgroup: Option<CgroupLimits>,
    /// Resource limits to set in the executor process, as (`RLIMIT_*` number, soft, hard); `u64::MAX` is infinity. The supervisor lowers a value to the
    /// hard limit it inherited, never raises it.
    pub rlimits: Vec<(u32, u64, u64)>,
    /// Watch resident memory and stop above this many bytes, where no cgroup does; `None` otherwise.
    pub memory_watch: Option<u64>,
    /// Wall-clock budget from the `ready` frame; `None` is unlimited.
    pub wall_time: Option<Duration>,
    /// CPU budget over the whole run.
    pub cpu_time: Option<Duration>,
    /// Landlock rights; `None` where it is not enforced.
    pub landlock: Option<LandlockPlan>,
    /// What the policy lets a run call, which a denial is held against.
    pub rules: Rules,
    /// Calls whose denials are counted apart.
    pub quiet: BTreeSet<String>,
    /// The compiled seccomp filter; empty where it is not enforced.
    pub filter: Vec<Instruction>,
    /// Only while learning: the filter that the run would have otherwise. What `filter` hands to the supervisor and this one allows is looked at and let
    /// through; what this one does not allow is denied, as ever.
    pub normal_filter: Option<Vec<Instruction>>,
    /// Its standard streams are a terminal of its own.
    pub tty: bool,
    /// What is executed.
    pub command: Command,
    /// Ceilings on what comes back.
    pub bounds: Bounds,
    /// What each protection rests on, or why it is absent. The verdict completes it with what only the start and the end can tell.
    pub enforcement: BTreeMap<Protection, Enforcement>,
}

/// `RLIMIT_*` of Linux on both instruction sets.
#[allow(missing_docs)]
pub mod rlimit {
    pub const CPU: u32 = 0;
    pub const FSIZE: u32 = 1;
    pub const STACK: u32 = 3;
    pub const CORE: u32 = 4;
    pub const NPROC: u32 = 6;
    pub const NOFILE: u32 = 7;
    pub const MEMLOCK: u32 = 8;
    pub const SIGPENDING: u32 = 11;
    pub const MSGQUEUE: u32 = 12;
    pub const NICE: u32 = 13;
    pub const RTPRIO: u32 = 14;
}

/// Processes with the run's uid that RLIMIT_NPROC counts besides its own: init; the forkserver is gone before the job is handed over.
pub(crate) const OWN_PROCESSES: u64 = 1;

/// What the new root is made of. Entries are made in this order: directories as needed, links, binds, hidden, devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// Symlinks: (path, target).
    pub links: Vec<(String, String)>,
    /// Bind mounts.
    pub binds: Vec<Bind>,
    /// Directories hidden behind an empty read-only directory.
    pub hidden: Vec<String>,
    /// Device nodes, bound from the host's `/dev`.
    pub devices: Vec<&'static str>,
    /// Small files made in the root: (path, content), such as `/etc/passwd` and the executor.
    pub files: Vec<(String, Vec<u8>)>,
    /// Sources of optional mounts that the host does not have, or that this user does not get to, and why; named in the outcome.
    pub left_out: Vec<(String, String)>,
}

/// One bind mount. Always nosuid and nodev.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// Host path, no symlinks.
    pub source: String,
    /// Path in the run.
    pub target: String,
    /// Read-write.
    pub writable: bool,
    /// Executable.
    pub exec: bool,
    /// User and group id on the host that own the source: the mount shows their files as the run's own, and what the run makes is theirs. `None`: ids are as
    /// they are on the host.
    pub owner: Option<(u32, u32)>,
    /// Which file is to be there still; `None`: nobody has looked.
    pub seen: Option<FileId>,
}

/// Options of the tmpfs at `/tmp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TmpMount {
    pub size: u64,
    pub inodes: u64,
    pub exec: bool,
}

/// What is written into the run's cgroups. `None`: the controller is not used or not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CgroupLimits {
    /// Bytes; swap is set to none where the host can.
    pub memory: Option<u64>,
    /// Count of tasks.
    pub pids: Option<u64>,
    /// Thousandths of a CPU.
    pub cpus: Option<u32>,
    /// Whether the memory controller is used.
    pub use_memory: bool,
    /// Whether the pids controller is used.
    pub use_pids: bool,
    /// Whether the cpu controllers (bandwidth and accounting) are used.
    pub use_cpu: bool,
}

/// Landlock rights, as the kernel's bit masks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandlockPlan {
    /// The ABI that the masks were made for.
    pub abi: u32,
    /// `handled_access_fs`: every right the ABI knows.
    pub handled_fs: u64,
    /// `handled_access_net`: TCP bind and connect, from ABI 10 on UDP too, none granted (0 with `network.mode` host or loopback, or an old ABI).
    pub handled_net: u64,
    /// `scoped`: abstract sockets and signals.
    pub scoped: u64,
    /// Rights granted beneath paths of the run's own root: (path, mask).
    pub rules: Vec<(String, u64)>,
}

/// What the executor process executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Absolute path in the run.
    pub path: String,
    /// Arguments, `argv[0]` first. No NUL bytes.
    pub argv: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Working directory in the run.
    pub cwd: String,
    /// Whether this is the executor (speaks frames, starts with `ready`) or a plain program (`remand exec`).
    pub kind: CommandKind,
}

impl Command {
    /// The same, with what its variables mean to CPython, where it is one that runs the executor.
    #[must_use]
    pub(crate) fn settled(mut self) -> Self {
        if self.kind == CommandKind::Executor {
            python_variables::settle(&mut self.argv, &mut self.env);
        }
        self
    }
}

/// What stands at the other end of the result pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// The Python executor.
    Executor,
    /// Any program: no job, no frames; its exit status is the result.
    Program,
}

/// What is to be run under the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program<'a> {
    /// The Python executor, on this interpreter.
    Python(&'a Interpreter),
    /// `remand exec`: a host program with the files it needs.
    Host {
        /// Arguments; `argv[0]` is an absolute host path.
        argv: &'a [String],
        /// What it needs from the host.
        tree: &'a Tree,
    },
}

/// A required protection that this host cannot give, or a part of the policy that no run can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{protection} cannot be had here: {blocker}. {remedy}")]
#[allow(missing_docs)]
pub struct Refused {
    pub protection: Protection,
    pub blocker: String,
    pub remedy: String,
}

impl Plan {
    /// Whether a protection is in force, by the real thing or a substitute. Asked by the mechanisms for what a policy calls optional.
    #[must_use]
    pub fn has(&self, protection: &Protection) -> bool {
        matches!(self.enforcement.get(protection), Some(Enforcement::By(_) | Enforcement::Substitute { .. }))
    }

    /// The same with variables that a request sets, besides those of the policy or in their place.
    #[must_use]
    pub fn setting(mut self, variables: &[(String, String)]) -> Self {
        let set =
            |line: &String| variables.iter().any(|(name, _)| line.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('=')));
        self.command.env.retain(|line| !set(line));
        self.command.env.extend(variables.iter().map(|(name, value)| format!("{name}={value}")));
        self.command = self.command.settled();
        self
    }

    /// The same with a terminal of the run's own, called so in `TERM` unless that is set. `node`: the host has a `/dev/tty`, by which a process finds its own.
    #[must_use]
    pub fn at_terminal(mut self, term: &str, node: bool) -> Self {
        self.tty = true;
        if !self.command.env.iter().any(|line| line.starts_with("TERM=")) {
            self.command.env.push(format!("TERM={term}"));
        }
        self.root.devices.extend(node.then_some(TTY));
        let places = [(node.then_some(TTY), 0), (Some(TERMINALS), fs::READ_DIR)];
        if let Some(landlock) = &mut self.landlock {
            let rights = |more| (fs::READ_FILE | fs::WRITE_FILE | fs::IOCTL_DEV | more) & landlock.handled_fs;
            let granted: Vec<_> = places.iter().filter_map(|(place, more)| place.map(|place| (place.to_owned(), rights(*more)))).collect();
            landlock.rules.extend(granted);
        }
        self
    }

    /// A resource limit of each process; `None` is unlimited.
    #[must_use]
    pub fn rlimit(&self, resource: u32) -> Option<u64> {
        self.rlimits.iter().find(|(number, ..)| *number == resource).map(|(_, soft, _)| *soft).filter(|soft| *soft != u64::MAX)
    }

    /// Bytes of memory that a cgroup or the supervisor's watch holds the run to.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.cgroup.and_then(|limits| limits.memory).or(self.memory_watch)
    }

    /// Processes and threads that a cgroup or RLIMIT_NPROC holds the run to.
    #[must_use]
    pub fn pids(&self) -> Option<u64> {
        let own = || self.rlimit(rlimit::NPROC).map(|most| most.saturating_sub(OWN_PROCESSES));
        self.cgroup.and_then(|limits| limits.pids).or_else(own)
    }

    /// Whether the run has a loopback interface of its own.
    #[must_use]
    pub fn own_loopback(&self) -> bool {
        self.network == NetworkMode::Loopback
    }

    /// Whether the run can put descriptors in flight: in sockets of its own they can outlive it, with all that went along.
    #[must_use]
    pub fn puts_in_flight(&self) -> bool {
        let granted = granted(&self.rules).unwrap_or_default();
        self.filter.is_empty() || ["sendmsg", "sendmmsg"].iter().any(|call| granted.contains_key(call))
    }

    /// Whether the run can write to a file of the host.
    #[must_use]
    pub fn writes_to_host(&self) -> bool {
        self.root.binds.iter().any(|bind| bind.writable)
    }
}
