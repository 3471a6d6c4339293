//! What the daemon tells of everybody's runs, and whom.

use libtest_mimic::Trial;
use remand_tests::command::until;
use remand_tests::daemon::{Answer, Daemon};
use remand_tests::{Check, ensure, trial};
use serde_json::json;

use super::{NOBODY, configured, finished, privileged, reachable};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![trial("serve::what_is_counted_has_few_series", counted), trial("serve::what_is_counted_is_roots_and_its_readers", readers)]
}

fn has(answer: &Answer, line: &str) -> Check {
    ensure(answer.text.lines().any(|found| found == line), line, &answer.text)
}

fn counted() -> Check {
    let daemon = Daemon::start(&[])?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    // A call that is denied twice, and two numbers that are nothing's.
    let denied = "import ctypes\nc = ctypes.CDLL(None)\nfor number in (9001, 9002):\n    c.syscall(number)\nfor _ in range(2):\n    c.unshare(0x10000000)";
    daemon.run(&json!({ "code": denied }))?;
    daemon.run(&json!({ "code": "while True: pass", "overrides": { "limits": { "cpu_time": "200ms" } } }))?;
    daemon.ask(&["-d", "{\"code\": \"return 1\", \"policy\": \"none-such\"}"], "/v1/runs")?;
    let told = daemon.ask(&[], "/metrics")?;
    ensure(told.head.contains("application/openmetrics-text") && told.text.ends_with("# EOF\n"), "OpenMetrics", &told)?;
    for line in [
        "remand_runs_total{verdict=\"finished\"} 2",
        "remand_runs_total{verdict=\"exceeded\"} 1",
        "remand_limits_exceeded_total{limit=\"cpu_time\"} 1",
        "remand_denied_calls_total{call=\"unknown\"} 2",
        "remand_denied_calls_total{call=\"unshare\"} 2",
        "remand_run_wall_seconds_count 3",
        "remand_run_queued_seconds_count 3",
        "remand_runs_running 0",
        "remand_fronts 1",
    ] {
        has(&told, line)?;
    }
    let refused = told.text.lines().any(|line| line.starts_with("remand_refused_total{status=\"4"));
    ensure(refused && !told.text.contains("900"), "what was refused is counted, and no number is a series", &told.text)
}

fn readers() -> Check {
    privileged()?;
    let tenants = "\"tenants\": { \"all\": { \"users\": [\"0\", \"65534\"] } }";
    let (kept, file) = configured(&format!("{{ \"version\": 1, {tenants} }}"))?;
    let daemon = reachable(&["--config", &file])?;
    let asked = || daemon.ask_as(Some(NOBODY), &[], "/metrics");
    let refused = asked()?;
    ensure(refused.status == 403 && refused.text.contains("`readers`"), "not of everybody", &refused)?;
    ensure(daemon.ask(&[], "/metrics")?.status == 200, "the control: root's", &daemon.log())?;
    let _ = kept.file("serve.jsonc", &format!("{{ \"version\": 1, \"readers\": [\"65534\"], {tenants} }}"));
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    let told = until(|| asked().ok().filter(|answer| answer.status == 200));
    ensure(told.is_some(), "a reader's, once it is one", &daemon.log())
}
