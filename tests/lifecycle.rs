//! Processes and signals: what a run starts ends with it, and nothing it does to itself or others disturbs the supervisor.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, binary};
use remand_tests::facts::{LANDLOCK_SCOPES, PRIVILEGED, RUN_IDS, need};
use remand_tests::observe::Seen::{Any, At, Exceeded, NotStdout, Raised, Value, Verdict};
use remand_tests::processes::{appears, named, vanishes};
use remand_tests::scratch::Scratch;
use remand_tests::technique::{Control, Technique};
use remand_tests::{Check, End, ensure, plain, policy_text, probe, program, trial};

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new("stopped_by_itself", probe!("stop_itself"), &[Exceeded("wall_time")], Control::Query("true", &[Value("\"woken\"")]))
        .query("false")
        .set(&["limits.wall_time=800ms"]),
    // Older kernels cannot scope signals: there init ignores what its own namespace sends, and the call says so by succeeding.
    Technique::new(
        "signals_to_everyone",
        probe!("signal_everyone"),
        &[Value(r#"{"init_stop":"EPERM","init_kill":"EPERM","parent":"EPERM","all":"ESRCH"}"#)],
        Control::Query("true", &[Value(r#"{"child":"ok"}"#)]),
    )
    .query("false")
    .without(LANDLOCK_SCOPES, &[Verdict("finished")]),
    Technique::new(
        "zombies_are_reaped",
        probe!("orphans"),
        &[Value("300")],
        Control::Query(r#"{"count":300,"orphans":false}"#, &[Any(&[Exceeded("pids"), Raised("BlockingIOError")])]),
    )
    .query(r#"{"count":300,"orphans":true}"#)
    .set(&["limits.pids=40"]),
    Technique::new(
        "attach_to_init",
        probe!("attach_to_init"),
        &[At("/init", "\"EPERM\""), At("/child", "\"ok\"")],
        Control::Calls(&["ptrace"], &[At("/child", "\"ok\"")]),
    )
    .lifted(&["ptrace"]),
];

/// What is seen from outside of the run.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("lifecycle::daemon_ends_with_its_run [P3]", daemon_ends_with_its_run),
        trial("lifecycle::runs_end_with_a_killed_supervisor [P10]", runs_end_with_a_killed_supervisor),
        trial("lifecycle::held_pipes_do_not_hold_the_answer [P4]", held_pipes),
        trial("lifecycle::setuid_file_gives_nothing [P13]", setuid_file_gives_nothing),
        trial("lifecycle::concurrent_runs_have_different_ids [N12]", concurrent_runs_have_different_ids),
        trial("lifecycle::ids_are_said_to_be_a_runs_alone_where_they_are", ids_alone),
    ]
}

/// A name of at most 15 bytes, which is what the kernel keeps.
fn mark(what: &str) -> String {
    format!("{what}-{}", std::process::id())
}

fn daemon(name: &str, stay: bool) -> Call {
    Call::run(&probe!("daemon").code(), &["--query".to_owned(), format!("{{\"name\":\"{name}\",\"stay\":{stay}}}")])
}

fn daemon_ends_with_its_run() -> Check {
    let name = mark("dmn");
    let mut started = daemon(&name, true).start();
    let seen = appears(&name); // the control: while the run goes on, the daemon is there
    started.signal(Signal::SIGINT);
    let outcome = started.end()?.outcome()?;
    ensure(seen.is_some(), "the daemon is seen while its run goes on", &outcome)?;
    ensure(outcome["verdict"]["kind"] == "cancelled", "SIGINT cancels", &outcome)?;
    ensure(named(&name).is_empty(), "no process of a run is left when the answer is given", &named(&name))?;
    let outcome = daemon(&name, false).end()?.outcome()?;
    ensure(outcome["value"] == "left", "the parent leaves", &outcome)?;
    ensure(named(&name).is_empty(), "the daemon ends with the run that started it", &named(&name))
}

fn runs_end_with_a_killed_supervisor() -> Check {
    let name = mark("orp");
    let mut started = daemon(&name, true).start();
    let seen = appears(&name);
    started.signal(Signal::SIGKILL);
    let ended = started.end()?;
    ensure(seen.is_some(), "the daemon is seen while its run goes on", &ended)?;
    ensure(ended.signal == Some(9), "the supervisor was killed", &ended)?;
    ensure(vanishes(&name), "everything of the run goes with the supervisor", &named(&name))
}

fn held_pipes() -> Check {
    let probe = probe!("held_pipes");
    let outcome = Call::run(&probe.code(), &["--query".to_owned(), "100000".to_owned()]).end()?.outcome()?;
    remand_tests::observe::compare(&outcome, &[Value("\"left\""), NotStdout("late")])?;
    let ended = plain::call(&probe.code(), &serde_json::json!(0), plain::Apart::Nothing).end()?;
    ensure(ended.out().contains("late"), "without a sandbox the grandchild holds the pipe and writes late", &ended)
}

fn setuid_file_gives_nothing() -> Check {
    need(&[PRIVILEGED])?;
    let scratch = Scratch::new();
    let python = fs::canonicalize("/usr/bin/python3").map_err(|_| End::Skip("Debian's /usr/bin/python3".to_owned()))?;
    let copy = scratch.path().join("python");
    program::copy(&python, &copy)?;
    fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o4755))?;
    let sections = serde_json::json!({ "python": { "interpreter": "/usr/bin/python3" }, "filesystem": { "mounts": [
        { "source": scratch.path(), "target": "/setuid", "exec": true } ] } });
    let policy = policy_text::write(&scratch, &sections);
    let args = ["--policy".to_owned(), policy.display().to_string(), "--query".to_owned(), "\"/setuid/python\"".to_owned()];
    let outcome = Call::run(&probe!("regain_privilege").code(), &args).end()?.outcome()?;
    remand_tests::observe::compare(&outcome, &[Value(r#"{"no_new_privs":["1"],"unchanged":"True"}"#)])?;
    let code = "import os, subprocess\nos.setresuid(65534, 65534, 65534)\nreturn subprocess.run([_query, '-I', '-c', 'import os; print(os.geteuid())'], stdout=subprocess.PIPE).stdout.decode().strip()";
    let ended = plain::call(code, &serde_json::json!(copy), plain::Apart::Nothing).end()?;
    ensure(ended.out().trim() == "\"0\"", "without a sandbox the file gives root's id", &ended)
}

/// In containers, which have a `/run` and process ids of their own, another one may have the same ids.
fn ids_alone() -> Check {
    need(&[RUN_IDS])?;
    let binary = binary();
    let own_uid = |before: &str| {
        let script = format!("exec {before} \"$@\"");
        let command = ["-c".as_ref(), script.as_ref(), "sh".as_ref(), binary.as_os_str(), "run".as_ref(), "--json".as_ref(), "-".as_ref()];
        let outcome = Call::program(Path::new("/bin/sh"), &command).input(b"return 1").end()?.outcome()?;
        ensure(outcome["verdict"]["kind"] == "finished", "it runs", &outcome)?;
        Ok::<_, End>(outcome["enforcement"]["own_uid"].clone())
    };
    let here = own_uid("")?;
    let at = |path: &str| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    if fs::metadata("/proc/self/ns/pid")?.ino() == 0xefff_fffc && at("/proc/1/root/run").is_some_and(|run| Some(run) == at("/run")) {
        ensure(here["by"].as_str().is_some_and(|by| by.ends_with("held by this run alone")), "the control", &here)?;
    }
    for container in ["unshare -mpf --mount-proc", "unshare -m sh -c 'mount -t tmpfs tmpfs /run && exec \"$@\"' sh"] {
        let there = own_uid(container)?;
        ensure(there.to_string().contains("another container") && !there.to_string().contains("alone"), container, &there)?;
    }
    Ok(())
}

fn concurrent_runs_have_different_ids() -> Check {
    need(&[RUN_IDS])?;
    let names = [mark("ida"), mark("idb")];
    let mut runs: Vec<_> = names.iter().map(|name| daemon(name, true).start()).collect();
    let seen: Vec<_> = names.iter().map(|name| appears(name)).collect();
    for run in &mut runs {
        run.signal(Signal::SIGINT);
    }
    for run in runs {
        run.end()?;
    }
    match seen.as_slice() {
        [Some(first), Some(second)] => ensure(
            first.uid != second.uid && first.uid != 0 && second.uid != 0,
            "each has an id of its own, and none root's",
            &(first, second),
        ),
        _ => Err(End::Fail(format!("both runs are seen; seen: {seen:?}"))),
    }
}
