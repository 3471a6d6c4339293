//! Whether anything starts: the one answer that the policy tools give.
//!
//! Always holds: what is refused here never starts; what is not may still meet what nobody has looked at, which only a real start tells.

use super::{Plan, Program, Refused, resolve};
use crate::files::Files;
use crate::host::{Arch, HostFacts};
use crate::policy::{Policy, Syscalls};
use crate::syscalls::{NEEDED_TO_START, granted, number};

/// The plan of a run that starts here, as far as can be known without starting one.
///
/// # Errors
/// Everything that keeps it from starting, all at once.
pub fn start(policy: &Policy, program: &Program<'_>, host: &HostFacts, files: &dyn Files) -> Result<Plan, Vec<Refused>> {
    let plan = resolve(policy, program, host, files)?;
    let missing = match program {
        Program::Python(_) if !plan.filter.is_empty() => lacking(&policy.syscalls, host.arch),
        _ => Vec::new(),
    };
    if missing.is_empty() {
        return Ok(plan);
    }
    Err(vec![Refused {
        protection: "a start of Python".into(),
        blocker: format!("no Python starts without {}, which the policy does not grant", missing.join(", ")),
        remedy: "Grant these calls; `remand exec` runs programs that need none of them.".into(),
    }])
}

/// The calls that every Python needs to start and a policy does not grant.
pub(crate) fn lacking(syscalls: &Syscalls, arch: Arch) -> Vec<&'static str> {
    let granted = granted(syscalls).unwrap_or_default();
    NEEDED_TO_START.iter().copied().filter(|call| number(arch, call).is_some() && !granted.contains_key(*call)).collect()
}

/// Whether the text of a policy lets Python start.
#[must_use]
pub fn python_starts(policy: &Policy, arch: Arch) -> bool {
    lacking(&policy.syscalls, arch).is_empty()
}
