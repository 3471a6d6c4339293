//! The instruction sets.

use serde::Serialize;

/// Instruction sets that remand has a syscall table and raw calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Arch {
    X86_64,
    Aarch64,
}

impl Arch {
    /// That of this machine. Built for another one, nothing of remand compiles.
    pub const HERE: Self = if cfg!(target_arch = "aarch64") {
        Self::Aarch64
    } else {
        assert!(cfg!(target_arch = "x86_64"), "there is no table of this machine's system calls");
        Self::X86_64
    };

    /// As the kernel, compilers and `uname` call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }
}
