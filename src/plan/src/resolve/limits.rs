//! Limits: what cgroups hold, what rlimits and watching hold in their place, and what nothing holds.
//!
//! Always holds: a limit that has no cgroup controller is refused where the policy requires one; a substitute is named as one.

use remand_policy::policy::{Enforce, Policy};

use super::ledger::Ledger;
use crate::host::{CgroupVersion, Fact, HostFacts, Surrounding};
use crate::plan::{CgroupLimits, OWN_PROCESSES, rlimit};
use crate::protection::Protection;

/// Bytes that a process may lock, for libraries that keep keys out of swap.
const LOCKED: u64 = 64 << 10;
/// Queued signals and POSIX timers of a run. The kernel counts those of all of a user's processes together, so a run must not have the user's whole share.
const QUEUED: u64 = 256;
/// Since then a user namespace counts its processes itself; before, all of the user's on the host counted.
const NPROC_PER_NAMESPACE: (u32, u32) = (5, 14);

/// What holds the limits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Limited {
    pub cgroup: Option<CgroupLimits>,
    pub rlimits: Vec<(u32, u64, u64)>,
    pub memory_watch: Option<u64>,
}

/// Decides what holds each limit.
pub(super) fn resolve(ledger: &mut Ledger, policy: &Policy, host: &HostFacts) -> Limited {
    let mut limited = Limited { rlimits: rlimits(policy), ..Limited::default() };
    memory(ledger, policy, host, &mut limited);
    pids(ledger, policy, host, &mut limited);
    cpu(ledger, policy, host);
    surroundings(ledger, policy, host);
    match policy.limits.wall_time.value() {
        Some(_) => ledger.by(Protection::WallTime, "monotonic timer of the supervisor"),
        None => ledger.absent(Protection::WallTime, "limits.wall_time is unlimited"),
    }
    match policy.limits.file_size.value() {
        Some(_) => ledger.by(Protection::FileSize, "RLIMIT_FSIZE"),
        None => ledger.absent(Protection::FileSize, "limits.file_size is unlimited"),
    }
    ledger.by(Protection::CoreDumps, "RLIMIT_CORE 1, which stops those to a pipe too");
    limited.cgroup = cgroup(policy, host);
    limited
}

fn cgroup(policy: &Policy, host: &HostFacts) -> Option<CgroupLimits> {
    let facts = &host.cgroup;
    let [use_memory, use_pids, use_cpu] = [&facts.memory, &facts.pids, &facts.cpu].map(Fact::available);
    let usable = facts.version != CgroupVersion::None && (use_memory || use_pids || use_cpu);
    usable.then(|| CgroupLimits {
        memory: policy.limits.memory.value().filter(|_| use_memory).map(|bytes| bytes.0),
        pids: policy.limits.pids.value().filter(|_| use_pids),
        cpus: policy.limits.cpus.value().filter(|_| use_cpu).map(|cpus| cpus.0),
        use_memory,
        use_pids,
        use_cpu,
    })
}

/// `cgroup v2 memory.max`, by the version that is there.
fn file(host: &HostFacts, v1: &str, v2: &str) -> String {
    if host.cgroup.version == CgroupVersion::V1 { format!("cgroup v1 {v1}") } else { format!("cgroup v2 {v2}") }
}

fn memory(ledger: &mut Ledger, policy: &Policy, host: &HostFacts, limited: &mut Limited) {
    let enforce = policy.limits.cgroup;
    let Some(bytes) = policy.limits.memory.value() else {
        ledger.absent(Protection::Memory, "limits.memory is unlimited");
        return ledger.absent(Protection::Swap, "limits.memory is unlimited");
    };
    let missing = ledger.need(Protection::Memory, &host.cgroup.memory, enforce, &file(host, "memory.limit_in_bytes", "memory.max"));
    ledger.instead(
        Protection::Memory,
        missing,
        "resident and swapped memory, page tables and socket buffers, sampled by the supervisor; memfd_create and shmget refused; /tmp counts by filesystem.tmp.size alone",
    );
    limited.memory_watch = missing.map(|_| bytes.0);
    let sampled = "swapped memory of the run's processes, sampled by the supervisor and counted as memory";
    let uncounted = match missing {
        None if host.cgroup.memory.available() => {
            ledger.need(Protection::Swap, &host.cgroup.swap, enforce, &file(host, "memory.memsw.limit_in_bytes", "memory.swap.max"))
        }
        missing => missing,
    };
    ledger.instead(Protection::Swap, uncounted, sampled);
}

fn pids(ledger: &mut Ledger, policy: &Policy, host: &HostFacts, limited: &mut Limited) {
    let Some(pids) = policy.limits.pids.value() else { return ledger.absent(Protection::Pids, "limits.pids is unlimited") };
    let missing = ledger.need(Protection::Pids, &host.cgroup.pids, policy.limits.cgroup, &file(host, "pids.max", "pids.max"));
    if missing.is_some() && host.kernel_version >= NPROC_PER_NAMESPACE {
        let most = pids.saturating_add(OWN_PROCESSES);
        limited.rlimits.push((rlimit::NPROC, most, most));
        ledger.instead(Protection::Pids, missing, "RLIMIT_NPROC within the user namespace, and tasks sampled by the supervisor");
    }
}

fn cpu(ledger: &mut Ledger, policy: &Policy, host: &HostFacts) {
    let limits = &policy.limits;
    let sampled = "process times sampled by the supervisor, and RLIMIT_CPU per process";
    // Required is the controller, for whichever of the two limits needs it: one lack, told once.
    match (limits.cpus.value(), limits.cpu_time.value()) {
        (None, None) => ledger.absent(Protection::Cpu, "limits.cpus is unlimited"),
        (None, Some(_)) if limits.cgroup == Enforce::Optional => ledger.absent(Protection::Cpu, "limits.cpus is unlimited"),
        _ => {
            ledger.need(Protection::Cpu, &host.cgroup.cpu, limits.cgroup, &file(host, "cpu.cfs_quota_us", "cpu.max"));
        }
    }
    match (limits.cpu_time.value(), &host.cgroup.cpu) {
        (None, _) => ledger.absent(Protection::CpuTime, "limits.cpu_time is unlimited"),
        (Some(_), Fact::Available) => {
            ledger.by(Protection::CpuTime, file(host, "cpuacct.usage, read by the supervisor", "cpu.stat, read by the supervisor"))
        }
        (Some(_), Fact::Missing { blocker, .. }) => ledger.substitute(Protection::CpuTime, sampled, blocker),
    }
}

/// What somebody set on this process holds its runs too, wherever their cgroup is; and who else could stop this process.
fn surroundings(ledger: &mut Ledger, policy: &Policy, host: &HostFacts) {
    let facts = &host.cgroup;
    if let Some(who) = &facts.exposed {
        ledger.absent(
            Protection::SupervisorCgroup,
            format!(
                "{who}, who can freeze or end this supervisor by it: no limit that it keeps itself, wall time first, holds against them"
            ),
        );
    }
    let named = |limit: &Surrounding| format!("{} {} of {}", limit.file, limit.value, limit.cgroup);
    match facts.surrounding.iter().find_map(|limit| Some((limit, limit.copied.lack()?))) {
        None if facts.surrounding.is_empty() => {}
        None => {
            let all: Vec<String> = facts.surrounding.iter().map(named).collect();
            ledger.by(Protection::SurroundingLimits, format!("{}, copied onto the run's parent", all.join(", ")));
        }
        Some((limit, (blocker, remedy))) => {
            let lost = Fact::Missing {
                blocker: format!("{}, which holds this process, cannot hold its runs: {blocker}", named(limit)),
                remedy: remedy.into(),
            };
            ledger.need(Protection::SurroundingLimits, &lost, policy.limits.cgroup, "");
        }
    }
}

/// Limits of each process, soft and hard alike: the run has no use for a warning.
fn rlimits(policy: &Policy) -> Vec<(u32, u64, u64)> {
    let limits = &policy.limits;
    let both = |resource, value| (resource, value, value);
    // A backstop behind the supervisor's own watch over the whole run, a second later.
    let cpu = limits.cpu_time.value().map(|span| both(rlimit::CPU, span.0.div_ceil(1_000_000).saturating_add(1)));
    let size = limits.file_size.value().map(|bytes| both(rlimit::FSIZE, bytes.0));
    let fixed = [
        both(rlimit::STACK, limits.stack.0),
        // 1 is the kernel's word for "no dump, not even to a pipe"; 0 stops only files.
        both(rlimit::CORE, 1),
        both(rlimit::NOFILE, limits.open_files),
        both(rlimit::MEMLOCK, LOCKED),
        both(rlimit::SIGPENDING, QUEUED),
        both(rlimit::MSGQUEUE, 0),
        // A host that lets its users raise priorities does not let runs.
        both(rlimit::NICE, 0),
        both(rlimit::RTPRIO, 0),
    ];
    cpu.into_iter().chain(size).chain(fixed).collect()
}
