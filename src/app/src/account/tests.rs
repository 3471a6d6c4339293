//! The account of each ending.

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
    assert_eq!(told(Verdict::NotStarted { step: Step::Plan, index: 0, errno: 0, hint: String::new() }), "remand: not started: step plan\n");
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
