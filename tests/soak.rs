//! What many runs leave behind: nothing, however they end.
//!
//! Always holds: runs alone on the harness's side, so that what is counted is its own.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::Call;
use remand_tests::leaks::Traces;
use remand_tests::scratch::Scratch;
use remand_tests::technique::settings_of;
use remand_tests::{Check, End, ensure, trial_alone};

/// Runs at once.
const ABREAST: u64 = 8;

/// The leak check: REMAND_LEAK_RUNS runs, 200 where it is not set.
pub fn trials() -> Vec<Trial> {
    vec![trial_alone("soak::runs_leave_nothing [R14]", runs_leave_nothing)]
}

fn runs_leave_nothing() -> Check {
    let count = std::env::var("REMAND_LEAK_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let scratch = Scratch::new();
    run_one(0, scratch.path())?; // makes what is meant to stay: caches, remand's own cgroup
    let before = Traces::now(&[scratch.path()]);
    let next = AtomicU64::new(0);
    let worker = || -> Check {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            run_one(number, scratch.path())?;
        }
    };
    let results: Vec<Check> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..ABREAST).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err(End::Fail("a worker panicked".to_owned())))).collect()
    });
    results.into_iter().collect::<Check>()?;
    run_one(0, scratch.path())?; // a killed supervisor can't remove its cgroups; the next one does
    let left = Traces::left_since(&before, &[scratch.path()]);
    ensure(left.is_empty(), &format!("nothing is left of {count} runs"), &left)
}

const CALM: &str = "open('/tmp/file', 'w').write('x' * 100000)\nreturn [len(_query or ''), 1]";
const ENDLESS: &str = "import os\nos.fork()\nwhile True: pass";
const CRASH: &str = "import os\nos.fork()\nos.kill(os.getpid(), 11)";
const CHILDREN: &str =
    "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(100000)\nreturn 'left'";
const WAIT: &str = "import time\ntime.sleep(100000)";

/// One run of a kind that its number chooses. Every ending is one that was meant.
fn run_one(number: u64, temporary: &Path) -> Check {
    let call = |code: &str, settings: &[&str]| Call::run(code, &settings_of(settings)).env("TMPDIR", &temporary.display().to_string());
    // Moments spread over the whole life of a run, from before its first step on; the same ones every time.
    let moment = Duration::from_micros(number.wrapping_mul(7919) % 60_000);
    let (expected, outcome) = match number % 8 {
        0..3 => ("finished", call(CALM, &[]).end()?.outcome()?),
        3 => ("exceeded", call(ENDLESS, &["limits.wall_time=200ms"]).end()?.outcome()?),
        4 => ("signaled", call(CRASH, &[]).end()?.outcome()?),
        5 => ("finished", call(CHILDREN, &[]).end()?.outcome()?),
        6 => return interrupt(call(WAIT, &[]), moment, Signal::SIGINT),
        _ => return interrupt(call(CHILDREN, &[]), moment, Signal::SIGKILL),
    };
    ensure(outcome["verdict"]["kind"] == expected, expected, &outcome["verdict"])
}

/// Sends the signal at some moment. A command that was told before it listens dies of it; one that listens answers `cancelled`.
fn interrupt(call: Call, moment: Duration, signal: Signal) -> Check {
    let mut started = call.start();
    std::thread::sleep(moment);
    started.signal(signal);
    let ended = started.end()?;
    if ended.signal.is_some() || signal == Signal::SIGKILL {
        return Ok(());
    }
    let outcome = ended.outcome()?;
    ensure(outcome["verdict"]["kind"] == "cancelled", "a signal cancels", &outcome["verdict"])
}
