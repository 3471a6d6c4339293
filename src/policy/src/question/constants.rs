//! Symbolic constants, by the argument of the call that they are written for.
//!
//! Always holds: a value is the same on every instruction set that remand knows; those that differ (`O_DIRECTORY`, `O_DIRECT`, `O_NOFOLLOW`) are not here
//! and are asked for by number.

/// Names and values of one kind.
type Names = &'static [(&'static str, u64)];

/// The value of a constant in this argument of this call.
pub(super) fn value(call: &str, argument: usize, name: &str) -> Option<u64> {
    of(call).filter(|(index, _, _)| *index == argument).find(|(_, known, _)| *known == name).map(|(_, _, value)| value)
}

/// The argument of a call that a constant is written for.
pub(super) fn argument(call: &str, name: &str) -> Option<usize> {
    of(call).find(|(_, known, _)| *known == name).map(|(index, _, _)| index)
}

/// The constants of a call, as (argument, name, value).
pub(super) fn of(call: &str) -> impl Iterator<Item = (usize, &'static str, u64)> {
    let fits = USES.iter().filter(move |(name, _, _)| *name == call);
    fits.flat_map(|(_, index, names)| names.iter().map(move |(name, value)| (*index, *name, *value)))
}

/// The value of a constant by its name alone, if every call that knows it has the same for it.
pub(crate) fn anywhere(name: &str) -> Option<u64> {
    let mut values = USES.iter().flat_map(|(_, _, names)| names.iter()).filter(|(known, _)| *known == name).map(|(_, value)| *value);
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// Every argument that takes constants.
#[rustfmt::skip]
const USES: &[(&str, usize, Names)] = &[
    ("socket", 0, FAMILY), ("socket", 1, SOCKET), ("socket", 2, PROTOCOL),
    ("socketpair", 0, FAMILY), ("socketpair", 1, SOCKET), ("socketpair", 2, PROTOCOL),
    ("getsockopt", 1, LEVEL), ("getsockopt", 2, OPTION), ("setsockopt", 1, LEVEL), ("setsockopt", 2, OPTION),
    ("accept4", 3, SOCKET),
    ("clone", 0, CLONE), ("clone", 0, SIGNAL), ("unshare", 0, CLONE), ("setns", 1, CLONE),
    ("kill", 1, SIGNAL), ("tkill", 1, SIGNAL), ("tgkill", 2, SIGNAL), ("rt_sigaction", 0, SIGNAL), ("rt_sigqueueinfo", 1, SIGNAL),
    ("rt_tgsigqueueinfo", 2, SIGNAL), ("pidfd_send_signal", 1, SIGNAL),
    ("open", 1, OPEN), ("open", 2, MODE), ("openat", 0, PLACE), ("openat", 2, OPEN), ("openat", 3, MODE), ("open_by_handle_at", 2, OPEN), ("pipe2", 1, OPEN),
    ("dup3", 2, OPEN), ("mq_open", 1, OPEN), ("openat2", 0, PLACE),
    ("chmod", 1, MODE), ("fchmod", 1, MODE), ("fchmodat", 0, PLACE), ("fchmodat", 2, MODE), ("fchmodat2", 0, PLACE), ("fchmodat2", 2, MODE),
    ("mknod", 1, MODE), ("mknodat", 0, PLACE), ("mknodat", 2, MODE), ("mkdirat", 0, PLACE), ("unlinkat", 0, PLACE), ("newfstatat", 0, PLACE),
    ("statx", 0, PLACE), ("execveat", 0, PLACE), ("faccessat", 0, PLACE), ("readlinkat", 0, PLACE), ("utimensat", 0, PLACE), ("fchownat", 0, PLACE),
    ("prctl", 0, PRCTL), ("arch_prctl", 0, ARCH_PRCTL), ("personality", 0, PERSONALITY), ("prlimit64", 1, RLIMIT),
    ("getrlimit", 0, RLIMIT), ("setrlimit", 0, RLIMIT),
    ("mmap", 2, PROTECTION), ("mmap", 3, MAP), ("mprotect", 2, PROTECTION), ("pkey_mprotect", 2, PROTECTION), ("memfd_create", 1, MEMFD),
    ("fcntl", 1, FCNTL), ("flock", 1, FLOCK), ("fadvise64", 3, FADVICE), ("preadv2", 5, RWF), ("pwritev2", 5, RWF), ("ioctl", 1, IOCTL), ("ptrace", 0, PTRACE), ("keyctl", 0, KEYCTL), ("seccomp", 0, SECCOMP), ("bpf", 0, BPF),
    ("sched_setscheduler", 1, SCHEDULER), ("mount", 3, MOUNT), ("clock_gettime", 0, CLOCK), ("clock_getres", 0, CLOCK), ("clock_settime", 0, CLOCK),
    ("clock_nanosleep", 0, CLOCK), ("timer_create", 0, CLOCK), ("timerfd_create", 0, CLOCK), ("clock_adjtime", 0, CLOCK),
];

#[rustfmt::skip]
const FAMILY: Names = &[
    ("AF_UNSPEC", 0), ("AF_UNIX", 1), ("AF_LOCAL", 1), ("AF_INET", 2), ("AF_AX25", 3), ("AF_IPX", 4), ("AF_INET6", 0xa), ("AF_KEY", 0xf),
    ("AF_NETLINK", 0x10), ("AF_PACKET", 0x11), ("AF_RDS", 0x15), ("AF_CAN", 0x1d), ("AF_TIPC", 0x1e), ("AF_BLUETOOTH", 0x1f),
    ("AF_RXRPC", 0x21), ("AF_ALG", 0x26), ("AF_NFC", 0x27), ("AF_VSOCK", 0x28), ("AF_KCM", 0x29), ("AF_QIPCRTR", 0x2a), ("AF_SMC", 0x2b),
    ("AF_XDP", 0x2c),
];

#[rustfmt::skip]
const SOCKET: Names = &[
    ("SOCK_STREAM", 1), ("SOCK_DGRAM", 2), ("SOCK_RAW", 3), ("SOCK_RDM", 4), ("SOCK_SEQPACKET", 5), ("SOCK_PACKET", 0xa),
    ("SOCK_NONBLOCK", 0x800), ("SOCK_CLOEXEC", 0x80000),
];

#[rustfmt::skip]
const PROTOCOL: Names = &[
    ("IPPROTO_IP", 0), ("IPPROTO_ICMP", 1), ("IPPROTO_TCP", 6), ("IPPROTO_UDP", 0x11), ("IPPROTO_IPV6", 0x29), ("IPPROTO_ICMPV6", 0x3a),
    ("IPPROTO_SCTP", 0x84), ("IPPROTO_RAW", 0xff), ("NETLINK_ROUTE", 0), ("NETLINK_XFRM", 6), ("NETLINK_NETFILTER", 0xc),
];

#[rustfmt::skip]
const LEVEL: Names = &[
    ("SOL_SOCKET", 1), ("SOL_IP", 0), ("SOL_TCP", 6), ("SOL_IPV6", 0x29), ("SOL_PACKET", 0x107), ("SOL_ALG", 0x117),
];

#[rustfmt::skip]
const OPTION: Names = &[
    ("SO_DEBUG", 1), ("SO_REUSEADDR", 2), ("SO_TYPE", 3), ("SO_ERROR", 4), ("SO_SNDBUF", 7), ("SO_RCVBUF", 8), ("SO_KEEPALIVE", 9),
    ("SO_REUSEPORT", 0xf), ("SO_PASSCRED", 0x10), ("SO_PEERCRED", 0x11), ("SO_BINDTODEVICE", 0x19), ("SO_ATTACH_FILTER", 0x1a),
    ("SO_ACCEPTCONN", 0x1e), ("SO_PROTOCOL", 0x26), ("SO_DOMAIN", 0x27),
];

#[rustfmt::skip]
const CLONE: Names = &[
    ("CLONE_NEWTIME", 0x80), ("CLONE_VM", 0x100), ("CLONE_FS", 0x200), ("CLONE_FILES", 0x400), ("CLONE_SIGHAND", 0x800),
    ("CLONE_PIDFD", 0x1000), ("CLONE_PTRACE", 0x2000), ("CLONE_VFORK", 0x4000), ("CLONE_PARENT", 0x8000), ("CLONE_THREAD", 0x10000),
    ("CLONE_NEWNS", 0x20000), ("CLONE_SYSVSEM", 0x40000), ("CLONE_SETTLS", 0x80000), ("CLONE_PARENT_SETTID", 0x100000),
    ("CLONE_CHILD_CLEARTID", 0x200000), ("CLONE_DETACHED", 0x400000), ("CLONE_UNTRACED", 0x800000), ("CLONE_CHILD_SETTID", 0x1000000),
    ("CLONE_NEWCGROUP", 0x2000000), ("CLONE_NEWUTS", 0x4000000), ("CLONE_NEWIPC", 0x8000000), ("CLONE_NEWUSER", 0x10000000),
    ("CLONE_NEWPID", 0x20000000), ("CLONE_NEWNET", 0x40000000), ("CLONE_IO", 0x80000000),
];

#[rustfmt::skip]
const SIGNAL: Names = &[
    ("SIGHUP", 1), ("SIGINT", 2), ("SIGQUIT", 3), ("SIGILL", 4), ("SIGTRAP", 5), ("SIGABRT", 6), ("SIGBUS", 7), ("SIGFPE", 8),
    ("SIGKILL", 9), ("SIGUSR1", 0xa), ("SIGSEGV", 0xb), ("SIGUSR2", 0xc), ("SIGPIPE", 0xd), ("SIGALRM", 0xe), ("SIGTERM", 0xf),
    ("SIGSTKFLT", 0x10), ("SIGCHLD", 0x11), ("SIGCONT", 0x12), ("SIGSTOP", 0x13), ("SIGTSTP", 0x14), ("SIGTTIN", 0x15), ("SIGTTOU", 0x16),
    ("SIGURG", 0x17), ("SIGXCPU", 0x18), ("SIGXFSZ", 0x19), ("SIGVTALRM", 0x1a), ("SIGPROF", 0x1b), ("SIGWINCH", 0x1c), ("SIGIO", 0x1d),
    ("SIGPWR", 0x1e), ("SIGSYS", 0x1f),
];

#[rustfmt::skip]
const OPEN: Names = &[
    ("O_RDONLY", 0), ("O_WRONLY", 1), ("O_RDWR", 2), ("O_CREAT", 0x40), ("O_EXCL", 0x80), ("O_NOCTTY", 0x100), ("O_TRUNC", 0x200),
    ("O_APPEND", 0x400), ("O_NONBLOCK", 0x800), ("O_DSYNC", 0x1000), ("O_ASYNC", 0x2000), ("O_NOATIME", 0x40000), ("O_CLOEXEC", 0x80000),
    ("O_SYNC", 0x101000), ("O_PATH", 0x200000),
];

#[rustfmt::skip]
const PLACE: Names = &[
    ("AT_FDCWD", 0xffffffffffffff9c),
];

#[rustfmt::skip]
const MODE: Names = &[
    ("S_IFIFO", 0x1000), ("S_IFCHR", 0x2000), ("S_IFDIR", 0x4000), ("S_IFBLK", 0x6000), ("S_IFREG", 0x8000), ("S_IFSOCK", 0xc000),
    ("S_ISUID", 0x800), ("S_ISGID", 0x400), ("S_ISVTX", 0x200),
];

#[rustfmt::skip]
const PRCTL: Names = &[
    ("PR_SET_PDEATHSIG", 1), ("PR_GET_PDEATHSIG", 2), ("PR_GET_DUMPABLE", 3), ("PR_SET_DUMPABLE", 4), ("PR_SET_KEEPCAPS", 8),
    ("PR_SET_NAME", 0xf), ("PR_GET_NAME", 0x10), ("PR_GET_SECCOMP", 0x15), ("PR_SET_SECCOMP", 0x16), ("PR_CAPBSET_READ", 0x17),
    ("PR_CAPBSET_DROP", 0x18), ("PR_GET_TSC", 0x19), ("PR_SET_TSC", 0x1a), ("PR_SET_TIMERSLACK", 0x1d), ("PR_GET_TIMERSLACK", 0x1e),
    ("PR_SET_MM", 0x23), ("PR_SET_CHILD_SUBREAPER", 0x24), ("PR_GET_CHILD_SUBREAPER", 0x25), ("PR_SET_NO_NEW_PRIVS", 0x26),
    ("PR_GET_NO_NEW_PRIVS", 0x27), ("PR_SET_THP_DISABLE", 0x29), ("PR_GET_THP_DISABLE", 0x2a), ("PR_CAP_AMBIENT", 0x2f),
    ("PR_SET_SPECULATION_CTRL", 0x35), ("PR_SET_IO_FLUSHER", 0x39), ("PR_SET_SYSCALL_USER_DISPATCH", 0x3b), ("PR_SCHED_CORE", 0x3e),
    ("PR_SET_MDWE", 0x41), ("PR_SET_PTRACER", 0x59616d61), ("PR_SET_VMA", 0x53564d41),
];

#[rustfmt::skip]
const ARCH_PRCTL: Names = &[
    ("ARCH_SET_GS", 0x1001), ("ARCH_SET_FS", 0x1002), ("ARCH_GET_FS", 0x1003), ("ARCH_GET_GS", 0x1004), ("ARCH_GET_CPUID", 0x1011),
    ("ARCH_SET_CPUID", 0x1012), ("ARCH_REQ_XCOMP_PERM", 0x1023), ("ARCH_SHSTK_ENABLE", 0x5001),
];

#[rustfmt::skip]
const PROTECTION: Names = &[
    ("PROT_NONE", 0), ("PROT_READ", 1), ("PROT_WRITE", 2), ("PROT_EXEC", 4),
];

#[rustfmt::skip]
const MAP: Names = &[
    ("MAP_SHARED", 1), ("MAP_PRIVATE", 2), ("MAP_FIXED", 0x10), ("MAP_ANONYMOUS", 0x20), ("MAP_GROWSDOWN", 0x100), ("MAP_LOCKED", 0x2000),
    ("MAP_NORESERVE", 0x4000), ("MAP_POPULATE", 0x8000), ("MAP_STACK", 0x20000), ("MAP_HUGETLB", 0x40000),
];

#[rustfmt::skip]
const MEMFD: Names = &[
    ("MFD_CLOEXEC", 1), ("MFD_ALLOW_SEALING", 2), ("MFD_HUGETLB", 4), ("MFD_NOEXEC_SEAL", 8), ("MFD_EXEC", 0x10),
];

#[rustfmt::skip]
const FCNTL: Names = &[
    ("F_DUPFD", 0), ("F_GETFD", 1), ("F_SETFD", 2), ("F_GETFL", 3), ("F_SETFL", 4), ("F_GETLK", 5), ("F_SETLK", 6), ("F_SETLKW", 7),
    ("F_SETOWN", 8), ("F_GETOWN", 9), ("F_SETSIG", 0xa), ("F_SETOWN_EX", 0xf), ("F_SETLEASE", 0x400), ("F_GETLEASE", 0x401),
    ("F_NOTIFY", 0x402), ("F_DUPFD_CLOEXEC", 0x406), ("F_SETPIPE_SZ", 0x407), ("F_GETPIPE_SZ", 0x408), ("F_ADD_SEALS", 0x409),
    ("F_GET_SEALS", 0x40a), ("F_OFD_GETLK", 0x24), ("F_OFD_SETLK", 0x25), ("F_OFD_SETLKW", 0x26),
];

#[rustfmt::skip]
const FLOCK: Names = &[
    ("LOCK_SH", 1), ("LOCK_EX", 2), ("LOCK_NB", 4), ("LOCK_UN", 8),
];

#[rustfmt::skip]
const FADVICE: Names = &[
    ("POSIX_FADV_NORMAL", 0), ("POSIX_FADV_RANDOM", 1), ("POSIX_FADV_SEQUENTIAL", 2), ("POSIX_FADV_WILLNEED", 3), ("POSIX_FADV_DONTNEED", 4),
    ("POSIX_FADV_NOREUSE", 5),
];

#[rustfmt::skip]
const RWF: Names = &[
    ("RWF_HIPRI", 1), ("RWF_DSYNC", 2), ("RWF_SYNC", 4), ("RWF_NOWAIT", 8), ("RWF_APPEND", 0x10), ("RWF_DONTCACHE", 0x80),
];

#[rustfmt::skip]
const IOCTL: Names = &[
    ("TCGETS", 0x5401), ("TCSETS", 0x5402), ("TIOCSCTTY", 0x540e), ("TIOCGPGRP", 0x540f), ("TIOCSPGRP", 0x5410), ("TIOCSTI", 0x5412),
    ("TIOCGWINSZ", 0x5413), ("TIOCSWINSZ", 0x5414), ("TIOCLINUX", 0x541c), ("TIOCCONS", 0x541d), ("TIOCSETD", 0x5423),
    ("TIOCNOTTY", 0x5422), ("FIONREAD", 0x541b), ("FIONBIO", 0x5421), ("FIOASYNC", 0x5452), ("FIONCLEX", 0x5450), ("FIOCLEX", 0x5451),
    ("FICLONE", 0x40049409), ("FS_IOC_SETFLAGS", 0x40086602), ("SIOCGIFCONF", 0x8912),
];

#[rustfmt::skip]
const PTRACE: Names = &[
    ("PTRACE_TRACEME", 0), ("PTRACE_PEEKTEXT", 1), ("PTRACE_PEEKDATA", 2), ("PTRACE_POKETEXT", 4), ("PTRACE_POKEDATA", 5),
    ("PTRACE_CONT", 7), ("PTRACE_KILL", 8), ("PTRACE_SINGLESTEP", 9), ("PTRACE_ATTACH", 0x10), ("PTRACE_DETACH", 0x11),
    ("PTRACE_SYSCALL", 0x18), ("PTRACE_SETOPTIONS", 0x4200), ("PTRACE_SEIZE", 0x4206),
];

#[rustfmt::skip]
const RLIMIT: Names = &[
    ("RLIMIT_CPU", 0), ("RLIMIT_FSIZE", 1), ("RLIMIT_DATA", 2), ("RLIMIT_STACK", 3), ("RLIMIT_CORE", 4), ("RLIMIT_RSS", 5),
    ("RLIMIT_NPROC", 6), ("RLIMIT_NOFILE", 7), ("RLIMIT_MEMLOCK", 8), ("RLIMIT_AS", 9), ("RLIMIT_LOCKS", 0xa), ("RLIMIT_SIGPENDING", 0xb),
    ("RLIMIT_MSGQUEUE", 0xc), ("RLIMIT_NICE", 0xd), ("RLIMIT_RTPRIO", 0xe), ("RLIMIT_RTTIME", 0xf),
];

#[rustfmt::skip]
const KEYCTL: Names = &[
    ("KEYCTL_GET_KEYRING_ID", 0), ("KEYCTL_JOIN_SESSION_KEYRING", 1), ("KEYCTL_UPDATE", 2), ("KEYCTL_REVOKE", 3), ("KEYCTL_DESCRIBE", 6),
    ("KEYCTL_CLEAR", 7), ("KEYCTL_LINK", 8), ("KEYCTL_SEARCH", 0xa), ("KEYCTL_READ", 0xb),
];

#[rustfmt::skip]
const SECCOMP: Names = &[
    ("SECCOMP_SET_MODE_STRICT", 0), ("SECCOMP_SET_MODE_FILTER", 1), ("SECCOMP_GET_ACTION_AVAIL", 2), ("SECCOMP_GET_NOTIF_SIZES", 3),
];

#[rustfmt::skip]
const BPF: Names = &[
    ("BPF_MAP_CREATE", 0), ("BPF_PROG_LOAD", 5), ("BPF_OBJ_GET", 7), ("BPF_BTF_LOAD", 0x12),
];

#[rustfmt::skip]
const SCHEDULER: Names = &[
    ("SCHED_OTHER", 0), ("SCHED_FIFO", 1), ("SCHED_RR", 2), ("SCHED_BATCH", 3), ("SCHED_IDLE", 5), ("SCHED_DEADLINE", 6),
];

#[rustfmt::skip]
const MOUNT: Names = &[
    ("MS_RDONLY", 1), ("MS_NOSUID", 2), ("MS_NODEV", 4), ("MS_NOEXEC", 8), ("MS_REMOUNT", 0x20), ("MS_BIND", 0x1000), ("MS_MOVE", 0x2000),
    ("MS_REC", 0x4000), ("MS_PRIVATE", 0x40000), ("MS_SLAVE", 0x80000), ("MS_SHARED", 0x100000),
];

#[rustfmt::skip]
const PERSONALITY: Names = &[
    ("PER_LINUX", 0), ("ADDR_NO_RANDOMIZE", 0x40000), ("READ_IMPLIES_EXEC", 0x400000),
];

#[rustfmt::skip]
const CLOCK: Names = &[
    ("CLOCK_REALTIME", 0), ("CLOCK_MONOTONIC", 1), ("CLOCK_PROCESS_CPUTIME_ID", 2), ("CLOCK_THREAD_CPUTIME_ID", 3), ("CLOCK_BOOTTIME", 7),
    ("CLOCK_TAI", 0xb),
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_use_is_an_argument_of_a_call() {
        for (call, index, _) in super::USES {
            assert!(remand_syscalls::argument_count(call).is_some_and(|count| *index < count), "{call} {index}");
        }
    }
}
