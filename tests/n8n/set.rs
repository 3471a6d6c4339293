//! What an operator sets: variables, files in their place, the health server, the log.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use libtest_mimic::Trial;
use remand_tests::broker::{Broker, Runner};
use remand_tests::{Check, End, ensure, trial};

use super::{endless, works};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("n8n::what_cannot_be_used_is_told_and_ends_it", wrong),
        trial("n8n::health_is_answered_whatever_is_asked_and_goes_on", health),
        trial("n8n::a_port_in_use_is_told", port_in_use),
        trial("n8n::the_log_keeps_to_its_level", level),
        trial("n8n::its_name_is_the_one_that_was_given", name),
    ]
}

/// n8n gives one to a runner that it starts itself, and holds the grant token to it.
fn name() -> Check {
    let broker = Broker::new();
    let _runner = Runner::start(&broker, &[("N8N_RUNNERS_ID", "a/b &id=c")])?;
    let link = broker.register()?;
    ensure(link.path == "/runners/_ws?id=a%2Fb%20%26id%3Dc", "its name, and nothing else", &link.path)
}

fn wrong() -> Check {
    let grant = ("N8N_RUNNERS_GRANT_TOKEN", "x");
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[], "Environment variable N8N_RUNNERS_GRANT_TOKEN is required"),
        (&[grant, ("N8N_RUNNERS_TASK_TIMEOUT", "-1")], "Task timeout must be positive, got -1"),
        (&[grant, ("N8N_RUNNERS_AUTO_SHUTDOWN_TIMEOUT", "-1")], "Auto shutdown timeout must be non-negative, got -1"),
        (&[grant, ("N8N_RUNNERS_GRACEFUL_SHUTDOWN_TIMEOUT", "0")], "Graceful shutdown timeout must be positive, got 0"),
        (
            &[grant, ("N8N_RUNNERS_MAX_CONCURRENCY", "abc")],
            "Environment variable N8N_RUNNERS_MAX_CONCURRENCY must be an integer, got 'abc'",
        ),
        (
            &[grant, ("N8N_RUNNERS_EXTERNAL_ALLOW", "*, numpy")],
            "Wildcard '*' in N8N_RUNNERS_EXTERNAL_ALLOW must be used alone, not with other modules. Got: *, numpy",
        ),
        (&[("N8N_RUNNERS_GRANT_TOKEN_FILE", "/nonexistent")], "Failed to read N8N_RUNNERS_GRANT_TOKEN_FILE from file /nonexistent: "),
        (&[grant, ("N8N_RUNNERS_TASK_BROKER_URI", "nowhere")], "N8N_RUNNERS_TASK_BROKER_URI: no scheme"),
    ];
    for (variables, told) in cases {
        let mut runner = Runner::bare(variables)?;
        let ended = runner.end()?;
        ensure(ended.code == Some(1), "its status", &ended)?;
        runner.logs(told)?;
    }
    Ok(())
}

/// Asks, and reads to the end.
fn asked(port: u16, request: &[u8]) -> Result<String, End> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(request)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn health() -> Check {
    let broker = Broker::new();
    let set = [("N8N_RUNNERS_HEALTH_CHECK_SERVER_ENABLED", "True"), ("N8N_RUNNERS_HEALTH_CHECK_SERVER_PORT", "0")];
    let runner = Runner::start(&broker, &set)?;
    let line = runner.logs("Health check server listening on 127.0.0.1, port ")?;
    let port = line.rsplit(' ').next().and_then(|port| port.parse().ok()).ok_or_else(|| "no port".to_owned())?;
    let mut link = broker.register()?;
    link.begin("busy", &endless())?;
    runner.logs("Received task busy")?;
    // Those that say nothing keep nobody from an answer.
    let held: Vec<_> = (0..20).map(|_| TcpStream::connect(("127.0.0.1", port))).collect::<Result<_, _>>()?;
    for request in [b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(), b"x", &b"y".repeat(20_000)] {
        let answer = asked(port, request)?;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n";
        ensure(answer.starts_with(head) && answer.ends_with("\r\n\r\nOK"), "its answer", &answer)?;
    }
    drop(held);
    link.cancel("busy")?;
    super::cancelled(&mut link, "busy")?;
    works(&mut link, "t")
}

fn port_in_use() -> Check {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let set = [("N8N_RUNNERS_HEALTH_CHECK_SERVER_ENABLED", "true"), ("N8N_RUNNERS_HEALTH_CHECK_SERVER_PORT", port.as_str())];
    let mut runner = Runner::start(&Broker::new(), &set)?;
    let ended = runner.end()?;
    ensure(ended.code == Some(1), "its status", &ended)?;
    runner.logs(&format!("Port {port} is already in use")).map(drop)
}

fn level() -> Check {
    let broker = Broker::new();
    // One task at once: more may need more memory than a small host has, of which it warns.
    let set =
        [("N8N_RUNNERS_LAUNCHER_LOG_LEVEL", "warning"), ("N8N_RUNNERS_MAX_CONCURRENCY", "1"), ("N8N_SENTRY_DSN", "https://sentry.example")];
    let runner = Runner::start(&broker, &set)?;
    let mut link = broker.register()?;
    works(&mut link, "t")?;
    link.cancel("nobody")?;
    let line = runner.logs("Received cancel for unknown task: nobody")?;
    ensure(line.starts_with("WARN") && runner.log().lines().count() == 1, "its line alone", &runner.log())?;
    let runner = Runner::start(&broker, &set[1..])?;
    let mut link = broker.register()?;
    works(&mut link, "t")?;
    runner.logs("N8N_SENTRY_DSN is ignored")?;
    ensure(runner.log().matches("Sentry").count() == 1, "said once", &runner.log())
}
