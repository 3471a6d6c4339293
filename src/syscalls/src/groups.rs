//! Named groups of system calls: what each is for, what a dangerous one endangers, and the argument conditions that stand inside the safe ones.
//!
//! Always holds: a group grants every call whose home it is with any arguments, and the calls that [`STANDING`] lists for it under those conditions
//! only. So a call that can do harm has a dangerous home, and safe groups grant a part of it. A CPython starts and runs its standard library, threads
//! and subprocesses included, within the groups from `@io` to `@socketpair`.

use crate::rules::{Comparison, Condition};

macro_rules! groups {
    ($($group:ident $name:literal $purpose:literal $danger:expr;)*) => {
        /// A named group.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Group { $($group),*, /// Home of calls that no policy can grant.
            Never }

        /// Name, purpose and danger of each group, in the order of [`Group`].
        pub(crate) const GROUPS: &[Info] = &[$(Info { group: Group::$group, name: $name, purpose: $purpose, danger: $danger }),*];
    };
}

/// What is said of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Info {
    pub group: Group,
    pub name: &'static str,
    pub purpose: &'static str,
    pub danger: Option<&'static str>,
}

groups! {
    Io "@io" "read, write and position open files; duplicate and close descriptors" None;
    Files "@files" "open, inspect, create, rename and remove files and directories" None;
    Memory "@memory" "map, protect and advise memory" None;
    Process "@process" "end and wait for processes, wait for memory locks, read identity and resource use" None;
    Threads "@threads" "start threads (the fork side of clone is in @exec)" None;
    Exec "@exec" "start processes: fork, vfork and posix_spawn, then execve" None;
    Signals "@signals" "handle, block, wait for and send signals, within the run's own processes" None;
    Time "@time" "read clocks, sleep, set timers" None;
    Poll "@poll" "wait for descriptors: poll, select, epoll, eventfd" None;
    Pipes "@pipes" "make pipes" None;
    Random "@random" "get random bytes" None;
    Scheduling "@scheduling" "yield, processor affinity, lower priority" None;
    Ids "@ids" "read user, group and capability ids" None;
    Info "@info" "read the kernel's name and the machine's memory and load" None;
    Locks "@locks" "lock files: flock, lockf and record locks, kept by the supervisor and seen by nobody outside of the run, but on writable mounts" None;
    SocketPair "@socketpair" "connected stream sockets within the run, as asyncio's event loop needs one" None;
    UnixSockets "@unix_sockets" "Unix sockets by name, within the run, as multiprocessing's Manager and forkserver need them; refused where such a name would lead out of the run" Some("opens the kernel's Unix socket code, and puts descriptors in flight, which outlive processes until the kernel collects them");
    Sockets "@sockets" "Unix, IPv4 and IPv6 sockets" Some("sends to whatever the run's network namespace reaches, and opens the kernel's socket code to attack");
    RawSockets "@raw_sockets" "sockets of every family" Some("AF_ALG, AF_NETLINK, AF_PACKET and AF_VSOCK reach kernel code and hosts that no network namespace holds back");
    Leases "@leases" "leases, directory notification and all other fcntl commands" Some("leases on shared read-only files signal to other runs and can block programs of the host; SIGIO escapes signal scopes");
    Ownership "@ownership" "change owners, open with openat2, and make or give set-id bits" Some("leaves set-id files behind in writable mounts");
    Attributes "@attributes" "write extended attributes and inode flags" Some("marks files in writable mounts in ways that outlive the run");
    Devices "@devices" "every ioctl, and device nodes" Some("ioctl reaches drivers and file systems, and TIOCSTI types into a terminal");
    Watch "@watch" "inotify, fanotify and notification pipes" Some("watches of shared files see what other runs and the host open");
    Splice "@splice" "splice, tee and vmsplice" Some("moves page-cache pages by reference, the way of several kernel exploits (Dirty Pipe)");
    Aio "@aio" "asynchronous I/O contexts" Some("rarely used kernel code, with memory shared with the kernel");
    IoUring "@io_uring" "io_uring" Some("its requests are carried out by the kernel without passing this filter");
    Ipc "@ipc" "System V and POSIX message queues, semaphores and shared memory" Some("objects live as long as the IPC namespace, which the runs of one forkserver share");
    SpecialMemory "@special_memory" "huge and secret pages" Some("memory that no memory limit may count");
    PageCache "@page_cache" "ask what is in the page cache, and throw out of it" Some("shows which shared files other runs and the host have read");
    Numa "@numa" "memory placement" Some("moves pages between nodes, for other processes too");
    Realtime "@realtime" "real-time and deadline scheduling, I/O priorities" Some("can starve other processes of the processor");
    ProcessControl "@process_control" "every prctl, arch_prctl, personality and prlimit" Some("undoes hardening (READ_IMPLIES_EXEC, dumpable, death signal, subreaper) and forges what /proc shows");
    SetIds "@set_ids" "change user and group ids and capabilities" Some("harmless only as long as the run has no capability and one id");
    Sandboxing "@sandboxing" "seccomp, Landlock and LSM attributes" Some("a filter of the run's own hides denied calls from the record");
    Debug "@debug" "look into and change other processes" Some("takes over every process of the run, its exit status and descriptors included");
    Kernel "@kernel" "bpf, perf events, userfaultfd, probes, descriptor tables" Some("the tools of most kernel exploits and side channels");
    Keys "@keys" "kernel keyrings" Some("keyrings belong to a user, not to a namespace");
    Namespaces "@namespaces" "make and enter namespaces; every clone" Some("a new user namespace holds every capability and opens privileged kernel code");
    Mount "@mount" "mounts, chroot and pivot_root" Some("changes what the run's root shows, and undoes read-only and hidden places");
    Handles "@handles" "open files by handle" Some("reaches files outside the run's root");
    Clock "@clock" "set the clocks" Some("the clock is the host's");
    Administration "@administration" "modules, kexec, reboot, swap, quota, accounting, ports, host name, kernel log" Some("acts on the whole host");
    Obsolete "@obsolete" "calls that kernels no longer have, or should not" Some("no program needs them");
}

impl Group {
    /// The group of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        GROUPS.iter().find(|info| info.name == name).map(|info| info.group)
    }

    /// What is said of it; `None` for [`Group::Never`].
    pub(crate) fn info(self) -> Option<&'static Info> {
        GROUPS.get(self as usize)
    }
}

/// A comparison in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Is(u64),
    In(&'static [u64]),
    Bits { mask: u64, value: u64 },
}

/// A call that a group grants under conditions; several entries for one call are alternatives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub group: Group,
    pub call: &'static str,
    pub when: &'static [(u8, Test)],
}

impl Test {
    /// As a policy would write it.
    pub(crate) fn comparison(self) -> Comparison {
        match self {
            Self::Is(value) => Comparison::Equals(value),
            Self::In(values) => Comparison::OneOf(values.to_vec()),
            Self::Bits { mask, value } => Comparison::Masked { mask, value },
        }
    }
}

impl Standing {
    /// The conditions as a policy would write them.
    pub(crate) fn conditions(&self) -> Vec<Condition> {
        self.when.iter().map(|(arg, test)| Condition { arg: *arg, op: test.comparison() }).collect()
    }
}

const fn s(group: Group, call: &'static str, when: &'static [(u8, Test)]) -> Standing {
    Standing { group, call, when }
}

/// `CLONE_NEW*`, and `CLONE_PTRACE`, `CLONE_PARENT`, `CLONE_UNTRACED`: a child of somebody else's, or hidden from a tracer, is nobody's need.
const CLONE_REFUSED: u64 = 0x7e02_0000 | 0x2000 | 0x8000 | 0x0080_0000;
const CLONE_THREAD: u64 = 0x0001_0000;
/// Set-user-id and set-group-id. The run's own mounts are nosuid, the host's behind a writable one is not: such a file of root's there is root for everybody.
/// `mkdir` ignores these bits of its mode, and `openat2` has its mode in memory, so it is granted with the dangerous rest only.
const SET_ID: Test = Test::Bits { mask: 0o6000, value: 0 };
/// Without `O_CREAT` and `__O_TMPFILE` the kernel ignores the mode, and the register holds whatever was in it.
const MAKES_NOTHING: Test = Test::Bits { mask: 0x40_0040, value: 0 };
/// `F_DUPFD` to `F_SETFL`, `F_GETOWN`, `F_DUPFD_QUERY`, `F_CREATED_QUERY`, `F_DUPFD_CLOEXEC`, pipe sizes, seals. Not leases, directory notification and
/// what sends SIGIO.
const FCNTL: &[u64] = &[0, 1, 2, 3, 4, 9, 1027, 1028, 1030, 1031, 1032, 1033, 1034];
/// `F_GETLK`, `F_SETLK`, `F_SETLKW`, and the same of open file descriptions (`F_OFD_*`).
pub(crate) const LOCKS: &[u64] = &[5, 6, 7, 36, 37, 38];
/// `POSIX_FADV_NORMAL` to `POSIX_FADV_WILLNEED`, and `NOREUSE`. `DONTNEED` throws shared files out of the page cache, which others notice.
const FADVISE: &[u64] = &[0, 1, 2, 3, 5];
/// `RWF_NOWAIT` tells whether a page is in the page cache, `RWF_DONTCACHE` throws it out.
const RWF_CACHE: Test = Test::Bits { mask: 0x88, value: 0 };
/// `TCGETS`, `TCGETS2` (isatty), `TIOCGPGRP`, `TIOCGWINSZ`, `FIONREAD`, `FIONBIO`, `FIONCLEX`, `FIOCLEX`, and `FICLONE`, which copies within one file system.
const IOCTL: &[u64] = &[0x5401, 0x802c_542a, 0x540f, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451, 0x4004_9409];
/// `PR_SET_NAME`, `PR_SET_VMA` (names of mappings), and what only reads: PDEATHSIG, DUMPABLE, NAME, SECCOMP, CAPBSET_READ, TSC, TIMERSLACK,
/// CHILD_SUBREAPER, NO_NEW_PRIVS, THP_DISABLE, SVE vector length.
const PRCTL: &[u64] = &[2, 3, 15, 16, 21, 23, 25, 30, 37, 39, 42, 51, 0x5356_4d41];
/// FS and GS base, CPUID and AMX permission, shadow stacks (0x3001 is how older C libraries ask for them).
const ARCH_PRCTL: &[u64] = &[0x1001, 0x1002, 0x1003, 0x1004, 0x1011, 0x1021, 0x1022, 0x1023, 0x3001, 0x5001, 0x5002, 0x5003, 0x5005];
/// `AF_UNIX`, `AF_INET`, `AF_INET6`.
const FAMILIES: &[u64] = &[1, 2, 10];

/// Every conditional grant.
pub(crate) const STANDING: &[Standing] = &[
    s(Group::Io, "fcntl", &[(1, Test::In(FCNTL))]),
    s(Group::Io, "fadvise64", &[(3, Test::In(FADVISE))]),
    s(Group::Io, "preadv2", &[(5, RWF_CACHE)]),
    s(Group::Locks, "fcntl", &[(1, Test::In(LOCKS))]),
    s(Group::Io, "ioctl", &[(1, Test::In(IOCTL))]),
    s(Group::Files, "open", &[(1, MAKES_NOTHING)]),
    s(Group::Files, "open", &[(2, SET_ID)]),
    s(Group::Files, "openat", &[(2, MAKES_NOTHING)]),
    s(Group::Files, "openat", &[(3, SET_ID)]),
    s(Group::Files, "creat", &[(1, SET_ID)]),
    s(Group::Files, "chmod", &[(1, SET_ID)]),
    s(Group::Files, "fchmod", &[(1, SET_ID)]),
    s(Group::Files, "fchmodat", &[(2, SET_ID)]),
    s(Group::Files, "fchmodat2", &[(2, SET_ID)]),
    // A regular file, by 0 or S_IFREG, or a FIFO, without set-id bits: no devices.
    s(Group::Files, "mknod", &[(1, Test::Bits { mask: 0o176_000, value: 0 })]),
    s(Group::Files, "mknod", &[(1, Test::Bits { mask: 0o176_000, value: 0o100_000 })]),
    s(Group::Files, "mknod", &[(1, Test::Bits { mask: 0o176_000, value: 0o010_000 })]),
    s(Group::Files, "mknodat", &[(2, Test::Bits { mask: 0o176_000, value: 0 })]),
    s(Group::Files, "mknodat", &[(2, Test::Bits { mask: 0o176_000, value: 0o100_000 })]),
    s(Group::Files, "mknodat", &[(2, Test::Bits { mask: 0o176_000, value: 0o010_000 })]),
    // MAP_HUGETLB and MFD_HUGETLB: pages that memory cgroups may not count.
    s(Group::Memory, "mmap", &[(3, Test::Bits { mask: 0x4_0000, value: 0 })]),
    s(Group::Memory, "memfd_create", &[(1, Test::Bits { mask: 4, value: 0 })]),
    s(Group::Process, "prctl", &[(0, Test::In(PRCTL))]),
    s(Group::Process, "arch_prctl", &[(0, Test::In(ARCH_PRCTL))]),
    // Only the question, never an answer: READ_IMPLIES_EXEC and ADDR_NO_RANDOMIZE prepare exploits.
    s(Group::Process, "personality", &[(0, Test::Is(0xffff_ffff))]),
    s(Group::Process, "prlimit64", &[(0, Test::Is(0))]),
    s(Group::Threads, "clone", &[(0, Test::Bits { mask: CLONE_REFUSED | CLONE_THREAD, value: CLONE_THREAD })]),
    s(Group::Exec, "clone", &[(0, Test::Bits { mask: CLONE_REFUSED | CLONE_THREAD, value: 0 })]),
    // Not O_NOTIFICATION_PIPE (O_EXCL), which makes a watch queue.
    s(Group::Pipes, "pipe2", &[(1, Test::Bits { mask: 0x80, value: 0 })]),
    // SCHED_OTHER, SCHED_BATCH, SCHED_IDLE.
    s(Group::Scheduling, "sched_setscheduler", &[(1, Test::In(&[0, 3, 5]))]),
    // AF_UNIX streams only: a datagram socket can send to any name that it sees.
    s(Group::SocketPair, "socketpair", &[(0, Test::Is(1)), (1, Test::Bits { mask: 0xf, value: 1 })]),
    s(Group::SocketPair, "sendto", &[(4, Test::Is(0))]),
    s(Group::SocketPair, "recvfrom", &[]),
    s(Group::SocketPair, "shutdown", &[]),
    s(Group::SocketPair, "getsockname", &[]),
    s(Group::SocketPair, "getpeername", &[]),
    // SOL_SOCKET: type, error, buffer sizes, accepting, protocol, domain.
    s(Group::SocketPair, "getsockopt", &[(1, Test::Is(1)), (2, Test::In(&[3, 4, 7, 8, 30, 38, 39]))]),
    // What makes a socket says which kind; the others need one. Streams and SOCK_SEQPACKET: another kind is sent to by a name in memory, where no filter sees it.
    // SO_REUSEADDR is what Python sets.
    s(Group::UnixSockets, "socket", &[(0, Test::Is(1)), (1, Test::Bits { mask: 0xf, value: 1 })]),
    s(Group::UnixSockets, "socket", &[(0, Test::Is(1)), (1, Test::Bits { mask: 0xf, value: 5 })]),
    s(Group::UnixSockets, "bind", &[]),
    s(Group::UnixSockets, "listen", &[]),
    s(Group::UnixSockets, "accept", &[]),
    s(Group::UnixSockets, "accept4", &[]),
    s(Group::UnixSockets, "connect", &[]),
    s(Group::UnixSockets, "setsockopt", &[(1, Test::Is(1)), (2, Test::Is(2))]),
    // Descriptors for a new process.
    s(Group::UnixSockets, "sendmsg", &[]),
    s(Group::UnixSockets, "recvmsg", &[]),
    s(Group::UnixSockets, "sendto", &[(4, Test::Is(0))]),
    s(Group::UnixSockets, "recvfrom", &[]),
    s(Group::UnixSockets, "shutdown", &[]),
    s(Group::UnixSockets, "getsockname", &[]),
    s(Group::UnixSockets, "getpeername", &[]),
    s(Group::UnixSockets, "getsockopt", &[(1, Test::Is(1)), (2, Test::In(&[3, 4, 7, 8, 30, 38, 39]))]),
    s(Group::Sockets, "socket", &[(0, Test::In(FAMILIES))]),
    s(Group::Sockets, "socketpair", &[(0, Test::Is(1))]),
];
