//! Whether anything starts: the one answer that the policy tools give.
//!
//! Always holds: what is refused here never starts; what is not may still meet what nobody has looked at, which only a real start tells.

use remand_policy::Policy;
use remand_policy::policy::Enforce;
use remand_syscalls::{Blocked, Starting, blocked};

use crate::files::Files;
use crate::host::HostFacts;
use crate::plan::{Plan, Program, Refused};
use crate::protection::Protection;
use crate::resolve::resolve;

/// The plan of a run that starts here, as far as can be known without starting one.
///
/// # Errors
/// Everything that keeps it from starting, all at once.
pub fn plan_to_start(policy: &Policy, program: &Program<'_>, host: &HostFacts, files: &dyn Files) -> Result<Plan, Vec<Refused>> {
    let plan = resolve(policy, program, host, files)?;
    let blocked = blocked_start(policy, &plan, program, host);
    blocked.map_or(Ok(plan), |refused| Err(vec![refused]))
}

/// Why the policy's system calls keep a program that was planned from starting; nothing where they do not, or where nobody knows.
#[must_use]
pub fn blocked_start(policy: &Policy, plan: &Plan, program: &Program<'_>, host: &HostFacts) -> Option<Refused> {
    match program {
        Program::Python(python) if !plan.filter.is_empty() => blocked_by_syscalls(policy, host, Starting::Python(Some(python.version))),
        _ => None,
    }
}

/// Why the policy's system calls keep something from starting here; nothing where they do not.
#[must_use]
pub fn blocked_by_syscalls(policy: &Policy, host: &HostFacts, what: Starting) -> Option<Refused> {
    if policy.syscalls.enforce == Enforce::Optional && !host.seccomp.available() {
        return None;
    }
    let who = if what == Starting::Program { "program that is linked dynamically" } else { "Python" };
    let (blocker, remedy) = match blocked(&policy.syscalls.rules, host.arch, what, host.glibc)? {
        Blocked::Killed(calls) => (
            format!("no {who} starts without trying {}, which ends the run under the policy", calls.join(", ")),
            "Take these calls out of syscalls.kill; syscalls.deny merely refuses them.",
        ),
        Blocked::Denied(calls) => {
            (format!("no {who} starts without {}, which the policy denies", calls.join(", ")), "Take these calls out of syscalls.deny.")
        }
        Blocked::Missing(calls) => (
            format!("no {who} starts without {}, which the policy does not grant", calls.join(", ")),
            "Grant these calls; what needs none of them starts.",
        ),
    };
    Some(Refused { protection: Protection::Start(what), blocker, remedy: remedy.to_owned() })
}
