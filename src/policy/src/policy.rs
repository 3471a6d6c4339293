//! A policy as it stands after loading: every field filled, one struct per mechanism.
//!
//! Always holds: a `Policy` value went through [`crate::load`], so units, ranges and contradictions are already checked, and no limit is
//! absent. Nothing here depends on the host.
//!
//! The text of a field is generated into `docs/policy.schema.json` and `docs/policy-reference.md`: its first paragraph says what the field means, its
//! second what the field becomes in the kernel. The JSON Schema that is derived here describes policy *files*, in which every key may be left out.
//!
//! [`Policy::floor`] is what a file without `extends` starts from, so that a key left out is the narrowest value and never the widest.

use remand_syscalls::Rules;
use schemars::JsonSchema;

use crate::ranges;
use crate::shape::{Edit, Module, PythonName, Variables, optional, within};
use crate::units::{Bytes, Cpus, Limit, Span};

/// What happens when the host cannot enforce a protection: `"required"` refuses to run, `"optional"` runs with the best substitute and says so
/// in the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
pub enum Enforce {
    /// Nothing runs where this cannot be enforced.
    Required,
    /// The outcome names the substitute or the lack.
    Optional,
}

/// A closed list of words, as policy files write them.
pub trait Word: Copy + PartialEq + 'static {
    /// Every value with its word.
    const WORDS: &'static [(&'static str, Self)];

    /// The word of this value.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

impl Word for Enforce {
    const WORDS: &'static [(&'static str, Self)] = &[("required", Self::Required), ("optional", Self::Optional)];
}

impl Word for NetworkMode {
    const WORDS: &'static [(&'static str, Self)] = &[("none", Self::None), ("loopback", Self::Loopback), ("host", Self::Host)];
}

impl Word for Device {
    const WORDS: &'static [(&'static str, Self)] =
        &[("null", Self::Null), ("zero", Self::Zero), ("full", Self::Full), ("random", Self::Random), ("urandom", Self::Urandom)];
}

/// All that runs under this policy may do.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = optional)]
pub struct Policy {
    /// The file's stem or the built-in name, such as `default`.
    #[schemars(skip)]
    pub name: String,
    /// One sentence for people.
    ///
    /// Nothing; it is shown and hashed.
    #[schemars(with = "crate::shape::Text")]
    pub description: String,
    /// What a run can spend.
    pub limits: Limits,
    /// What it can see and write.
    pub filesystem: Filesystem,
    /// What it can call. What is not allowed is answered EPERM and recorded; unknown numbers, `clone3` and `io_uring_*` are answered ENOSYS.
    pub syscalls: Syscalls,
    /// What it can reach.
    pub network: Network,
    /// How it is set apart: whether each namespace must be had. A run always asks for all.
    pub namespaces: Namespaces,
    /// The second layer over files, ports and signals.
    pub landlock: Landlock,
    /// The interpreter, and lists of imports and builtins. The lists give early, friendly errors and are never a protection.
    pub python: Python,
    /// Environment variables of the run, exactly these and no others, in the order written; merged by name with those of the base, where `null` takes a
    /// variable out.
    ///
    /// The third argument of `execve`. Nothing of the supervisor's own environment is passed on.
    #[schemars(with = "Variables")]
    pub environment: Vec<(String, String)>,
}

/// `limits`: counters with a ceiling each.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, deny_unknown_fields, transform = optional)]
pub struct Limits {
    /// Time from the `ready` frame to the end, on the monotonic clock.
    ///
    /// No kernel limit: a timer of the supervisor (CLOCK_MONOTONIC), which kills the run's PID namespace.
    #[schemars(transform = within(&ranges::TIME))]
    pub wall_time: Limit<Span>,
    /// User and system time of the whole run.
    ///
    /// `cpu.stat` (cgroup v2) or `cpuacct.usage` (v1), read by the supervisor; without them the sampled times of the run's processes. Behind it RLIMIT_CPU per
    /// process, a second higher.
    #[schemars(transform = within(&ranges::TIME))]
    pub cpu_time: Limit<Span>,
    /// Processor bandwidth: how many CPUs' worth of time per period.
    ///
    /// `cpu.max` (cgroup v2) or `cpu.cfs_quota_us` (v1) in periods of 100 ms. Nothing stands in where there is no cgroup.
    #[schemars(transform = within(&ranges::CPUS))]
    pub cpus: Limit<Cpus>,
    /// All memory charged to the run, tmpfs and kernel memory included; swap is always 0.
    ///
    /// `memory.max` with `memory.swap.max` 0 (cgroup v2), or `memory.limit_in_bytes` and `memory.memsw.limit_in_bytes` (v1). Without a cgroup the supervisor
    /// samples resident and swapped memory, page tables and socket buffers, and `memfd_create` and `shmget` are refused. Never RLIMIT_AS.
    #[schemars(transform = within(&ranges::MEMORY))]
    pub memory: Limit<Bytes>,
    /// Processes and threads alive at once, the executor included.
    ///
    /// `pids.max` of the run's cgroup; without one RLIMIT_NPROC in the run's user namespace (Linux 5.14). At the limit `clone` fails with EAGAIN.
    #[schemars(transform = within(&ranges::PIDS))]
    pub pids: Limit<u64>,
    /// Open file descriptors per process; 5 of them are the run's own.
    ///
    /// RLIMIT_NOFILE, soft and hard. At the limit `open` fails with EMFILE.
    #[schemars(transform = within(&ranges::OPEN_FILES))]
    pub open_files: u64,
    /// Largest file that can be written.
    ///
    /// RLIMIT_FSIZE, soft and hard. Writing past it is EFBIG and SIGXFSZ.
    #[schemars(transform = within(&ranges::FILE_SIZE))]
    pub file_size: Limit<Bytes>,
    /// Stack of the main thread, and default of other threads.
    ///
    /// RLIMIT_STACK, soft and hard; glibc maps this much address space per thread, and memory is charged only for pages that are touched.
    #[schemars(transform = within(&ranges::STACK))]
    pub stack: Bytes,
    /// Bytes kept of standard output; more ends the run.
    ///
    /// No kernel limit: counted by the supervisor at its end of the pipe.
    #[schemars(transform = within(&ranges::KEPT))]
    pub stdout: Bytes,
    /// Bytes kept of standard error; more ends the run.
    ///
    /// No kernel limit: counted by the supervisor at its end of the pipe.
    #[schemars(transform = within(&ranges::KEPT))]
    pub stderr: Bytes,
    /// Bytes of captured `print` text in all; more ends the run.
    ///
    /// No kernel limit: counted by the supervisor in the frames of the result pipe.
    #[schemars(transform = within(&ranges::KEPT))]
    pub prints: Bytes,
    /// Bytes of one result frame, and of all item frames together.
    ///
    /// No kernel limit: checked by the supervisor against the length before a frame, before memory is taken for it.
    #[schemars(transform = within(&ranges::KEPT))]
    pub result_size: Bytes,
    /// Nesting of arrays and objects in a result.
    ///
    /// No kernel limit: counted by the supervisor while it decodes a frame.
    #[schemars(transform = within(&ranges::RESULT_DEPTH))]
    pub result_depth: u64,
    /// Values (scalars, arrays, objects, keys) in a result, all frames together.
    ///
    /// No kernel limit: counted by the supervisor while it decodes frames.
    #[schemars(transform = within(&ranges::RESULT_NODES))]
    pub result_nodes: u64,
    /// Bytes of the job (code, items, query) that a caller may hand in.
    ///
    /// No kernel limit: checked by the supervisor before anything starts.
    #[schemars(transform = within(&ranges::KEPT))]
    pub job_size: Bytes,
    /// Whether memory, pids and CPU must be held by real cgroups (`required`), or may fall back to substitutes (`optional`).
    ///
    /// A cgroup v2 directory or a set of v1 directories per run; the substitutes are RLIMIT_NPROC, RLIMIT_CPU and sampling. The outcome says which.
    pub cgroup: Enforce,
}

/// `filesystem`.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, deny_unknown_fields, transform = optional)]
pub struct Filesystem {
    /// The private writable tmpfs at `/tmp` (also `/dev/shm` and `/var/tmp`).
    pub tmp: Tmp,
    /// Host paths shown to the run besides what its interpreter needs. Edited by target.
    ///
    /// A bind mount each, nosuid and nodev, in the root that the forkserver builds; and a Landlock rule each with the same rights.
    #[schemars(with = "Edit<Mount>")]
    pub mounts: Vec<Mount>,
    /// Whether a restricted `/proc` (own processes only) is mounted.
    ///
    /// A procfs of the run's PID namespace with `hidepid=invisible` and `subset=pid`, nosuid, nodev, noexec.
    pub proc: bool,
    /// Device nodes below `/dev`.
    ///
    /// Bind mounts of the host's nodes; Landlock lets them be read and written.
    #[schemars(with = "Edit<Device>")]
    pub devices: Vec<Device>,
}

/// The private tmpfs of a run.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, deny_unknown_fields, transform = optional)]
pub struct Tmp {
    /// Bytes of file content. They count in `limits.memory` too.
    ///
    /// The tmpfs option `size`. When it is full, writing fails with ENOSPC.
    #[schemars(transform = within(&ranges::TMP_SIZE))]
    pub size: Bytes,
    /// Number of inodes (files, directories, links).
    ///
    /// The tmpfs option `nr_inodes`. When they are used up, making a file fails with ENOSPC.
    #[schemars(transform = within(&ranges::TMP_INODES))]
    pub inodes: u64,
    /// Whether files on it may be executed or mapped executable.
    ///
    /// `false`: the mount flag noexec, and no Landlock right to execute beneath `/tmp`.
    pub exec: bool,
}

/// One host path shown to the run.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = crate::shape::mount)]
pub struct Mount {
    /// Absolute host path: a regular file or a directory; symlinks are refused when the mount is made.
    #[schemars(with = "crate::shape::SourcePath")]
    pub source: String,
    /// Absolute path inside the run; the same as `source` where it is left out.
    #[schemars(with = "crate::shape::TargetPath")]
    pub target: String,
    /// Writable: a dangerous grant, which needs `reason`.
    pub writable: bool,
    /// Whether files on it may be executed.
    pub exec: bool,
    /// `true`: a missing source is left out and named in the outcome.
    pub optional: bool,
    /// Why this grant is there; required with `writable`.
    #[schemars(with = "crate::shape::Reason")]
    pub reason: Option<String>,
}

/// Device nodes that a run may be given. Closed list: each is harmless without privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Device {
    Null,
    Zero,
    Full,
    Random,
    Urandom,
}

/// `syscalls`: an allowlist. What is not allowed is answered EPERM and recorded; unknown numbers, `clone3` and `io_uring_*` ENOSYS.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, deny_unknown_fields, transform = optional)]
pub struct Syscalls {
    /// Who may call what.
    #[schemars(flatten, with = "crate::shape::RulesShape")]
    pub rules: Rules,
    /// Whether seccomp (filter and recording) must be enforced.
    ///
    /// `seccomp(SECCOMP_SET_MODE_FILTER)` with a user notification listener, the last step before `execve`.
    pub enforce: Enforce,
}

/// `network`.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, deny_unknown_fields, transform = optional)]
pub struct Network {
    /// What the run can reach. Sockets must be granted in `syscalls` besides.
    ///
    /// `none`: CLONE_NEWNET, nothing brought up, and from Landlock ABI 4 on no TCP bind or connect. `loopback`: CLONE_NEWNET with `lo` up. `host`: no network
    /// namespace.
    pub mode: NetworkMode,
    /// Why; required for anything but `none`.
    #[schemars(with = "crate::shape::Reason")]
    pub reason: Option<String>,
}

/// Reach of a run, from narrow to wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
pub enum NetworkMode {
    /// An empty network namespace; its loopback is down.
    None,
    /// A network namespace with only its own loopback up.
    Loopback,
    /// The host's network namespace. Dangerous.
    Host,
}

/// `namespaces`: whether each must be had. A run always asks for all.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, deny_unknown_fields, transform = optional)]
pub struct Namespaces {
    /// Ids and capabilities of the run's own. Without it there is no run, whatever is written here.
    ///
    /// CLONE_NEWUSER, made by the forkserver.
    pub user: Enforce,
    /// A file system tree of the run's own. Without it there is no run, whatever is written here.
    ///
    /// CLONE_NEWNS, a root built from an empty tmpfs, and `pivot_root`.
    pub mount: Enforce,
    /// Processes of the run's own. Without it there is no run, whatever is written here.
    ///
    /// CLONE_NEWPID; its end kills every process of the run.
    pub pid: Enforce,
    /// System V and POSIX message queues, semaphores and shared memory, shared only by the runs of one forkserver.
    ///
    /// CLONE_NEWIPC.
    pub ipc: Enforce,
    /// Host and domain name.
    ///
    /// CLONE_NEWUTS.
    pub uts: Enforce,
    /// Network devices, addresses, ports; shared only by the runs of one forkserver. Not asked for where `network.mode` is `host`.
    ///
    /// CLONE_NEWNET.
    pub network: Enforce,
    /// The sight of the host's cgroup paths taken away.
    ///
    /// CLONE_NEWCGROUP.
    pub cgroup: Enforce,
    /// A host uid that no other concurrent run has (needs privilege).
    ///
    /// The outside id in the user namespace's `uid_map`, from the pool that `remand doctor` names; otherwise the caller's own.
    pub own_uid: Enforce,
}

/// `landlock`.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, deny_unknown_fields, transform = optional)]
pub struct Landlock {
    /// Whether Landlock must be enforced at all.
    ///
    /// `landlock_restrict_self` with every right that the kernel's ABI knows, granted only beneath what the root shows.
    pub enforce: Enforce,
    /// Lowest ABI that satisfies the policy (1: files, 4: TCP, 6: abstract sockets and signals).
    ///
    /// What `landlock_create_ruleset` answers to LANDLOCK_CREATE_RULESET_VERSION. Where `enforce` is `optional`, an older one does what it can.
    #[schemars(transform = within(&ranges::MINIMUM_ABI))]
    pub minimum_abi: u32,
}

/// `python`: the interpreter, and the friendly layer that is never counted as a protection.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, deny_unknown_fields, transform = optional)]
pub struct Python {
    /// `"python3"` (looked up on PATH) or an absolute path.
    ///
    /// The program of `execve`, with `-I -S -B`; its files and libraries are bind mounts, read-only.
    #[schemars(with = "crate::shape::Interpreter")]
    pub interpreter: String,
    /// Standard library modules that the code itself may import, by first component; `["*"]` for all.
    ///
    /// Nothing: the executor's import hook. No protection.
    #[schemars(with = "Edit<Module>")]
    pub stdlib_allow: Vec<String>,
    /// Third-party packages that the code itself may import, by first component; `["*"]` for all.
    ///
    /// Where it is empty, the directories of site packages are not mounted. Which of the packages there can be imported, the executor's import hook says: no
    /// protection.
    #[schemars(with = "Edit<Module>")]
    pub external_allow: Vec<String>,
    /// Builtins that the code does not find.
    ///
    /// Nothing: the executor leaves them out. No protection.
    #[schemars(with = "Edit<PythonName>")]
    pub builtins_deny: Vec<String>,
    /// Whether `os.environ` is emptied for the code.
    ///
    /// Nothing: the executor clears it before the code starts. No protection; what is in `environment` can be found in memory.
    pub runner_env_deny: bool,
}

impl Policy {
    /// Whether a run can write to a file of the host.
    #[must_use]
    pub fn writes_to_host(&self) -> bool {
        self.filesystem.mounts.iter().any(|mount| mount.writable)
    }

    /// The narrowest policy of this name: no system call, no mount, no device, no import, every protection required, and limits under which a bare
    /// interpreter just starts. What a file without `extends` leaves out has the value from here.
    #[must_use]
    pub fn floor(name: &str) -> Self {
        use Enforce::Required;
        Self {
            name: name.to_owned(),
            description: String::new(),
            limits: Limits::floor(),
            filesystem: Filesystem {
                tmp: Tmp { size: Bytes(1 << 20), inodes: 64, exec: false },
                mounts: Vec::new(),
                proc: false,
                devices: Vec::new(),
            },
            syscalls: Syscalls { rules: Rules::default(), enforce: Required },
            network: Network { mode: NetworkMode::None, reason: None },
            namespaces: Namespaces {
                user: Required,
                mount: Required,
                pid: Required,
                ipc: Required,
                uts: Required,
                network: Required,
                cgroup: Required,
                own_uid: Required,
            },
            landlock: Landlock { enforce: Required, minimum_abi: 1 },
            python: Python {
                interpreter: "python3".to_owned(),
                stdlib_allow: Vec::new(),
                external_allow: Vec::new(),
                builtins_deny: Vec::new(),
                runner_env_deny: true,
            },
            environment: Vec::new(),
        }
    }
}

impl Limits {
    fn floor() -> Self {
        const KIB: u64 = 1 << 10;
        Self {
            wall_time: Limit::At(Span(1_000_000)),
            cpu_time: Limit::At(Span(1_000_000)),
            cpus: Limit::At(Cpus(1000)),
            memory: Limit::At(Bytes(64 * KIB * KIB)),
            pids: Limit::At(1),
            open_files: 16,
            file_size: Limit::At(Bytes(KIB * KIB)),
            stack: Bytes(KIB * KIB),
            stdout: Bytes(64 * KIB),
            stderr: Bytes(64 * KIB),
            prints: Bytes(64 * KIB),
            result_size: Bytes(64 * KIB),
            result_depth: 32,
            result_nodes: 10_000,
            job_size: Bytes(KIB * KIB),
            cgroup: Enforce::Required,
        }
    }
}
