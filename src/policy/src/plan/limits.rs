//! Limits: which are held by cgroups, which by resource limits, which by the supervisor's own watch.

use super::CgroupLimits;
use super::protections::Protections;
use crate::host::{CgroupVersion, HostFacts};
use crate::outcome::Enforcement;
use crate::policy::Policy;

// Numbers of <asm-generic/resource.h>, the same on x86_64 and aarch64.
const RLIMIT_CPU: u32 = 0;
const RLIMIT_FSIZE: u32 = 1;
const RLIMIT_STACK: u32 = 3;
const RLIMIT_CORE: u32 = 4;
const RLIMIT_NPROC: u32 = 6;
const RLIMIT_NOFILE: u32 = 7;
const RLIMIT_MEMLOCK: u32 = 8;
const RLIMIT_SIGPENDING: u32 = 11;
const RLIMIT_MSGQUEUE: u32 = 12;
const RLIMIT_NICE: u32 = 13;
const RLIMIT_RTPRIO: u32 = 14;

/// What is written into cgroups; `None` where no controller is used.
pub(super) fn cgroup(policy: &Policy, host: &HostFacts, protections: &mut Protections) -> Option<CgroupLimits> {
    let (limits, facts) = (&policy.limits, &host.cgroup);
    let v1 = facts.version == CgroupVersion::V1;
    let name = |v1_file: &str, v2_file: &str| if v1 { format!("cgroup v1 {v1_file}") } else { format!("cgroup v2 {v2_file}") };
    let memory = name("memory.limit_in_bytes", "memory.max");
    let watch = "a look at the run's memory every 5 ms, and oom_score_adj 1000";
    let use_memory = protections.weigh("memory", limits.cgroup, &facts.memory, &memory, Some(watch));
    let by_rlimit = "RLIMIT_NPROC in the run's own user namespace; what it refuses is not counted";
    let use_pids = protections.weigh("pids", limits.cgroup, &facts.pids, &name("pids.max", "pids.max"), Some(by_rlimit));
    let use_cpu = protections.weigh("cpu", limits.cgroup, &facts.cpu, &name("cpu.cfs_quota_us", "cpu.max"), None);
    let cpu_time = if use_cpu { name("cpuacct.usage", "cpu.stat") } else { "/proc of every process, and RLIMIT_CPU for each".to_owned() };
    protections.note("cpu_time", Enforcement::By(cpu_time));
    if use_memory {
        protections.weigh(
            "swap",
            crate::policy::Enforce::Optional,
            &facts.swap,
            &name("memory.memsw.limit_in_bytes", "memory.swap.max"),
            None,
        );
    }
    (use_memory || use_pids || use_cpu).then(|| CgroupLimits {
        memory: limits.memory.value().map(|bytes| bytes.0),
        pids: limits.pids.value(),
        cpus: limits.cpus.value().map(|cpus| cpus.0),
        use_memory,
        use_pids,
        use_cpu,
    })
}

/// (resource, soft, hard).
pub(super) fn rlimits(policy: &Policy, cgroup: Option<&CgroupLimits>) -> Vec<(u32, u64, u64)> {
    let limits = &policy.limits;
    let both = |resource: u32, value: u64| (resource, value, value);
    let mut rlimits = vec![
        both(RLIMIT_NOFILE, limits.open_files),
        both(RLIMIT_STACK, limits.stack.0),
        // 1, not 0: for the kernel 1 also means that no core dump is piped to a helper of the host's.
        both(RLIMIT_CORE, 1),
        both(RLIMIT_MEMLOCK, 64 << 10),
        both(RLIMIT_SIGPENDING, 1024),
        both(RLIMIT_MSGQUEUE, 0),
        both(RLIMIT_NICE, 0),
        both(RLIMIT_RTPRIO, 0),
    ];
    rlimits.extend(limits.file_size.value().map(|bytes| both(RLIMIT_FSIZE, bytes.0)));
    // Behind the supervisor's meter, per process: a second after the limit is used up.
    rlimits.extend(limits.cpu_time.value().map(|span| both(RLIMIT_CPU, span.0.div_ceil(1_000_000) + 1)));
    if !cgroup.is_some_and(|cgroup| cgroup.use_pids) {
        // Counted in the run's user namespace, where init counts too.
        rlimits.extend(limits.pids.value().map(|pids| both(RLIMIT_NPROC, pids + 1)));
    }
    rlimits
}
