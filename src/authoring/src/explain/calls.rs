//! What a run can call of the kernel.

use remand_plan::Protection;
use remand_policy::policy::{Enforce, Policy, Syscalls};
use remand_policy::write::write_grant;
use remand_syscalls::{Grant, Rules, granted, is_group, names, purpose};

use super::page::{Page, some};
use crate::diff;

/// Calls that are named of a list.
const NAMED: usize = 30;

pub(super) fn call(page: &mut Page<'_>) {
    let Policy { syscalls: Syscalls { rules: rules @ Rules { allow, deny, kill }, quiet, enforce }, .. } = page.policy;
    page.title("What a run can call of the kernel");
    let holds = page.how(&Protection::Seccomp, Some(*enforce));
    page.of("syscalls.enforce", format!("Only what is named here{holds}."));
    if page.plan.is_some_and(|plan| plan.filter.is_empty()) {
        page.say("NO FILTER IS IN FORCE HERE: a run can make every system call, and what follows binds nobody.");
    }
    let all = names().filter(|name| !is_group(name)).count();
    if let Ok(granted) = granted(rules) {
        let limited = granted.values().filter(|ways| !ways.iter().any(Vec::is_empty)).count();
        page.say(format!("{} calls of the {all} that this remand knows, {limited} of them with some arguments only.", granted.len()));
    }
    for (index, grant) in allow.iter().enumerate() {
        page.of(&format!("syscalls.allow[{index}]"), told(grant));
    }
    if allow.is_empty() {
        page.of("syscalls.allow", "Nothing, so that no program starts.");
    }
    names_of(page, "syscalls.deny", deny, "Taken out of that again");
    names_of(page, "syscalls.kill", kill, "Ends the run, with the verdict violated");
    names_of(
        page,
        "syscalls.quiet",
        quiet,
        "Known to be tried in vain: where it is denied, the outcome counts it apart and no account of an error names it",
    );
    if page.plan.is_some_and(|plan| plan.memory_watch.is_some()) {
        page.say(format!("Refused here besides, since no memory cgroup counts what they make: {}.", some(remand_plan::UNCOUNTED, NAMED)));
    }
    let recorded = "fails with EPERM, and is in the outcome with its arguments";
    page.say(format!(
        "Any other call {recorded}. clone3, io_uring and what this remand does not know fail with ENOSYS, so that libraries do without."
    ));
    if *enforce == Enforce::Optional && page.plan.is_none() {
        page.say("Where the host has no seccomp, a run could make every call.");
    }
}

/// A group with what it is for, a call with its conditions.
fn told(grant: &Grant) -> String {
    let Grant { call, when, reason } = grant;
    let purpose = purpose(call).map_or(String::new(), |purpose| format!(": {purpose}"));
    let when = if when.is_empty() { String::new() } else { format!(", where {}", diff::conditions(&write_grant(grant))) };
    let reason = reason.as_ref().map_or(String::new(), |reason| format!(". Why: {reason}"));
    format!("{call}{when}{purpose}{reason}.")
}

fn names_of(page: &mut Page<'_>, list: &str, names: &[String], sentence: &str) {
    for (index, name) in names.iter().enumerate() {
        let purpose = purpose(name).map_or(String::new(), |purpose| format!(" ({purpose})"));
        page.of(&format!("{list}[{index}]"), format!("{sentence}: {name}{purpose}."));
    }
}
