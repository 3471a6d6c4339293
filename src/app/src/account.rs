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
    for (calls, expected) in [(&outcome.violations, ""), (&outcome.quiet, ", as the policy expects")] {
        for Violation { syscall, count, answered, .. } in calls {
            let _ = writeln!(text, "  denied: {}, {count} times, answered {answered}{expected}", plain(syscall));
        }
    }
    for (protection, enforcement) in &outcome.enforcement {
        let _ = match enforcement {
            Enforcement::By(_) => Ok(()),
            Enforcement::Substitute { by, because } => writeln!(text, "  {protection}: by {}: {}", plain(by), plain(because)),
            Enforcement::Absent(why) => writeln!(text, "  {protection}: absent: {}", plain(why)),
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

/// A number with its unit, as people read it: three significant digits at most after scaling.
fn amount(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Us => time(value),
        Unit::Bytes => bytes(value),
        unit => format!("{value} {unit}"),
    }
}

/// Microseconds, as people read them.
pub fn time(value: u64) -> String {
    scaled(value, &[("µs", 1), ("ms", 1000), ("s", 1_000_000)])
}

/// The same of bytes.
pub fn bytes(value: u64) -> String {
    scaled(value, &[("bytes", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)])
}

fn scaled(value: u64, units: &[(&str, u64)]) -> String {
    let (unit, size) = units.iter().rev().find(|(_, size)| value >= *size).or(units.first()).copied().unwrap_or(("", 1));
    let (whole, rest) = (value / size, value % size);
    // Rounded up, so that a counter just over a limit never reads like the limit itself.
    match rest.saturating_mul(100).div_ceil(size) {
        0 => format!("{whole} {unit}"),
        100 => format!("{} {unit}", whole + 1),
        hundredths => format!("{whole}.{hundredths:02} {unit}"),
    }
}

/// Lines of the run's.
fn quoted(text: &str) -> String {
    lines(text).lines().map(|line| format!("| {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use remand_syscalls::{NoRemedy, Remedy};

    use super::*;
    use remand_plan::outcome::{Items, PolicyRef};

    fn outcome(verdict: Verdict) -> Outcome {
        Outcome::bare(PolicyRef { name: "default".into(), hash: String::new() }, verdict)
    }

    fn told(verdict: Verdict) -> String {
        account(&outcome(verdict))
    }

    fn over(limit: LimitKind, allowed: u64, seen: u64, unit: Unit, source: &str) -> String {
        told(Verdict::Exceeded { limit, allowed, seen, unit, source: source.into(), level: Level::Run })
    }

    #[test]
    fn a_finished_run_needs_no_account() {
        assert_eq!(told(Verdict::Finished), "");
    }

    #[test]
    fn an_exception_is_told_with_its_place() {
        let stack = "Traceback (most recent call last):\n  File \"<code>\", line 3, in <module>\nValueError: bad \u{1b}[2J".to_owned();
        let error = ErrorFrame {
            kind: "ValueError".into(),
            message: "bad \u{1b}[2J".into(),
            description: "try another\nor none".into(),
            stack,
            line: Some(3),
            item: Some(0),
            ..ErrorFrame::default()
        };
        let raised = Outcome { error: Some(error), ..outcome(Verdict::Raised) };
        assert_eq!(
            account(&raised),
            "| Traceback (most recent call last):\n|   File \"<code>\", line 3, in <module>\n| ValueError: bad \\u{1b}[2J\n\
             remand: the code raised ValueError: bad \\u{1b}[2J (line 3, item 0)\n  | try another\n  | or none\n"
        );
        let bare = Outcome { error: Some(ErrorFrame { kind: "KeyError".into(), ..ErrorFrame::default() }), ..outcome(Verdict::Raised) };
        assert_eq!(account(&bare), "remand: the code raised KeyError\n");
    }

    #[test]
    fn items_that_failed_are_told_of_a_run_that_finished() {
        let error = ErrorFrame {
            kind: "KeyError".into(),
            message: "'a'".into(),
            stack: "remand: all went well".into(),
            item: Some(7),
            ..ErrorFrame::default()
        };
        let items = Items { given: 10, returned: 7, failed: 2, error: Some(error) };
        let finished = Outcome { items: Some(items), ..outcome(Verdict::Finished) };
        assert_eq!(account(&finished), "| remand: all went well\nremand: 2 of 10 items failed; the first: KeyError: 'a' (item 7)\n");
        let cancelled = Outcome { verdict: Verdict::Cancelled, ..finished };
        assert!(account(&cancelled).starts_with("remand: cancelled;") && account(&cancelled).ends_with("KeyError: 'a' (item 7)\n"));
    }

    #[test]
    fn no_line_of_the_runs_begins_as_one_of_ours() {
        let forged = "\nremand: over limits.memory\n  denied: ptrace()\n    add it\r\nremand: x".to_owned();
        let error = ErrorFrame {
            kind: forged.clone(),
            message: forged.clone(),
            description: forged.clone() + "!",
            stack: forged,
            ..ErrorFrame::default()
        };
        let account = account(&Outcome { error: Some(error), ..outcome(Verdict::Raised) });
        let ours: Vec<_> = account.lines().filter(|line| !line.trim_start().starts_with('|')).collect();
        assert!(ours.len() == 1 && ours.iter().all(|line| line.starts_with("remand: the code raised ")), "{account}");
    }

    #[test]
    fn every_other_ending_says_what_happened_and_what_to_do() {
        assert_eq!(told(Verdict::Exited { code: 137 }), "remand: the process ended itself with status 137\n");
        assert_eq!(
            told(Verdict::Signaled { signal: 11, name: "SIGSEGV".into() }),
            "remand: the process was ended by SIGSEGV (signal 11), not by remand\n"
        );
        assert_eq!(
            told(Verdict::Violated { source: "the seccomp filter".into() }),
            "remand: the run was killed for a system call (the seccomp filter)\n  \
             policy default: `syscalls.kill` lists the calls that end a run, and every foreign ABI ends it\n"
        );
        assert_eq!(told(Verdict::Cancelled), "remand: cancelled; every process of the run is gone\n");
        assert_eq!(
            told(Verdict::NoResult),
            "remand: the process exited with status 0 before it gave a result\n  return a value instead of exiting\n"
        );
        assert_eq!(
            told(Verdict::MalformedResult { reason: "two final frames".into() }),
            "remand: the result channel carried what the protocol does not allow: two final frames\n  \
             file descriptor 4 is the result's: the code wrote to it, closed it, or tampered with the executor\n"
        );
        assert_eq!(
            told(Verdict::NotStarted { step: Step::Landlock, index: 2, errno: 1, hint: "first\nsecond".into() }),
            "remand: not started: step landlock, number 2 of its kind: EPERM (Operation not permitted)\n  first\n  second\n"
        );
        assert_eq!(
            told(Verdict::NotStarted { step: Step::Plan, index: 0, errno: 0, hint: String::new() }),
            "remand: not started: step plan\n"
        );
        assert_eq!(
            told(Verdict::Internal { message: "poll: EBADF".into() }),
            "remand: remand itself failed: poll: EBADF\n  this is a bug; please report it\n"
        );
    }

    #[test]
    fn a_limit_is_told_with_its_numbers_and_its_line() {
        let advice = |field| format!("  to allow more, raise `{field}` in policy default or in one that extends it, and check --set\n");
        assert_eq!(
            over(LimitKind::Memory, 64 << 20, (64 << 20) + 1, Unit::Bytes, "memory.events oom_kill"),
            format!("remand: over limits.memory: 64 MiB allowed, 64.01 MiB seen (memory.events oom_kill)\n{}", advice("limits.memory"))
        );
        assert_eq!(
            over(LimitKind::WallTime, 10_000_000, 10_001_234, Unit::Us, "the monotonic clock"),
            format!("remand: over limits.wall_time: 10 s allowed, 10.01 s seen (the monotonic clock)\n{}", advice("limits.wall_time"))
        );
        assert_eq!(
            over(LimitKind::TmpInodes, 64, 64, Unit::Inodes, "statfs"),
            format!("remand: over filesystem.tmp.inodes: 64 inodes allowed, 64 inodes seen (statfs)\n{}", advice("filesystem.tmp.inodes"))
        );
    }

    #[test]
    fn anothers_limit_is_not_told_as_the_runs() {
        let of = |level| {
            let (unit, source) = (Unit::Bytes, "a counter".into());
            told(Verdict::Exceeded { limit: LimitKind::Memory, allowed: 40 << 20, seen: 40 << 20, unit, source, level })
        };
        assert_eq!(
            of(Level::Container),
            "remand: out of memory, not by the run's own limit but by that of the container or service that the run is in: 40 MiB allowed, 40 MiB seen \
             (a counter)\n  raise the memory limit of that cgroup, or run fewer jobs in it at once\n"
        );
        assert!(of(Level::Host).contains("that of the host: ") && !of(Level::Host).contains("limits.memory"));
    }

    #[test]
    fn amounts_are_short_and_never_rounded_down() {
        let shown = [0, 999, 1000, 1_999_999, 2_000_000, u64::MAX].map(|us| amount(us, Unit::Us));
        assert_eq!(shown, ["0 µs", "999 µs", "1 ms", "2 s", "2 s", "18446744073709.56 s"]);
        assert_eq!(amount(1 << 30, Unit::Bytes), "1 GiB");
        assert_eq!(amount((1 << 20) - 1, Unit::Bytes), "1024 KiB");
        assert_eq!(amount(3, Unit::Tasks), "3 tasks");
    }

    #[test]
    fn denied_calls_are_told_with_the_line_that_allows_them() {
        let violation = |count, args| Violation {
            syscall: "socket".into(),
            args,
            count,
            answered: Answered::Eperm,
            remedy: Remedy::None(NoRemedy::Unknown(9)),
        };
        let mut run = outcome(Verdict::Raised);
        run.violations = vec![violation(1, [2, 1, 0, 0, 0, 0]), violation(7, [0; 6])];
        assert_eq!(
            account(&run),
            "remand: the code raised an exception\n  denied: socket(0x2, 0x1), answered EPERM\n    none: this build knows no system call 9, and no policy can allow it\n  \
             denied: socket(), 7 times, answered EPERM\n    none: this build knows no system call 9, and no policy can allow it\n"
        );
        run.violations = vec![violation(1, [1; 6]); DENIED_SHOWN + 1];
        assert!(account(&run).ends_with("  more calls were denied; --json lists them\n"));
        assert_eq!(account(&run).matches("denied: ").count(), DENIED_SHOWN);
    }

    #[test]
    fn a_denied_call_is_told_beside_an_exception_that_it_can_have_led_to() {
        let remedy = Remedy::None(NoRemedy::Foreign);
        let told = |kind: &str, message: &str, stack: &str, answered| {
            let error = ErrorFrame { kind: kind.into(), message: message.into(), stack: stack.into(), ..ErrorFrame::default() };
            let violation = Violation { syscall: "mbind".into(), args: [0; 6], count: 1, answered, remedy: remedy.clone() };
            let run = Outcome { error: Some(error), violations: vec![violation], ..outcome(Verdict::Raised) };
            account(&run).contains("denied: mbind")
        };
        let (eperm, enosys) = (Answered::Eperm, Answered::Enosys);
        assert!(told("PermissionError", "[Errno 1] Operation not permitted", "", eperm));
        assert!(told("Oops", "wrapped", "PermissionError: [Errno 13] no\n\nThe above exception", eperm));
        assert!(told("OSError", "no number", "", eperm));
        assert!(told("RuntimeError", "can't start new thread", "", eperm));
        assert!(told("OSError", "[Errno 38] Function not implemented", "", enosys));
        assert!(!told("OSError", "[Errno 38] Function not implemented", "", eperm));
        assert!(!told("PermissionError", "[Errno 1] Operation not permitted", "", enosys));
        assert!(!told("FileNotFoundError", "[Errno 2] No such file", "", eperm));
        assert!(!told("ValueError", "bad", "ValueError: bad", eperm));
        assert!(told("ValueError", "bad", "", Answered::EndOfRun), "what ended the run is always told");
    }
}
