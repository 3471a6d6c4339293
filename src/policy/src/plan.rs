//! A plan: policy, request and host facts resolved into what the mechanisms are to do. Pure data; the only thing that mechanisms see.
//!
//! Always holds: a plan exists only if every required protection can be enforced on the host it was made for. Paths are absolute, numbers final.

mod landlock;
mod limits;
mod protections;
mod root;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::host::HostFacts;
use crate::interpreter::{BOOTSTRAP, Interpreter};
use crate::outcome::Enforcement;
use crate::policy::{Device, NetworkMode, Policy};
use crate::syscalls::bpf::Instruction;
use protections::Protections;

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
    /// Which namespaces are made beside user, mount and PID, without which there is no run.
    pub namespaces: Made,
    /// What cgroups hold; `None` where no controller is used.
    pub cgroup: Option<CgroupLimits>,
    /// Resource limits to set in the executor process, as (`RLIMIT_*` number, soft, hard); `u64::MAX` is infinity. The supervisor lowers a value to the
    /// hard limit it inherited, never raises it.
    pub rlimits: Vec<(u32, u64, u64)>,
    /// Watch resident memory and stop above this many bytes, where no cgroup does; `None` otherwise.
    pub memory_watch: Option<u64>,
    /// Wall-clock budget in microseconds from the `ready` frame; `None` is unlimited.
    pub wall_time: Option<u64>,
    /// CPU budget in microseconds over the whole run.
    pub cpu_time: Option<u64>,
    /// Memory limit that the verdict quotes, in bytes.
    pub memory: Option<u64>,
    /// Process limit that the verdict quotes.
    pub pids: Option<u64>,
    /// File size limit that the verdict quotes.
    pub file_size: Option<u64>,
    /// Landlock rights; `None` where it is not enforced.
    pub landlock: Option<LandlockPlan>,
    /// The compiled seccomp filter; empty where it is not enforced.
    pub filter: Vec<Instruction>,
    /// What is executed.
    pub command: Command,
    /// Ceilings on what comes back.
    pub collect: Collect,
    /// What each protection rests on, or why it is absent; completed by the jail with what only the start can tell.
    pub enforcement: BTreeMap<String, Enforcement>,
}

/// Namespaces that a run can do without where the policy lets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Made {
    pub ipc: bool,
    pub uts: bool,
    pub network: bool,
    pub cgroup: bool,
}

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
    pub devices: Vec<Device>,
    /// Small files made in the root: (path, content), such as `/etc/passwd` and the executor.
    pub files: Vec<(String, Vec<u8>)>,
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
    /// Left out, and named in the outcome, where the source is missing.
    pub optional: bool,
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
    /// `handled_access_net`: TCP bind and connect, none granted (0 with `network.mode` host or loopback, or an old ABI).
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

/// What stands at the other end of the result pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// The Python executor.
    Executor,
    /// Any program: no job, no frames; its exit status is the result.
    Program,
}

/// Ceilings on what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Collect {
    pub stdout: u64,
    pub stderr: u64,
    pub prints: u64,
    pub result_size: u64,
    pub result_depth: u64,
    pub result_nodes: u64,
    pub job_size: u64,
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
        tree: &'a crate::interpreter::Tree,
    },
}

/// A required protection that this host cannot give, or a mount that no run can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{protection} cannot be had here: {blocker}. {remedy}")]
#[allow(missing_docs)]
pub struct Refused {
    pub protection: String,
    pub blocker: String,
    pub remedy: String,
}

/// Resolves an effective policy for a host.
///
/// # Errors
/// Every required protection that the host lacks, and every mount that cannot be.
pub fn resolve(policy: &Policy, program: &Program<'_>, host: &HostFacts) -> Result<Plan, Vec<Refused>> {
    let mut protections = Protections::default();
    let namespaces = protections.namespaces(policy, host);
    let cgroup = limits::cgroup(policy, host, &mut protections);
    let landlock_rules = landlock::plan(policy, program, host, &mut protections);
    let filter = protections.filter(policy, host);
    protections.given(policy, host);
    let root = root::root(policy, program, &mut protections);
    let (refused, enforcement) = protections.finish();
    if !refused.is_empty() {
        return Err(refused);
    }
    let limits = &policy.limits;
    Ok(Plan {
        policy_name: policy.name.clone(),
        policy_hash: policy.hash(),
        root,
        tmp: TmpMount { size: policy.filesystem.tmp.size.0, inodes: policy.filesystem.tmp.inodes, exec: policy.filesystem.tmp.exec },
        proc: policy.filesystem.proc,
        network: policy.network.mode,
        namespaces,
        rlimits: limits::rlimits(policy, cgroup.as_ref()),
        memory_watch: limits.memory.value().map(|bytes| bytes.0).filter(|_| !cgroup.is_some_and(|cgroup| cgroup.use_memory)),
        cgroup,
        wall_time: limits.wall_time.value().map(|span| span.0),
        cpu_time: limits.cpu_time.value().map(|span| span.0),
        memory: limits.memory.value().map(|bytes| bytes.0),
        pids: limits.pids.value(),
        file_size: limits.file_size.value().map(|bytes| bytes.0),
        landlock: landlock_rules,
        filter,
        command: command(policy, program),
        collect: Collect {
            stdout: limits.stdout.0,
            stderr: limits.stderr.0,
            prints: limits.prints.0,
            result_size: limits.result_size.0,
            result_depth: limits.result_depth,
            result_nodes: limits.result_nodes,
            job_size: limits.job_size.0,
        },
        enforcement,
    })
}

fn command(policy: &Policy, program: &Program<'_>) -> Command {
    let (path, argv, kind) = match program {
        Program::Python(interpreter) => {
            let flags = ["-I", "-S", "-B", "-c", BOOTSTRAP].map(str::to_owned);
            let argv = [interpreter.executable.clone()].into_iter().chain(flags).collect();
            (interpreter.executable.clone(), argv, CommandKind::Executor)
        }
        Program::Host { argv, .. } => (argv.first().cloned().unwrap_or_default(), argv.to_vec(), CommandKind::Program),
    };
    let env = policy.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Command { path, argv, env, cwd: "/tmp".into(), kind }
}
