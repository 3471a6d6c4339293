//! The count of CPUs that a run is told: as many as `limits.cpus` lets it use at once, of those that the host has.
//!
//! Always holds: it is never none, and the same for whatever sizes itself by it: C libraries that read the kernel's file (glibc's `sysconf`, and by it Python's
//! `os.cpu_count()`), and pools of native threads that a variable sizes. No affinity ties the run to some of the host's CPUs.

use remand_policy::policy::Policy;

use crate::host::HostFacts;

/// Sizes of native thread pools, which libraries read while they are imported.
pub const POOLS: &[&str] = &[
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
];

/// How many.
pub(super) fn count(policy: &Policy, host: &HostFacts) -> u32 {
    let most = policy.limits.cpus.value().map_or(u32::MAX, |cpus| cpus.0.div_ceil(1000));
    host.cpus.min(most).max(1)
}

/// The file that says so, in the kernel's form.
pub(super) fn online(count: u32) -> Vec<u8> {
    match count.saturating_sub(1) {
        0 => b"0\n".to_vec(),
        last => format!("0-{last}\n").into_bytes(),
    }
}

/// The variables of a policy as the run has them: a pool is no larger than the count, and as large where the policy says nothing and packages can be imported.
pub(super) fn variables(policy: &Policy, count: u32) -> impl Iterator<Item = String> {
    let written = |pool: &&str| policy.environment.iter().any(|(name, _)| name == *pool);
    let pools = POOLS.iter().copied().filter(move |pool| !policy.python.external_allow.is_empty() && !written(pool));
    policy.environment.iter().map(move |(name, value)| variable(name, value, count)).chain(pools.map(move |pool| format!("{pool}={count}")))
}

fn variable(name: &str, value: &str, count: u32) -> String {
    let larger = POOLS.contains(&name) && value.parse().is_ok_and(|size: u64| size > count.into());
    if larger { format!("{name}={count}") } else { format!("{name}={value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_lowered_and_never_raised() {
        for (name, value, expected) in [
            ("OMP_NUM_THREADS", "4", "OMP_NUM_THREADS=2"),
            ("OMP_NUM_THREADS", "1", "OMP_NUM_THREADS=1"),
            ("OMP_NUM_THREADS", "4,2", "OMP_NUM_THREADS=4,2"),
            ("THREADS", "4", "THREADS=4"),
        ] {
            assert_eq!(variable(name, value, 2), expected);
        }
        assert_eq!((online(1), online(3)), (b"0\n".to_vec(), b"0-2\n".to_vec()));
    }
}
