//! What the daemon tells of everybody's runs, and whom.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::until;
use remand_tests::daemon::{Answer, Daemon};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value as Json, json};

use super::{NOBODY, configured, finished, privileged, reachable};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("serve::what_is_counted_has_few_series", counted),
        trial("serve::what_is_counted_is_roots_and_its_readers", readers),
        trial("serve::each_run_is_written_down", written_down),
        trial("serve::nothing_begins_that_must_be_written_down_and_cannot", required),
    ]
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
    ensure(refused && !told.text.contains("syscall_"), "what was refused is counted, and no number is a series", &told.text)
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
    daemon.signal(Signal::SIGHUP);
    let told = until(|| asked().ok().filter(|answer| answer.status == 200));
    ensure(told.is_some(), "a reader's, once it is one", &daemon.log())
}

/// A daemon that writes to this file, and the place of both.
fn audited(enforce: &str) -> Result<(Scratch, PathBuf, Daemon), End> {
    let kept = Scratch::new();
    fs::set_permissions(kept.path(), fs::Permissions::from_mode(0o755))?;
    let file = kept.path().join("audit.jsonl");
    let user = nix::unistd::geteuid();
    let text = json!({
        "version": 1, "audit": { "file": file, "enforce": enforce }, "tenants": { "t": { "users": [user.to_string()], "concurrent": 2 } },
    });
    let config = kept.file("serve.jsonc", &text.to_string());
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644))?;
    Ok((kept, file, Daemon::start(&["--config", &config.display().to_string()])?))
}

fn lines(file: &Path) -> Vec<Json> {
    fs::read_to_string(file).unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
}

fn written_down() -> Check {
    let (_kept, file, daemon) = audited("required")?;
    let answer = daemon.run(&json!({ "code": "return 'xyzzy'", "for": "student42", "query": "plugh" }))?;
    finished(&answer, &json!("xyzzy"))?;
    let found = lines(&file);
    let [begin, end] = found.as_slice() else { return Err(End::Fail(format!("two lines: {found:?}"))) };
    let hash = "ac72c969ebe1b5b4ad4da6638b17038daf5a99979e953d9c38d204cd6c19a117";
    let user = nix::unistd::geteuid().as_raw();
    ensure(
        begin["event"] == "begin" && begin["code_sha256"] == hash && begin["user"] == user && begin["for"] == "student42",
        "who, what",
        begin,
    )?;
    ensure(begin["policy"] == "default" && begin["policy_hash"].as_str().is_some_and(|hash| hash.len() == 64), "under what", begin)?;
    ensure(end["event"] == "end" && end["run"] == begin["run"] && end["verdict"]["kind"] == "finished", "how it ended", end)?;
    ensure(end["usage"]["cpu_ms"].is_object() && begin["run"] == answer.json()["run"], "what it spent", end)?;
    let text = fs::read_to_string(&file)?;
    ensure(!text.contains("xyzzy") && !text.contains("plugh"), "neither code nor data", &text)?;
    ensure(fs::metadata(&file)?.permissions().mode() & 0o777 == 0o600, "for nobody else", &file)?;
    // As it is rotated.
    let old = file.with_extension("1");
    fs::rename(&file, &old)?;
    daemon.signal(Signal::SIGHUP);
    ensure(until(|| file.exists().then_some(())).is_some(), "opened anew", &daemon.log())?;
    daemon.run(&json!({ "code": "return 2" }))?;
    ensure(lines(&old).len() == 2 && lines(&file).len() == 2, "what comes then stands there", &(lines(&old), lines(&file)))
}

fn required() -> Check {
    for enforce in ["required", "optional"] {
        let (_kept, file, daemon) = audited(enforce)?;
        finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
        fs::remove_file(&file)?;
        fs::create_dir(&file)?;
        daemon.signal(Signal::SIGHUP);
        ensure(daemon.logs(&["unaudited", "audit.jsonl"]), "it is told", &daemon.log())?;
        let ready = daemon.ask(&[], "/readyz")?;
        ensure(ready.json()["audit"].as_str().is_some_and(|why| why.contains("audit.jsonl")), "also to whoever asks", &ready)?;
        let answer = daemon.run(&json!({ "code": "return 2" }))?;
        if enforce == "optional" {
            finished(&answer, &json!(2))?;
            continue;
        }
        ensure(answer.status == 503 && answer.text.contains("audit.jsonl cannot be written"), "nothing begins", &answer)?;
        fs::remove_dir(&file)?;
        finished(&daemon.run(&json!({ "code": "return 3" }))?, &json!(3))?;
        ensure(lines(&file).len() == 2, "it goes on as soon as it can", &lines(&file))?;
    }
    Ok(())
}
