//! What an operator does besides: a runner in the place of n8n's own, the doctor, a broker that speaks TLS.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::broker::{Broker, Runner};
use remand_tests::command::{Call, Ended};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::json;

use super::works;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("n8n::in_the_place_of_n8ns_own_it_is_a_runner_and_otherwise_python", installed),
        trial("n8n::what_an_installation_replaced_comes_back", uninstalled),
        trial("n8n::an_installation_replaces_nothing_that_is_not_known", not_installed),
        trial("n8n::doctor_registers_and_offers_nothing", doctor),
        trial("n8n::doctor_says_what_is_wrong", doctor_wrong),
        trial("n8n::tls_is_spoken_where_the_uri_says_so", tls),
        trial("n8n::a_broker_that_no_certificate_proves_is_none", tls_untrusted),
    ]
}

fn done(call: Call) -> Result<Ended, End> {
    let ended = call.end()?;
    if ended.code == Some(0) { Ok(ended) } else { Err(End::Fail(format!("{ended:?}"))) }
}

fn place(words: &str, directory: &Path) -> Call {
    Call::new(&["n8n", words, &directory.display().to_string()])
}

/// A runner's directory with a virtual environment in it.
fn directory() -> Result<Scratch, End> {
    let scratch = Scratch::new();
    let python = Path::new("/usr/bin/python3");
    if !python.exists() {
        return Err(End::Skip("/usr/bin/python3".to_owned()));
    }
    fs::create_dir_all(scratch.path().join(".venv/bin"))?;
    symlink(python, scratch.path().join(".venv/bin/python"))?;
    Ok(scratch)
}

fn installed() -> Check {
    let scratch = directory()?;
    done(place("install", scratch.path()))?;
    done(place("install", scratch.path()))?;
    let python = scratch.path().join(".venv/bin/python");
    let version = done(Call::program(&python, &["--version"]))?;
    ensure(version.out().starts_with("Python 3."), "Python, for whoever asks for that", &version)?;
    let broker = Broker::new();
    let call = Call::program(&python, &["-I", "-B", "-X", "disable_remote_debug", "-m", "src.main"]).cwd(scratch.path());
    let uri = broker.uri();
    let _runner = Runner::of(call, &[("N8N_RUNNERS_TASK_BROKER_URI", uri.as_str()), ("N8N_RUNNERS_GRANT_TOKEN", "x")])?;
    works(&mut broker.register()?, "t")
}

fn uninstalled() -> Check {
    let scratch = directory()?;
    let python = scratch.path().join(".venv/bin/python");
    let before = fs::read_link(&python)?;
    done(place("install", scratch.path()))?;
    ensure(fs::read_link(&python)? != before, "control: it is replaced", &before)?;
    done(place("uninstall", scratch.path()))?;
    let files = fs::read_dir(scratch.path().join(".venv/bin"))?.count();
    ensure(fs::read_link(&python)? == before && files == 1, "what was there, and nothing else", &files)?;
    // What was not there is gone.
    let empty = Scratch::new();
    done(place("install", empty.path()))?;
    done(place("uninstall", empty.path()))?;
    ensure(fs::read_dir(empty.path())?.count() == 0, "nothing is left", &empty.path())
}

fn not_installed() -> Check {
    let scratch = directory()?;
    let python = scratch.path().join(".venv/bin/python");
    let before = fs::read_link(&python)?;
    let refused = |words: &str, told: &str| {
        let ended = place(words, scratch.path()).end()?;
        ensure(ended.code == Some(2) && ended.err().contains(told), told, &ended)
    };
    refused("uninstall", "nothing to undo")?;
    symlink("/somewhere", scratch.path().join(".venv/bin/python.before-remand"))?;
    refused("install", "it is left from an earlier installation")?;
    ensure(fs::read_link(&python)? == before, "as it was", &before)?;
    let ended = place("install", Path::new("/nonexistent")).end()?;
    ensure(ended.code == Some(2) && ended.err().contains("there is no such directory"), "no directory", &ended)
}

fn call_doctor(broker: &Broker) -> Call {
    Call::new(&["n8n", "doctor"]).env("N8N_RUNNERS_TASK_BROKER_URI", &broker.uri()).env("N8N_RUNNERS_AUTH_TOKEN", "secret")
}

fn doctor() -> Check {
    let broker = Broker::new();
    let started = call_doctor(&broker).start();
    broker.http("GET /healthz", "200 OK", &json!({ "status": "ok" }))?;
    broker.grant("200 OK", &json!({ "data": { "token": "granted" } }))?;
    let mut link = broker.register()?;
    ensure(link.authorization == "Bearer granted", "its token", &link.authorization)?;
    let rest = link.rest()?;
    ensure(rest.is_empty() && link.offers.is_empty(), "it offers nothing and goes", &rest)?;
    let ended = started.end()?;
    ensure(ended.code == Some(0) && !ended.out().contains("wrong"), "all is well", &ended)?;
    ensure(!ended.out().contains("secret") && !ended.out().contains("granted"), "no token is told", &ended)
}

fn doctor_wrong() -> Check {
    let broker = Broker::new();
    let found = |started: remand_tests::command::Started, told: &str| {
        let ended = started.end()?;
        let line = ended.out().lines().last().unwrap_or_default().to_owned();
        ensure(ended.code == Some(1) && line.starts_with("wrong ") && line.contains(told), told, &ended)
    };
    let started = call_doctor(&broker).start();
    broker.http("GET /healthz", "200 OK", &json!({}))?;
    broker.grant("403 Forbidden", &json!({}))?;
    found(started, "the broker refuses N8N_RUNNERS_AUTH_TOKEN: it must be the same as n8n's")?;
    let started = call_doctor(&broker).start();
    broker.http("GET /healthz", "200 OK", &json!({}))?;
    broker.grant("404 Not Found", &json!({}))?;
    found(started, "this is no broker's port")?;
    let started = call_doctor(&broker).start();
    broker.http("GET /healthz", "503 Service Unavailable", &json!({}))?;
    found(started, "n8n has not begun yet")?;
    let started = call_doctor(&broker).start();
    broker.http("GET /healthz", "200 OK", &json!({}))?;
    broker.grant("200 OK", &json!({ "data": { "token": "granted" } }))?;
    broker.refuse(429)?;
    found(started, "HTTP 429")?;
    let started = call_doctor(&broker).env("N8N_RUNNERS_TASK_TIMEOUT", "0").start();
    found(started, "Task timeout must be positive, got 0")?;
    drop(broker);
    let nobody = Broker::new();
    let call = call_doctor(&nobody);
    drop(nobody);
    found(call.start(), "no connection to the broker: ")
}

fn tls() -> Check {
    let (broker, certificate) = Broker::tls("127.0.0.1");
    let scratch = Scratch::new();
    let file = scratch.file("ca.pem", &certificate).display().to_string();
    let _runner = Runner::start(&broker, &[("SSL_CERT_FILE", &file)])?;
    works(&mut broker.register()?, "t")
}

fn tls_untrusted() -> Check {
    let (broker, _) = Broker::tls("127.0.0.1");
    let (_, other) = Broker::tls("127.0.0.1");
    let scratch = Scratch::new();
    let file = scratch.file("ca.pem", &other).display().to_string();
    let runner = Runner::start(&broker, &[("SSL_CERT_FILE", &file)])?;
    ensure(broker.accept().is_err(), "no token is shown to it", &runner.log())?;
    runner.logs("Failed to connect to broker: TLS: ").map(drop)
}
