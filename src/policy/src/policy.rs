//! A policy as it stands after loading: every field filled, one struct per mechanism.
//!
//! Always holds: a `Policy` value went through [`crate::load`], so units, ranges and contradictions are already checked, and no limit is
//! absent. Nothing here depends on the host.
//!
//! The text of a field is generated into `docs/reference/policy.schema.json` and `docs/reference/policy.md`: its first paragraph says what the field
//! means, its second what the field becomes in the kernel.
//!
//! A field is written here once: name, type, narrowest value, what visits it with its range and order. Whatever does something with every field (reading,
//! writing, comparing, the ceiling, the schema) is a [`Visitor`]. [`Policy::floor`] is what a file without `extends` starts from, so that a key left out is the narrowest value and never the widest.

use std::ops::RangeInclusive;

use remand_syscalls::{Grant, Rules};

use crate::field::Greater::{self, AllowsLess, AllowsMore};
use crate::field::{Field, Names, Saying, fields, sections, words};
use crate::ranges;
use crate::units::{Bytes, Cpus, Limit, Number, Span};

pub use crate::field::Word;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// A section of a policy, the policy itself, or an entry of a list that has fields.
pub trait Fields: Sized {
    /// What it is.
    const ABOUT: &'static str;

    /// The narrowest value of each field.
    fn narrowest() -> Self;

    /// Shows each field to `visitor`, in order.
    fn visit(visitor: &mut impl Visitor<Self>);
}

/// What does something with every field of the section `S`. There is a method for each kind of field.
#[allow(missing_docs)]
pub trait Visitor<S> {
    fn section<T: Fields>(&mut self, field: &Field<S, T>);
    /// `range` in the unit of the number; of one that can be lifted, only the lower end means anything.
    fn number<T: Number>(&mut self, field: &Field<S, T>, range: RangeInclusive<u64>, greater: Greater);
    fn flag(&mut self, field: &Field<S, bool>, greater: Greater);
    fn word<T: Word + Ord>(&mut self, field: &Field<S, T>);
    /// A word for the form in which something is given. None of them lets a run do, reach or spend more than another, so that they have no order: a
    /// request is free to choose, and no ceiling bounds it.
    fn form<T: Word>(&mut self, field: &Field<S, T>);
    fn words<T: Word>(&mut self, field: &Field<S, Vec<T>>);
    fn text(&mut self, field: &Field<S, String>, saying: Saying);
    /// `needed` tells the key of the value that cannot do without a reason, and what that is.
    fn reason(&mut self, field: &Field<S, Option<String>>, needed: fn(&S) -> Option<(&'static str, &'static str)>);
    fn names(&mut self, field: &Field<S, Vec<String>>, names: Names, longer: Greater);
    fn mounts(&mut self, field: &Field<S, Vec<Mount>>);
    /// The three lists of `syscalls`, which mean something only together and stand in its section.
    fn rules(&mut self, field: &Field<S, Rules>);
    fn grants(&mut self, field: &Field<S, Vec<Grant>>);
    fn variables(&mut self, field: &Field<S, Vec<(String, String)>>);
}

words! {
    /// What happens when the host cannot enforce a protection: `"required"` refuses to run, `"optional"` runs with the best substitute and says so
    /// in the outcome.
    Enforce {
        /// Nothing runs where this cannot be enforced.
        Required "required";
        /// The outcome names the substitute or the lack.
        Optional "optional";
    }

    /// What becomes of a run whose output (`stdout`, `stderr`, `prints`) is more than its limit.
    Overflow {
        /// It ends.
        End "end";
        /// It goes on: the first and the last half of the limit are kept, and what is dropped between them is counted. At 64 times the limit it ends.
        Truncate "truncate";
    }

    /// Device nodes that a run may be given. Closed list: each is harmless without privilege.
    Device {
        Null "null";
        Zero "zero";
        Full "full";
        Random "random";
        Urandom "urandom";
    }

    /// Reach of a run, from narrow to wide.
    NetworkMode {
        /// An empty network namespace; its loopback is down.
        None "none";
        /// A network namespace with only its own loopback up.
        Loopback "loopback";
        /// The host's network namespace. Dangerous.
        Host "host";
    }

    /// What becomes of numbers that JSON has no word for: not a number, and the infinities.
    NonFinite {
        /// The run raises a `ValueError` that counts them and names their places.
        Error "error";
        /// Each is `null`; the outcome counts them and names their places (`replaced`).
        Null "null";
        /// Each is the text `NaN`, `Infinity` or `-Infinity`; the outcome counts them and names their places.
        String "string";
    }

    /// What becomes of tables of pandas.
    Tables {
        /// The run raises a `TypeError` that names the call that makes one plain.
        Error "error";
        /// A DataFrame is a list of objects, one for each row; a Series is a list. Labels of the index that are more than numbers of rows are columns, as
        /// `reset_index()` makes them.
        Records "records";
    }

    /// What becomes of text with half a surrogate pair, which UTF-8 has no bytes for.
    Surrogates {
        /// The run raises a `ValueError` that names the place.
        Error "error";
        /// Each half is U+FFFD; the outcome counts them and names their places.
        Replace "replace";
    }
}

sections! {
    /// All that runs under this policy may do.
    Policy "" {
        /// The file's stem or the built-in name, such as `default`.
        name: String = String::new(), text(Saying::Name);
        /// One sentence for people.
        ///
        /// Nothing; it is shown and hashed.
        description: String = String::new(), text(Saying::Description);
        /// What a run can spend.
        limits: Limits = Limits::narrowest(), section();
        /// What it can see and write.
        filesystem: Filesystem = Filesystem::narrowest(), section();
        /// What it can call. What is not allowed is answered EPERM and recorded; unknown numbers, `clone3` and `io_uring_*` are answered ENOSYS.
        syscalls: Syscalls = Syscalls::narrowest(), section();
        /// What it can reach.
        network: Network = Network::narrowest(), section();
        /// How it is set apart: whether each namespace must be had. A run asks for all; without those for users, mounts and processes there is no run.
        namespaces: Namespaces = Namespaces::narrowest(), section();
        /// The second layer over files, ports and signals.
        landlock: Landlock = Landlock::narrowest(), section();
        /// The interpreter, and lists of imports and builtins. The lists give early, friendly errors and are never a protection.
        python: Python = Python::narrowest(), section();
        /// Environment variables of the run, exactly these and no others, in the order written; merged by name with those of the base, where `null` takes a
        /// variable out.
        ///
        /// The third argument of `execve`. Nothing of the supervisor's own environment is passed on.
        environment: Vec<(String, String)> = Vec::new(), variables();
        /// How the values that code gives become JSON. These words are forms and no rights: a request is free to choose among them.
        result: Results = Results::narrowest(), section();
        /// What a request may choose for itself; all else is as the policy says.
        request: Choices = Choices::narrowest(), section();
    }

    /// `limits`: counters with a ceiling each.
    Limits "limits." {
        /// Time from the `ready` frame to the end, on the monotonic clock.
        ///
        /// No kernel limit: a timer of the supervisor (CLOCK_MONOTONIC), which kills the run's PID namespace.
        wall_time: Limit<Span> = Limit::At(Span(1_000_000)), number(ranges::TIME, AllowsMore);
        /// User and system time of the whole run.
        ///
        /// `cpu.stat` (cgroup v2) or `cpuacct.usage` (v1), read by the supervisor; without them the sampled times of the run's processes. Behind it RLIMIT_CPU per
        /// process, a second higher.
        cpu_time: Limit<Span> = Limit::At(Span(1_000_000)), number(ranges::TIME, AllowsMore);
        /// Processor bandwidth: how many CPUs' worth of time per period.
        ///
        /// `cpu.max` (cgroup v2) or `cpu.cfs_quota_us` (v1) in periods of 100 ms. Nothing stands in where there is no cgroup.
        cpus: Limit<Cpus> = Limit::At(Cpus(1000)), number(ranges::CPUS, AllowsMore);
        /// All memory charged to the run, tmpfs and kernel memory included; swap is always 0.
        ///
        /// `memory.max` with `memory.swap.max` 0 (cgroup v2), or `memory.limit_in_bytes` and `memory.memsw.limit_in_bytes` (v1). Without a cgroup the supervisor
        /// samples resident and swapped memory, page tables and socket buffers, and `memfd_create` and `shmget` are refused. Never RLIMIT_AS.
        memory: Limit<Bytes> = Limit::At(Bytes(64 * MIB)), number(ranges::MEMORY, AllowsMore);
        /// Processes and threads alive at once, the executor included.
        ///
        /// `pids.max` of the run's cgroup; without one RLIMIT_NPROC in the run's user namespace (Linux 5.14). At the limit `clone` fails with EAGAIN.
        pids: Limit<u64> = Limit::At(1), number(ranges::PIDS, AllowsMore);
        /// Open file descriptors per process; 6 of them are the run's own.
        ///
        /// RLIMIT_NOFILE, soft and hard. At the limit `open` fails with EMFILE.
        open_files: u64 = 16, number(ranges::OPEN_FILES, AllowsMore);
        /// Largest file that can be written.
        ///
        /// RLIMIT_FSIZE, soft and hard. Writing past it is EFBIG and SIGXFSZ.
        file_size: Limit<Bytes> = Limit::At(Bytes(MIB)), number(ranges::FILE_SIZE, AllowsMore);
        /// Stack of the main thread, and default of other threads.
        ///
        /// RLIMIT_STACK, soft and hard; glibc maps this much address space per thread, and memory is charged only for pages that are touched.
        stack: Bytes = Bytes(MIB), number(ranges::STACK, AllowsMore);
        /// Bytes of standard input that a program is given; more ends the run.
        ///
        /// No kernel limit: counted by the supervisor as it passes them on.
        stdin: Bytes = Bytes(64 * KIB), number(ranges::KEPT, AllowsMore);
        /// Bytes kept of standard output; `overflow` says what becomes of more.
        ///
        /// No kernel limit: counted by the supervisor at its end of the pipe.
        stdout: Bytes = Bytes(64 * KIB), number(ranges::KEPT, AllowsMore);
        /// Bytes kept of standard error; `overflow` says what becomes of more.
        ///
        /// No kernel limit: counted by the supervisor at its end of the pipe.
        stderr: Bytes = Bytes(64 * KIB), number(ranges::KEPT, AllowsMore);
        /// Bytes kept of what functions `print`; `overflow` says what becomes of more.
        ///
        /// No kernel limit: counted by the supervisor in the frames of the result pipe.
        prints: Bytes = Bytes(64 * KIB), number(ranges::KEPT, AllowsMore);
        /// What becomes of a run that writes or prints more than `stdout`, `stderr` or `prints`: it ends, or it goes on with its first and its last output kept.
        ///
        /// No kernel limit: the supervisor reads on, up to 64 times the limit.
        overflow: Overflow = Overflow::End, word();
        /// Bytes of one result frame, and of all item frames together.
        ///
        /// No kernel limit: checked by the supervisor against the length before a frame, before memory is taken for it.
        result_size: Bytes = Bytes(64 * KIB), number(ranges::KEPT, AllowsMore);
        /// Nesting of arrays and objects in a result.
        ///
        /// No kernel limit: counted by the supervisor while it decodes a frame.
        result_depth: u64 = 32, number(ranges::RESULT_DEPTH, AllowsMore);
        /// Values (scalars, arrays, objects, keys) in a result, all frames together.
        ///
        /// No kernel limit: counted by the supervisor while it decodes frames.
        result_nodes: u64 = 10_000, number(ranges::RESULT_NODES, AllowsMore);
        /// Bytes of the job (code, items, query) that a caller may hand in.
        ///
        /// No kernel limit: checked by the supervisor before anything starts.
        job_size: Bytes = Bytes(MIB), number(ranges::KEPT, AllowsMore);
        /// Bytes of all files together that a caller is given of a run's `/workspace`; what would be more is left out.
        ///
        /// No kernel limit: counted by the supervisor as it reads them, after the last process of the run.
        artifacts: Bytes = Bytes(64 * KIB), number(ranges::KEPT, AllowsMore);
        /// Number of such files; what would be more is left out.
        ///
        /// No kernel limit: counted by the supervisor.
        artifact_files: u64 = 16, number(ranges::ARTIFACT_FILES, AllowsMore);
        /// Whether memory, pids and CPU must be held by real cgroups (`required`), or may fall back to substitutes (`optional`).
        ///
        /// A cgroup v2 directory or a set of v1 directories per run; the substitutes are RLIMIT_NPROC, RLIMIT_CPU and sampling. The outcome says which.
        cgroup: Enforce = Enforce::Required, word();
    }

    /// `filesystem`.
    Filesystem "filesystem." {
        /// The private writable tmpfs at `/tmp` (also `/dev/shm` and `/var/tmp`).
        tmp: Tmp = Tmp::narrowest(), section();
        /// Host paths shown to the run besides what its interpreter needs. Edited by target.
        ///
        /// A bind mount each, nosuid and nodev, in the root that the forkserver builds; and a Landlock rule each with the same rights.
        mounts: Vec<Mount> = Vec::new(), mounts();
        /// Whether a restricted `/proc` (own processes only) is mounted.
        ///
        /// A procfs of the run's PID namespace with `hidepid=ptraceable` and `subset=pid`, nosuid, nodev, noexec.
        proc: bool = false, flag(AllowsMore);
        /// Device nodes below `/dev`.
        ///
        /// Bind mounts of the host's nodes; Landlock lets them be read and written.
        devices: Vec<Device> = Vec::new(), words();
    }

    /// The private tmpfs of a run.
    Tmp "filesystem.tmp." {
        /// Bytes of file content. They count in `limits.memory` too.
        ///
        /// The tmpfs option `size`. When it is full, writing fails with ENOSPC.
        size: Bytes = Bytes(MIB), number(ranges::TMP_SIZE, AllowsMore);
        /// Number of inodes (files, directories, links).
        ///
        /// The tmpfs option `nr_inodes`. When they are used up, making a file fails with ENOSPC.
        inodes: u64 = 64, number(ranges::TMP_INODES, AllowsMore);
        /// Whether files on it may be executed or mapped executable.
        ///
        /// `false`: the mount flag noexec, and no Landlock right to execute beneath `/tmp`.
        exec: bool = false, flag(AllowsMore);
    }

    /// One host path shown to the run.
    Mount "" {
        /// Absolute host path: a regular file or a directory; symlinks are refused when the mount is made.
        source: String = String::new(), text(Saying::Source);
        /// Absolute path inside the run; the same as `source` where it is left out.
        target: String = String::new(), text(Saying::Target);
        /// Writable: a dangerous grant, which needs `reason`.
        writable: bool = false, flag(AllowsMore);
        /// Whether files on it may be executed.
        exec: bool = false, flag(AllowsMore);
        /// `true`: a missing source is left out and named in the outcome.
        optional: bool = false, flag(AllowsMore);
        /// Why this grant is there; required with `writable`.
        reason: Option<String> = None, reason(|mount| mount.writable.then_some(("writable", "a writable mount")));
    }

    /// `syscalls`: an allowlist. What is not allowed is answered EPERM and recorded; unknown numbers, `clone3` and `io_uring_*` ENOSYS.
    Syscalls "syscalls." {
        /// Who may call what.
        rules: Rules = Rules::narrowest(), rules();
        /// Calls, and groups of them, that programs are known to try and to do without: where one is not allowed, it is answered as any other and counted apart
        /// in the outcome (`quiet`), so that it is never shown as a danger beside an unrelated error. It allows no call. A call that ends the run is never quiet.
        /// A request may take entries out and add none: the narrower list is the shorter one, under which more is shown.
        ///
        /// Nothing: the filter is the same.
        quiet: Vec<String> = Vec::new(), names(Names::Calls, AllowsMore);
        /// Whether seccomp (filter and recording) must be enforced.
        ///
        /// `seccomp(SECCOMP_SET_MODE_FILTER)` with a user notification listener, the last step before `execve`.
        enforce: Enforce = Enforce::Required, word();
    }

    /// `network`.
    Network "network." {
        /// What the run can reach. Sockets must be granted in `syscalls` besides.
        ///
        /// `none`: CLONE_NEWNET, nothing brought up, and from Landlock ABI 4 on no TCP bind or connect. `loopback`: CLONE_NEWNET with `lo` up. `host`: no network
        /// namespace.
        mode: NetworkMode = NetworkMode::None, word();
        /// Why; required for anything but `none`.
        reason: Option<String> = None, reason(|network| (network.mode != NetworkMode::None).then_some(("mode", "a network")));
    }

    /// `namespaces`: whether each must be had that a run can do without.
    Namespaces "namespaces." {
        /// System V and POSIX message queues, semaphores and shared memory, shared only by the runs of one forkserver.
        ///
        /// CLONE_NEWIPC.
        ipc: Enforce = Enforce::Required, word();
        /// Host and domain name.
        ///
        /// CLONE_NEWUTS.
        uts: Enforce = Enforce::Required, word();
        /// Network devices, addresses, ports; shared only by the runs of one forkserver. Not asked for where `network.mode` is `host`.
        ///
        /// CLONE_NEWNET.
        network: Enforce = Enforce::Required, word();
        /// The sight of the host's cgroup paths taken away.
        ///
        /// CLONE_NEWCGROUP.
        cgroup: Enforce = Enforce::Required, word();
        /// A host uid that no other concurrent run has (needs privilege).
        ///
        /// The outside id in the user namespace's `uid_map`, from the pool that `remand doctor` names; otherwise the caller's own.
        own_uid: Enforce = Enforce::Required, word();
    }

    /// `landlock`.
    Landlock "landlock." {
        /// Whether Landlock must be enforced at all.
        ///
        /// `landlock_restrict_self` with every right that the kernel's ABI knows, granted only beneath what the root shows.
        enforce: Enforce = Enforce::Required, word();
        /// Lowest ABI that satisfies the policy (1: files, 4: TCP, 6: abstract sockets and signals).
        ///
        /// What `landlock_create_ruleset` answers to LANDLOCK_CREATE_RULESET_VERSION. Where `enforce` is `optional`, an older one does what it can.
        minimum_abi: u32 = 1, number(ranges::MINIMUM_ABI, AllowsLess);
    }

    /// `python`: the interpreter, and the friendly layer that is never counted as a protection.
    Python "python." {
        /// `"python3"` (looked up on PATH) or an absolute path.
        ///
        /// The program of `execve`, with `-I -B`, and `-S` where `external_allow` is empty; its files and libraries are bind mounts, read-only.
        interpreter: String = "python3".to_owned(), text(Saying::Interpreter);
        /// Standard library modules that the code itself may import, by first component; `["*"]` for all.
        ///
        /// Nothing: the executor's import hook. No protection.
        stdlib_allow: Vec<String> = Vec::new(), names(Names::Modules, AllowsMore);
        /// Third-party packages that the code itself may import, by first component; `["*"]` for all. Where there are any, packages are found as the
        /// interpreter's owner set them up: `.pth` files, editable installs, `sitecustomize`; what those execute runs inside the run.
        ///
        /// Where it is empty, the directories of site packages are not mounted. Which of the packages there can be imported, the executor's import hook says: no
        /// protection.
        external_allow: Vec<String> = Vec::new(), names(Names::Modules, AllowsMore);
        /// Builtins that the code does not find.
        ///
        /// Nothing: the executor leaves them out. No protection.
        builtins_deny: Vec<String> = Vec::new(), names(Names::Builtins, AllowsLess);
        /// Whether the code finds no environment.
        ///
        /// Nothing: the interpreter is started without `environment`, but for what it reads itself (`PYTHON...`), which the executor clears before the code starts.
        runner_env_deny: bool = true, flag(AllowsLess);
    }

    /// `result`: how the values that code gives become JSON.
    Results "result." {
        /// Numbers that JSON has no word for: NaN and the infinities.
        ///
        /// Nothing: the executor writes them so.
        nan: NonFinite = NonFinite::Error, form();
        /// DataFrames and Series of pandas.
        ///
        /// Nothing: the executor writes them so.
        pandas: Tables = Tables::Error, form();
        /// Text with half a surrogate pair, as code gets it from input that was cut in the middle of a character.
        ///
        /// Nothing: the executor writes it so.
        surrogates: Surrogates = Surrogates::Error, form();
    }
}

sections! {
    /// `request`: what a request may choose for itself.
    Choices "request." {
        /// Interpreters that a request may name instead of `python.interpreter`: a name to look up on PATH, a path, or a directory in which they lie, such as
        /// that of a virtual environment; `["*"]` for any.
        ///
        /// As for `python.interpreter`, whose rules of ownership hold for these too.
        interpreters: Vec<String> = Vec::new(), names(Names::Interpreters, AllowsMore);
        /// Environment variables that a request may set, besides those of `environment` or in their place: names, and beginnings of names with a `*` behind.
        ///
        /// The third argument of `execve`. Their values are in no record.
        environment: Vec<String> = Vec::new(), names(Names::Variables, AllowsMore);
        /// Files and directories of the host that a request may mount, with all that lies in them: each is shown at the same place below `target`, or where the
        /// request says, with no more rights than here. `optional` means nothing. Edited by target.
        ///
        /// As for `filesystem.mounts`. What a request names is opened with the rights of whoever makes it, beneath `source`, and no symbolic link is followed.
        mounts: Vec<Mount> = Vec::new(), mounts();
        /// Whether a request may have a terminal (`--tty`): a pseudo-terminal of the run's own, which is its standard input, output and error.
        ///
        /// A devpts of the run's own with one terminal in it, `/dev/tty`, and those requests of `ioctl` that set a terminal's modes, size and foreground
        /// group, unless `syscalls.deny` or `syscalls.kill` has `ioctl`. It opens the kernel's code for terminals.
        tty: bool = false, flag(AllowsMore);
    }
}

fields! {
    /// Who may call what.
    Rules "syscalls." {
        /// Groups (`"@io"`) and single calls, with argument conditions. Edited by name.
        ///
        /// SECCOMP_RET_ALLOW in the run's filter, where the conditions hold; all else is SECCOMP_RET_USER_NOTIF, which the supervisor answers EPERM and records.
        allow: Vec<Grant> = Vec::new(), grants();
        /// Calls taken out of what `allow` grants; wins over it. A group takes out every call that it grants, under conditions or not.
        ///
        /// Left out of what the filter allows: EPERM, recorded.
        deny: Vec<String> = Vec::new(), names(Names::Calls, AllowsLess);
        /// Calls that end the run with the verdict `violated`; wins over `allow` and `deny`. Group names are allowed.
        ///
        /// SECCOMP_RET_USER_NOTIF: the call waits, and never happens, while the supervisor records it and kills every process of the run.
        kill: Vec<String> = Vec::new(), names(Names::Calls, AllowsLess);
    }
}

impl Policy {
    /// Whether a run can write to a file of the host.
    #[must_use]
    pub fn writes_to_host(&self) -> bool {
        self.filesystem.mounts.iter().any(|mount| mount.writable)
    }

    /// Lets a run set the modes, the size and the foreground group of the terminal that it is given.
    pub fn grant_terminal(&mut self) {
        self.syscalls.rules.allow.push(remand_syscalls::of_a_terminal());
    }

    /// The narrowest policy of this name: no system call, no mount, no device, no import, every protection required, and limits under which a bare
    /// interpreter just starts. What a file without `extends` leaves out has the value from here.
    #[must_use]
    pub fn floor(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::narrowest() }
    }
}
