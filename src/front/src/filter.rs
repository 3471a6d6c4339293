//! The system calls of a front that has shut itself in; any other kills it.
//!
//! Always holds: nothing here opens a file, makes a socket or a process, sends a signal, maps anything executable or asks for more rights. Each line says who needs it.

use std::collections::BTreeMap;

use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

/// Any arguments.
const PLAIN: &[i64] = &[
    // Connections, and the way to the supervisor with its descriptors.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_close,
    // What is too large for a packet: made, measured, read.
    libc::SYS_memfd_create,
    libc::SYS_lseek,
    libc::SYS_pread64,
    // The loop.
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_sched_yield,
    libc::SYS_futex,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Hash keys of tables.
    libc::SYS_getrandom,
    // Ends, and panics on their way there.
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
];

#[cfg(target_arch = "x86_64")]
const OF_THE_MACHINE: &[i64] = &[libc::SYS_epoll_wait, libc::SYS_poll];
#[cfg(not(target_arch = "x86_64"))]
const OF_THE_MACHINE: &[i64] = &[libc::SYS_ppoll];

/// Numbers of `fcntl`: flags of a descriptor, a copy of one, seals.
const FCNTL: [i32; 7] =
    [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL, libc::F_DUPFD_CLOEXEC, libc::F_ADD_SEALS, libc::F_GET_SEALS];

fn number(value: i32) -> u64 {
    u64::from(value.unsigned_abs())
}

/// Argument `index`, masked, is the value.
fn when(index: u8, mask: Option<u64>, value: u64) -> Result<SeccompRule, BackendError> {
    let compare = mask.map_or(SeccompCmpOp::Eq, SeccompCmpOp::MaskedEq);
    SeccompRule::new(vec![SeccompCondition::new(index, SeccompCmpArgLen::Dword, compare, value)?])
}

fn program(accepts: bool) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = PLAIN.iter().chain(OF_THE_MACHINE).map(|call| (*call, Vec::new())).collect();
    if accepts {
        rules.insert(libc::SYS_accept4, Vec::new());
    }
    let not_executable = || when(2, Some(number(libc::PROT_EXEC)), 0);
    rules.insert(libc::SYS_mmap, vec![not_executable()?]);
    rules.insert(libc::SYS_mprotect, vec![not_executable()?]);
    rules.insert(libc::SYS_fcntl, FCNTL.into_iter().map(|command| when(1, None, number(command))).collect::<Result<_, _>>()?);
    // Sockets that do not block.
    rules.insert(libc::SYS_ioctl, vec![when(1, None, libc::FIONBIO)?]);
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?.try_into()
}

/// From here on. `accepts`: connections are taken on sockets that are there already.
///
/// # Errors
/// The kernel does not take it.
pub fn apply(accepts: bool) -> Result<(), seccompiler::Error> {
    seccompiler::apply_filter(&program(accepts).map_err(seccompiler::Error::Backend)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_opens_makes_or_signals() {
        for call in
            [libc::SYS_openat, libc::SYS_socket, libc::SYS_clone, libc::SYS_clone3, libc::SYS_execve, libc::SYS_kill, libc::SYS_ptrace]
                .into_iter()
                .chain([libc::SYS_connect, libc::SYS_accept4, libc::SYS_bind, libc::SYS_unshare, libc::SYS_setresuid, libc::SYS_prctl])
        {
            assert!(!PLAIN.contains(&call) && !OF_THE_MACHINE.contains(&call), "{call}");
        }
        assert!(program(true).unwrap().len() > program(false).unwrap().len());
    }
}
