//! The protocol: offers, tasks, cancels, drains, and messages that are none.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::broker::{Broker, Runner, settings};
use remand_tests::{Check, ensure, trial};
use serde_json::{Value, json};
use tungstenite::Message;

use super::{cancelled, endless, silent, works};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("n8n::a_task_is_answered", answered),
        trial("n8n::offers_are_topped_up_and_taken_once", offers),
        trial("n8n::settings_that_cannot_be_read_are_answered_and_leave_their_slot", bad_settings),
        trial("n8n::what_is_no_message_changes_nothing", no_messages),
        trial("n8n::a_cancel_before_the_settings_is_no_answer", cancel_before_settings),
        trial("n8n::a_cancel_works_at_every_moment", cancel_at_every_moment),
        trial("n8n::as_many_tasks_run_and_are_cancelled_as_there_are_slots", full),
        trial("n8n::a_cancel_of_what_is_over_changes_nothing", cancel_afterwards),
        trial("n8n::a_result_that_the_broker_would_not_take_is_an_error_of_its_task", too_large),
        trial("n8n::it_is_alive_while_every_slot_has_a_task", heartbeat),
        trial("n8n::a_drain_ends_offers_and_no_task", drain),
    ]
}

fn answered() -> Check {
    let broker = Broker::new();
    let runner = Runner::start(&broker, &[])?;
    let mut link = broker.register()?;
    ensure(link.path.starts_with("/runners/_ws?id=") && link.path.len() == 16 + 22, "its path", &link.path)?;
    ensure(link.authorization == "Bearer test_token", "its token", &link.authorization)?;
    link.offers(5)?;
    works(&mut link, "t_-1")?;
    for words in ["Starting runner...", "Connected to broker", "Registered with broker", "Accepted task t_-1", "Received task t_-1"] {
        runner.logs(words)?;
    }
    let line = runner.logs("Completed task t_-1 in ")?;
    let size = r#"(10 bytes) for node "n" (2) in workflow "w" (1)"#;
    ensure(line.ends_with(size) || line.contains("bytes) for node \"n\" (2) in workflow \"w\" (1)"), "its line", &line)
}

fn offers() -> Check {
    let broker = Broker::new();
    let _runner = Runner::start(&broker, &[("N8N_RUNNERS_MAX_CONCURRENCY", "3")])?;
    let mut link = broker.register()?;
    link.offers(3)?;
    let first: Vec<Value> = link.offers.iter().cloned().collect();
    for offer in &first {
        let valid = offer["validFor"].as_u64().unwrap_or_default();
        ensure(offer["taskType"] == "python" && (5000..=5500).contains(&valid), "an offer", offer)?;
    }
    // The others come when these have expired, which are refused then.
    link.offers(6)?;
    let expired = link.accept_of("t", first[0]["offerId"].as_str().unwrap())?;
    ensure(expired["reason"] == "Offer expired - not accepted within validity window", "refused", &expired)?;
    let offer = link.offer()?;
    ensure(link.accept_of("t", &offer)?["type"] == "runner:taskaccepted", "accepted", &offer)?;
    let again = link.accept_of("u", &offer)?;
    ensure(again["reason"] == "Offer expired - not accepted within validity window", "once", &again)
}

fn bad_settings() -> Check {
    let broker = Broker::new();
    let runner = Runner::start(&broker, &[("N8N_RUNNERS_MAX_CONCURRENCY", "2")])?;
    let mut link = broker.register()?;
    let without = |name: &str| {
        let mut settings = settings("return 1");
        settings.as_object_mut().unwrap().remove(name);
        settings
    };
    let cases = [
        (without("code"), "Missing field in task settings message: 'code'"),
        (without("items"), "Missing field in task settings message: 'items'"),
        (without("nodeMode"), "Missing field in task settings message: 'nodeMode'"),
        (json!(null), "Missing field in task settings message: 'settings'"),
        (json!([]), "invalid"),
        (json!({ "code": 1, "items": [], "nodeMode": "runOnceForAllItems" }), "invalid type"),
        (json!({ "code": "", "items": {}, "nodeMode": "runOnceForAllItems" }), "'items' is no list"),
        (json!({ "code": "", "items": [], "nodeMode": "runOnceForSome" }), "Unknown nodeMode: runOnceForSome"),
    ];
    for (number, (settings, told)) in cases.iter().enumerate() {
        let answered = link.run(&format!("bad{number}"), settings)?;
        let message = answered.end["error"]["message"].as_str().unwrap_or_default();
        ensure(answered.end["type"] == "runner:taskerror" && message.contains(told), told, &answered)?;
    }
    runner.logs("Error handling message: Missing field in task settings message: 'code'")?;
    link.offers(2)?;
    works(&mut link, "good")
}

fn no_messages() -> Check {
    let broker = Broker::new();
    let runner = Runner::start(&broker, &[])?;
    let mut link = broker.register()?;
    let deep = "[".repeat(100_000);
    for text in
        ["", "{", "[]", "null", "{}", r#"{"type":"broker:nodetypes"}"#, r#"{"type":7}"#, r#"{"type":"broker:taskofferaccept"}"#, &deep]
    {
        link.text(text)?;
    }
    link.message(Message::binary(vec![0xff, 0xfe]))?;
    link.send(&json!({ "type": "broker:rpcresponse", "callId": "c", "taskId": "t", "status": "success" }))?;
    link.settings("nobody\u{1b}[2J\n", &settings("return 1"))?;
    link.cancel("nobody")?;
    works(&mut link, "t")?;
    runner.logs("Error handling message: Unknown message type: broker:nodetypes")?;
    runner.logs(r"Failed to find task nobody\u{1b}[2J\n. This is likely an internal error.")?;
    runner.logs("Received cancel for unknown task: nobody. Discarding message.")?;
    // A message may come as bytes.
    link.message(Message::binary(json!({ "type": "broker:drain" }).to_string().into_bytes()))?;
    runner.logs("Received drain signal").map(drop)
}

fn cancel_before_settings() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &[("N8N_RUNNERS_MAX_CONCURRENCY", "1")])?;
    let mut link = broker.register()?;
    for number in 0..3 {
        let task = format!("c{number}");
        link.accept(&task)?;
        link.cancel(&task)?;
        runner.logs(&format!("Cancelled task {task} (waiting for settings)"))?;
        link.settings(&task, &settings("return 1"))?;
        runner.logs(&format!("Failed to find task {task}."))?;
    }
    works(&mut link, "t")?;
    runner.signal(Signal::SIGTERM);
    silent(&link.rest()?)
}

fn cancel_at_every_moment() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &[("N8N_RUNNERS_MAX_CONCURRENCY", "1")])?;
    let mut link = broker.register()?;
    for pause in [0, 1, 5, 20, 50, 100, 400] {
        let task = format!("c{pause}");
        link.begin(&task, &endless())?;
        sleep(Duration::from_millis(pause));
        link.cancel(&task)?;
        link.cancel(&task)?;
        cancelled(&mut link, &task)?;
        runner.logs(&format!("Cancelled task {task}"))?;
    }
    works(&mut link, "t")?;
    runner.signal(Signal::SIGTERM);
    silent(&link.rest()?)
}

fn full() -> Check {
    let broker = Broker::new();
    let runner = Runner::start(&broker, &[("N8N_RUNNERS_MAX_CONCURRENCY", "8")])?;
    let mut link = broker.register()?;
    let tasks: Vec<_> = (0..8).map(|number| format!("f{number}")).collect();
    for task in &tasks {
        link.begin(task, &endless())?;
    }
    for task in &tasks {
        runner.logs(&format!("Received task {task}"))?;
    }
    for task in &tasks {
        link.cancel(task)?;
    }
    for task in &tasks {
        cancelled(&mut link, task)?;
    }
    link.offers.clear();
    link.offers(8)?;
    works(&mut link, "t")
}

fn cancel_afterwards() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &[])?;
    let mut link = broker.register()?;
    works(&mut link, "t")?;
    link.cancel("t")?;
    runner.logs("Received cancel for unknown task: t. Discarding message.")?;
    works(&mut link, "u")?;
    runner.signal(Signal::SIGTERM);
    silent(&link.rest()?)
}

fn too_large() -> Check {
    let broker = Broker::new();
    let _runner = Runner::start(&broker, &[("N8N_RUNNERS_MAX_PAYLOAD", "100000")])?;
    let mut link = broker.register()?;
    let answered = link.run("large", &settings("return [{'a': 'x' * 200000}]"))?;
    let message = answered.end["error"]["message"].as_str().unwrap_or_default();
    let told = ["too large", "200010 bytes", "100000 bytes"].iter().all(|word| message.contains(word));
    ensure(answered.end["type"] == "runner:taskerror" && told, "the sizes", &answered)?;
    works(&mut link, "t")?;
    // The connection is the broker's, who may not say more either.
    let _ = link.settings("u", &settings(&"x".repeat(200_000))); // it may be gone before all was said
    ensure(broker.register()?.path == link.path, "it comes again, as the same", &link.path)
}

fn heartbeat() -> Check {
    let broker = Broker::new();
    let _runner = Runner::start(&broker, &[("N8N_RUNNERS_MAX_CONCURRENCY", "2")])?;
    let mut link = broker.register()?;
    for task in ["a", "b"] {
        link.begin(task, &endless())?;
    }
    for _ in 0..3 {
        link.message(Message::Ping(b"beat".as_slice().into()))?;
        loop {
            match link.read()? {
                Some(Message::Pong(beat)) => break ensure(beat.as_ref() == b"beat", "its answer", &beat)?,
                Some(Message::Text(_)) => {}
                other => return ensure(false, "an answer", &other),
            }
        }
    }
    for task in ["a", "b"] {
        link.cancel(task)?;
        cancelled(&mut link, task)?;
    }
    Ok(())
}

fn drain() -> Check {
    let broker = Broker::new();
    let runner = Runner::start(&broker, &[("N8N_RUNNERS_MAX_CONCURRENCY", "3")])?;
    let mut link = broker.register()?;
    link.begin("runs", &endless())?;
    link.accept("waits")?;
    let open = link.offer()?;
    link.send(&json!({ "type": "broker:drain" }))?;
    runner.logs("Received drain signal, stopped accepting new tasks")?;
    let refused = link.accept_of("late", &open)?;
    ensure(refused["type"] == "runner:taskrejected", "what was offered is not taken any more", &refused)?;
    link.settings("waits", &settings("return [{'a': 1}]"))?;
    ensure(link.answer("waits")?.end["type"] == "runner:taskdone", "what was accepted is done", &runner.log())?;
    link.cancel("runs")?;
    cancelled(&mut link, "runs")?;
    drop(link);
    let mut link = broker.register()?;
    works(&mut link, "t")
}
