//! What the kernel hands a seccomp filter, and what it can answer.

use crate::arch::Arch;

/// `SECCOMP_RET_ALLOW`.
pub const ALLOW: u32 = 0x7fff_0000;
/// `SECCOMP_RET_USER_NOTIF`: the supervisor records the call and answers it.
pub const NOTIFY: u32 = 0x7fc0_0000;
/// `SECCOMP_RET_KILL_PROCESS`: what ends a run, where the filter is for others than [`crate::compile_for_run`].
pub const KILL: u32 = 0x8000_0000;
/// `SECCOMP_RET_ERRNO` with `ENOSYS`.
pub const NO_SUCH_CALL: u32 = 0x0005_0000 | 38;

/// Offsets into `struct seccomp_data`.
pub(crate) const NUMBER: u32 = 0;
pub(crate) const ARCH: u32 = 4;
pub(crate) const ARGUMENTS: u32 = 16;
/// `AUDIT_ARCH_*`.
#[must_use]
pub fn audit_arch(arch: Arch) -> u32 {
    match arch {
        Arch::X86_64 => 0xc000_003e,
        Arch::Aarch64 => 0xc000_00b7,
    }
}
