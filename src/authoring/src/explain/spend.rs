//! What a run can spend, and what counts it.

use remand_plan::Protection;
use remand_policy::policy::{Enforce, Limits, Overflow, Word};

use super::page::Page;

pub(super) fn spend(page: &mut Page<'_>) {
    let Limits {
        wall_time,
        cpu_time,
        cpus,
        memory,
        pids,
        open_files,
        file_size: _,
        stack,
        stdin,
        stdout,
        stderr,
        prints,
        overflow,
        result_size,
        result_depth,
        result_nodes,
        job_size,
        artifacts,
        artifact_files,
        cgroup,
    } = &page.policy.limits;
    page.title("What a run can spend");
    counted(page, "wall_time", format!("Time on the clock: {wall_time}"), &Protection::WallTime, None);
    counted(
        page,
        "cpu_time",
        format!("Time of processors, user and system, all its processes together: {cpu_time}"),
        &Protection::CpuTime,
        None,
    );
    counted(page, "cpus", format!("Processors at once: {cpus}"), &Protection::Cpu, Some(*cgroup));
    counted(page, "memory", format!("Memory, /tmp and the kernel's own for it included: {memory}"), &Protection::Memory, Some(*cgroup));
    let swap = page.how(&Protection::Swap, Some(*cgroup));
    page.say(format!("No swap{swap}."));
    counted(page, "pids", format!("Processes and threads at once, the executor included: {pids}"), &Protection::Pids, Some(*cgroup));
    page.of("limits.cgroup", format!("Cgroups for these are {}: {}.", cgroup.word(), cgroups(*cgroup)));
    page.of("limits.open_files", format!("Open files of each process: {open_files}, by RLIMIT_NOFILE."));
    page.of("limits.stack", format!("Stack of the main thread, and of others where they ask for nothing else: {stack}, by RLIMIT_STACK."));
    page.of("limits.stdin", format!("Standard input of a program: {stdin} are passed on, more ends the run."));
    page.of("limits.stdout", format!("Standard output: {stdout} are kept."));
    page.of("limits.stderr", format!("Standard error: {stderr} are kept."));
    page.of("limits.prints", format!("What it prints: {prints} are kept."));
    page.of("limits.overflow", format!("More output than that: {}.", more(*overflow)));
    page.of("limits.result_size", format!("Its result: {result_size}, bounded before it is read."));
    page.of("limits.result_depth", format!("A result nested {result_depth} deep."));
    page.of("limits.result_nodes", format!("A result of {result_nodes} values."));
    page.of(
        "limits.job_size",
        format!("The caller's side: code, items and query of {job_size}; a larger job is refused before it starts."),
    );
    page.of("limits.artifacts", format!("Files that a caller is given of its /workspace: {artifacts} in all, the rest is left out."));
    page.of("limits.artifact_files", format!("So many of them: {artifact_files}."));
}

fn counted(page: &mut Page<'_>, field: &str, sentence: String, protection: &Protection, enforce: Option<Enforce>) {
    let holds = page.how(protection, enforce);
    page.of(&format!("limits.{field}"), format!("{sentence}{holds}."));
}

fn more(overflow: Overflow) -> &'static str {
    match overflow {
        Overflow::End => "it ends the run",
        Overflow::Truncate => "the run goes on, up to 64 times of it; the first and the last half are kept",
    }
}

fn cgroups(enforce: Enforce) -> &'static str {
    match enforce {
        Enforce::Required => "without them nothing runs",
        Enforce::Optional => "without them these limits are kept by looking, which sees some things late or not at all",
    }
}
