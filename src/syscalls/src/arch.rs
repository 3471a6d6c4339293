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
