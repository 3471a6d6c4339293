#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;
use std::time::Duration;

use remand_policy::policy::NetworkMode;
use remand_syscalls::Rules;
use remand_syscalls::bpf::Instruction;

use super::*;
use crate::evidence::{Cleanup, Confinement, Counters, Ended, FrameEnd, Groups, InFlight, MemoryLevel, Start, StepFailure, Stop};
use crate::frames::{Bounds, ErrorFrame, FrameError, Overflow};
use crate::limit::{LimitKind, Shape};
use crate::plan::{CgroupLimits, Command, CommandKind, Root, TmpMount, rlimit};
use crate::step::Step;

fn plan(kind: CommandKind, filtered: bool) -> Plan {
    Plan {
        rules: Rules::default(),
        quiet: std::collections::BTreeSet::new(),
        policy_name: String::new(),
        policy_hash: String::new(),
        root: Root::default(),
        tmp: TmpMount { size: 4096, inodes: 8, exec: false },
        proc: true,
        network: NetworkMode::None,
        cgroup: Some(CgroupLimits { memory: Some(64 << 20), use_memory: true, ..CgroupLimits::default() }),
        rlimits: vec![(rlimit::FSIZE, 4096, 4096), (rlimit::NPROC, 17, 17)],
        memory_watch: None,
        wall_time: Some(Duration::from_secs(1)),
        cpu_time: Some(Duration::from_millis(500)),
        landlock: None,
        normal_filter: None,
        tty: false,
        filter: if filtered { vec![Instruction { code: 6, jt: 0, jf: 0, k: 0 }] } else { Vec::new() },
        command: Command { path: String::new(), argv: Vec::new(), env: Vec::new(), cwd: String::new(), kind },
        bounds: Bounds {
            stdin: 5,
            stdout: 10,
            stderr: 20,
            prints: 30,
            overflow: Overflow::End,
            result_size: 40,
            result_depth: 50,
            result_nodes: 60,
            job_size: 70,
            artifacts: 80,
            artifact_files: 90,
        },
        enforcement: BTreeMap::new(),
    }
}

fn evidence(frames: FrameEnd, ended: Ended) -> Evidence {
    Evidence { ready: true, frames, ended, host_memory: 2 << 30, ..Evidence::unmade(Start::Done, None) }
}

fn error() -> FrameEnd {
    FrameEnd::Error(ErrorFrame::default())
}

fn executor(evidence: &Evidence) -> Verdict {
    judge(evidence, &plan(CommandKind::Executor, true))
}

fn limit(verdict: &Verdict) -> Option<(LimitKind, u64, u64)> {
    match verdict {
        Verdict::Exceeded { limit, allowed, seen, source, .. } if !source.is_empty() => Some((*limit, *allowed, *seen)),
        _ => None,
    }
}

#[test]
fn endings_without_a_limit() {
    let signaled = |signal, name: &str| Verdict::Signaled { signal, name: name.to_owned() };
    let cut = || FrameEnd::Refused(FrameError::CutShort { missing: 3 });
    let bad = |text: &str| FrameEnd::Refused(FrameError::Malformed(text.to_owned()));
    let malformed = |reason: &str| Verdict::MalformedResult { reason: reason.to_owned() };
    let rows = [
        (FrameEnd::Done, Ended::Exited(0), Verdict::Finished),
        (FrameEnd::Done, Ended::Exited(1), Verdict::Exited { code: 1 }),
        (FrameEnd::Done, Ended::Signaled(11), signaled(11, "SIGSEGV")),
        (error(), Ended::Exited(1), Verdict::Raised),
        (error(), Ended::Exited(0), Verdict::Raised),
        (error(), Ended::Signaled(9), signaled(9, "SIGKILL")),
        // O6: success without a value is none.
        (FrameEnd::None, Ended::Exited(0), Verdict::NoResult),
        // O14: codes that look like a shell's or a supervisor's are codes.
        (FrameEnd::None, Ended::Exited(137), Verdict::Exited { code: 137 }),
        (FrameEnd::None, Ended::Exited(124), Verdict::Exited { code: 124 }),
        (FrameEnd::None, Ended::Exited(159), Verdict::Exited { code: 159 }),
        (FrameEnd::None, Ended::Signaled(9), signaled(9, "SIGKILL")),
        // O1 to O5: what is no frame, two frames, cut frames.
        (bad("bytes after the final frame"), Ended::Exited(0), malformed("bytes after the final frame")),
        (bad("x"), Ended::Signaled(9), malformed("x")),
        (cut(), Ended::Exited(0), malformed("the result pipe was closed inside a frame, 3 bytes short")),
        (cut(), Ended::Signaled(11), signaled(11, "SIGSEGV")),
    ];
    for (frames, ended, verdict) in rows {
        let evidence = evidence(frames, ended);
        assert_eq!(executor(&evidence), verdict, "{evidence:?}");
    }
    assert!(matches!(executor(&evidence(FrameEnd::Done, Ended::Unknown)), Verdict::Internal { .. }));
}

#[test]
fn programs_in_python_end_by_their_status() {
    let cut = || FrameEnd::Refused(FrameError::CutShort { missing: 3 });
    let signaled = |signal, name: &str| Verdict::Signaled { signal, name: name.to_owned() };
    let program = |evidence| executor(&Evidence { program: true, ..evidence });
    let exited = |code| Verdict::Exited { code };
    let rows = [
        (FrameEnd::None, Ended::Exited(0), Verdict::Finished),
        (FrameEnd::Done, Ended::Exited(0), Verdict::Finished),
        // os._exit(0) in an atexit handler, after an exception was told.
        (error(), Ended::Exited(0), Verdict::Finished),
        (cut(), Ended::Exited(0), Verdict::Finished),
        (error(), Ended::Exited(1), Verdict::Raised),
        (FrameEnd::None, Ended::Exited(1), exited(1)),
        (FrameEnd::Done, Ended::Exited(1), exited(1)),
        (error(), Ended::Exited(3), exited(3)),
        (cut(), Ended::Exited(3), exited(3)),
        (FrameEnd::None, Ended::Exited(137), exited(137)),
        // KeyboardInterrupt that nobody caught.
        (error(), Ended::Signaled(2), signaled(2, "SIGINT")),
        (FrameEnd::Done, Ended::Signaled(11), signaled(11, "SIGSEGV")),
        (cut(), Ended::Signaled(9), signaled(9, "SIGKILL")),
    ];
    for (frames, ended, verdict) in rows {
        assert_eq!(program(evidence(frames.clone(), ended)), verdict, "{frames:?} {ended:?}");
    }
    let bad = evidence(FrameEnd::Refused(FrameError::Malformed("x".into())), Ended::Exited(0));
    assert!(matches!(program(bad), Verdict::MalformedResult { .. }));
    let silent = Evidence { ready: false, ..evidence(FrameEnd::None, Ended::Exited(0)) };
    assert!(matches!(program(silent), Verdict::NotStarted { .. }));
    let full =
        Evidence { counters: Counters { tmp_used: Some((4096, 4096)), ..Counters::default() }, ..evidence(error(), Ended::Exited(1)) };
    assert_eq!(limit(&program(full)), Some((LimitKind::TmpSize, 4096, 4096)));
}

#[test]
fn plain_programs() {
    for (ended, verdict) in [(Ended::Exited(0), Verdict::Finished), (Ended::Exited(137), Verdict::Exited { code: 137 })] {
        assert_eq!(judge(&evidence(FrameEnd::None, ended), &plan(CommandKind::Program, true)), verdict);
    }
}

#[test]
fn the_supervisors_reason_comes_first() {
    let counters = Counters {
        wall: Duration::from_micros(1_000_007),
        cpu_user: Duration::from_micros(400_000),
        cpu_system: Duration::from_micros(100_001),
        memory_peak: Some(65 << 20),
        stdin: 8,
        stdout: 10,
        stderr: 25,
        prints: 32,
        ..Counters::default()
    };
    let rows = [
        (Stop::Limit(LimitKind::WallTime), (LimitKind::WallTime, 1_000_000, 1_000_007)),
        (Stop::Limit(LimitKind::CpuTime), (LimitKind::CpuTime, 500_000, 500_001)),
        (Stop::Limit(LimitKind::Memory), (LimitKind::Memory, 64 << 20, 65 << 20)),
        (Stop::Limit(LimitKind::Stdout), (LimitKind::Stdout, 10, 11)),
        (Stop::Limit(LimitKind::Stderr), (LimitKind::Stderr, 20, 25)),
        (Stop::Limit(LimitKind::Prints), (LimitKind::Prints, 30, 32)),
        (Stop::Limit(LimitKind::ResultSize), (LimitKind::ResultSize, 40, 41)),
        (Stop::Limit(LimitKind::ResultShape), (LimitKind::ResultShape, 60, 61)),
    ];
    for (stop, expected) in rows {
        // Whatever else: a done frame, an exit of its own just before the stop, a signal.
        for ended in [Ended::Exited(0), Ended::Signaled(9), Ended::Signaled(31), Ended::Unknown] {
            let evidence = Evidence { stopped: Some(stop), counters, ..evidence(FrameEnd::Done, ended) };
            assert_eq!(limit(&executor(&evidence)), Some(expected), "{evidence:?}");
        }
    }
    let stopped = |stop| executor(&Evidence { stopped: Some(stop), ready: false, ..evidence(FrameEnd::None, Ended::Signaled(9)) });
    assert_eq!(stopped(Stop::Cancelled), Verdict::Cancelled);
    assert!(matches!(stopped(Stop::Violated), Verdict::Violated { .. }));
    assert!(matches!(stopped(Stop::Internal), Verdict::Internal { .. }));
    assert!(matches!(stopped(Stop::Malformed), Verdict::MalformedResult { .. }));
    assert!(matches!(stopped(Stop::ResultClosed), Verdict::MalformedResult { reason } if reason.contains("closed descriptor 4")));
}

#[test]
fn truncated_output_ends_a_run_at_64_times() {
    let mut plan = plan(CommandKind::Executor, true);
    plan.bounds.overflow = Overflow::Truncate;
    let counters = Counters { stdout: 641, ..Counters::default() };
    let evidence = Evidence { stopped: Some(Stop::Limit(LimitKind::Stdout)), counters, ..evidence(FrameEnd::None, Ended::Signaled(9)) };
    assert_eq!(limit(&judge(&evidence, &plan)), Some((LimitKind::Stdout, 640, 641)));
}

#[test]
fn refused_frames_bring_their_own_counters() {
    let rows = [
        (FrameError::TooLarge { seen: 4_294_967_295, allowed: 40 }, (LimitKind::ResultSize, 40, 4_294_967_295)),
        (FrameError::TooComplex { what: Shape::Depth, seen: 51, allowed: 50 }, (LimitKind::ResultShape, 50, 51)),
        (FrameError::TooComplex { what: Shape::Values, seen: 61, allowed: 60 }, (LimitKind::ResultShape, 60, 61)),
    ];
    for (refused, expected) in rows {
        // The same with and without the stop: whether the run ended before it could be stopped is chance.
        for stopped in [None, Some(Stop::of(&refused))] {
            let evidence = Evidence { stopped, ..evidence(FrameEnd::Refused(refused.clone()), Ended::Signaled(9)) };
            assert_eq!(limit(&executor(&evidence)), Some(expected), "{evidence:?}");
        }
    }
}

#[test]
fn kills_by_the_kernel() {
    let oom = Counters { oom_kills: 1, memory_met: 1, memory_peak: Some(64 << 20), ..Counters::default() };
    let with = |counters, frames, ended| Evidence { counters, ..evidence(frames, ended) };
    let memory = Some((LimitKind::Memory, 64 << 20, 64 << 20));
    assert_eq!(limit(&executor(&with(oom, FrameEnd::None, Ended::Signaled(9)))), memory);
    assert_eq!(limit(&executor(&with(oom, FrameEnd::Refused(FrameError::CutShort { missing: 1 }), Ended::Signaled(9)))), memory);
    assert_eq!(limit(&executor(&with(oom, FrameEnd::None, Ended::Unknown))), memory);
    assert_eq!(limit(&executor(&with(oom, error(), Ended::Exited(1)))), memory, "a child was killed and the code failed of it");
    assert_eq!(executor(&with(oom, FrameEnd::Done, Ended::Exited(0))), Verdict::Finished, "a child was killed and the code coped");

    let watched = Plan { memory_watch: Some(64 << 20), ..plan(CommandKind::Executor, true) };
    let peak = |bytes| Evidence {
        counters: Counters { memory_peak: Some(bytes), ..Counters::default() },
        ..evidence(FrameEnd::Done, Ended::Exited(0))
    };
    assert_eq!(limit(&judge(&peak((64 << 20) + 1), &watched)), Some((LimitKind::Memory, 64 << 20, (64 << 20) + 1)), "no look met it");
    assert_eq!(judge(&peak(64 << 20), &watched), Verdict::Finished);
    assert_eq!(executor(&peak(1 << 40)), Verdict::Finished, "a cgroup held it");

    let xfsz = evidence(FrameEnd::None, Ended::Signaled(25));
    assert_eq!(limit(&executor(&xfsz)), Some((LimitKind::FileSize, 4096, 4096)));
    assert!(matches!(
        judge(&xfsz, &Plan { rlimits: Vec::new(), ..plan(CommandKind::Executor, true) }),
        Verdict::Signaled { signal: 25, .. }
    ));

    let sys = evidence(FrameEnd::None, Ended::Signaled(31));
    assert!(
        matches!(executor(&sys), Verdict::Signaled { signal: 31, .. }),
        "the filter kills nobody by itself: a signal of its own making"
    );

    let cpu = |used| with(Counters { cpu_user: Duration::from_micros(used), ..Counters::default() }, FrameEnd::None, Ended::Signaled(24));
    assert_eq!(limit(&executor(&cpu(500_000))), Some((LimitKind::CpuTime, 500_000, 500_000)));
    assert!(matches!(executor(&cpu(499_999)), Verdict::Signaled { signal: 24, .. }), "a signal of its own making");
}

#[test]
fn limits_that_do_not_kill() {
    let rows = [
        (Counters { pids_peak: Some(16), ..Counters::default() }, (LimitKind::Pids, 16, 16)),
        (Counters { tmp_used: Some((4096, 4096)), ..Counters::default() }, (LimitKind::TmpSize, 4096, 4096)),
        (Counters { tmp_inodes: Some((8, 8)), ..Counters::default() }, (LimitKind::TmpInodes, 8, 8)),
    ];
    for (counters, expected) in rows {
        for (frames, ended) in [(error(), Ended::Exited(1)), (FrameEnd::None, Ended::Exited(1)), (FrameEnd::None, Ended::Signaled(6))] {
            let evidence = Evidence { counters, ..evidence(frames, ended) };
            assert_eq!(limit(&executor(&evidence)), Some(expected), "{evidence:?}");
        }
        assert_eq!(executor(&Evidence { counters, ..evidence(FrameEnd::Done, Ended::Exited(0)) }), Verdict::Finished);
    }
    let almost = Counters { pids_peak: Some(15), tmp_used: Some((4095, 4096)), tmp_inodes: Some((7, 8)), ..Counters::default() };
    assert_eq!(executor(&Evidence { counters: almost, ..evidence(error(), Ended::Exited(1)) }), Verdict::Raised);
}

/// Where nothing refuses a task (user 0 knows no RLIMIT_NPROC), a run can pass its limit and end between two looks.
#[test]
fn tasks_beyond_the_limit_that_no_look_met() {
    let done = |peak| Evidence {
        counters: Counters { pids_peak: Some(peak), ..Counters::default() },
        ..evidence(FrameEnd::Done, Ended::Exited(0))
    };
    assert_eq!(limit(&executor(&done(17))), Some((LimitKind::Pids, 16, 17)));
    assert_eq!(executor(&done(16)), Verdict::Finished, "as many as allowed");
    let group = CgroupLimits { memory: None, pids: Some(16), cpus: None, use_memory: false, use_pids: true, use_cpu: false };
    let by_group = Plan { cgroup: Some(group), ..plan(CommandKind::Executor, true) };
    assert_eq!(judge(&done(17), &by_group), Verdict::Finished, "what a cgroup counts, it refuses");
}

/// A cgroup's `oom_kill` counts any cause; an innocent run, too, is killed when a sibling fills what they share.
#[test]
fn a_memory_verdict_names_the_level_whose_limit_was_met() {
    let above = |name: &str, mib: u64| MemoryLevel { cgroup: name.into(), allowed: mib << 20, seen: (mib << 20) - 4096 };
    let counters = |oom_kills, memory_met| Counters { oom_kills, memory_met, memory_peak: Some(9 << 20), ..Counters::default() };
    let (own, service) = ((Level::Run, 64 << 20, 9 << 20), (Level::Container, 40 << 20, (40 << 20) - 4096));
    let rows = [
        (counters(1, 1), vec![], own),
        (counters(2, 1), vec![above("/service", 40)], own), // as far as it was looked for: its own limit is enough
        (counters(0, 1), vec![], own),                      // stopped before the handler chose
        (counters(2, 0), vec![above("/service", 40), above("/", 90)], service),
        (counters(1, 0), vec![], (Level::Host, 2 << 30, 2 << 30)),
    ];
    for (counters, memory_above, expected) in rows {
        for (stopped, ended) in [
            (Some(Stop::Limit(LimitKind::Memory)), Ended::Signaled(9)),
            (None, Ended::Signaled(9)),
            (None, Ended::Unknown),
            // A child of the code's was killed, and the code failed of it.
            (None, Ended::Exited(1)),
        ] {
            if counters.oom_kills == 0 && stopped.is_none() {
                continue;
            }
            let evidence = Evidence { counters, stopped, memory_above: memory_above.clone(), ..evidence(error(), ended) };
            let Verdict::Exceeded { limit: LimitKind::Memory, allowed, seen, level, source, .. } = executor(&evidence) else {
                panic!("{evidence:?}")
            };
            assert_eq!((level, allowed, seen), expected, "{evidence:?}");
            assert_eq!(source.contains("/service above the run"), level == Level::Container, "{source}");
            assert_eq!(source.contains("of the host"), level == Level::Host, "{source}");
        }
    }
    let innocent = Evidence { memory_above: vec![above("/service", 40)], ..evidence(FrameEnd::None, Ended::Signaled(9)) };
    assert!(matches!(executor(&innocent), Verdict::Signaled { signal: 9, .. }), "nobody of the run was killed for memory");
}

/// `pids.events max` of the run's cgroup counts what a cgroup above it refused (cgroup v1; v2 before Linux 6.11).
#[test]
fn a_pids_verdict_needs_the_refusal_and_the_peak() {
    let group = CgroupLimits { memory: None, pids: Some(16), cpus: None, use_memory: false, use_pids: true, use_cpu: false };
    let (by_group, by_samples) = (Plan { cgroup: Some(group), ..plan(CommandKind::Executor, true) }, plan(CommandKind::Executor, true));
    let rows = [
        (&by_group, 3, Some(16), true),
        (&by_group, 3, Some(15), false), // an ancestor's
        (&by_group, 0, Some(16), false), // as many as allowed, none refused
        (&by_group, 3, None, true),      // this kernel records no peak
        (&by_samples, 0, Some(16), true),
        (&by_samples, 0, Some(15), false),
    ];
    for (plan, pids_denied, pids_peak, told) in rows {
        let counters = Counters { pids_denied, pids_peak, ..Counters::default() };
        let verdict = judge(&Evidence { counters, ..evidence(error(), Ended::Exited(1)) }, plan);
        let expected = if told { Some((LimitKind::Pids, 16, 16)) } else { None };
        assert_eq!(limit(&verdict), expected, "{counters:?}");
        assert!(told || verdict == Verdict::Raised, "{verdict:?}");
    }
}

#[test]
fn starts_that_failed() {
    let failure = StepFailure { step: Step::UserNamespace, index: 0, errno: 1, object: None, cause: None };
    let failed = Evidence { start: Start::Failed(failure), ready: false, ..evidence(FrameEnd::None, Ended::Exited(1)) };
    let Verdict::NotStarted { step, errno: 1, hint, .. } = executor(&failed) else { panic!("not started") };
    assert!(step == Step::UserNamespace && hint.contains("kernel.unprivileged_userns_clone"));
    let about = |object: Option<&str>, cause: Option<&str>, step| {
        let (object, cause) = (object.map(str::to_owned), cause.map(str::to_owned));
        let start = Start::Failed(StepFailure { step, index: 0, errno: 0, object, cause });
        let Verdict::NotStarted { hint, .. } = executor(&Evidence::unmade(start, None)) else { panic!("not started") };
        hint
    };
    assert_eq!(about(Some("the mount at /a"), Some("it is full: empty it"), Step::Root), "the mount at /a: it is full: empty it");
    assert_eq!(about(None, Some("it is full: empty it"), Step::Root), "it is full: empty it");
    assert!(about(Some("all are in use"), None, Step::Ids).starts_with("all are in use: `remand doctor`"));
    let why = "the stack is small";
    let silent = Evidence { ready: false, silent: Some(why.into()), ..evidence(FrameEnd::None, Ended::Exited(1)) };
    assert!(matches!(executor(&silent), Verdict::NotStarted { hint, .. } if hint.ends_with("stderr; the stack is small")));
    for ended in [Ended::Exited(0), Ended::Exited(1), Ended::Signaled(11), Ended::Unknown] {
        let silent = Evidence { ready: false, ..evidence(FrameEnd::None, ended) };
        assert!(matches!(executor(&silent), Verdict::NotStarted { step, .. } if step == Step::Ready), "{silent:?}");
    }
}

/// No policy makes remand fail: one under which a start takes for ever is named.
#[test]
fn a_start_that_takes_too_long_is_told_by_what_held_it_up() {
    let group = CgroupLimits { memory: None, pids: None, cpus: Some(10), use_memory: false, use_pids: false, use_cpu: true };
    let (small, free) = (Plan { cgroup: Some(group), ..plan(CommandKind::Executor, true) }, plan(CommandKind::Executor, true));
    for (plan, cpu_user, named) in
        [(&small, 290, "limits.cpus, 0.01 of a CPU"), (&small, 20, "it waited for something"), (&free, 290, "it waited for something")]
    {
        let counters = Counters { cpu_user: Duration::from_millis(cpu_user), cpu_system: Duration::from_millis(5), ..Counters::default() };
        let stopped = Some(Stop::NeverReady(Duration::from_secs(30)));
        let late = Evidence { counters, stopped, ready: false, ..evidence(FrameEnd::None, Ended::Signaled(9)) };
        let Verdict::NotStarted { step, hint, .. } = judge(&late, plan) else { panic!("{late:?}") };
        assert!(step == Step::Ready && hint.contains(named) && hint.starts_with("not ready 30 s after"), "{hint}");
    }
}

#[test]
fn hints_tell_the_refusals_apart() {
    for (step, errno, part) in [
        (Step::UserNamespace, 13, "apparmor_restrict_unprivileged_userns"),
        (Step::UserNamespace, 28, "max_user_namespaces"),
        (Step::MountNamespace, 1, "AppArmor"),
        (Step::CloneInit, 11, "ulimit -u"),
        (Step::Execve, 2, "loader"),
        (Step::Root, 2, "entry 7"),
        (Step::Landlock, 38, "5.13"),
        (Step::Keyring, 5, "step keyring (number 7) was answered with error 5"),
    ] {
        assert!(hint(step, 7, errno).contains(part), "{step} {errno}: {}", hint(step, 7, errno));
    }
}

#[test]
fn the_supervisors_own_failures_are_told_and_nothing_hides_them() {
    let trouble = Some("poll: too many".to_owned());
    let failed = Evidence { stopped: Some(Stop::Internal), trouble, ..evidence(FrameEnd::Done, Ended::Exited(0)) };
    assert_eq!(executor(&failed), Verdict::Internal { message: "poll: too many".into() });
    let cleanup = Cleanup { failed: Some("cannot remove /run-0".into()), charged: 0 };
    for stopped in [None, Some(Stop::Cancelled), Some(Stop::Internal)] {
        let left = Evidence { stopped, cleanup: cleanup.clone(), ..evidence(FrameEnd::Done, Ended::Exited(0)) };
        assert_eq!(executor(&left), Verdict::Internal { message: "cannot remove /run-0".into() });
    }
}

#[test]
fn what_only_the_start_and_the_end_can_tell_is_in_the_enforcement() {
    let left_out = vec![("/data".into(), "it is not there".into())];
    let plan = Plan { root: Root { left_out, ..Root::default() }, ..plan(CommandKind::Executor, true) };
    assert_eq!(decide(&Evidence::unmade(Start::Done, Some(Stop::Cancelled)), &plan).enforcement, plan.enforcement, "not made");
    let confinement =
        Confinement { own_uid: Some(60001), groups: Groups::Dropped, nested_userns_disabled: true, no_host_name: None, no_oom_score: None };
    let with = |confinement, in_flight, charged| Evidence {
        confinement: Some(confinement),
        in_flight,
        cleanup: Cleanup { failed: None, charged },
        ..evidence(FrameEnd::Done, Ended::Exited(0))
    };
    let told = |evidence: &Evidence| decide(evidence, &plan).enforcement;
    let by = |text: &str| Some(Enforcement::By(text.to_owned()));
    let full = told(&with(confinement, None, 0));
    let get = |what: Protection| full.get(&what).cloned();
    assert_eq!(get(Protection::OwnUid), by("host uid 60001, held by this run alone"));
    let elsewhere = Enforcement::Substitute { by: "a host uid from the pool".into(), because: "of containers".into() };
    let shared = Plan { enforcement: [(Protection::OwnUid, elsewhere)].into(), ..plan.clone() };
    let held = decide(&with(confinement, None, 0), &shared).enforcement.remove(&Protection::OwnUid);
    assert_eq!(held, Some(Enforcement::Substitute { by: "host uid 60001".into(), because: "of containers".into() }));
    assert_eq!(
        (get(Protection::SupplementaryGroups), get(Protection::NestedUserNamespaces)),
        (by("setgroups: none"), by("user.max_user_namespaces = 0 inside"))
    );
    assert!(
        matches!(get(Protection::LeftOut { source: "/data".into() }), Some(Enforcement::Absent(why)) if why.starts_with("it is not there"))
    );
    assert_eq!((full.len(), get(Protection::GivenBack), get(Protection::MemoryReturned)), (4, None, None));
    let own = told(&with(Confinement { own_uid: None, groups: Groups::Kept, nested_userns_disabled: false, ..confinement }, None, 7));
    assert!(!own.contains_key(&Protection::OwnUid));
    for name in [Protection::SupplementaryGroups, Protection::NestedUserNamespaces, Protection::MemoryReturned] {
        assert!(matches!(own.get(&name), Some(Enforcement::Absent(_))), "{name}");
    }
    let named = Plan { enforcement: [(Protection::UtsNamespace, Enforcement::By("a UTS namespace".into()))].into(), ..plan.clone() };
    let refused = Confinement { no_host_name: Some("no"), no_oom_score: Some("never"), ..confinement };
    let less = decide(&with(refused, None, 0), &named).enforcement;
    let nameless =
        Enforcement::Substitute { by: "a UTS namespace, with the host's name".into(), because: "sethostname was refused: no".into() };
    assert_eq!(less.get(&Protection::UtsNamespace), Some(&nameless));
    assert!(matches!(less.get(&Protection::OomScore), Some(Enforcement::Absent(why)) if why.contains("(never)")));
    assert_eq!(told(&with(refused, None, 0)).get(&Protection::UtsNamespace), None, "there is no namespace to have a name in");
    let held = |bytes, pipes| told(&with(confinement, Some(InFlight { bytes, pipes }), 0)).remove(&Protection::GivenBack);
    assert!(matches!(held(Some(0), 0), Some(Enforcement::By(_))));
    assert!(matches!(held(None, 0), Some(Enforcement::Substitute { .. })));
    for (bytes, pipes) in [(Some(1), 0), (Some(0), 1), (None, 1)] {
        assert!(matches!(held(bytes, pipes), Some(Enforcement::Absent(_))), "{bytes:?} {pipes}");
    }
}

#[test]
fn a_container_that_runs_out_of_memory_is_named_where_the_run_was_killed() {
    let full = MemoryLevel { cgroup: "/sys/fs/cgroup/memory/box".into(), allowed: 64 << 20, seen: 64 << 20 };
    let beside =
        |ended, frames| Evidence { killed_beside: 1, memory_above: vec![full.clone()], host_memory: 1 << 30, ..evidence(frames, ended) };
    for ended in [Ended::Signaled(9), Ended::Unknown] {
        let Verdict::Exceeded { limit, allowed, level, source, .. } = executor(&beside(ended, FrameEnd::None)) else { panic!("{ended:?}") };
        assert_eq!((limit, allowed, level), (LimitKind::Memory, 64 << 20, Level::Container));
        assert!(source.contains("/sys/fs/cgroup/memory/box"), "{source}");
    }
    // What another lost there is nothing of a run that ends by itself, or was stopped.
    assert_eq!(executor(&beside(Ended::Exited(0), FrameEnd::Done)), Verdict::Finished);
    assert_eq!(executor(&beside(Ended::Exited(3), FrameEnd::None)), Verdict::Exited { code: 3 });
    let cancelled = Evidence { stopped: Some(Stop::Cancelled), ..beside(Ended::Signaled(9), FrameEnd::None) };
    assert_eq!(executor(&cancelled), Verdict::Cancelled);
}
