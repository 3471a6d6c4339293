//! How runs end: by every signal, with a stopped process in the way, with descriptors in flight; and what the record then says.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use remand_tests::command::{Call, Ended, binary, scale, until};
use remand_tests::facts::{CGROUP_MEMORY, need};
use remand_tests::installation::Installation;
use remand_tests::observe::Seen::{At, Denied, Granted, Value, Verdict};
use remand_tests::observe::compare;
use remand_tests::processes::{appears, named, vanishes};
use remand_tests::scratch::Scratch;
use remand_tests::technique::{Control, Technique};
use remand_tests::{Check, End, ensure, policy_text, probe, trial};
use serde_json::{Value as Json, json};

/// Numbers that the run's start used, and others.
const NUMBERS: &str = r#"{"bytes":65536,"numbers":[3,5,6,7,9,20,64,100]}"#;

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new(
        "descriptors_in_flight",
        probe!("in_flight"),
        &[Value(r#"{"sendmsg":["EPERM"],"sendmmsg":["EPERM"]}"#), Denied("sendmsg", "EPERM"), Denied("sendmmsg", "EPERM")],
        Control::Calls(&["sendmsg", "sendmmsg"], &[At("/sendmsg", r#"["ok"]"#), At("/sendmmsg", r#"["ok"]"#), Granted("sendmsg")]),
    )
    .query(NUMBERS)
    .policy(r#"{"syscalls":{"allow":{"remove":["@unix_sockets"]}}}"#),
    Technique::new(
        "a_childs_call_that_ends_the_run",
        probe!("killed_child"),
        &[Verdict("violated"), Denied("ptrace", "end of the run")],
        Control::Policy("{}", &[Value("0"), Denied("ptrace", "EPERM")]),
    )
    .policy(r#"{"syscalls":{"kill":["ptrace"]}}"#),
];

/// What is seen from outside of the run.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("endings::descriptors_in_flight_under_shipped_policies [9.8]", under_shipped_policies),
        trial("endings::what_is_in_flight_is_given_back [9.8]", given_back),
        trial("endings::every_signal_cancels [9.14]", every_signal_cancels),
        trial("endings::an_ignored_signal_stays_ignored [9.14]", ignored_stays_ignored),
        trial("endings::a_stopped_process_of_the_start [9.14]", stopped_at_the_start),
        trial("endings::a_stopped_init [9.14]", stopped_init),
        trial("endings::a_signal_while_an_interpreter_is_asked_cancels [9.76]", while_asked),
        trial("endings::a_fifo_is_not_waited_for [9.14]", fifos),
        trial("endings::a_stopped_supervisor_counts_right [9.14]", stopped_supervisor),
        trial("endings::a_stopped_supervisor_lifts_no_limit [9.14]", overslept),
        trial("endings::answered_denials_are_recorded [9.13]", denials_under_a_timer),
    ]
}

/// A name of at most 15 bytes, which is what the kernel keeps.
fn mark(what: &str) -> String {
    format!("{what}-{}", std::process::id())
}

fn outcome(code: &str, args: &[&str]) -> Result<Json, End> {
    Call::run(code, &args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()).end()?.outcome()
}

/// Each step once.
fn timing_is_short(outcome: &Json) -> Check {
    let mut steps: Vec<_> = outcome["timing"].as_array().into_iter().flatten().map(|timing| timing["step"].to_string()).collect();
    let all = steps.len();
    steps.sort();
    steps.dedup();
    ensure(all > 5 && all == steps.len(), "a step of timing is there once", &outcome["timing"])
}

fn under_shipped_policies() -> Check {
    let scratch = Scratch::new();
    let shipped = |name: &str| policy_text::extending(name, &scratch, &json!({})).display().to_string();
    for name in ["default", "numeric"] {
        let outcome = outcome(&probe!("in_flight").code(), &["--policy", &shipped(name), "--query", NUMBERS])?;
        // A host without numpy still starts numeric. Descriptors for a forkserver's processes can be sent, and what is left of them is told.
        compare(&outcome, &[At("/sendmsg", r#"["ok"]"#), At("/sendmmsg", r#"["EPERM"]"#)])?;
        ensure(outcome["enforcement"].get("given_back").is_some(), "the record says what is held after the end", &outcome["enforcement"])?;
    }
    let strict = outcome("import ctypes\nreturn ctypes.CDLL(None).sendmsg(5, 0, 0)", &["--policy", &shipped("strict")])?;
    compare(&strict, &[Value("-1"), Denied("sendmsg", "EPERM")]).map_err(End::Fail)
}

fn given_back() -> Check {
    let scratch = Scratch::new();
    let lifted = policy_text::write(&scratch, &policy_text::lifting(&["sendmsg", "sendmmsg"])).display().to_string();
    let query = r#"{"bytes":16777216,"numbers":[5,6,7,8]}"#;
    let outcome = outcome(&probe!("in_flight").code(), &["--policy", &lifted, "--query", query])?;
    // The control: everything was in flight when the run ended.
    compare(&outcome, &[At("/sendmsg", r#"["ok"]"#)])?;
    timing_is_short(&outcome)?;
    let said = &outcome["enforcement"]["given_back"];
    let wanted = if need(&[CGROUP_MEMORY]).is_ok() { "by" } else { "substitute" };
    ensure(said.get(wanted).is_some(), "the record says what is held after the end", &outcome["enforcement"])?;
    let strict = policy_text::extending("strict", &scratch, &json!({})).display().to_string();
    let none = self::outcome("return 1", &["--policy", &strict])?;
    ensure(none["enforcement"].get("given_back").is_none(), "nothing to tell where nothing can be in flight", &none["enforcement"])
}

/// Starts the daemon probe, waits until it is there, does this to the command, and gives its end.
fn during(name: &str, act: impl FnOnce(Pid)) -> Result<Ended, End> {
    let query = format!("{{\"name\":\"{name}\",\"stay\":true}}");
    let started = Call::run(&probe!("daemon").code(), &["--query".to_owned(), query]).start();
    let seen = appears(name).is_some();
    act(started.pid());
    let ended = started.end()?;
    ensure(seen, "the run was there", &ended)?;
    ensure(named(name).is_empty(), "no process of it is left", &named(name))?;
    Ok(ended)
}

fn send(pid: Pid, number: i32) {
    let _ = Call::program(Path::new("/bin/sh"), &["-c", &format!("kill -{number} {pid}")]).end();
}

fn is_cancelled(ended: Ended, what: &str) -> Check {
    let code = ended.code;
    let outcome = ended.outcome()?;
    ensure(code == Some(7) && outcome["verdict"]["kind"] == "cancelled", what, &(code, &outcome["verdict"]))?;
    timing_is_short(&outcome)
}

fn every_signal_cancels() -> Check {
    // By number, the same on both instruction sets: all whose default ends a process, but for SIGKILL, and SIGPIPE and SIGXFSZ, which the command ignores.
    for number in [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 15, 16, 24, 26, 27, 29, 30, 31, 34, 40, 64] {
        let ended = during(&mark("sig"), |pid| send(pid, number))?;
        is_cancelled(ended, &format!("signal {number} cancels, with a record"))?;
    }
    let ended = during(&mark("sig"), |pid| {
        for _ in 0..3 {
            let _ = kill(pid, Signal::SIGTERM);
        }
    })?;
    is_cancelled(ended, "a second and a third signal change nothing")?;
    // Whenever they come: while the run ends, and while its record is written.
    let ended = during(&mark("sig"), |pid| {
        while !gone(pid) {
            let _ = kill(pid, Signal::SIGTERM);
        }
    })?;
    is_cancelled(ended, "nor do signals without end")
}

fn ignored_stays_ignored() -> Check {
    let name = mark("ign");
    let code = format!("{}\nsyscall('prctl', 15, b'{name}', 0, 0, 0)\nimport time\ntime.sleep(1)\nreturn 'whole'", probe_native());
    let run = |before: &str| -> Result<Json, End> {
        let command = format!("{before} exec '{}' run --json -", binary().display());
        let started = Call::program(Path::new("/bin/sh"), &["-c", &command]).input(code.as_bytes()).start();
        let seen = appears(&name).is_some();
        send(started.pid(), 1);
        let ended = started.end()?;
        ensure(seen, "the run was there", &ended)?;
        ended.outcome()
    };
    compare(&run("trap '' HUP;")?, &[Value("\"whole\"")])?;
    let control = run("")?;
    ensure(control["verdict"]["kind"] == "cancelled", "where it is not ignored, SIGHUP cancels", &control["verdict"])
}

/// The raw calls alone.
fn probe_native() -> String {
    probe::Probe { name: "", text: "# honest\n# needs: native\n" }.code()
}

fn children(pid: Pid) -> Vec<Pid> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).map(Pid::from_raw).collect()
}

/// The first child that a start makes, whatever it is for, is stopped as soon as it is seen: nothing waits for it without an end.
fn stopped_at_the_start() -> Check {
    let mut cancelled = 0;
    for _ in 0..20 {
        let mut started = Call::run("return 1", &[]).start();
        let found = until(|| children(started.pid()).first().copied().map(Some).or_else(|| gone(started.pid()).then_some(None))).flatten();
        if let Some(child) = found {
            let _ = kill(child, Signal::SIGSTOP);
        }
        // Whoever it was: if the start can go on without it, it does, else it is cancelled.
        until(|| (gone(started.pid()) || asleep(started.pid())).then_some(()));
        started.signal(Signal::SIGINT);
        let ended = started.end()?;
        // A child that only looks at the host is made before there is a run to cancel.
        ensure(ended.code.is_some_and(|code| code == 0 || code == 7) || ended.signal == Some(2), "it ends", &ended)?;
        cancelled += i32::from(ended.code == Some(7));
        if let Some(child) = found {
            let _ = kill(child, Signal::SIGCONT);
        }
    }
    ensure(cancelled > 0, "some of the children were needed", &cancelled)
}

fn state(pid: Pid) -> Option<char> {
    fs::read_to_string(format!("/proc/{pid}/stat")).ok()?.rsplit_once(") ")?.1.chars().next()
}

fn gone(pid: Pid) -> bool {
    matches!(state(pid), None | Some('Z' | 'X'))
}

fn asleep(pid: Pid) -> bool {
    state(pid) == Some('S')
}

fn while_asked() -> Check {
    let made = Installation::new()?;
    let module = made.library("json/__init__.py"); // which asking needs
    let text = fs::read_to_string(&module)?;
    fs::write(&module, format!("import time\ntime.sleep(9)\n{text}"))?;
    let python = made.path("base/bin/python3");
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({ "python": { "interpreter": python } })).display().to_string();
    for args in [["run", "--json", "--policy", &policy, "-"], ["exec", "--json", "--", &python, "-V"]] {
        let mut started = Call::new(&args).input(b"return 1").start();
        ensure(until(|| children(started.pid()).pop()).is_some(), "the interpreter is asked", &args)?;
        started.signal(Signal::SIGTERM);
        let ended = started.end()?;
        let code = ended.code;
        let verdict = ended.outcome()?["verdict"]["kind"].clone();
        ensure(code == Some(7) && verdict == "cancelled", "a record says so", &(&args, code, verdict))?;
    }
    Ok(())
}

fn stopped_init() -> Check {
    let ended = during(&mark("ini"), |pid| {
        for child in children(pid) {
            let _ = kill(child, Signal::SIGSTOP);
        }
        let _ = kill(pid, Signal::SIGINT);
    })?;
    is_cancelled(ended, "a stopped init holds nothing up")
}

fn fifos() -> Check {
    let scratch = Scratch::new();
    let fifo = scratch.path().join("fifo");
    let made = Call::program(Path::new("/usr/bin/mkfifo"), &[&fifo]).end()?;
    ensure(made.code == Some(0), "a FIFO is made", &made)?;
    let fifo = fifo.display().to_string();
    let code = scratch.file("code.py", "return len(_items)").display().to_string();
    let rows: [&[&str]; 5] = [
        &["run", &fifo],
        &["run", "--items", &fifo, &code],
        &["run", "--security-config", &fifo, &code],
        &["run", "--policy", &fifo, &code],
        &["policy", "check", &fifo],
    ];
    for args in rows {
        let ended = Call::new(args).end()?;
        ensure(matches!(ended.code, Some(1 | 2)) && ended.err().contains(&fifo), "refused by name, and not waited for", &(args, &ended))?;
    }
    let ended = Call::new(&["exec", "--", &fifo]).end()?;
    ensure(ended.code == Some(10), "no program", &ended)?;
    // The controls: what the caller hands over is read.
    let ended = Call::new(&["run", "/dev/stdin"]).input(b"return 5").end()?;
    ensure(ended.out().trim() == "5", "/dev/stdin is read", &ended)?;
    let handed = format!("exec 7<&0 </dev/null; exec '{}' run --items /proc/self/fd/7 '{code}'", binary().display());
    let ended = Call::program(Path::new("/bin/sh"), &["-c", &handed]).input(b"[{},{}]").end()?;
    ensure(ended.out().trim() == "2", "a pipe of the shell is read", &ended)
}

/// A run that has this name for so long, while its supervisor is stopped until it has ended and longer.
fn while_stopped(name: &str, seconds: f64, args: &[&str]) -> Result<Json, End> {
    let sleep = format!("import time\ntime.sleep({seconds})\nreturn 'slept'");
    let code = format!("{}\nsyscall('prctl', 15, b'{name}', 0, 0, 0)\n{sleep}", probe_native());
    let started = Call::run(&code, &args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()).start();
    let seen = appears(name).is_some();
    let _ = kill(started.pid(), Signal::SIGSTOP);
    let over = vanishes(name);
    std::thread::sleep(std::time::Duration::from_secs(2)); // what must not count
    let _ = kill(started.pid(), Signal::SIGCONT);
    let ended = started.end()?;
    ensure(seen && over, "the run was there, and ended by itself", &ended)?;
    ended.outcome()
}

fn stopped_supervisor() -> Check {
    let outcome = while_stopped(&mark("slp"), 0.5, &["--set", &format!("limits.wall_time={}s", 2 * scale())])?;
    compare(&outcome, &[Value("\"slept\"")])?;
    let wall = outcome["usage"]["wall_ms"].as_f64().unwrap_or(0.0);
    ensure(wall > 400.0 && wall < 2000.0 * f64::from(scale()), "the wall time is the run's, not its supervisor's", &wall)
}

fn overslept() -> Check {
    let outcome = while_stopped(&mark("ovr"), 2.0 * f64::from(scale()), &["--set", &format!("limits.wall_time={}s", scale())])?;
    compare(&outcome, &[remand_tests::observe::Seen::Exceeded("wall_time")]).map_err(End::Fail)
}

fn denials_under_a_timer() -> Check {
    let outcome = outcome(&probe!("under_a_timer").code(), &[])?;
    let answers = &outcome["value"];
    let (denied, interrupted) = (answers["EPERM"].as_u64().unwrap_or(0), answers["EINTR"].as_u64().unwrap_or(0));
    ensure(denied > 0 && denied + interrupted == 300, "no call gets through", answers)?;
    let counted: Vec<_> = outcome["violations"].as_array().into_iter().flatten().filter(|seen| seen["syscall"] == "mount").collect();
    ensure(
        counted.len() == 1 && counted[0]["count"].as_u64().is_some_and(|count| (denied..=300).contains(&count)),
        "each that was answered is recorded",
        &json!([answers, counted]),
    )
}
