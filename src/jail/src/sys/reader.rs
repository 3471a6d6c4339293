//! A child process that can read files and answer on the pipes it was given, and do nothing else.
//!
//! For programs that must be asked something outside of a run: a dynamic loader that lists the libraries of an untrusted file (a `DT_AUDIT` entry
//! makes it run that file's code), an interpreter that names its directories. Always holds: no file is opened for writing or created, no process or
//! socket made, no signal sent, no id or limit changed; all other calls answer EPERM; none of the caller's descriptors beyond the standard ones is there.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter, SeccompRule};

/// Private memory that the child may have, in bytes.
const MAX_DATA: u64 = 1 << 30;
/// Any of these in the flags of an open writes.
const WRITES: u64 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC).cast_unsigned() as u64;

/// Calls allowed with any arguments.
const READING: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_newfstatat,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_write,
    libc::SYS_writev,
];

/// What only the older architecture has.
#[cfg(target_arch = "x86_64")]
const READING_OLD: &[i64] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_lstat,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const READING_OLD: &[i64] = &[];

/// User and group that a stranger reads as, rather than as root: "nobody", who owns no file.
const NOBODY: u32 = 65534;

/// Takes root's rights from what `command` starts, where they are root's: it may read what everybody may. To be called before [`confine`].
pub fn as_nobody(command: &mut Command) {
    let change = || {
        let answers = [libc::SYS_setgroups, libc::SYS_setresgid, libc::SYS_setresuid].map(|call| {
            let id = if call == libc::SYS_setgroups { 0 } else { NOBODY };
            // SAFETY: integers only; no groups, so that the null pointer is not read.
            Errno::result(unsafe { libc::syscall(call, id, id, id) })
        });
        match answers.into_iter().find_map(Result::err) {
            // A user namespace that maps its maker alone: its root is an ordinary user, and has nobody else to become.
            None | Some(Errno::EINVAL) => Ok(()),
            Some(errno) => Err(errno.into()),
        }
    };
    // SAFETY: between fork and exec the closure makes three system calls and nothing else: no allocation, no lock.
    unsafe { command.pre_exec(change) };
}

/// Confines what `command` starts, from its exec on.
///
/// # Errors
/// The filter cannot be made for this machine. That it cannot be installed shows when the command is started.
pub fn confine(command: &mut Command) -> Result<(), String> {
    let filter = filter().map_err(|error| format!("cannot make the reader's filter: {error}"))?;
    let install = move || {
        let data = getrlimit(Resource::RLIMIT_DATA)?.1.min(MAX_DATA);
        setrlimit(Resource::RLIMIT_DATA, data, data)?;
        // Whatever the caller has open could be written to. Closed by the exec, since the standard library reports a failed one over a pipe.
        // SAFETY: integers only.
        Errno::result(unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })?;
        seccompiler::apply_filter(&filter).map_err(|_| io::Error::last_os_error())
    };
    // SAFETY: between fork and exec the closure makes five system calls (getrlimit, setrlimit, close_range, prctl, seccomp) and nothing else: no allocation, no lock.
    unsafe { command.pre_exec(install) };
    Ok(())
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = READING.iter().chain(READING_OLD).map(|call| (*call, Vec::new())).collect();
    let when = |arg, op, value| SeccompRule::new(vec![SeccompCondition::new(arg, Len::Dword, op, value)?]);
    rules.insert(libc::SYS_openat, vec![when(2, Op::MaskedEq(WRITES), 0)?]);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, vec![when(1, Op::MaskedEq(WRITES), 0)?]);
    // Not F_SETOWN and F_SETSIG, which send signals.
    let harmless = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_DUPFD, libc::F_DUPFD_CLOEXEC];
    let harmless: Result<_, _> = harmless.iter().map(|&command| when(1, Op::Eq, u64::from(command.cast_unsigned()))).collect();
    rules.insert(libc::SYS_fcntl, harmless?);
    let asks = SeccompRule::new(vec![SeccompCondition::new(2, Len::Qword, Op::Eq, 0)?])?;
    rules.insert(libc::SYS_prlimit64, vec![asks]);
    let denied = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    SeccompFilter::new(rules, denied, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?.try_into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shell(script: &str, confined: bool) -> (bool, String) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        if confined {
            confine(&mut command).unwrap();
        }
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    #[test]
    fn no_descriptor_of_the_callers_is_there() {
        use std::os::fd::AsRawFd;
        let file = std::fs::File::open("/etc/passwd").unwrap();
        nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
        let script = format!("[ -e /proc/self/fd/{} ]", file.as_raw_fd());
        assert!(shell(&script, false).0, "control");
        assert!(!shell(&script, true).0);
    }

    #[test]
    fn a_stranger_reads_what_everybody_may() {
        if !nix::unistd::geteuid().is_root() {
            return; // nothing to take away
        }
        let script = "read line < /etc/shadow";
        assert!(shell(script, true).0, "control");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "read line < /etc/passwd && ! read line < /etc/shadow"]);
        as_nobody(&mut command);
        confine(&mut command).unwrap();
        assert!(command.output().unwrap().status.success());
    }

    #[test]
    fn reads_and_nothing_else() {
        assert!(shell("read line < /etc/passwd && [ -n \"$line\" ]", true).0);
        let file = std::env::temp_dir().join(format!("remand-reader-{}", std::process::id()));
        let attempts = [format!("echo x > {}", file.display()), "kill -0 $PPID".to_owned(), "(:)".to_owned(), "ulimit -t 5".to_owned()];
        for script in &attempts {
            assert!(shell(script, false).0, "control: {script}");
            let _ = std::fs::remove_file(&file);
            let (passed, said) = shell(script, true);
            assert!(!passed && !file.exists(), "{script}");
            assert!(said.contains("not permitted") || said.contains("Cannot fork"), "{script}: {said}");
        }
    }
}
