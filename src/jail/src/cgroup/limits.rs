//! Limits as the kernel takes them, the same in both versions.

/// Init is in the run's cgroup, so that its CPU is the run's, and is none of the run's processes. The kernel takes no `pids.max` above all ids.
pub(super) fn with_init(pids: u64) -> u64 {
    const MOST: u64 = 1 << 22;
    pids.saturating_add(INIT).min(MOST)
}

/// See [`with_init`].
pub(super) const INIT: u64 = 1;

/// CPU bandwidth of so many thousandths of a CPU: (quota, period) in microseconds. The kernel takes no quota below 1 ms and no period above 1 s.
pub(super) fn bandwidth(thousandths: u32) -> (u64, u64) {
    const PERIOD: u64 = 100_000;
    const LONGEST_PERIOD: u64 = 1_000_000;
    let thousandths = u64::from(thousandths.max(1));
    let period = if thousandths < 10 { LONGEST_PERIOD } else { PERIOD };
    (thousandths * period / 1000, period)
}
