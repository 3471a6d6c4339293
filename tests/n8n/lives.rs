//! How a runner ends and what it outlives: signals, idleness, lost connections, tokens that are good no longer.

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::broker::{Broker, Runner, settings};
use remand_tests::processes::{appears, vanishes};
use remand_tests::{Check, ensure, trial};
use serde_json::json;

use super::{cancelled, endless, works};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("n8n::a_signal_ends_what_does_nothing", signal),
        trial("n8n::a_signal_lets_a_task_end", signal_while_busy),
        trial("n8n::a_signal_ends_what_does_not_end_within_the_grace_time", signal_while_endless),
        trial("n8n::idle_it_ends", idle),
        trial("n8n::a_token_that_is_good_no_longer_ends_it_well", forbidden),
        trial("n8n::whatever_else_the_broker_answers_is_tried_again", retried),
        trial("n8n::a_lost_connection_is_made_again_and_its_tasks_are_ended", reconnected),
        trial("n8n::resident_it_gets_its_tokens_itself", resident),
        trial("n8n::an_auth_token_that_is_refused_ends_it", auth_refused),
    ]
}

/// Code that can be found by this name while it goes on.
fn named(name: &str) -> serde_json::Value {
    settings(&format!("import ctypes\nctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0)\nwhile True:\n    pass"))
}

/// With these, code imports what it wants.
const ALL: [(&str, &str); 2] = [("N8N_RUNNERS_STDLIB_ALLOW", "*"), ("N8N_RUNNERS_EXTERNAL_ALLOW", "*")];

fn signal() -> Check {
    for (signal, name) in [(Signal::SIGTERM, "SIGTERM"), (Signal::SIGINT, "SIGINT")] {
        let broker = Broker::new();
        let mut runner = Runner::start(&broker, &[])?;
        let mut link = broker.register()?;
        link.offers(5)?;
        runner.signal(signal);
        let rest = link.rest()?;
        ensure(rest.is_empty(), "it says nothing more, and closes the connection", &rest)?;
        let ended = runner.end()?;
        ensure(ended.code == Some(0), "its status", &ended)?;
        runner.logs(&format!("Received {name} signal, starting shutdown..."))?;
        runner.logs("Disconnected from broker")?;
        runner.logs("Runner stopped")?;
    }
    Ok(())
}

fn signal_while_busy() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &[])?;
    let mut link = broker.register()?;
    link.begin("busy", &settings("n = 0\nfor i in range(3000000):\n    n += i\nreturn [{'n': n}]"))?;
    link.accept("waits")?;
    runner.logs("Received task busy")?;
    runner.signal(Signal::SIGTERM);
    runner.logs("Received SIGTERM signal, starting shutdown...")?;
    let told = link.answer("waits")?;
    ensure(told.end["error"]["message"] == "Runner is shutting down", "what had not begun does not", &told)?;
    let done = link.answer("busy")?;
    ensure(done.end["data"]["result"] == json!([{ "n": 4_499_998_500_000_u64 }]), "what had begun is done", &done)?;
    let ended = runner.end()?;
    ensure(ended.code == Some(0), "its status", &ended)
}

fn signal_while_endless() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &[&ALL[..], &[("N8N_RUNNERS_GRACEFUL_SHUTDOWN_TIMEOUT", "2")]].concat())?;
    let mut link = broker.register()?;
    link.begin("endless", &named("n8n-endless"))?;
    ensure(appears("n8n-endless").is_some(), "it runs", &runner.log())?;
    runner.signal(Signal::SIGTERM);
    cancelled(&mut link, "endless")?;
    let ended = runner.end()?;
    ensure(ended.code == Some(1), "its status", &ended)?;
    ensure(vanishes("n8n-endless"), "no run is left", &runner.log())?;
    runner.logs("Shutdown timed out after 2s, forcing exit...").map(drop)
}

fn idle() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &[("N8N_RUNNERS_AUTO_SHUTDOWN_TIMEOUT", "1")])?;
    let mut link = broker.register()?;
    // A task that takes longer is no idleness.
    link.begin("long", &endless())?;
    runner.logs("Received task long")?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    link.cancel("long")?;
    cancelled(&mut link, "long")?;
    let rest = link.rest()?;
    ensure(rest.is_empty(), "it closes the connection", &rest)?;
    runner.logs("Reached idle timeout, starting shutdown...")?;
    let ended = runner.end()?;
    ensure(ended.code == Some(0), "its status", &ended)
}

fn forbidden() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::start(&broker, &[])?;
    broker.refuse(403)?;
    let ended = runner.end()?;
    ensure(ended.code == Some(0), "its status", &ended)?;
    runner.logs("Authentication failed with status 403: ").map(drop)
}

fn retried() -> Check {
    let broker = Broker::new();
    let runner = Runner::start(&broker, &[])?;
    for status in [401, 503] {
        broker.refuse(status)?;
        let line = runner.logs(&format!("HTTP {status}"))?;
        ensure(line.contains("Failed to connect to broker: ") && line.ends_with(" - retrying..."), "its line", &line)?;
    }
    // What is no HTTP at all.
    drop(broker.accept_bare()?);
    works(&mut broker.register()?, "t")?;
    let nobody = Broker::new();
    let (uri, port) = (nobody.uri(), nobody.port());
    drop(nobody);
    let mut runner = Runner::bare(&[("N8N_RUNNERS_TASK_BROKER_URI", &uri), ("N8N_RUNNERS_GRANT_TOKEN", "x")])?;
    runner.logs(&format!("Failed to connect to broker: 127.0.0.1:{port}: Connection refused"))?;
    runner.signal(Signal::SIGTERM);
    let ended = runner.end()?;
    ensure(ended.code == Some(0), "a signal ends what waits for its next attempt", &ended)
}

fn reconnected() -> Check {
    let broker = Broker::new();
    let runner = Runner::start(&broker, &[&ALL[..], &[("N8N_RUNNERS_MAX_CONCURRENCY", "1")]].concat())?;
    let mut link = broker.register()?;
    link.begin("lost", &named("n8n-lost"))?;
    ensure(appears("n8n-lost").is_some(), "it runs", &runner.log())?;
    let path = link.path.clone();
    drop(link);
    ensure(vanishes("n8n-lost"), "nobody waits for it", &runner.log())?;
    let mut link = broker.register()?;
    ensure(link.path == path, "the same runner", &(&link.path, path))?;
    works(&mut link, "t")?;
    runner.logs("Connection to broker lost: ").map(drop)
}

fn resident() -> Check {
    let broker = Broker::new();
    let scratch = remand_tests::scratch::Scratch::new();
    let file = scratch.file("token", "  secret-of-the-operator\n");
    let runner =
        Runner::bare(&[("N8N_RUNNERS_TASK_BROKER_URI", &broker.uri()), ("N8N_RUNNERS_AUTH_TOKEN_FILE", &file.display().to_string())])?;
    for token in ["first", "second"] {
        let body = broker.grant("200 OK", &json!({ "data": { "token": token } }))?;
        ensure(body == json!({ "token": "secret-of-the-operator" }), "what is asked", &body)?;
        let mut link = broker.register()?;
        ensure(link.authorization == format!("Bearer {token}"), "what was got", &link.authorization)?;
        works(&mut link, "t")?;
    }
    // A token that is used up by the time it is shown is no reason to end.
    broker.grant("503 Service Unavailable", &json!({}))?;
    broker.grant("200 OK", &json!({ "data": { "token": "third" } }))?;
    broker.refuse(403)?;
    broker.grant("200 OK", &json!({ "data": { "token": "fourth" } }))?;
    works(&mut broker.register()?, "t")?;
    let log = runner.log();
    let secrets = ["secret-of-the-operator", "first", "second", "third", "fourth"];
    ensure(!secrets.iter().any(|secret| log.contains(secret)), "no token is logged", &log)
}

fn auth_refused() -> Check {
    let broker = Broker::new();
    let mut runner = Runner::bare(&[("N8N_RUNNERS_TASK_BROKER_URI", &broker.uri()), ("N8N_RUNNERS_AUTH_TOKEN", "wrong")])?;
    broker.grant("403 Forbidden", &json!({}))?;
    let ended = runner.end()?;
    ensure(ended.code == Some(1), "its status", &ended)?;
    runner.logs("the broker refuses N8N_RUNNERS_AUTH_TOKEN").map(drop)
}
