//! The account of a run for people: a pure function from an outcome to text.
//!
//! Always holds: empty for a run that finished without an item that failed; no line that came from the run begins as one of ours does: before it stands a bar; every character that came from the run is made fit for a terminal; each ending says what happened, by
//! which evidence, and which line of the policy to look at.

use std::fmt::Write as _;

use nix::errno::Errno;
use remand_plan::enforcement::Enforcement;
use remand_plan::frames::ErrorFrame;
use remand_plan::limit::{LimitKind, Unit};
use remand_plan::outcome::{Answered, Violation};
use remand_plan::step::Step;
use remand_plan::trace::Where;
use remand_plan::verdict::{Level, Verdict};
use remand_plan::{Outcome, Protection};

use crate::amount::{amount, bytes, time};
use crate::print::{lines, plain};

/// `AF_UNIX`.
const UNIX: u64 = 1;
/// Kinds of denied calls that are told one by one.
const DENIED_SHOWN: usize = 8;

/// How Python says that a thread was denied.
const NO_THREAD: &str = "can't start new thread";

/// How the run ended and what to do about it; empty if it finished.
pub fn account(outcome: &Outcome) -> String {
    told(outcome, outcome.error.as_ref())
}

/// The same with the exception's stack, if it is to be told.
fn told(outcome: &Outcome, error: Option<&ErrorFrame>) -> String {
    if outcome.verdict == Verdict::Finished {
        return failed_items(outcome).map(|text| text + &denied(outcome)).unwrap_or_default();
    }
    let mut text = error.map(|error| quoted(&error.stack)).unwrap_or_default();
    let (what, advice) = ending(outcome);
    let _ = writeln!(text, "remand: {what}");
    for line in advice {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str(&denied(outcome));
    text.push_str(&failed_items(outcome).unwrap_or_default());
    text
}

/// Items whose code raised, where that did not end the run: the first of them, and how many they are.
fn failed_items(outcome: &Outcome) -> Option<String> {
    let items = outcome.items.as_ref().filter(|items| items.failed > 0)?;
    let (stack, first) = items.error.as_ref().map(|error| (quoted(&error.stack), exception(error))).unwrap_or_default();
    Some(format!("{stack}remand: {} of {} items failed; the first: {first}\n", items.failed, items.given))
}

/// More about any ending, for who asked for more: what it used, what was denied whatever came of it, and what is not enforced as it should be.
pub fn details(outcome: &Outcome) -> String {
    let usage = &outcome.usage;
    let cpu = usage.cpu_ms.user.0.saturating_add(usage.cpu_ms.system.0);
    let memory = usage.memory_peak.map(|peak| format!(", {} of memory at most", bytes(peak))).unwrap_or_default();
    let tasks = usage.pids_peak.map(|peak| format!(", {peak} tasks at most")).unwrap_or_default();
    let (kind, policy) = (outcome.verdict.kind(), plain(&outcome.policy.name));
    let mut text = format!("remand: {kind}, policy {policy}: {}, CPU {}{memory}{tasks}\n", time(usage.wall_ms.0), time(cpu));
    if outcome.left_running > 0 {
        let _ = writeln!(text, "  left running, and ended with it: {} processes", outcome.left_running);
    }
    for (calls, expected) in [(&outcome.violations, ""), (&outcome.quiet, ", as the policy expects")] {
        for Violation { syscall, count, answered, .. } in calls {
            let _ = writeln!(text, "  denied: {}, {count} times, answered {answered}{expected}", plain(syscall));
        }
    }
    for (protection, enforcement) in &outcome.enforcement {
        let name = plain(&protection.to_string()).into_owned();
        let _ = match enforcement {
            Enforcement::By(what) if matches!(protection, Protection::Files { .. }) => writeln!(text, "  {name}: {}", plain(what)),
            Enforcement::By(_) => Ok(()),
            Enforcement::Substitute { by, because } => writeln!(text, "  {name}: by {}: {}", plain(by), plain(because)),
            Enforcement::Absent(why) => writeln!(text, "  {name}: absent: {}", plain(why)),
        };
    }
    text
}

/// What a Python program has not said itself: it writes its own traceback, and its own status is its business.
pub fn program(outcome: &Outcome) -> String {
    if !matches!(outcome.verdict, Verdict::Raised | Verdict::Exited { .. }) {
        return told(outcome, None);
    }
    let mut text = String::new();
    if let (Verdict::Raised, Some(error)) = (&outcome.verdict, outcome.error.as_ref().filter(|error| !error.description.is_empty())) {
        let _ = write!(text, "remand: about that exception:\n{}", quoted(&error.description));
    }
    let denied = denied(outcome);
    if !denied.is_empty() {
        let _ = write!(text, "remand: the policy denied system calls:\n{denied}");
    }
    text
}

/// What happened, and advice line by line.
fn ending(outcome: &Outcome) -> (String, Vec<String>) {
    match &outcome.verdict {
        Verdict::Finished => (String::new(), Vec::new()),
        Verdict::Raised => raised(outcome.error.as_ref()),
        Verdict::Exited { code } => (format!("the process ended itself with status {code}"), Vec::new()),
        Verdict::Signaled { signal, name } => {
            (format!("the process was ended by {} (signal {signal}), not by remand{}", plain(name), place(outcome)), Vec::new())
        }
        Verdict::Exceeded { limit, allowed, seen, unit, source, level: Level::Run } => {
            let (what, advice) = exceeded(&outcome.policy.name, *limit, *allowed, *seen, *unit, source);
            (what + &place(outcome), advice)
        }
        Verdict::Exceeded { allowed, seen, unit, source, level, .. } => out_of_memory(*level, *allowed, *seen, *unit, source),
        Verdict::Violated { source } => (
            format!("the run was killed for a system call ({})", plain(source)),
            vec![format!(
                "policy {}: `syscalls.kill` lists the calls that end a run, and every foreign ABI ends it",
                plain(&outcome.policy.name)
            )],
        ),
        Verdict::Cancelled => ("cancelled; every process of the run is gone".into(), Vec::new()),
        Verdict::NoResult => {
            ("the process exited with status 0 before it gave a result".into(), vec!["return a value instead of exiting".into()])
        }
        Verdict::MalformedResult { reason } => (
            format!("the result channel carried what the protocol does not allow: {}{}", plain(reason), place(outcome)),
            vec!["file descriptor 4 is the result's: the code wrote to it, closed it, or tampered with the executor".into()],
        ),
        Verdict::NotStarted { step, index, errno, hint } => not_started(*step, *index, *errno, hint),
        Verdict::Internal { message } => {
            (format!("remand itself failed: {}", plain(message)), vec!["this is a bug; please report it".into()])
        }
    }
}

/// Where the code was, as it says: `, in line 2, in slow(), as the code says`.
fn place(outcome: &Outcome) -> String {
    let Some(frame) = outcome.place.as_ref().and_then(Where::place) else { return String::new() };
    let line = frame.line.map_or_else(String::new, |line| format!(", in line {line}"));
    let of = if frame.is_own() { String::new() } else { format!(" of {}", plain(&frame.file)) };
    let function = if frame.is_text() { String::new() } else { format!(", in {}()", plain(&frame.function)) };
    format!("{line}{of}{function}, as the code says")
}

fn raised(error: Option<&ErrorFrame>) -> (String, Vec<String>) {
    let Some(error) = error else { return ("the code raised an exception".into(), Vec::new()) };
    let description = Some(error.description.as_str()).filter(|text| !text.is_empty() && *text != error.message);
    let advice = description.map(|text| quoted(text).lines().map(str::to_owned).collect()).unwrap_or_default();
    (format!("the code raised {}", exception(error)), advice)
}

/// What an exception is and where.
fn exception(error: &ErrorFrame) -> String {
    let mut what = plain(&error.kind).into_owned();
    if !error.message.is_empty() {
        let _ = write!(what, ": {}", plain(&error.message));
    }
    let places = [("line", error.line), ("item", error.item)];
    let places: Vec<_> = places.iter().filter_map(|(name, number)| number.map(|number| format!("{name} {number}"))).collect();
    if !places.is_empty() {
        let _ = write!(what, " ({})", places.join(", "));
    }
    what
}

fn exceeded(policy: &str, limit: LimitKind, allowed: u64, seen: u64, unit: Unit, source: &str) -> (String, Vec<String>) {
    let field = limit.fields().join(" or ");
    let what = format!("over {field}: {} allowed, {} seen ({})", amount(allowed, unit), amount(seen, unit), plain(source));
    let advice = format!("to allow more, raise `{field}` in policy {} or in one that extends it, and check --set", plain(policy));
    (what, vec![advice])
}

/// Another's limit than the run's.
fn out_of_memory(level: Level, allowed: u64, seen: u64, unit: Unit, source: &str) -> (String, Vec<String>) {
    let (whose, advice) = match level {
        Level::Host => ("the host", "the host needs more memory, or fewer jobs at once"),
        _ => ("the container or service that the run is in", "raise the memory limit of that cgroup, or run fewer jobs in it at once"),
    };
    let what = format!(
        "out of memory, not by the run's own limit but by that of {whose}: {} allowed, {} seen ({})",
        amount(allowed, unit),
        amount(seen, unit),
        plain(source)
    );
    (what, vec![advice.to_owned()])
}

fn not_started(step: Step, index: u32, errno: i32, hint: &str) -> (String, Vec<String>) {
    let mut what = format!("not started: step {step}");
    // The root's own mount has no number.
    if index > 0 && index < u32::MAX {
        let _ = write!(what, ", number {index} of its kind");
    }
    if errno != 0 {
        let errno = Errno::from_raw(errno);
        let _ = write!(what, ": {errno:?} ({})", errno.desc());
    }
    (what, if hint.is_empty() { Vec::new() } else { lines(hint).lines().map(str::to_owned).collect() })
}

fn denied(outcome: &Outcome) -> String {
    let mut text = String::new();
    let fitting: Vec<_> = outcome.violations.iter().filter(|violation| fits(outcome.exception(), violation)).collect();
    for violation in fitting.iter().take(DENIED_SHOWN) {
        let Violation { syscall, count, answered, remedy, .. } = violation;
        let times = if *count == 1 { String::new() } else { format!(", {count} times") };
        let _ = writeln!(text, "  denied: {}({}){times}, answered {}", plain(syscall), arguments(&violation.args), answered);
        let _ = writeln!(text, "    {}", plain(&remedy.to_string()));
    }
    // What the policy grants, and this host does not let it.
    if let Some(Enforcement::Substitute { by, because }) = outcome.enforcement.get(&Protection::UnixSockets)
        && fitting.iter().any(|violation| violation.syscall == "socket" && violation.args.first() == Some(&UNIX))
    {
        let _ = writeln!(text, "    {}: {}", plain(by), plain(because));
    }
    if fitting.len() > DENIED_SHOWN || outcome.violations_truncated && !fitting.is_empty() {
        text.push_str("  more calls were denied; --json lists them\n");
    }
    text
}

/// Whether a denied call can be why an exception was raised: it, or one that led to it, names the number that the call was answered, or none where Python
/// names none.
fn fits(error: Option<&ErrorFrame>, violation: &Violation) -> bool {
    let Some(error) = error else { return true };
    let said = [&error.stack, &error.message];
    let numbers = match violation.answered {
        Answered::Eperm => &["[Errno 1]", "[Errno 13]"][..],
        Answered::Enosys => &["[Errno 38]"],
        Answered::EndOfRun => return true,
    };
    if said.iter().any(|text| text.contains("[Errno ")) {
        return said.iter().any(|text| numbers.iter().any(|number| text.contains(number)));
    }
    error.kind == "OSError" || error.kind == "PermissionError" || said.iter().any(|text| text.contains(NO_THREAD))
}

/// Argument registers, without the zeros at the end: nobody knows here how many the call has.
fn arguments(args: &[u64; 6]) -> String {
    let used = args.iter().rposition(|arg| *arg != 0).map_or(0, |last| last + 1);
    args.iter().take(used).map(|arg| format!("{arg:#x}")).collect::<Vec<_>>().join(", ")
}

/// Lines of the run's.
fn quoted(text: &str) -> String {
    lines(text).lines().map(|line| format!("| {line}\n")).collect()
}

#[cfg(test)]
mod tests;
