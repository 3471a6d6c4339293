//! What the daemon keeps between runs: what policies are on this host, forkservers.

use std::fs;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use remand_tests::command::{Call, until};
use remand_tests::daemon::Daemon;
use remand_tests::processes::{Process, appears, vanishes};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

use super::{finished, goes_on, is_ended, state, status, submitted};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("serve::an_interpreter_that_is_asked_for_the_first_time_holds_nobody_up", asked),
        trial("serve::a_forkserver_is_kept_for_the_runs_of_one_policy", kept),
        trial("serve::a_kept_forkserver_that_is_killed_is_replaced", killed),
    ]
}

/// Its question never ends before somebody else was answered. A question takes a few milliseconds, so that it may be over before it is seen; then another
/// daemon asks another interpreter.
fn asked() -> Check {
    for _ in 0..20 {
        if let Some(seen) = caught()? {
            return ensure(seen == 1, "the run begins when it can", &seen);
        }
    }
    Err(End::Fail("no question was ever seen".into()))
}

/// What the run returned that waited for the question, which was stopped while others asked. None where something else was stopped.
fn caught() -> Result<Option<Value>, End> {
    let scratch = Scratch::new();
    let bin = scratch.path().join("v/bin");
    fs::create_dir_all(&bin)?;
    fs::write(scratch.path().join("v/pyvenv.cfg"), "home = /usr/bin\n")?;
    // A file that nobody has seen.
    fs::copy("/usr/bin/python3", bin.join("python3"))?;
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let daemon = Daemon::beside(scratch, |socket| Call::new(&["serve", "--log", "json", "--socket", socket]).env("PATH", &path))?;
    // Whatever is asked of the host or of the interpreter, it does not go on.
    let signal = |process: &Process, signal| kill(Pid::from_raw(process.pid), signal).is_ok();
    let stopped = |process: &Process| signal(process, Signal::SIGSTOP) && status(process.pid, "State").starts_with('T');
    let body = json!({ "code": "return 1" }).to_string();
    // It is looked for before it is there.
    let submitting = daemon.curl(None, &["-H", "Prefer: respond-async", "-d", &body], "/v1/runs")?.spawn()?;
    let question = until(|| daemon.others().into_iter().find(stopped)).ok_or_else(|| format!("nothing is asked: {}", daemon.log()))?;
    let listed = daemon.ask(&[], "/v1/runs");
    signal(&question, Signal::SIGCONT);
    submitting.wait_with_output()?;
    let listed = listed?.json();
    if listed["runs"][0]["state"] != "running" {
        return Ok(None); // it is over, or what was stopped was a front in the making
    }
    let run = listed["runs"][0]["run"].as_str().unwrap_or_default();
    let over = until(|| state(&daemon, run).ok().filter(|state| state["state"] == "over"));
    Ok(over.map(|over| over["outcome"]["value"].clone()))
}

/// The one that is there while nothing runs.
fn alone(daemon: &Daemon) -> Option<Process> {
    until(|| <[Process; 1]>::try_from(daemon.others()).ok()).map(|[server]| server)
}

fn kept() -> Check {
    let daemon = Daemon::start(&[])?;
    let one = || daemon.run(&json!({ "code": "return 1" }));
    finished(&one()?, &json!(1))?;
    let first = alone(&daemon);
    ensure(first.is_some(), "it stays when its run is over", &daemon.others())?;
    for _ in 0..3 {
        let answer = one()?;
        finished(&answer, &json!(1))?;
        ensure(!answer.text.contains("\"clone_forkserver\""), "made by it, and by none of its own", &answer)?;
    }
    let (name, beside) = ("rs-kept", submitted(&daemon, &goes_on("rs-kept"))?);
    ensure(appears(name).is_some(), "it runs", &daemon.log())?;
    finished(&one()?, &json!(1))?;
    daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{beside}"))?;
    ensure(vanishes(name) && alone(&daemon) == first, "it made all of them", &daemon.others())?;
    let other = json!({ "code": "return 2", "overrides": { "limits": { "memory": "48MiB" } } });
    finished(&daemon.run(&other)?, &json!(2))?;
    ensure(until(|| (daemon.others().len() == 2).then_some(())).is_some(), "another policy has another", &daemon.others())?;
    daemon.signal(Signal::SIGHUP);
    ensure(until(|| daemon.others().is_empty().then_some(())).is_some(), "none is kept over a reload", &daemon.others())?;
    finished(&one()?, &json!(1))
}

fn killed() -> Check {
    let daemon = Daemon::start(&[])?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    let server = alone(&daemon).ok_or_else(|| format!("none is kept: {:?}", daemon.others()))?;
    let name = "rs-server";
    let body = json!({ "code": goes_on(name), "overrides": {} }).to_string();
    let waits = daemon.curl(None, &["-d", &body], "/v1/runs")?.spawn()?;
    ensure(appears(name).is_some(), "it runs", &daemon.log())?;
    kill(Pid::from_raw(server.pid), Signal::SIGKILL).map_err(|errno| errno.to_string())?;
    ensure(daemon.logs(&["forkserver ended"]), "noticed", &daemon.log())?;
    finished(&daemon.run(&json!({ "code": "return 2" }))?, &json!(2))?;
    // The run needed it no longer, or has ended with it.
    let runs = daemon.ask(&[], "/v1/runs")?.json();
    let going = runs["runs"].as_array().into_iter().flatten().find_map(|run| run["run"].as_str().map(str::to_owned));
    if let Some(run) = going {
        daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{run}"))?;
    }
    let told = waits.wait_with_output()?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    ensure(text.contains("HTTP 200") && text.contains("\"verdict\""), "an outcome, not silence", &text)?;
    is_ended(&daemon, name)?;
    ensure(alone(&daemon).is_some_and(|next| next != server), "another in its place", &daemon.others())
}
