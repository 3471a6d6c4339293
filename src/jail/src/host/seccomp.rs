//! Seccomp filters that hand denied calls to the supervisor.

use nix::errno::Errno;
use remand_child::step::Failure;
use remand_plan::host::Fact;

use super::look::missing;
use super::namespaces::untried;
use crate::sys::probe::{self, Probe};

/// What the kernel says that it can do.
pub(super) fn quick() -> Fact {
    match probe::seccomp_action(libc::SECCOMP_RET_USER_NOTIF) {
        Ok(()) => Fact::Available,
        Err(Errno::EOPNOTSUPP) => missing("seccomp here has no user notification (EOPNOTSUPP)", "boot Linux 5.0 or later; gVisor has none"),
        Err(errno) => missing(
            format!("the kernel gives no seccomp filters ({errno:?})"),
            "boot a kernel with CONFIG_SECCOMP_FILTER; in a container, let its seccomp profile allow the call seccomp",
        ),
    }
}

/// A filter with a listener, for real: where a container runtime has put one on this process already, there can't be a second.
pub(super) fn tried() -> Fact {
    match probe::attempt(&Probe::Listener) {
        Ok(Ok(())) => Fact::Available,
        Ok(Err(Failure { errno: libc::EBUSY, .. })) => missing(
            "a seccomp filter on this process already has a listener (EBUSY)",
            "start the container without a seccomp profile that notifies (SCMP_ACT_NOTIFY)",
        ),
        Ok(Err(failure)) => missing(
            format!("a seccomp filter with a listener was refused ({:?})", Errno::from_raw(failure.errno)),
            "let the container's seccomp profile allow the call seccomp",
        ),
        Err(error) => untried(&error),
    }
}
