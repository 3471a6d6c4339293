//! The raw system calls of this crate, each wrapped once. The only place here with unsafe code.
//!
//! Always holds: no libc function is called, since those may take locks or allocate, and a process between clone and exec has only a copy of another
//! process's memory. Every wrapper returns the kernel's answer; pointers handed to the kernel come from references that outlive the call.

use core::convert::Infallible;
use core::ffi::CStr;
use core::mem::{size_of, zeroed};
use core::ptr::{from_mut, from_ref, null};

use crate::message::{MAX_FDS, SIZE, WORDS};
use crate::step::Errno;

/// What a process is waiting for or was told: a descriptor number. Plain, since nothing here is closed by going out of scope.
pub type Fd = i32;
/// The current directory, as a place to start from.
pub const CWD: Fd = libc::AT_FDCWD;
/// Most strings of an argument or environment list.
pub const MAX_STRINGS: usize = 1024;

// The libc crate has it as an int, in which it is 0.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
// Signed in the libc crate, where the kernel takes unsigned flags.
const CLONE_PIDFD: u64 = libc::CLONE_PIDFD as u64;
const AT_RECURSIVE: u32 = libc::AT_RECURSIVE.unsigned_abs();
const AT_EMPTY_PATH: u32 = libc::AT_EMPTY_PATH.unsigned_abs();
// The libc crate lacks them.
const LANDLOCK_RULE_PATH_BENEATH: u32 = 1;
const LINUX_CAPABILITY_VERSION_3: u32 = 0x2008_0522;

type Answer<T> = Result<T, Errno>;

#[cfg(target_arch = "x86_64")]
unsafe fn raw(number: usize, a: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the x86_64 system call convention: rcx and r11 are clobbered, memory may be written by the kernel; the caller vouches for the arguments.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") number => result, in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3],
            in("r8") a[4], in("r9") a[5], lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn raw(number: usize, a: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the aarch64 system call convention: only x0 changes, memory may be written by the kernel; the caller vouches for the arguments.
    unsafe {
        core::arch::asm!("svc 0", in("x8") number, inlateout("x0") a[0] => result, in("x1") a[1], in("x2") a[2], in("x3") a[3],
            in("x4") a[4], in("x5") a[5], options(nostack));
    }
    result
}

/// An argument register.
trait Register {
    fn register(self) -> usize;
}

macro_rules! registers {
    ($($integer:ty),*) => { $(impl Register for $integer {
        // Sign extension is what the kernel expects of a negative int (AT_FDCWD, -1); it takes as many bits as the argument has.
        #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
        fn register(self) -> usize { self as usize }
    })* };
}
registers!(i32, u32, u64, usize, i64);

impl<T> Register for *const T {
    fn register(self) -> usize {
        self as usize
    }
}

impl<T> Register for *mut T {
    fn register(self) -> usize {
        self as usize
    }
}

impl Register for &CStr {
    fn register(self) -> usize {
        self.as_ptr() as usize
    }
}

fn answer(result: isize) -> Answer<usize> {
    // The kernel answers errors as -4095 to -1.
    usize::try_from(result).map_err(|_| i32::try_from(-result).unwrap_or(libc::EIO))
}

/// Makes a system call. The macro only spells the arguments; each use states why its pointers are sound.
macro_rules! call {
    ($number:expr $(, $argument:expr)*) => {{
        let mut arguments = [0usize; 6];
        let given = [$(Register::register($argument)),*];
        arguments[..given.len()].copy_from_slice(&given);
        answer(raw(Register::register($number), arguments))
    }};
}

fn fd(result: usize) -> Fd {
    // Descriptors are far below 2^31 (fs.nr_open); anything else is no descriptor.
    i32::try_from(result).unwrap_or(-1)
}

/// Arguments of `clone3`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clone {
    /// `CLONE_*`.
    pub flags: u64,
    /// Signal to the parent at the end; 0 for none.
    pub exit_signal: u64,
    /// Directory of a v2 cgroup to be born in.
    pub cgroup: Option<Fd>,
}

#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// A process that was just made.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Process id as the caller sees it.
    pub pid: u32,
    /// Its pidfd, close-on-exec, owned by the caller.
    pub pidfd: Fd,
}

/// `clone3` without shared memory; the new process does `child` and nothing else. `child` has a copy of one thread's memory: it may call nothing but
/// this crate, whose other modules can reach nothing else.
///
/// # Errors
/// The kernel's answer.
pub fn clone(clone: Clone, child: impl FnOnce() -> Infallible) -> Answer<Process> {
    let mut pidfd: Fd = -1;
    let mut arguments = CloneArguments {
        flags: clone.flags | CLONE_PIDFD,
        pidfd: from_mut(&mut pidfd) as u64,
        exit_signal: clone.exit_signal,
        ..CloneArguments::default()
    };
    if let Some(cgroup) = clone.cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = u64::try_from(cgroup).unwrap_or(u64::MAX);
    }
    // SAFETY: the structure lives until the call returns, in both processes; no CLONE_VM, so the child has its own copy of the stack it returns on, and
    // `child` never leaves it.
    let pid = unsafe { call!(libc::SYS_clone3, from_ref(&arguments), size_of::<CloneArguments>()) }?;
    if pid == 0 {
        child();
    }
    Ok(Process { pid: u32::try_from(pid).unwrap_or(0), pidfd })
}

/// Ends this process.
pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: no pointers; does not return.
        let _ = unsafe { call!(libc::SYS_exit_group, code) };
    }
}

/// `execve`. Returns only the error.
#[must_use]
pub fn execve(path: &CStr, argv: &[&CStr], envp: &[&CStr]) -> Errno {
    let mut lists = [[null::<core::ffi::c_char>(); MAX_STRINGS + 1]; 2];
    for (list, strings) in lists.iter_mut().zip([argv, envp]) {
        if strings.len() > MAX_STRINGS {
            return libc::E2BIG;
        }
        list.iter_mut().zip(strings).for_each(|(slot, string)| *slot = string.as_ptr());
    }
    // SAFETY: both lists end with a null pointer (one more slot than strings) and live until the call returns.
    unsafe { call!(libc::SYS_execve, path, lists[0].as_ptr(), lists[1].as_ptr()) }.err().unwrap_or(libc::EIO)
}

macro_rules! plain {
    ($($(#[$documentation:meta])* $name:ident($($argument:ident: $kind:ty),*) = $number:ident;)*) => { $(
        $(#[$documentation])*
        ///
        /// # Errors
        /// The kernel's answer.
        pub fn $name($($argument: $kind),*) -> Answer<()> {
            // SAFETY: integers, and strings that are borrowed for the length of the call and only read.
            unsafe { call!(libc::$number $(, $argument)*) }.map(drop)
        }
    )* };
}

plain! {
    /// Closes descriptors `first` to `last`.
    close_range(first: u32, last: u32) = SYS_close_range;
    /// Closes one descriptor.
    close(fd: Fd) = SYS_close;
    /// `dup3`.
    dup3(from: Fd, to: Fd, flags: i32) = SYS_dup3;
    /// New namespaces for this process.
    unshare(flags: i32) = SYS_unshare;
    /// `mkdirat`.
    mkdirat(directory: Fd, path: &CStr, mode: u32) = SYS_mkdirat;
    /// `fchownat`.
    chown(directory: Fd, path: &CStr, uid: u32, gid: u32, flags: i32) = SYS_fchownat;
    /// A symlink at `path` to `target`.
    symlinkat(target: &CStr, directory: Fd, path: &CStr) = SYS_symlinkat;
    /// `pivot_root`.
    pivot_root(new: &CStr, old: &CStr) = SYS_pivot_root;
    /// `umount2`.
    umount(path: &CStr, flags: i32) = SYS_umount2;
    /// `chdir`.
    chdir(path: &CStr) = SYS_chdir;
    /// `fchdir`.
    fchdir(directory: Fd) = SYS_fchdir;
    /// Sends a signal.
    kill(pid: i32, signal: i32) = SYS_kill;
    /// A session of its own.
    setsid() = SYS_setsid;
    /// Real, effective and saved user id.
    setresuid(real: u32, effective: u32, saved: u32) = SYS_setresuid;
    /// Real, effective and saved group id.
    setresgid(real: u32, effective: u32, saved: u32) = SYS_setresgid;
    /// `keyctl` with a null name.
    keyctl(operation: u32, name: usize) = SYS_keyctl;
    /// File mode creation mask.
    umask(mask: u32) = SYS_umask;
    /// Puts a Landlock ruleset in force.
    landlock_restrict_self(ruleset: Fd, flags: u32) = SYS_landlock_restrict_self;
    /// `prctl` with integers.
    prctl(operation: i32, a: u64, b: u64, c: u64, d: u64) = SYS_prctl;
}

const EMPTY: &CStr = c"";

/// A copy of `from` at `least` or above, close-on-exec.
///
/// # Errors
/// The kernel's answer.
pub fn duplicate(from: Fd, least: Fd) -> Answer<Fd> {
    // SAFETY: integers only.
    unsafe { call!(libc::SYS_fcntl, from, libc::F_DUPFD_CLOEXEC, least) }.map(fd)
}

/// `openat`, close-on-exec.
///
/// # Errors
/// The kernel's answer.
pub fn openat(directory: Fd, path: &CStr, flags: i32, mode: u32) -> Answer<Fd> {
    // SAFETY: the path is borrowed for the length of the call and only read.
    unsafe { call!(libc::SYS_openat, directory, path, flags | libc::O_CLOEXEC, mode) }.map(fd)
}

/// `openat2` of a place (`O_PATH`) with no symlink in any component.
///
/// # Errors
/// The kernel's answer; ELOOP for a symlink.
pub fn open_place(path: &CStr) -> Answer<Fd> {
    let how = [u64::from((libc::O_PATH | libc::O_CLOEXEC).unsigned_abs()), 0, libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_NO_MAGICLINKS];
    // SAFETY: `struct open_how` is these three words; both pointers live through the call and are only read.
    unsafe { call!(libc::SYS_openat2, CWD, path, how.as_ptr(), size_of::<[u64; 3]>()) }.map(fd)
}

/// Writes all of `bytes` in one call, as `/proc` and cgroup files want it; a short write is an error.
///
/// # Errors
/// The kernel's answer.
pub fn write(to: Fd, bytes: &[u8]) -> Answer<()> {
    // SAFETY: the slice is valid for its length and only read.
    let written = unsafe { call!(libc::SYS_write, to, bytes.as_ptr(), bytes.len()) }?;
    // Cut short at a limit (ulimit -f, a full disk): the next one is told which.
    match bytes.get(written..) {
        Some(rest) if written > 0 && !rest.is_empty() => write(to, rest),
        Some([]) => Ok(()),
        _ => Err(libc::EIO),
    }
}

/// Reads at most a buffer.
///
/// # Errors
/// The kernel's answer.
pub fn read(from: Fd, buffer: &mut [u8]) -> Answer<usize> {
    // SAFETY: the kernel writes at most the buffer's length into it.
    unsafe { call!(libc::SYS_read, from, buffer.as_mut_ptr(), buffer.len()) }
}

/// Reads all of a buffer from a place in a file, which has so much.
///
/// # Errors
/// The kernel's answer; EIO where the file ends before.
pub fn read_at(from: Fd, buffer: &mut [u8], at: u64) -> Answer<()> {
    // SAFETY: the kernel writes at most the buffer's length into it.
    let read = unsafe { call!(libc::SYS_pread64, from, buffer.as_mut_ptr(), buffer.len(), at) }?;
    if read == buffer.len() { Ok(()) } else { Err(libc::EIO) }
}

/// Copies at most so many bytes from a place in one file to the end of another; how many.
///
/// # Errors
/// The kernel's answer.
pub fn copy(from: Fd, at: u64, to: Fd, most: u64) -> Answer<usize> {
    let mut at = at;
    // SAFETY: the place lives through the call, which moves it on.
    unsafe { call!(libc::SYS_sendfile, to, from, from_mut(&mut at), most) }
}

/// A new mount, attached to nothing, of a file system type with string options.
///
/// # Errors
/// The kernel's answer to the first call that failed.
pub fn new_mount(kind: &CStr, options: &[(&CStr, &CStr)], attributes: u64) -> Answer<Fd> {
    // SAFETY: the string is borrowed for the call and only read.
    let context = unsafe { call!(libc::SYS_fsopen, kind, libc::FSOPEN_CLOEXEC) }.map(fd)?;
    let mount = configure(context, options, attributes);
    close(context)?;
    mount
}

fn configure(context: Fd, options: &[(&CStr, &CStr)], attributes: u64) -> Answer<Fd> {
    for (key, value) in options {
        // SAFETY: both strings are borrowed for the call and only read.
        unsafe { call!(libc::SYS_fsconfig, context, libc::FSCONFIG_SET_STRING, *key, *value, 0u32) }?;
    }
    // SAFETY: null pointers, as the create command wants them.
    unsafe { call!(libc::SYS_fsconfig, context, libc::FSCONFIG_CMD_CREATE, 0usize, 0usize, 0u32) }?;
    // SAFETY: integers only.
    unsafe { call!(libc::SYS_fsmount, context, libc::FSMOUNT_CLOEXEC, attributes) }.map(fd)
}

/// A copy of the mounts at `path` (relative to `directory`; empty: the place that `directory` is), attached to nothing.
///
/// # Errors
/// The kernel's answer.
pub fn clone_mount(directory: Fd, path: &CStr) -> Answer<Fd> {
    // SAFETY: the path is borrowed for the call and only read.
    unsafe { call!(libc::SYS_open_tree, directory, path, libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH) }
        .map(fd)
}

/// Sets mount attributes, and the propagation (`MS_PRIVATE`, or 0 to leave it), of a mount and all beneath it.
///
/// # Errors
/// The kernel's answer.
pub fn mount_attributes(directory: Fd, path: &CStr, set: u64, propagation: u64) -> Answer<()> {
    let attributes = [set, 0, propagation, 0];
    // SAFETY: `struct mount_attr` is these four words, read only; the path is borrowed for the call.
    unsafe { call!(libc::SYS_mount_setattr, directory, path, AT_EMPTY_PATH | AT_RECURSIVE, attributes.as_ptr(), size_of::<[u64; 4]>()) }
        .map(drop)
}

/// Shows the files of a mount and all beneath it with the ids that a user namespace gives them. The mount is attached to nothing yet.
///
/// # Errors
/// The kernel's answer; EINVAL where a file system there knows no such mounts.
pub fn map_owners(mount: Fd, namespace: Fd) -> Answer<()> {
    let attributes = [libc::MOUNT_ATTR_IDMAP, 0, 0, u64::from(namespace.unsigned_abs())];
    // SAFETY: `struct mount_attr` is these four words, read only; the path is a constant.
    unsafe { call!(libc::SYS_mount_setattr, mount, EMPTY, AT_EMPTY_PATH | AT_RECURSIVE, attributes.as_ptr(), size_of::<[u64; 4]>()) }
        .map(drop)
}

/// Makes one mount read-only, not those beneath it.
///
/// # Errors
/// The kernel's answer.
pub fn mount_read_only(mount: Fd) -> Answer<()> {
    let attributes = [libc::MOUNT_ATTR_RDONLY, 0, 0, 0];
    // SAFETY: `struct mount_attr` is these four words, read only; the path is a constant.
    unsafe { call!(libc::SYS_mount_setattr, mount, EMPTY, AT_EMPTY_PATH, attributes.as_ptr(), size_of::<[u64; 4]>()) }.map(drop)
}

/// Attaches a mount at `path` below `directory`.
///
/// # Errors
/// The kernel's answer.
pub fn attach(mount: Fd, directory: Fd, path: &CStr) -> Answer<()> {
    // SAFETY: both strings are borrowed for the call and only read.
    unsafe { call!(libc::SYS_move_mount, mount, EMPTY, directory, path, libc::MOVE_MOUNT_F_EMPTY_PATH) }.map(drop)
}

/// The UTS namespace's host name.
///
/// # Errors
/// The kernel's answer.
pub fn set_host_name(name: &[u8]) -> Answer<()> {
    // SAFETY: the slice is valid for its length and only read.
    unsafe { call!(libc::SYS_sethostname, name.as_ptr(), name.len()) }.map(drop)
}

/// Supplementary groups: none.
///
/// # Errors
/// The kernel's answer.
pub fn clear_groups() -> Answer<()> {
    // SAFETY: no groups, so the null pointer is not read.
    unsafe { call!(libc::SYS_setgroups, 0usize, 0usize) }.map(drop)
}

/// Effective, permitted and inheritable capabilities: none.
///
/// # Errors
/// The kernel's answer.
pub fn clear_capabilities() -> Answer<()> {
    let header = [LINUX_CAPABILITY_VERSION_3, 0];
    let sets = [0u32; 6];
    // SAFETY: `struct __user_cap_header_struct` is two words, version 3 has two data structs of three words each; only read.
    unsafe { call!(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) }.map(drop)
}

/// Sets a resource limit of this process.
///
/// # Errors
/// The kernel's answer.
pub fn set_rlimit(resource: u32, soft: u64, hard: u64) -> Answer<()> {
    let limit = [soft, hard];
    // SAFETY: `struct rlimit64` is these two words, only read; the old value is not asked for.
    unsafe { call!(libc::SYS_prlimit64, 0u32, resource, limit.as_ptr(), 0usize) }.map(drop)
}

/// Sets a signal's action to the default.
///
/// # Errors
/// The kernel's answer.
pub fn default_action(signal: i32) -> Answer<()> {
    let action = [0u64; 4];
    // SAFETY: the kernel's `struct sigaction` is at most four words (handler, flags, restorer, mask), zero being SIG_DFL; only read.
    unsafe { call!(libc::SYS_rt_sigaction, signal, action.as_ptr(), 0usize, size_of::<u64>()) }.map(drop)
}

/// Blocks exactly the signals in `mask` (bit n: signal n + 1).
///
/// # Errors
/// The kernel's answer.
pub fn block_signals(mask: u64) -> Answer<()> {
    // SAFETY: the kernel reads one word.
    unsafe { call!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, from_ref(&mask), 0usize, size_of::<u64>()) }.map(drop)
}

/// A descriptor that is readable while one of the blocked signals in `mask` is pending.
///
/// # Errors
/// The kernel's answer.
pub fn signal_fd(mask: u64) -> Answer<Fd> {
    // SAFETY: the kernel reads one word.
    unsafe { call!(libc::SYS_signalfd4, -1i32, from_ref(&mask), size_of::<u64>(), libc::SFD_CLOEXEC) }.map(fd)
}

/// Waits without a time limit until a descriptor is readable or hung up; which of the two, for each.
///
/// # Errors
/// The kernel's answer.
pub fn wait_readable(fds: [Fd; 2]) -> Answer<[i16; 2]> {
    let mut polled = fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    // SAFETY: two pollfd structures that the kernel may write to; null timeout and mask.
    unsafe { call!(libc::SYS_ppoll, polled.as_mut_ptr(), polled.len(), 0usize, 0usize, 0usize) }?;
    Ok(polled.map(|poll| poll.revents))
}

/// A child that ended.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Waited {
    pub pid: u32,
    pub status: u64,
    /// Microseconds, of the child and of what it waited for.
    pub user: u64,
    pub system: u64,
    /// KiB.
    pub resident: u64,
}

/// `wait4` for any child; `None` if none has ended (with `WNOHANG`) .
///
/// # Errors
/// The kernel's answer; ECHILD when there is no child left.
pub fn wait(options: i32) -> Answer<Option<Waited>> {
    let mut status: i32 = 0;
    // SAFETY: plain integers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { zeroed() };
    // SAFETY: the kernel writes one int and one `struct rusage`.
    let pid = unsafe { call!(libc::SYS_wait4, -1i32, from_mut(&mut status), options | libc::__WALL, from_mut(&mut usage)) }?;
    let micros = |time: libc::timeval| time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_usec.unsigned_abs();
    Ok((pid != 0).then(|| Waited {
        pid: u32::try_from(pid).unwrap_or(0),
        status: u64::from(status.unsigned_abs()),
        user: micros(usage.ru_utime),
        system: micros(usage.ru_stime),
        resident: usage.ru_maxrss.unsigned_abs(),
    }))
}

/// Size and use of a file system: bytes in all and used, inodes in all and used.
///
/// # Errors
/// The kernel's answer.
pub fn space(place: Fd) -> Answer<((u64, u64), (u64, u64))> {
    // SAFETY: plain integers, for which zero is a value.
    let mut found: libc::statfs = unsafe { zeroed() };
    // SAFETY: the kernel writes one `struct statfs`.
    unsafe { call!(libc::SYS_fstatfs, place, from_mut(&mut found)) }?;
    let block = found.f_bsize.unsigned_abs();
    let used = |all: u64, free: u64| (all, all.saturating_sub(free));
    Ok((used(found.f_blocks * block, found.f_bfree * block), used(found.f_files, found.f_ffree)))
}

/// Whether an open place is a directory.
///
/// # Errors
/// The kernel's answer.
pub fn is_directory(place: Fd) -> Answer<bool> {
    Ok(stat(place)?.st_mode & libc::S_IFMT == libc::S_IFDIR)
}

/// Device and inode of an open place.
///
/// # Errors
/// The kernel's answer.
pub fn file_id(place: Fd) -> Answer<(u64, u64)> {
    stat(place).map(|found| (found.st_dev, found.st_ino))
}

/// Bytes of an open file.
///
/// # Errors
/// The kernel's answer.
pub fn size(file: Fd) -> Answer<u64> {
    stat(file).map(|found| found.st_size.unsigned_abs())
}

fn stat(place: Fd) -> Answer<libc::stat> {
    // SAFETY: plain integers, for which zero is a value.
    let mut found: libc::stat = unsafe { zeroed() };
    // SAFETY: the kernel writes one `struct stat`.
    unsafe { call!(libc::SYS_fstat, place, from_mut(&mut found)) }?;
    Ok(found)
}

/// Nanoseconds on the monotonic clock; 0 should it fail, which it cannot.
#[must_use]
pub fn now() -> u64 {
    let mut time = [0u64; 2];
    // SAFETY: `struct timespec` is these two words.
    let result = unsafe { call!(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC, time.as_mut_ptr()) };
    result.map_or(0, |_| time[0] * 1_000_000_000 + time[1])
}

/// A Landlock ruleset that handles these rights. Older kernels are given the part of the structure that they know, which must not cut off a right.
///
/// # Errors
/// The kernel's answer.
pub fn landlock_ruleset(files: u64, network: u64, scoped: u64) -> Answer<Fd> {
    let attributes = [files, network, scoped];
    let words = attributes.iter().rposition(|&word| word != 0).map_or(1, |last| last + 1);
    // SAFETY: `struct landlock_ruleset_attr` is these words, in the order in which the ABI grew; only read.
    unsafe { call!(libc::SYS_landlock_create_ruleset, attributes.as_ptr(), words * size_of::<u64>(), 0u32) }.map(fd)
}

/// Grants rights beneath a place.
///
/// # Errors
/// The kernel's answer.
pub fn landlock_allow(ruleset: Fd, place: Fd, rights: u64) -> Answer<()> {
    #[repr(C, packed)]
    struct Beneath {
        rights: u64,
        place: i32,
    }
    let rule = Beneath { rights, place };
    // SAFETY: `struct landlock_path_beneath_attr`, packed as the kernel has it, only read.
    unsafe { call!(libc::SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, from_ref(&rule), 0u32) }.map(drop)
}

/// Installs a seccomp filter with a listener for its notifications.
///
/// # Errors
/// The kernel's answer.
pub fn seccomp(filter: &[libc::sock_filter], flags: u64) -> Answer<Fd> {
    let Ok(len) = u16::try_from(filter.len()) else { return Err(libc::EINVAL) };
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the program points at `len` instructions that live through the call; the kernel only reads them, for all that the type says `mut`.
    unsafe { call!(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, from_ref(&program)) }.map(fd)
}

/// Brings the loopback interface of this network namespace up.
///
/// # Errors
/// The kernel's answer.
pub fn loopback_up() -> Answer<()> {
    let socket = {
        // SAFETY: integers only.
        unsafe { call!(libc::SYS_socket, libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0i32) }.map(fd)?
    };
    // SAFETY: plain integers and an array of them, for which zero is a value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    request.ifr_name[..2].copy_from_slice(&[b'l', b'o'].map(|letter| core::ffi::c_char::from_ne_bytes([letter])));
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP).unwrap_or(1);
    // SAFETY: SIOCSIFFLAGS reads one `struct ifreq`.
    let set = unsafe { call!(libc::SYS_ioctl, socket, libc::SIOCSIFFLAGS, from_ref(&request)) };
    close(socket)?;
    set.map(drop)
}

/// Lets the other end of a pseudo-terminal be opened.
///
/// # Errors
/// The kernel's answer.
pub fn unlock_terminal(ours: Fd) -> Answer<()> {
    let locked: i32 = 0;
    // SAFETY: TIOCSPTLCK reads one int.
    unsafe { call!(libc::SYS_ioctl, ours, libc::TIOCSPTLCK, from_ref(&locked)) }.map(drop)
}

/// Makes a terminal the controlling one of this process's session.
///
/// # Errors
/// The kernel's answer; EPERM where the session has one, or the terminal another session.
pub fn control_terminal(theirs: Fd) -> Answer<()> {
    // SAFETY: integers only.
    unsafe { call!(libc::SYS_ioctl, theirs, libc::TIOCSCTTY, 0i32) }.map(drop)
}

/// Control data for descriptors: the header, then the descriptors, as `CMSG_*` would lay them out on 64 bits.
#[repr(C)]
struct Control {
    len: usize,
    level: i32,
    kind: i32,
    fds: [Fd; MAX_FDS],
}

const CONTROL_HEADER: usize = size_of::<libc::cmsghdr>();

/// Sends one message with at most [`MAX_FDS`] descriptors.
///
/// # Errors
/// The kernel's answer.
pub fn send(socket: Fd, words: &[u64; WORDS], fds: &[Fd]) -> Answer<()> {
    send_with_key(socket, words, fds, [0; 3])
}

/// The same through a filter that lets a call with this key pass: what the three registers hold that `sendmsg` ignores.
///
/// # Errors
/// The kernel's answer.
pub fn send_with_key(socket: Fd, words: &[u64; WORDS], fds: &[Fd], key: [u64; 3]) -> Answer<()> {
    let mut control = Control { len: 0, level: libc::SOL_SOCKET, kind: libc::SCM_RIGHTS, fds: [-1; MAX_FDS] };
    let Some(slots) = control.fds.get_mut(..fds.len()) else { return Err(libc::EINVAL) };
    slots.copy_from_slice(fds);
    control.len = CONTROL_HEADER + size_of_val(fds);
    let mut part = libc::iovec { iov_base: words.as_ptr().cast_mut().cast(), iov_len: SIZE };
    let message = header(&mut part, &mut control, if fds.is_empty() { 0 } else { CONTROL_HEADER + size_of_val(fds).next_multiple_of(8) });
    // SAFETY: every pointer in the header lives through the call, with the lengths given; the kernel only reads.
    let sent = unsafe { call!(libc::SYS_sendmsg, socket, from_ref(&message), libc::MSG_NOSIGNAL, key[0], key[1], key[2]) }?;
    if sent == SIZE { Ok(()) } else { Err(libc::EIO) }
}

/// Waits for one message; `None` at end of file. Descriptors come close-on-exec; their number is returned.
///
/// # Errors
/// The kernel's answer; EBADMSG for a message of another size.
pub fn receive(socket: Fd, words: &mut [u64; WORDS], fds: &mut [Fd; MAX_FDS]) -> Answer<Option<usize>> {
    let mut control = Control { len: 0, level: 0, kind: 0, fds: [-1; MAX_FDS] };
    let mut part = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: SIZE };
    let mut message = header(&mut part, &mut control, size_of::<Control>());
    // SAFETY: every pointer in the header lives through the call; the kernel writes at most the lengths given.
    let received = unsafe { call!(libc::SYS_recvmsg, socket, from_mut(&mut message), libc::MSG_CMSG_CLOEXEC) }?;
    let truncated = message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0;
    if received == 0 {
        return Ok(None);
    }
    if received != SIZE || truncated {
        return Err(libc::EBADMSG);
    }
    let rights = message.msg_controllen >= CONTROL_HEADER && control.kind == libc::SCM_RIGHTS;
    let count = if rights { control.len.saturating_sub(CONTROL_HEADER) / size_of::<Fd>() } else { 0 };
    *fds = control.fds;
    Ok(Some(count.min(MAX_FDS)))
}

fn header(part: &mut libc::iovec, control: &mut Control, control_len: usize) -> libc::msghdr {
    // SAFETY: plain integers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message.msg_control = from_mut(control).cast();
    message.msg_controllen = control_len;
    message
}
