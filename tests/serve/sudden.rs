//! Sudden deaths: of a front, a forkserver, an init, the supervisor.

use std::collections::BTreeMap;
use std::fs;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use remand_tests::command::{Call, until};
use remand_tests::daemon::{Daemon, orphans};
use remand_tests::processes::{Process, appears, named, vanishes};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::json;

use super::{finished, goes_on, is_ended, named_as, state, submitted};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("serve::a_front_that_is_killed_is_an_error_and_comes_back", front_killed),
        trial("serve::a_forkserver_or_an_init_that_is_killed_ends_its_run_alone", others_killed),
        trial("serve::a_supervisor_that_is_killed_leaves_no_process", supervisor_killed),
        trial("serve::a_supervisor_that_is_killed_at_any_point_leaves_no_process", any_point),
        trial("serve::whatever_is_killed_at_any_point_clients_are_told_and_nothing_is_left", anybody),
    ]
}

fn front_killed() -> Check {
    let daemon = Daemon::start(&[])?;
    for number in 0..3 {
        let name = format!("rs-front-{number}");
        let body = json!({ "code": goes_on(&name) }).to_string();
        let waits = daemon.curl(None, &["-d", &body], "/v1/runs")?.spawn()?;
        ensure(appears(&name).is_some(), "it runs", &daemon.log())?;
        let front = daemon.fronts().first().ok_or_else(|| "no front".to_owned())?.pid;
        kill(Pid::from_raw(front), Signal::SIGKILL).map_err(|errno| errno.to_string())?;
        let told = waits.wait_with_output()?;
        ensure(!told.status.success(), "an error, not silence", &told)?;
        is_ended(&daemon, &name)?;
        finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    }
    Ok(())
}

fn others_killed() -> Check {
    let daemon = Daemon::start(&[])?;
    let beside = submitted(&daemon, &goes_on("rs-beside"))?;
    ensure(appears("rs-beside").is_some(), "one beside it", &daemon.log())?;
    let before: Vec<_> = daemon.others().iter().map(|process| process.pid).collect();
    for number in 0..2 {
        let name = format!("rs-part-{number}");
        let body = json!({ "code": goes_on(&name) }).to_string();
        let waits = daemon.curl(None, &["-d", &body], "/v1/runs")?.spawn()?;
        ensure(appears(&name).is_some(), "it runs", &daemon.log())?;
        let parts: Vec<_> = daemon.others().into_iter().filter(|process| !before.contains(&process.pid)).collect();
        let part = if number == 0 { parts.first() } else { parts.last() };
        kill(Pid::from_raw(part.ok_or_else(|| "no process of its".to_owned())?.pid), Signal::SIGKILL).map_err(|errno| errno.to_string())?;
        let told = waits.wait_with_output()?;
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        ensure(text.contains("HTTP 200") && !text.contains("\"kind\":\"finished\""), "an outcome that says so", &text)?;
        is_ended(&daemon, &name)?;
    }
    ensure(state(&daemon, &beside)?["state"] == "running" && named("rs-beside").len() == 1, "the other goes on", &daemon.log())
}

fn supervisor_killed() -> Check {
    let daemon = Daemon::start(&[])?;
    let name = "rs-orphan";
    let detached = submitted(&daemon, &goes_on(name))?;
    let body = json!({ "code": goes_on(name) }).to_string();
    let waits = daemon.curl(None, &["-d", &body], "/v1/runs")?.spawn()?;
    ensure(until(|| (named(name).len() == 2).then_some(())).is_some(), "both run", &daemon.log())?;
    let fronts = daemon.fronts();
    daemon.signal(Signal::SIGKILL);
    let told = waits.wait_with_output()?;
    ensure(!told.status.success(), "an error, not silence", &told)?;
    ensure(vanishes(name), "no run is left", &named(name))?;
    let left = || fronts.iter().filter(|front| fs::metadata(format!("/proc/{}", front.pid)).is_ok()).count();
    ensure(until(|| (left() == 0).then_some(())).is_some(), "no front is left", &left())?;
    // Its socket is left, and taken over.
    let scratch = Scratch::new();
    fs::rename(daemon.socket(), scratch.path().join("s.sock"))?;
    let next = Daemon::beside(scratch, |socket| Call::new(&["serve", "--log", "json", "--socket", socket]))?;
    finished(&next.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    ensure(state(&next, &detached)?["status"] == 404, "what was before is not known", &next.log())
}

/// The same numbers each time: xorshift, Marsaglia, 2003.
fn numbers() -> impl Iterator<Item = u64> {
    let next = |seed: &u64| {
        let seed = seed ^ seed << 13;
        let seed = seed ^ seed >> 7;
        Some(seed ^ seed << 17)
    };
    std::iter::successors(Some(0x9e37_79b9_7f4a_7c15), next).skip(1)
}

/// Points in the first tenth of a second, which has the starts of a front, a forkserver and a run.
fn any_point() -> Check {
    for (number, seed) in numbers().take(12).enumerate() {
        let name = format!("rs-any-{number}");
        let daemon = Daemon::start(&[])?;
        let body = json!({ "code": goes_on(&name) }).to_string();
        let ask = || -> Result<Child, End> { Ok(daemon.curl(None, &["-d", &body], "/v1/runs")?.spawn()?) };
        let clients = [ask()?, ask()?];
        sleep(Duration::from_micros(seed % 100_000));
        daemon.signal(Signal::SIGKILL);
        for client in clients {
            let told = client.wait_with_output()?;
            ensure(!told.status.success(), "an error, not silence", &told)?;
        }
        ensure(vanishes(&name), "no run is left", &named(&name))?;
    }
    ensure(until(|| orphans().is_empty().then_some(())).is_some(), "no front is left", &orphans())
}

/// Supervisor, front, forkserver or init, so many times (REMAND_KILLS), while two runs begin; one ends, the other does not by itself.
fn anybody() -> Check {
    let kills = std::env::var("REMAND_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(16);
    let mut daemon = Daemon::start(&[])?;
    let mut killed = BTreeMap::new();
    for (number, seed) in numbers().take(kills).enumerate() {
        let name = format!("rs-who-{number}");
        let ask = |code: String| -> Result<Child, End> {
            Ok(daemon.curl(None, &["-d", &json!({ "code": code }).to_string()], "/v1/runs")?.spawn()?)
        };
        let (ends, mut goes) = (ask(format!("{}\nimport time\ntime.sleep(0.03)\nreturn 7", named_as(&name)))?, ask(goes_on(&name))?);
        sleep(Duration::from_micros(seed % 80_000));
        let pids = |processes: Vec<Process>| processes.iter().map(|process| process.pid).collect::<Vec<_>>();
        let kinds =
            [("supervisor", vec![daemon.pid().as_raw()]), ("front", pids(daemon.fronts())), ("forkserver or init", pids(daemon.others()))];
        let there: Vec<_> = kinds.iter().filter(|(_, pids)| !pids.is_empty()).collect();
        let chance = usize::try_from(seed >> 32).unwrap_or(0);
        let (kind, pids) = there[chance % there.len()];
        let victim = pids[chance / 3 % pids.len()];
        let _ = kill(Pid::from_raw(victim), Signal::SIGKILL); // it may have ended by now
        *killed.entry(*kind).or_insert(0) += 1;
        // It is told, or its run goes on: it was another's init, or it came after the front.
        let listed = || daemon.ask(&[], "/v1/runs").is_ok_and(|answer| answer.text.contains("\"running\""));
        let settled = until(|| (goes.try_wait().is_ok_and(|ended| ended.is_some()) || listed()).then_some(()));
        ensure(settled.is_some(), "neither told nor going on", &(kind, daemon.log()))?;
        if *kind != "supervisor" {
            goes.kill()?; // it may have ended by now
        }
        for client in [ends, goes] {
            let told = client.wait_with_output()?;
            let text = String::from_utf8_lossy(&told.stdout).into_owned();
            let silent = told.status.code() == Some(28); // curl's patience was over
            ensure(
                !silent && (!told.status.success() || text.contains("HTTP ")),
                "an answer or an error, not silence",
                &(kind, &told, daemon.log()),
            )?;
        }
        ensure(vanishes(&name), "no run is left", &(kind, named(&name)))?;
        if *kind == "supervisor" {
            daemon = Daemon::start(&[])?;
        }
        finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    }
    println!("killed: {killed:?}");
    drop(daemon);
    ensure(until(|| orphans().is_empty().then_some(())).is_some(), "no front is left", &orphans())
}
