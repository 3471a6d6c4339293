//! A policy as it stands after loading: every field filled, one struct per mechanism.
//!
//! Always holds: a `Policy` value went through [`crate::load`], so units, ranges and contradictions are already checked, and no limit is
//! absent. Nothing here depends on the host.
//!
//! [`Policy::floor`] is what a file without `extends` starts from, so that a key left out is the narrowest value and never the widest.

use crate::units::{Bytes, Cpus, Limit, Span};

/// What happens when the host cannot enforce a protection: `"required"` refuses to run, `"optional"` runs with the best substitute and says so
/// in the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The file's stem or the built-in name, such as `default`.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// What a run can spend.
    pub limits: Limits,
    /// What it can see and write.
    pub filesystem: Filesystem,
    /// What it can call.
    pub syscalls: Syscalls,
    /// What it can reach.
    pub network: Network,
    /// How it is set apart.
    pub namespaces: Namespaces,
    /// The second layer over files, ports and signals.
    pub landlock: Landlock,
    /// The interpreter and the friendly layer of import and builtin lists.
    pub python: Python,
    /// Environment variables of the run, exactly these and no others, in the order written.
    pub environment: Vec<(String, String)>,
}

/// `limits`: counters with a ceiling each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the `ready` frame to the end, on the monotonic clock.
    pub wall_time: Limit<Span>,
    /// User and system time of the whole run.
    pub cpu_time: Limit<Span>,
    /// Processor bandwidth: how many CPUs' worth of time per period.
    pub cpus: Limit<Cpus>,
    /// All memory charged to the run, tmpfs and kernel memory included; swap is always 0.
    pub memory: Limit<Bytes>,
    /// Processes and threads alive at once, the executor included.
    pub pids: Limit<u64>,
    /// Open file descriptors per process (`RLIMIT_NOFILE`).
    pub open_files: u64,
    /// Largest file that can be written (`RLIMIT_FSIZE`).
    pub file_size: Limit<Bytes>,
    /// Stack of the main thread and default of others (`RLIMIT_STACK`).
    pub stack: Bytes,
    /// Bytes kept of standard output; more ends the run.
    pub stdout: Bytes,
    /// Bytes kept of standard error; more ends the run.
    pub stderr: Bytes,
    /// Bytes of captured `print` text in all; more ends the run.
    pub prints: Bytes,
    /// Bytes of one result frame, and of all item frames together.
    pub result_size: Bytes,
    /// Nesting of arrays and objects in a result.
    pub result_depth: u64,
    /// Values (scalars, arrays, objects, keys) in a result, all frames together.
    pub result_nodes: u64,
    /// Bytes of the job (code, items, query) that a caller may hand in.
    pub job_size: Bytes,
    /// Whether memory, pids and CPU must be held by real cgroups (`required`), or may fall back to substitutes (`optional`).
    pub cgroup: Enforce,
}

/// `filesystem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// The private writable tmpfs at `/tmp` (also `/dev/shm` and `/var/tmp`).
    pub tmp: Tmp,
    /// Host paths shown to the run besides what its interpreter needs.
    pub mounts: Vec<Mount>,
    /// Whether a restricted `/proc` (own processes only) is mounted.
    pub proc: bool,
    /// Device nodes below `/dev`.
    pub devices: Vec<Device>,
}

/// The private tmpfs of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tmp {
    /// Bytes of file content.
    pub size: Bytes,
    /// Number of inodes (files, directories, links).
    pub inodes: u64,
    /// Whether files on it may be executed or mapped executable.
    pub exec: bool,
}

/// One host path shown to the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Absolute host path: a regular file or a directory; symlinks are refused when the mount is made.
    pub source: String,
    /// Absolute path inside the run.
    pub target: String,
    /// Writable: a dangerous grant, which needs `reason`.
    pub writable: bool,
    /// Whether files on it may be executed.
    pub exec: bool,
    /// `true`: a missing source is left out and named in the outcome.
    pub optional: bool,
    /// Why this grant is there; required with `writable`.
    pub reason: Option<String>,
}

/// Device nodes that a run may be given. Closed list: each is harmless without privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Device {
    Null,
    Zero,
    Full,
    Random,
    Urandom,
}

/// `syscalls`: an allowlist. What is not allowed is answered EPERM and recorded; unknown numbers, `clone3` and `io_uring_*` ENOSYS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syscalls {
    /// Groups (`"@io"`) and single calls, with argument conditions.
    pub allow: Vec<Grant>,
    /// Calls taken out of what `allow` grants; wins over it.
    pub deny: Vec<String>,
    /// Calls that end the run with the verdict `violated`; wins over `allow` and `deny`. Group names are allowed.
    pub kill: Vec<String>,
    /// Whether seccomp (filter and recording) must be enforced.
    pub enforce: Enforce,
}

/// One line of `syscalls.allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// A call (`"ioctl"`) or a group (`"@threads"`).
    pub call: String,
    /// All must hold (AND). Empty: any arguments. Several grants of one call are alternatives (OR).
    pub when: Vec<Condition>,
    /// Why; required for a dangerous grant (a call or group marked dangerous in the table).
    pub reason: Option<String>,
}

/// A condition on one argument register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Argument index, 0 to 5.
    pub arg: u8,
    /// Comparison. The width (32 or 64 bits) is taken from the call's signature in the syscall table, never from the policy.
    pub op: Comparison,
}

/// Comparisons on an unsigned argument.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Comparison {
    Equals(u64),
    OneOf(Vec<u64>),
    AtMost(u64),
    /// `(argument & mask) == value`.
    Masked {
        mask: u64,
        value: u64,
    },
}

impl Comparison {
    /// Whether a value, cut to the argument's width, passes.
    #[must_use]
    pub fn passes(&self, argument: u64) -> bool {
        match self {
            Self::Equals(value) => argument == *value,
            Self::OneOf(values) => values.contains(&argument),
            Self::AtMost(most) => argument <= *most,
            Self::Masked { mask, value } => argument & mask == *value,
        }
    }
}

/// `network`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// What the run can reach.
    pub mode: NetworkMode,
    /// Required for anything but `none`.
    pub reason: Option<String>,
}

/// Reach of a run, from narrow to wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkMode {
    /// An empty network namespace; its loopback is down.
    None,
    /// A network namespace with only its own loopback up.
    Loopback,
    /// The host's network namespace. Dangerous.
    Host,
}

/// `namespaces`: whether each must be had. A run always asks for all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Namespaces {
    pub user: Enforce,
    pub mount: Enforce,
    pub pid: Enforce,
    pub ipc: Enforce,
    pub uts: Enforce,
    pub network: Enforce,
    pub cgroup: Enforce,
    /// A host uid that no other concurrent run has (needs privilege).
    pub own_uid: Enforce,
}

/// `landlock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landlock {
    /// Whether Landlock must be enforced at all.
    pub enforce: Enforce,
    /// Lowest ABI that satisfies the policy (1: files, 4: TCP, 6: abstract sockets and signals).
    pub minimum_abi: u32,
}

/// `python`: the interpreter, and the friendly layer that is never counted as a protection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// `"python3"` (looked up on PATH) or an absolute path.
    pub interpreter: String,
    /// Importable standard library modules by first component; `["*"]` for all.
    pub stdlib_allow: Vec<String>,
    /// Importable third-party packages; site-packages are mounted only where this is not empty.
    pub external_allow: Vec<String>,
    /// Builtins that the code does not find.
    pub builtins_deny: Vec<String>,
    /// Whether `os.environ` is emptied for the code.
    pub runner_env_deny: bool,
}

impl Policy {
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
            syscalls: Syscalls { allow: Vec::new(), deny: Vec::new(), kill: Vec::new(), enforce: Required },
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
