//! How a caller's share is divided and counted: labels, idempotency keys, CPU, memory.

use libtest_mimic::Trial;
use remand_tests::command::until;
use remand_tests::daemon::{Answer, Daemon};
use remand_tests::processes::{appears, named};
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value as Json, json};

use super::{NOBODY, configured, finished, goes_on, is_ended, one_at_once, privileged, reachable, state};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("serve::labels_divide_their_callers_share", labels),
        trial("serve::a_key_and_a_body_are_one_run", keys),
        trial("serve::a_key_belongs_to_its_user", keys_of_others),
        trial("serve::cpu_and_memory_have_quotas", amounts),
    ]
}

/// The configuration of [`one_at_once`], with four at once.
fn four_at_once(more: &str) -> String {
    one_at_once(more).replacen("\"concurrent\": 1,", "\"concurrent\": 4,", 1)
}

fn detached(daemon: &Daemon, request: &Json) -> Result<Answer, End> {
    daemon.ask(&["-H", "Prefer: respond-async", "-d", &request.to_string()], "/v1/runs")
}

fn runs(daemon: &Daemon, path: &str) -> Result<Vec<String>, End> {
    let listed = daemon.ask(&[], path)?.json();
    Ok(listed["runs"].as_array().into_iter().flatten().filter_map(|run| Some(run["run"].as_str()?.to_owned())).collect())
}

fn labels() -> Check {
    let (_kept, file) = configured(&four_at_once("\"queued\": 9, \"label\": { \"concurrent\": 1, \"queued\": 1 }"))?;
    let daemon = Daemon::start(&["--config", &file])?;
    let (name, other) = ("rs-label-a", "rs-label-b");
    let first = detached(&daemon, &json!({ "code": goes_on(name), "for": "a" }))?.json();
    ensure(appears(name).is_some(), "it runs", &daemon.log())?;
    let second = detached(&daemon, &json!({ "code": "return 2", "for": "a" }))?.json();
    ensure(state(&daemon, second["run"].as_str().unwrap_or_default())?["state"] == "queued", "one of a label at once", &daemon.log())?;
    let third = detached(&daemon, &json!({ "code": "return 3", "for": "a" }))?;
    ensure(third.status == 429 && third.text.contains("this label has 1 runs waiting"), "and one that waits", &third)?;
    detached(&daemon, &json!({ "code": goes_on(other), "for": "b" }))?;
    ensure(appears(other).is_some(), "another label goes on beside it", &daemon.log())?;
    let of_a = runs(&daemon, "/v1/runs?for=a")?;
    ensure(of_a.len() == 2 && of_a.iter().any(|run| first["run"] == run.as_str()), "listed", &of_a)?;
    ensure(runs(&daemon, "/v1/runs")?.len() == 3, "among all", &daemon.log())?;
    let cancelled = daemon.ask(&["-X", "DELETE"], "/v1/runs?for=a")?.json();
    ensure(cancelled["cancelled"].as_array().map(Vec::len) == Some(2), "cancelled together", &cancelled)?;
    is_ended(&daemon, name)?;
    ensure(named(other).len() == 1, "and no other", &named(other))?;
    for (path, method) in [("/v1/runs?for=", "GET"), ("/v1/runs?for=a/b", "DELETE"), ("/v1/runs?of=a", "GET"), ("/v1/runs", "DELETE")] {
        ensure(daemon.ask(&["-X", method], path)?.status == 400, path, &daemon.ask(&["-X", method], path)?)?;
    }
    let wrong = daemon.run(&json!({ "code": "return 1", "for": "a b" }))?;
    ensure(wrong.status == 400 && wrong.text.contains("for: a label is"), "what is no label", &wrong)
}

fn keyed(daemon: &Daemon, user: Option<u32>, key: &str, code: &str) -> Result<Answer, End> {
    daemon.ask_as(user, &["-H", &format!("Idempotency-Key: {key}"), "-d", &json!({ "code": code }).to_string()], "/v1/runs")
}

fn keys() -> Check {
    let daemon = Daemon::start(&[])?;
    let name = "rs-keyed";
    let code = format!("{}\nimport os, time\nwhile not os.path.exists('/never'): time.sleep(0.01)", super::named_as(name));
    let body = json!({ "code": code }).to_string();
    let ask = || Ok::<_, End>(daemon.curl(None, &["-H", "Idempotency-Key: k1", "-d", &body], "/v1/runs")?.spawn()?);
    let (mut first, second) = (ask()?, ask()?);
    ensure(appears(name).is_some(), "it runs", &daemon.log())?;
    first.kill()?;
    first.wait()?;
    let listed = runs(&daemon, "/v1/runs")?;
    let [run] = listed.as_slice() else { return ensure(false, "one run for both", &listed) };
    let other = keyed(&daemon, None, "k1", "return 2")?;
    ensure(other.status == 409 && other.text.contains(run), "another request", &other)?;
    ensure(named(name).len() == 1, "it lives on without the connection that began it", &daemon.log())?;
    daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{run}"))?;
    let told = String::from_utf8_lossy(&second.wait_with_output()?.stdout).into_owned();
    ensure(told.contains(&format!("\"run\":\"{run}\"")) && told.contains("cancelled"), "the other has its outcome", &told)?;
    let code = "import random\nreturn random.random()";
    let [one, same, new] = [keyed(&daemon, None, "k2", code)?, keyed(&daemon, None, "k2", code)?, keyed(&daemon, None, "k3", code)?];
    ensure(one.status == 200 && one.text == same.text, "the result is kept", &(&one, same))?;
    ensure(new.json()["value"] != one.json()["value"], "control: another key is another run", &new)?;
    let run = one.json()["run"].as_str().unwrap_or_default().to_owned();
    daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{run}"))?;
    ensure(keyed(&daemon, None, "k2", code)?.json()["run"] != run.as_str(), "what is forgotten is unknown", &daemon.log())?;
    let wrong = daemon.ask(&["-H", "Idempotency-Key: a b", "-d", "{}"], "/v1/runs")?;
    ensure(wrong.status == 400 && wrong.text.contains("Idempotency-Key"), "what is no key", &wrong)?;
    let gone = state(&daemon, "0123")?;
    ensure(gone["detail"].as_str().is_some_and(|detail| detail.starts_with("unknown")), "unknown", &gone)
}

fn keys_of_others() -> Check {
    privileged()?;
    let daemon = reachable(&["--allow-all-users"])?;
    let [own, theirs] = [keyed(&daemon, None, "k", "return 1")?, keyed(&daemon, Some(NOBODY), "k", "return 2")?];
    finished(&own, &json!(1))?;
    finished(&theirs, &json!(2))
}

fn amounts() -> Check {
    let (_kept, file) = configured(&four_at_once("\"queued\": 1, \"memory\": \"100MiB\""))?;
    let daemon = Daemon::start(&["--config", &file])?;
    let name = "rs-memory";
    let sized = |code: &str| json!({ "code": code, "overrides": { "limits": { "memory": "60MiB" } } });
    let first = detached(&daemon, &sized(&goes_on(name)))?.json();
    ensure(appears(name).is_some(), "it runs", &(&first, daemon.log()))?;
    let second = detached(&daemon, &sized("return 2"))?.json();
    let second = second["run"].as_str().unwrap_or_default();
    ensure(state(&daemon, second)?["state"] == "queued", "twice 60 MiB is more", &daemon.log())?;
    daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{}", first["run"].as_str().unwrap_or_default()))?;
    let over = until(|| state(&daemon, second).ok().filter(|state| state["state"] == "over"));
    ensure(over.as_ref().is_some_and(|over| over["outcome"]["value"] == 2), "its turn comes", &over)?;
    let (_kept, file) = configured(&four_at_once("\"memory\": \"10MiB\""))?;
    let daemon = Daemon::start(&["--config", &file])?;
    let never = daemon.run(&json!({ "code": "return 1" }))?;
    ensure(never.status == 422 && never.text.contains("more than the 10MiB"), "what can never be", &never)?;
    let (_kept, file) = configured(&four_at_once("\"cpu_per_minute\": \"100ms\""))?;
    let daemon = Daemon::start(&["--config", &file])?;
    let code = "import time\nwhile time.process_time() < 0.3: pass\nreturn 1";
    finished(&daemon.run(&json!({ "code": code }))?, &json!(1))?;
    let second = daemon.run(&json!({ "code": "return 2" }))?;
    ensure(second.status == 429 && second.text.contains("100ms of CPU"), "it has had its part", &second)?;
    let after: u64 = second.head.split(' ').skip(2).find_map(|after| after.parse().ok()).unwrap_or(0);
    ensure(after > 60, "told when it may go on", &second.head)
}
