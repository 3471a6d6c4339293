//! What the limits that remand was started with leave for a start.
//!
//! Always holds: pure; what is refused here starts under no policy, since no process can raise what it inherited.

use crate::host::HostFacts;
use crate::plan::Refused;
use crate::protection::Protection;

/// Descriptors of a start are first moved to 64 and above.
const DESCRIPTORS: u64 = 72;
/// With less, CPython dies before its first line.
const PYTHON_STACK: u64 = 40 << 10;

/// Why there is no room for a start; `python`: of an interpreter.
#[must_use]
pub fn no_room(host: &HostFacts, python: bool) -> Vec<Refused> {
    let stack = (python && host.stack < PYTHON_STACK)
        .then(|| lack("RLIMIT_STACK", "-s", format!("{} bytes", host.stack), format!("{PYTHON_STACK} for Python")));
    no_descriptors(host.descriptors).into_iter().chain(stack).collect()
}

/// Why so few descriptors are not enough for a start.
#[must_use]
pub fn no_descriptors(has: u64) -> Option<Refused> {
    (has < DESCRIPTORS).then(|| lack("RLIMIT_NOFILE", "-n", format!("{has} descriptors"), format!("{DESCRIPTORS}")))
}

fn lack(limit: &str, option: &str, has: String, needs: String) -> Refused {
    Refused {
        protection: Protection::Room,
        blocker: format!("the limit {limit} (ulimit {option}) is {has}, and a start needs {needs}"),
        remedy: format!(
            "Raise it where remand is started: ulimit {option} 1024; a hard limit is raised by root alone (/etc/security/limits.conf, systemd: Limit{}=).",
            limit.trim_start_matches("RLIMIT_")
        ),
    }
}
