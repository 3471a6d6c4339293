//! One program of the host that is run for its answer, inside a sandbox of ours.
//!
//! Always holds: it is a run like any other, under a policy that is built in (`asking.jsonc`): it sees the tree that it is given, read-only, and nothing
//! else; what it holds in memory, shared memory included, is bounded without a cgroup; it is gone when this returns.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use nix::sys::resource::Resource;
use remand_jail::failure::Failure;
use remand_jail::host::{Depth, explain, observe, without_cgroups};
use remand_jail::run::{Caller, Job, Launch, run};
use remand_plan::interpreter::Tree;
use remand_plan::plan::Program;
use remand_plan::step::Step;
use remand_plan::verdict::Verdict;
use remand_plan::{HostFacts, Outcome, Plan};
use remand_policy::Policy;
use remand_policy::load::{Chain, parse};
use remand_policy::source::Source;

use crate::files::HostFiles;

/// A limit on address space, in bytes, which is all that one process can hold: shared mappings of no file included.
const ADDRESS_SPACE: (u32, u64, u64) = (Resource::RLIMIT_AS as u32, 512 << 20, 512 << 20);

/// Runs `argv` in nothing but `tree`. `input` is what it can read from descriptor 3. Gives what it wrote to standard output.
///
/// # Errors
/// It could not be started, it failed, or it did not keep to its limits.
pub(super) fn answer(argv: &[String], tree: &Tree, input: &[u8], cancel: Option<BorrowedFd<'_>>) -> Result<String, String> {
    let policy = policy()?;
    let host = HostFacts { cgroup: without_cgroups(), ..observe(Depth::Quick) };
    let plan = remand_plan::resolve(&policy, &Program::Host { argv, tree }, &host, &HostFiles);
    let mut plan = plan.map_err(|lacks| lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    plan.rlimits.push(ADDRESS_SPACE);
    let job = Job { bytes: input.into(), ..Job::default() };
    let with_less = Box::new(|plan: &Plan, host: &HostFacts| {
        let mut less = plan.with_less(&policy, host).ok()?;
        less.rlimits.push(ADDRESS_SPACE);
        Some(less)
    });
    let launch = Launch { plan: Arc::new(plan), host: Arc::new(host), job, with_less };
    let outcome = run(launch, Caller { cancel, ..Caller::default() });
    if outcome.verdict == Verdict::Finished { Ok(outcome.stdout.text) } else { Err(reason(&outcome)) }
}

fn policy() -> Result<Policy, String> {
    let source = Source { file: "built-in asking".to_owned(), text: include_bytes!("asking.jsonc").as_slice().into() };
    parse(&Chain::shipped(&source), "asking").map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// How it ended, and the last line that it wrote to standard error.
fn reason(outcome: &Outcome) -> String {
    let ending = match &outcome.verdict {
        Verdict::NotStarted { step, hint, .. } => return format!("could not be started ({step}: {hint})"),
        Verdict::Internal { message } => return message.clone(),
        Verdict::Exited { code } => format!("it failed with status {code}"),
        Verdict::Signaled { name, .. } => format!("it died of {name}"),
        Verdict::Exceeded { limit, seen, unit, .. } => format!("it went over its limit of {limit:?} ({seen} {unit})"),
        other => format!("it ended as {}", other.kind()),
    };
    let last = outcome.stderr.text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing");
    let because = explain(&Failure::new(Step::Ready, String::new())).map(|why| format!(": {why}")).unwrap_or_default();
    // The text is hostile: no control characters, no flood.
    format!("{ending} ({}){because}", last.chars().filter(|c| !c.is_control()).take(300).collect::<String>())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_loads_and_bounds_everything() {
        let policy = policy().unwrap();
        assert_eq!(policy.network.mode, remand_policy::policy::NetworkMode::None);
        assert!(policy.filesystem.mounts.is_empty() && policy.filesystem.tmp.size.0 == 4096);
        assert!(remand_plan::UNCOUNTED.iter().all(|call| policy.syscalls.rules.deny.iter().any(|denied| denied == call)));
    }
}
