//! Landlock: which ABI, and why none.

use nix::errno::Errno;
use remand_plan::host::Fact;

use super::look::missing;

/// All three: with the first alone the next is met.
const ALLOW: &str = "let its seccomp profile allow landlock_create_ruleset, landlock_add_rule and landlock_restrict_self (systemd-nspawn \
                     --system-call-filter=\"landlock_create_ruleset landlock_add_rule landlock_restrict_self\")";

pub(super) fn fact(answer: Result<u32, Errno>) -> (u32, Fact) {
    match answer {
        Ok(abi) if abi > 0 => (abi, Fact::Available),
        Err(Errno::EOPNOTSUPP) => (
            0,
            missing(
                "Landlock was not turned on at boot (EOPNOTSUPP)",
                "add landlock to the lsm= boot parameter, in front of the others that are there",
            ),
        ),
        Err(Errno::ENOSYS) => (
            0,
            missing(
                "the kernel has no Landlock (ENOSYS)",
                format!("boot Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK; in a container, {ALLOW}"),
            ),
        ),
        Err(Errno::EPERM) => (0, missing("a seccomp filter refuses Landlock (EPERM)", ALLOW)),
        Ok(_) => (0, missing("the kernel answers Landlock ABI 0", "boot another kernel")),
        Err(errno) => {
            (0, missing(format!("the kernel refuses Landlock ({errno:?})"), "boot Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_a_remedy_of_its_own() {
        assert_eq!(fact(Ok(7)), (7, Fact::Available));
        let mut remedies = Vec::new();
        for errno in [Errno::EOPNOTSUPP, Errno::ENOSYS, Errno::EPERM] {
            let (0, Fact::Missing { blocker, remedy }) = fact(Err(errno)) else { continue };
            assert!(blocker.contains(&format!("{errno:?}")));
            remedies.push(remedy);
        }
        remedies.dedup();
        assert_eq!(remedies.len(), 3);
    }
}
