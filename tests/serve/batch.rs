//! Batches: one request, many inputs.

use libtest_mimic::Trial;
use remand_tests::daemon::{Answer, Daemon};
use remand_tests::processes::appears;
use remand_tests::{Check, ensure, trial};
use serde_json::{Value as Json, json};

use super::{configured, goes_on, is_ended, one_at_once};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("serve::a_batch_is_a_run_for_each_input", each),
        trial("serve::a_batch_waits_for_its_quota", waits),
        trial("serve::a_batch_stops_where_it_is_asked_to", stops),
        trial("serve::a_batch_is_cancelled_with_its_connection", cancelled),
    ]
}

fn lines(answer: &Answer) -> Vec<Json> {
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
}

fn batch(daemon: &Daemon, body: &Json) -> Result<Answer, remand_tests::End> {
    daemon.ask(&["-d", &body.to_string()], "/v1/batches")
}

fn each() -> Check {
    let daemon = Daemon::start(&[])?;
    let inputs: Vec<Json> = (0..20).map(|number| json!({ "query": number })).collect();
    let answer = batch(&daemon, &json!({ "request": { "code": "return _query * 2 if _query != 3 else 1 / 0" }, "inputs": inputs }))?;
    let lines = lines(&answer);
    ensure(answer.status == 200 && lines.len() == 21 && answer.head.contains("application/x-ndjson"), "a line each, and one", &answer)?;
    for number in 0..20 {
        let of: Vec<_> = lines.iter().filter(|line| line["index"] == number).collect();
        let right = if number == 3 { of[0]["outcome"]["verdict"]["kind"] == "raised" } else { of[0]["outcome"]["value"] == number * 2 };
        ensure(of.len() == 1 && right, "its own outcome", &of)?;
    }
    ensure(lines[20]["over"] == json!({ "finished": 19, "failed": 1, "skipped": 0 }), "counted", &lines[20])?;
    let runs: std::collections::BTreeSet<_> = lines[..20].iter().map(|line| line["outcome"]["run"].to_string()).collect();
    ensure(runs.len() == 20, "each a run", &runs)?;
    let program = json!({ "mode": "script", "code": "print(input())" });
    let answer = batch(&daemon, &json!({ "request": program, "inputs": [{ "stdin": "one\n" }] }))?;
    ensure(answer.text.contains("\"text\":\"one\\n\""), "a program's standard input", &answer)?;
    for (body, said) in [
        ("[]", "the batch: "),
        ("{\"request\":{\"code\":\"x\"},\"inputs\":[{\"policy\":\"numeric\"}]}", "inputs[0]: \"policy\" is no part"),
    ] {
        let wrong = daemon.ask(&["-d", body], "/v1/batches")?;
        ensure(wrong.status == 400 && wrong.text.contains(said.trim_matches('\n').replace('"', "\\\"").as_str()), "wrong", &wrong)?;
    }
    let refused = batch(&daemon, &json!({ "request": { "code": "return 1", "policy": "none" }, "inputs": [{}] }))?;
    ensure(
        refused.text.contains("\"problem\"") && refused.text.contains("\"failed\":1"),
        "what the policy refuses is told by input",
        &refused,
    )
}

fn waits() -> Check {
    let (_kept, file) = configured(&one_at_once("\"queued\": 0"))?;
    let daemon = Daemon::start(&["--config", &file])?;
    let inputs: Vec<Json> = (0..6).map(|number| json!({ "query": number })).collect();
    let answer = batch(&daemon, &json!({ "request": { "code": "return _query" }, "inputs": inputs }))?;
    ensure(answer.text.contains("\"over\":{\"finished\":6,\"failed\":0,\"skipped\":0}"), "all had their turn", &answer)
}

fn stops() -> Check {
    let (_kept, file) = configured(&one_at_once("\"queued\": 0"))?;
    let daemon = Daemon::start(&["--config", &file])?;
    let body = json!({ "request": { "code": "return 1 / _query" }, "inputs": [{ "query": 1 }, { "query": 0 }, { "query": 2 }], "stop_on_failure": true });
    let answer = batch(&daemon, &body)?;
    let over = lines(&answer).pop().unwrap_or_default();
    ensure(over["over"]["failed"] == 1 && over["over"]["skipped"].as_u64() >= Some(1), "what had not begun does not", &answer)
}

fn cancelled() -> Check {
    let daemon = Daemon::start(&[])?;
    let body = json!({ "request": { "code": goes_on("rs-batch") }, "inputs": [{}, {}, {}] }).to_string();
    let mut client = daemon.curl(None, &["-d", &body], "/v1/batches")?.spawn()?;
    ensure(appears("rs-batch").is_some(), "it runs", &daemon.log())?;
    client.kill()?;
    client.wait()?;
    is_ended(&daemon, "rs-batch")
}
