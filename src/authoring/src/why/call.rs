//! System calls: the filter's answer, the line behind it, and the grant that would change it.
//!
//! Always holds: the answer is what the filter returns, run on the call's number and arguments; the policy's lines only explain it.

use std::fmt::Write;

use remand_plan::enforcement::Enforcement;
use remand_plan::{Protection, UNCOUNTED};
use remand_policy::question::{Call, Which};
use remand_policy::write::write_grant;
use remand_syscalls::bpf::SeccompData;
use remand_syscalls::{ALLOW, Arch, COUNT, Comparison, Condition, DONE, Denial, END, Grant, NO_SUCH_CALL, NOTIFY, Remedy, SERVE};
use serde_json::json;

use super::compiled::Compiled;
use super::edit::Edit;
use super::finding::{Finding, Line, Ruling};
use super::reach::{Reach, reach};

/// Values of a list, or alternatives, that a text shows.
const SHOWN: usize = 8;

/// Calls that the kernel lets past every filter, and since when: the trampolines of user-space probes, on x86_64.
const PAST_FILTERS: [(&str, (u32, u32)); 2] = [("uretprobe", (6, 14)), ("uprobe", (6, 18))];

/// A call that exists here.
struct Known<'q> {
    number: u32,
    name: Option<&'static str>,
    args: &'q [Option<u64>; 6],
}

/// Whether a run may make this call.
pub(super) fn find(call: &Call, compiled: &Compiled<'_>) -> Finding {
    let arch = compiled.arch();
    let (number, name) = match call.which {
        Which::Name(name) => (remand_syscalls::number(arch, name), Some(name)),
        Which::Number(number) => (Some(number), remand_syscalls::name(arch, number)),
    };
    let Some(number) = number else {
        let because = format!("{} has no call of this name", arch.name());
        let line = Line::none("no policy changes it");
        return Finding { ruling: Ruling::NoSuchCall, because, line, cure: Err("another call does its work here".to_owned()) };
    };
    let known = Known { number, name, args: &call.args };
    if compiled.filter.is_empty() {
        let because = "no filter is enforced here: syscalls.enforce is optional, and this host has no seccomp".to_owned();
        let line = Line::field(compiled, "syscalls.enforce");
        return Finding { ruling: Ruling::Allowed, because, line, cure: Err("this host enforces no filter".to_owned()) };
    }
    if name.is_some_and(|name| PAST_FILTERS.iter().any(|(known, since)| *known == name && compiled.machine.host.kernel_version >= *since)) {
        let because =
            "this kernel asks no filter about it; it serves probes only, and answers any other caller with an error or SIGILL".to_owned();
        let line = Line::none("no policy reaches it");
        return Finding { ruling: Ruling::Allowed, because, line, cure: Err("no filter can refuse it".to_owned()) };
    }
    let reached = reached(number, &call.args, compiled);
    let ruling = ruling(arch, number, &reached);
    Finding {
        ruling,
        because: because(&known, compiled, ruling, &reached),
        line: line(&known, compiled, ruling, &reached),
        cure: cure(&known, compiled, ruling),
    }
}

/// Arguments for every answer that the call can get, with open ones filled in; none where it does not exist here or no filter is enforced.
#[must_use]
pub fn examples(call: &Call, compiled: &Compiled<'_>) -> Vec<(Ruling, Call)> {
    let arch = compiled.arch();
    let number = match call.which {
        Which::Name(name) => remand_syscalls::number(arch, name),
        Which::Number(number) => Some(number),
    };
    let Some(number) = number.filter(|_| !compiled.filter.is_empty()) else { return Vec::new() };
    let answers = reached(number, &call.args, compiled).answers;
    answers.into_iter().map(|(answer, args)| (said(arch, number, answer), Call { args: args.map(Some), ..*call })).collect()
}

fn reached(number: u32, args: &[Option<u64>; 6], compiled: &Compiled<'_>) -> Reach {
    let registers = args.map(Option::unwrap_or_default);
    let data = SeccompData { nr: number, arch: remand_syscalls::audit_arch(compiled.arch()), instruction_pointer: 0, args: registers };
    reach(&compiled.filter, data, args.map(|arg| arg.is_none()))
}

fn ruling(arch: Arch, number: u32, reached: &Reach) -> Ruling {
    let mut rulings = reached.answers.keys().map(|answer| said(arch, number, *answer));
    match (rulings.next(), reached.all) {
        (Some(first), true) if rulings.all(|ruling| ruling == first) => first,
        _ => Ruling::Depends,
    }
}

/// What a run sees of the filter's answer.
fn said(arch: Arch, number: u32, answer: u32) -> Ruling {
    match answer {
        ALLOW | COUNT | SERVE | DONE => Ruling::Allowed,
        NO_SUCH_CALL => Ruling::NoSuchCall,
        END => Ruling::EndsTheRun,
        NOTIFY if remand_syscalls::answer(arch, number) == Denial::Enosys => Ruling::NoSuchCall,
        _ => Ruling::Denied("EPERM"),
    }
}

fn because(known: &Known<'_>, compiled: &Compiled<'_>, ruling: Ruling, reached: &Reach) -> String {
    let unrecorded = reached.answers.contains_key(&NO_SUCH_CALL);
    match ruling {
        Ruling::Allowed => reached.answers.keys().map(|answer| allowed(*answer)).collect::<Vec<_>>().join("; or "),
        Ruling::EndsTheRun => {
            "the filter hands it to the supervisor (SECCOMP_RET_USER_NOTIF), which records it and ends the run: the verdict is violated"
                .to_owned()
        }
        Ruling::NoSuchCall if unrecorded => "the filter answers ENOSYS (SECCOMP_RET_ERRNO), without a record".to_owned(),
        Ruling::Depends => depends(known, compiled, reached),
        _ => format!(
            "the filter hands it to the supervisor (SECCOMP_RET_USER_NOTIF), which records it{} and answers {}",
            apart(known, compiled),
            if ruling == Ruling::NoSuchCall { "ENOSYS" } else { "EPERM" }
        ),
    }
}

/// Where a denial is recorded that the policy expects.
fn apart(known: &Known<'_>, compiled: &Compiled<'_>) -> String {
    let quiet = &compiled.policy.syscalls.quiet;
    let expected = quiet.iter().position(|entry| known.name.is_some_and(|name| remand_syscalls::entry_names(entry, name)));
    expected.map_or_else(String::new, |index| format!(" apart from other denials (syscalls.quiet[{index}] expects it)"))
}

/// How a call comes to succeed.
fn allowed(answer: u32) -> &'static str {
    match answer {
        SERVE => {
            "the filter hands it to the supervisor (SECCOMP_RET_USER_NOTIF), which keeps the lock itself: no other run sees it, and no process of the host"
        }
        COUNT => {
            "the filter hands it to the supervisor (SECCOMP_RET_USER_NOTIF), which counts the memory, since no cgroup does, and lets it through"
        }
        DONE => "the filter answers 0 (SECCOMP_RET_ERRNO) and nothing is done: no run flushes the host's disk",
        _ => "the filter lets it through (SECCOMP_RET_ALLOW); the kernel's own checks follow",
    }
}

/// On what it depends: the conditions that open arguments must meet.
fn depends(known: &Known<'_>, compiled: &Compiled<'_>, reached: &Reach) -> String {
    let looked_at: Vec<_> = reached.looked_at.iter().map(|arg| arg.to_string()).collect();
    let looked_at = format!("the filter looks at argument {}", looked_at.join(" and "));
    let name = known.name.unwrap_or("");
    let mut ways = Vec::new();
    for grant in compiled.policy.syscalls.rules.allow.iter().filter(|grant| held(grant, compiled)) {
        for when in remand_syscalls::ways(grant, name, known.args) {
            let conditions: Vec<_> = when.iter().map(condition).collect();
            ways.push(format!("{} (by {})", conditions.join(" and "), grant.call));
        }
    }
    let more = ways.len().saturating_sub(SHOWN);
    ways.truncate(SHOWN);
    let more = if more > 0 { format!(", and in {more} more ways") } else { String::new() };
    format!("{looked_at}; allowed where {}{more}", ways.join(", or where "))
}

/// A condition in words.
fn condition(Condition { arg, op }: &Condition) -> String {
    let value = |value: &u64| if *value > 9 { format!("{value:#x}") } else { value.to_string() };
    let mut text = format!("argument {arg} ");
    let written = match op {
        Comparison::Equals(wanted) => write!(text, "is {}", value(wanted)),
        Comparison::AtMost(most) => write!(text, "is at most {}", value(most)),
        Comparison::Masked { mask, value: 0 } => write!(text, "has none of the bits {mask:#x}"),
        Comparison::Masked { mask, value: wanted } => write!(text, "& {mask:#x} is {}", value(wanted)),
        Comparison::OneOf(values) => {
            let shown: Vec<_> = values.iter().take(SHOWN).map(value).collect();
            write!(text, "is one of {}{}", shown.join(", "), if values.len() > SHOWN { ", ..." } else { "" })
        }
    };
    let _ = written; // a String takes everything
    text
}

fn line(known: &Known<'_>, compiled: &Compiled<'_>, ruling: Ruling, reached: &Reach) -> Line {
    let Some(name) = known.name else { return Line::none(format!("no table knows the number {}", known.number)) };
    let rules = &compiled.policy.syscalls.rules;
    let entry = |list: &str, names: &[String]| {
        names.iter().position(|entry| remand_syscalls::entry_names(entry, name)).map(|index| Line::entry(compiled, list, index))
    };
    let granted = |args: &[Option<u64>; 6]| {
        let index = rules.allow.iter().position(|grant| held(grant, compiled) && !remand_syscalls::ways(grant, name, args).is_empty());
        index.map(|index| Line::entry(compiled, "syscalls.allow", index))
    };
    match ruling {
        Ruling::EndsTheRun => entry("syscalls.kill", &rules.kill).unwrap_or_else(|| Line::none("syscalls.kill")),
        Ruling::Allowed => {
            let witness = reached.answers.values().next().map_or(*known.args, |args| args.map(Some));
            granted(&witness).unwrap_or_else(|| Line::none("the start's own need: the report socket, closed before any code runs"))
        }
        Ruling::Depends => granted(known.args).unwrap_or_else(|| Line::lacking(compiled, "syscalls.allow")),
        _ if uncounted(name, compiled) => Line::none("limits.memory: without a memory cgroup nothing counts what this call makes"),
        _ if reached.answers.contains_key(&NO_SUCH_CALL) => {
            Line::none("no policy can grant it: its arguments lie in memory, where no filter sees them")
        }
        _ => entry("syscalls.deny", &rules.deny)
            .or_else(|| withheld(known, compiled))
            .unwrap_or_else(|| Line::lacking(compiled, "syscalls.allow")),
    }
}

/// Whether a grant of the policy is one of the plan's.
fn held(grant: &Grant, compiled: &Compiled<'_>) -> bool {
    compiled.plan.as_ref().map_or(true, |plan| plan.rules.allow.contains(grant))
}

/// Why a call that the policy grants is refused here.
fn withheld(known: &Known<'_>, compiled: &Compiled<'_>) -> Option<Line> {
    let granted = |grant: &&Grant| !held(grant, compiled) && !remand_syscalls::ways(grant, known.name.unwrap_or(""), known.args).is_empty();
    compiled.policy.syscalls.rules.allow.iter().find(granted)?;
    match compiled.plan.as_ref().ok()?.enforcement.get(&Protection::UnixSockets)? {
        Enforcement::Substitute { by, because } => Some(Line::none(format!("{by}: {because}"))),
        _ => None,
    }
}

/// Whether a call is refused for what the host lacks.
fn uncounted(name: &str, compiled: &Compiled<'_>) -> bool {
    UNCOUNTED.contains(&name) && compiled.plan.as_ref().is_ok_and(|plan| plan.memory_watch.is_some())
}

fn cure(known: &Known<'_>, compiled: &Compiled<'_>, ruling: Ruling) -> Result<Vec<Edit>, String> {
    let Some(name) = known.name else {
        return Err(format!("this build knows no system call {}, and no policy can allow it", known.number));
    };
    // What this host does not let the policy grant, another grant can.
    let rules = compiled.plan.as_ref().map_or(&compiled.policy.syscalls.rules, |plan| &plan.rules);
    let named = |name: &str| rules.allow.iter().any(|grant| grant.call == name);
    match ruling {
        Ruling::Depends => return Err("ask with the argument that it depends on".to_owned()),
        Ruling::Allowed if named(name) => return Ok(vec![Edit::Remove("syscalls.allow", name.to_owned())]),
        Ruling::Allowed => return Ok(vec![Edit::Add("syscalls.deny", json!(name))]),
        _ if uncounted(name, compiled) => return Err("only a memory cgroup counts what this call makes, and there is none here".to_owned()),
        _ => {}
    }
    match remand_syscalls::remedy(rules, compiled.arch(), known.number, known.args) {
        Remedy::None(why) => Err(why.to_string()),
        Remedy::Told(change) => Err(change),
        Remedy::TakeOut { list, name, .. } => Ok(vec![Edit::Remove(list.field(), name)]),
        Remedy::Add(mut grant) => {
            grant.reason = remand_syscalls::is_dangerous(&grant.call).then(|| "why runs need it".to_owned());
            let add = Edit::Add("syscalls.allow", write_grant(&grant));
            // A grant without conditions does not stand beside one with them.
            let narrower = grant.when.is_empty() && named(&grant.call);
            Ok(narrower.then(|| Edit::Remove("syscalls.allow", grant.call.clone())).into_iter().chain([add]).collect())
        }
    }
}
