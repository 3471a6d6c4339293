//! The daemon, as its clients meet it: the API, who may what, quotas, hostile clients and fronts, sudden deaths.

mod batch;
mod contained;
pub mod hostile;
mod kept;
mod ps;
mod seen;
mod shares;
mod sudden;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use remand_tests::command::{Call, until};
use remand_tests::daemon::{Answer, Daemon};
use remand_tests::processes::{appears, named, vanishes};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value as Json, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("serve::a_request_is_answered_with_its_outcome", outcomes),
        trial("serve::what_is_wrong_is_told_by_status_and_field", problems),
        trial("serve::a_detached_run_lives_on_and_tells_its_events_in_order", detached),
        trial("serve::closing_the_connection_cancels_what_was_waited_for", closing),
        trial("serve::who_is_in_no_tenant_is_refused_before_there_is_a_front", unmapped),
        trial("serve::one_user_neither_sees_nor_cancels_anothers_runs", apart),
        trial("serve::a_quota_is_answered_at_once", quota),
        trial("serve::a_reload_with_a_mistake_keeps_the_old_configuration", reload),
        trial("serve::which_process_may_do_what", rights),
        trial("serve::twenty_hostile_clients_and_the_twenty_first_gets_its_answer", hostile_clients),
        trial("serve::a_hostile_front_gains_nothing", hostile::front),
        trial("serve::a_signal_lets_runs_end_and_takes_no_more", drained),
        trial("serve::the_socket_is_anothers_or_none", sockets),
        trial("serve::of_many_daemons_that_start_at_once_one_has_the_socket", at_once),
        trial("serve::a_streamed_programs_lines_come_as_they_are_printed", lines),
    ];
    let all = [batch::trials(), contained::trials(), kept::trials(), ps::trials(), seen::trials(), shares::trials(), sudden::trials()];
    trials.extend(all.into_iter().flatten());
    trials
}

/// Code that takes on a name.
fn named_as(name: &str) -> String {
    format!("import ctypes\nctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0)")
}

/// Code that can be found by this name while it goes on: for as long as the wall clock of a supervisor lets it, which takes no CPU that a limit could end it by.
fn goes_on(name: &str) -> String {
    format!("{}\nimport time\nwhile True: time.sleep(1)", named_as(name))
}

/// What goes on by this name ends, and not by a limit of its own.
fn is_ended(daemon: &Daemon, name: &str) -> Check {
    ensure(vanishes(name), "it ends", &daemon.log())?;
    ensure(!daemon.log().contains("\"verdict\":\"exceeded\""), "and by no limit of its own", &daemon.log())
}

fn finished(answer: &Answer, value: &Json) -> Check {
    let outcome = answer.json();
    ensure(answer.status == 200 && outcome["verdict"]["kind"] == "finished" && outcome["value"] == *value, "its outcome", answer)
}

fn outcomes() -> Check {
    let daemon = Daemon::start(&[])?;
    finished(&daemon.run(&json!({ "code": "return sum(_items)", "items": [1, 2, 3] }))?, &json!(6))?;
    let request = json!({ "code": "return _query", "query": "q".repeat(100_000), "policy": "strict", "overrides": { "limits": { "wall_time": "1s" } } });
    finished(&daemon.run(&request)?, &json!("q".repeat(100_000)))?;
    let script = json!({ "mode": "script", "code": "import sys\nprint(sys.stdin.read(), sys.argv[1:])", "stdin": "in", "argv": ["a"] });
    let outcome = daemon.run(&script)?.json();
    ensure(outcome["stdout"]["text"] == "in ['a']\n", "a program's output", &outcome)?;
    let files = json!({ "code": "open('b.txt', 'w').write(open('a.txt').read() * 2)", "files": [{ "name": "a.txt", "text": "x" }], "artifacts": ["b.txt"],
        "overrides": {} });
    let outcome = daemon.run(&files)?.json();
    ensure(outcome["verdict"]["kind"] == "finished" || outcome["verdict"]["kind"] == "raised", "files travel by content", &outcome)?;
    let each = json!({ "mode": "per_item", "on_error": "item", "code": "return 1 / _item", "items": [1, 0] });
    ensure(daemon.run(&each)?.json()["items"]["failed"] == 1, "each item for itself", &daemon.run(&each)?)?;
    let raised = daemon.run(&json!({ "code": "raise ValueError('x')" }))?.json();
    ensure(raised["verdict"]["kind"] == "raised" && raised["error"]["type"] == "ValueError", "an exception", &raised)?;
    ensure(daemon.log().contains("\"verdict\":\"raised\"") && !daemon.log().contains("ValueError"), "logged without data", &daemon.log())
}

fn problems() -> Check {
    let daemon = Daemon::start(&[])?;
    let bodies = [
        ("{", 400, "the request:"),
        (r#"{"code": "return 1", "timeout": 3}"#, 400, "unknown field `timeout`"),
        (r#"{"code": "return 1", "argv": ["a"]}"#, 400, "argv: mode all_items has no use for it"),
        (r#"{"code": "return 1", "policy": "nope"}"#, 404, "no policy nope"),
        (r#"{"code": "return 1", "policy": "/etc/passwd"}"#, 403, "is not served to you"),
        (r#"{"code": "return 1", "overrides": {"limits": {"memory": "64GiB"}}}"#, 422, "limits.memory"),
        (r#"{"code": "return 1", "mounts": [{"source": "/etc"}]}"#, 422, "mounts"),
        (r#"{"code": "return 1", "python": "/usr/bin/python3"}"#, 422, "python"),
    ];
    for (body, status, said) in bodies {
        let answer = daemon.ask(&["-d", body], "/v1/runs")?;
        let told = answer.json();
        let shown = told["detail"].as_str().is_some_and(|detail| detail.contains(said)) && told["status"] == status;
        ensure(answer.status == status && shown && answer.head.contains("application/problem+json"), body, &answer)?;
    }
    let scratch = Scratch::new();
    let large = scratch.path().join("large");
    fs::File::create(&large)?.set_len(33 << 20)?;
    let answer = daemon.ask(&["--data-binary", &format!("@{}", large.display())], "/v1/runs")?;
    ensure(answer.status == 413, "a body that is too large", &answer)?;
    for (method, path, status) in [
        ("PUT", "/v1/runs", 405),
        ("POST", "/healthz", 405),
        ("GET", "/nope", 404),
        ("GET", "/v1/runs/none", 404),
        ("GET", "/v1/policies/none", 404),
        ("GET", "/v1/policies/%2e%2e%2fx", 404),
    ] {
        let answer = daemon.ask(&["-X", method], path)?;
        ensure(answer.status == status, path, &answer)?;
    }
    for (path, said) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/version", "remand"),
        ("/openapi.json", "3.1.0"),
        ("/v1/policies", "strict"),
        ("/v1/policies/default", "\"cpu_time\""),
    ] {
        let answer = daemon.ask(&[], path)?;
        ensure(answer.status == 200 && answer.text.contains(said) && answer.json().is_object(), path, &answer)?;
    }
    Ok(())
}

/// The id of a run that goes on.
fn submitted(daemon: &Daemon, code: &str) -> Result<String, End> {
    let answer = daemon.ask(&["-H", "Prefer: respond-async", "-d", &json!({ "code": code }).to_string()], "/v1/runs")?;
    let run = answer.json()["run"].as_str().unwrap_or_default().to_owned();
    ensure(answer.status == 202 && answer.head.contains(&format!("/v1/runs/{run}")) && !run.is_empty(), "taken", &answer)?;
    Ok(run)
}

fn state(daemon: &Daemon, run: &str) -> Result<Json, End> {
    Ok(daemon.ask(&[], &format!("/v1/runs/{run}"))?.json())
}

fn detached() -> Check {
    let daemon = Daemon::start(&[])?;
    let run = submitted(&daemon, "import sys\nprint('one')\nprint('two\\n\\nevent: outcome')\nreturn 7")?;
    let events = daemon.ask(&[], &format!("/v1/runs/{run}/events"))?;
    let kinds: Vec<_> = events.text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    ensure(kinds == ["start", "print", "print", "outcome"], "one order, and nothing that the run made up", &events)?;
    let again = daemon.ask(&["-H", "Last-Event-ID: 2"], &format!("/v1/runs/{run}/events"))?;
    ensure(again.text.starts_with("id: 3\nevent: outcome\n"), "from after the one that was seen", &again)?;
    let over = state(&daemon, &run)?;
    ensure(over["state"] == "over" && over["outcome"]["value"] == 7 && over["outcome"]["run"] == run.as_str(), "kept", &over)?;
    let listed = daemon.ask(&[], "/v1/runs")?.json();
    ensure(listed["runs"][0]["run"] == run.as_str(), "listed", &listed)?;
    daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{run}"))?;
    ensure(state(&daemon, &run)?["status"] == 404, "forgotten when told to", &daemon.log())?;
    let name = "rs-detached";
    let run = submitted(&daemon, &goes_on(name))?;
    ensure(appears(name).is_some(), "it goes on without its connection", &daemon.log())?;
    daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{run}"))?;
    is_ended(&daemon, name)?;
    let over = until(|| state(&daemon, &run).ok().filter(|state| state["state"] == "over"));
    ensure(over.as_ref().is_some_and(|over| over["outcome"]["verdict"]["kind"] == "cancelled"), "and says so", &over)
}

fn lines() -> Check {
    let daemon = Daemon::start(&[])?;
    let code = "print('first')\nimport time\nwhile True: time.sleep(1)";
    let body = json!({ "mode": "script", "code": code }).to_string();
    let head = format!("POST /v1/runs HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut said = BufReader::new(daemon.raw(head.as_bytes())?).lines().map_while(Result::ok);
    let place = said.find(|line| line.to_lowercase().starts_with("location: /v1/runs/"));
    let printed = said.find(|line| line.starts_with("data: {\"event\":\"stdout\"")).unwrap_or_default();
    ensure(printed.contains("first\\n"), "printed", &printed)?;
    let run = place.as_deref().and_then(|place| place.rsplit('/').next()).unwrap_or_default();
    ensure(state(&daemon, run)?["state"] == "running", "while it goes on", &daemon.log())
}

fn closing() -> Check {
    let daemon = Daemon::start(&[])?;
    for (name, accept) in [("rs-waited", "*/*"), ("rs-streamed", "text/event-stream")] {
        let body = json!({ "code": goes_on(name) }).to_string();
        let head = format!("POST /v1/runs HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let stream = daemon.raw(head.as_bytes())?;
        ensure(appears(name).is_some(), "it runs", &daemon.log())?;
        drop(stream);
        is_ended(&daemon, name)?;
    }
    ensure(until(|| (daemon.log().matches("\"verdict\":\"cancelled\"").count() == 2).then_some(())).is_some(), "both", &daemon.log())?;
    ensure(daemon.ask(&[], "/v1/runs")?.json()["runs"] == json!([]), "and forgotten", &daemon.log())
}

const NOBODY: u32 = 65534;

fn privileged() -> Check {
    if geteuid().is_root() { Ok(()) } else { Err(End::Skip("root".to_owned())) }
}

/// A daemon that others can reach.
fn reachable(args: &[&str]) -> Result<Daemon, End> {
    let daemon = Daemon::start(args)?;
    fs::set_permissions(daemon.place(), fs::Permissions::from_mode(0o755))?;
    Ok(daemon)
}

fn unmapped() -> Check {
    privileged()?;
    let daemon = reachable(&[])?;
    let answer = daemon.ask_as(Some(NOBODY), &["-d", r#"{"code": "return 1"}"#], "/v1/runs")?;
    ensure(answer.status == 403 && answer.text.contains("user 65534 is in no tenant"), "refused", &answer)?;
    ensure(!daemon.log().contains("\"user\":65534"), "without a front", &daemon.log())?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    ensure(daemon.log().contains("\"user\":0"), "control: one for whom it serves", &daemon.log())
}

fn apart() -> Check {
    privileged()?;
    let daemon = reachable(&["--allow-all-users"])?;
    let (name, other) = ("rs-roots", Some(NOBODY));
    let run = submitted(&daemon, &goes_on(name))?;
    ensure(appears(name).is_some(), "it runs", &daemon.log())?;
    let as_other = |args: &[&str], path: &str| daemon.ask_as(other, args, path);
    finished(&as_other(&["-d", r#"{"code": "return 2"}"#], "/v1/runs")?, &json!(2))?;
    ensure(as_other(&[], "/v1/runs")?.json()["runs"] == json!([]), "not seen", &daemon.log())?;
    for (args, path) in [(&["-X", "DELETE"][..], ""), (&[], ""), (&[], "/events")] {
        let answer = as_other(args, &format!("/v1/runs/{run}{path}"))?;
        ensure(answer.status == 404, "as if it were not there", &answer)?;
    }
    ensure(named(name).len() == 1, "not cancelled", &named(name))?;
    let refused = as_other(&["-d", r#"{"code": "return 1", "policy": "mine"}"#], "/v1/runs")?;
    ensure(refused.status == 403, "built-in policies alone", &refused)?;
    ensure(as_other(&[], "/v1/policies/mine")?.status == 403, "nor is another's shown", &daemon.log())?;
    let fronts = daemon.fronts();
    ensure(fronts.len() == 2 && fronts[0].uid != fronts[1].uid, "a front and a user id each", &fronts)?;
    daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{run}"))?;
    is_ended(&daemon, name)
}

fn configured(text: &str) -> Result<(Scratch, String), End> {
    let scratch = Scratch::new();
    let file = scratch.file("serve.jsonc", text);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    Ok((scratch, file.display().to_string()))
}

/// A configuration that lets this user have one run at once, and so many that wait.
fn one_at_once(more: &str) -> String {
    format!(
        "{{ \"version\": 1, \"tenants\": {{ \"t\": {{ \"users\": [\"{}\"], \"policies\": [\"default\"], \"concurrent\": 1, {more} }} }} }}",
        geteuid()
    )
}

fn quota() -> Check {
    let (_kept, file) = configured(&one_at_once("\"queued\": 1"))?;
    let daemon = Daemon::start(&["--config", &file])?;
    let name = "rs-first";
    let first = submitted(&daemon, &goes_on(name))?;
    ensure(appears(name).is_some(), "it runs", &daemon.log())?;
    let second = submitted(&daemon, "return 2")?;
    ensure(state(&daemon, &second)?["state"] == "queued", "it waits", &daemon.log())?;
    let third = daemon.run(&json!({ "code": "return 3" }))?;
    ensure(third.status == 429 && third.head.contains(" 1 ") && third.text.contains("its quota"), "refused at once", &third)?;
    ensure(daemon.run(&json!({ "code": "return 3", "policy": "strict" }))?.status == 403, "another policy", &daemon.log())?;
    daemon.ask(&["-X", "DELETE"], &format!("/v1/runs/{first}"))?;
    let over = until(|| state(&daemon, &second).ok().filter(|state| state["state"] == "over"));
    ensure(over.as_ref().is_some_and(|over| over["outcome"]["value"] == 2), "its turn comes", &over)?;
    let (_kept, file) = configured(&one_at_once("\"rate\": 1"))?;
    let daemon = Daemon::start(&["--config", &file])?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    let second = daemon.run(&json!({ "code": "return 2" }))?;
    ensure(second.status == 429 && second.text.contains("in a minute"), "its rate", &second)
}

fn reload() -> Check {
    let (_kept, file) = configured(&one_at_once("\"queued\": 3"))?;
    let checked = |file: &str| Call::new(&["serve", "--check", "--config", file]).end();
    ensure(checked(&file)?.code == Some(0), "it can be used", &checked(&file)?)?;
    let daemon = Daemon::start(&["--config", &file])?;
    let wrong = one_at_once("\"queud\": 3");
    fs::write(&file, &wrong)?;
    let told = checked(&file)?;
    ensure(told.code == Some(2) && told.err().contains("did you mean \"queued\"?"), "as policies are told", &told)?;
    daemon.signal(Signal::SIGHUP);
    ensure(daemon.logs(&["\"event\":\"kept\"", "queud"]), "told", &daemon.log())?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    let ready = daemon.ask(&[], "/readyz")?;
    ensure(ready.status == 200 && ready.text.contains("the old one is used"), "shown", &ready)?;
    fs::write(&file, one_at_once("\"queued\": 3").replace("default", "strict"))?;
    daemon.signal(Signal::SIGHUP);
    ensure(daemon.logs(&["\"event\":\"reloaded\""]), "taken", &daemon.log())?;
    ensure(daemon.run(&json!({ "code": "return 1" }))?.status == 403, "the new one", &daemon.log())?;
    finished(&daemon.run(&json!({ "code": "return 1", "policy": "strict" }))?, &json!(1))?;
    ensure(daemon.ask(&[], "/readyz")?.json()["configuration"].is_null(), "nothing wrong any more", &daemon.log())
}

fn status(pid: i32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn namespace(pid: i32, kind: &str) -> String {
    fs::read_link(format!("/proc/{pid}/ns/{kind}")).map(|link| link.display().to_string()).unwrap_or_default()
}

/// The table of docs/serve.md, cell by cell, on the running daemon.
fn rights() -> Check {
    let daemon = Daemon::start(&[])?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    let front = daemon.fronts().first().ok_or_else(|| "no front".to_owned())?.pid;
    let own = daemon.pid().as_raw();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        ensure(status(front, set) == "0000000000000000", set, &status(front, set))?;
    }
    ensure(status(front, "NoNewPrivs") == "1" && status(front, "Seccomp") == "2", "held", &status(front, "Seccomp"))?;
    ensure(status(own, "Seccomp") == "0", "control: the supervisor makes runs", &own)?;
    let root = geteuid().is_root();
    let uid = status(front, "Uid");
    let apart = uid.split(' ').all(|id| id.parse::<u32>().is_ok_and(|id| (id < 0x4000_0000 && id > 0x3fff_0000) || !root));
    ensure(apart, "a user id outside of those of runs", &uid)?;
    ensure(!root || status(front, "Groups").is_empty(), "no groups", &status(front, "Groups"))?;
    if !root {
        // Not dumpable: nobody but root looks further.
        return ensure(fs::read_dir(format!("/proc/{front}/fd")).is_err(), "closed to its own user", &front);
    }
    for kind in ["mnt", "net", "ipc", "uts", "cgroup"] {
        ensure(namespace(front, kind) != namespace(own, kind), kind, &namespace(front, kind))?;
    }
    let root: Vec<_> = fs::read_dir(format!("/proc/{front}/root/"))?.collect();
    ensure(root.is_empty(), "an empty root", &root)?;
    let mounts = fs::read_to_string(format!("/proc/{front}/mountinfo"))?;
    ensure(mounts.lines().count() == 1 && mounts.contains(" ro,"), "which is all there is, and read-only", &mounts)?;
    let files: Vec<String> = fs::read_dir(format!("/proc/{front}/fd"))?
        .flatten()
        .filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string()))
        .collect();
    let known =
        |file: &String| file.starts_with("socket:") || file.starts_with("anon_inode:") || file == "/dev/null" || file.starts_with("/memfd");
    ensure(files.iter().all(known), "no file of the host's", &files)?;
    let limits = fs::read_to_string(format!("/proc/{front}/limits"))?;
    ensure(
        limits.lines().any(|line| line.starts_with("Max processes") && line.split_whitespace().nth(2) == Some("0")),
        "no process",
        &limits,
    )
}

fn hostile_clients() -> Check {
    let daemon = Daemon::start(&[])?;
    let half = b"POST /v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 33554432\r\n\r\n{".as_slice();
    let headers = [b"GET / HTTP/1.1\r\n".as_slice(), &b"X: y\r\n".repeat(5000)].concat();
    let garbage: Vec<u8> = (0..9000u32).map(|number| u8::try_from(number * 7919 % 251).unwrap_or(0)).collect();
    let unread = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let mut held = Vec::new();
    for number in 0..20usize {
        let bytes = match number % 5 {
            0 => half,
            1 => &headers,
            2 => &garbage,
            3 => &unread,
            _ => b"GET /v1/runs HTT",
        };
        // Some are cut off while they still send.
        held.extend(daemon.raw(bytes).ok().map(|stream| (number % 5, stream)));
    }
    for _ in 0..100 {
        drop(daemon.raw(b""));
    }
    // Larger than what comes with its head.
    finished(&daemon.run(&json!({ "code": "return len(_query)", "query": "q".repeat(100_000) }))?, &json!(100_000))?;
    ensure(daemon.fronts().len() == 1 && held.len() > 10, "one front holds them all", &held.len())?;
    let refused = held.iter_mut().filter(|(kind, _)| *kind == 1).filter_map(|(_, stream)| {
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        stream.shutdown(Shutdown::Write).ok()?;
        let mut said = [0; 12];
        stream.read_exact(&mut said).ok().map(|()| String::from_utf8_lossy(&said).into_owned())
    });
    let refused: Vec<_> = refused.collect();
    ensure(refused.iter().all(|said| said == "HTTP/1.1 431" || said == "HTTP/1.1 400"), "too many headers", &refused)
}

fn drained() -> Check {
    let daemon = Daemon::start(&[])?;
    let body = json!({ "code": format!("{}\nimport time\ntime.sleep(1)\nreturn 'whole'", named_as("rs-drained")) }).to_string();
    let waits = daemon.curl(None, &["-d", &body], "/v1/runs")?.spawn()?;
    ensure(appears("rs-drained").is_some(), "it runs", &daemon.log())?;
    daemon.signal(Signal::SIGTERM);
    ensure(until(|| daemon.raw(b"").is_err().then_some(())).is_some(), "it takes no more", &daemon.log())?;
    let told = waits.wait_with_output()?;
    ensure(String::from_utf8_lossy(&told.stdout).contains("\"value\":\"whole\""), "what went on has its answer", &told)?;
    let socket = daemon.socket();
    let ended = daemon.end()?;
    ensure(ended.code == Some(0) && !socket.exists(), "it ends by itself", &ended)
}

/// A socket that is left of a dead one is one daemon's, however many come for it.
fn at_once() -> Check {
    let scratch = Scratch::new();
    let socket = scratch.path().join("s.sock");
    drop(UnixListener::bind(&socket)?);
    let path = socket.display().to_string();
    let logs: Vec<_> = (0..8).map(|number| scratch.path().join(format!("log{number}"))).collect();
    let serve = |log: &PathBuf| Ok(Call::new(&["serve", "--socket", &path]).stderr_to(log)?.start());
    let mut daemons = logs.iter().map(serve).collect::<Result<Vec<_>, End>>()?;
    let said = || logs.iter().map(|log| fs::read_to_string(log).unwrap_or_default()).collect::<Vec<_>>();
    let count = |word| said().iter().filter(|log| log.contains(word)).count();
    let settled = until(|| (count("serving") + count("another daemon has it") == logs.len()).then_some(()));
    ensure(settled.is_some() && count("serving") == 1, "one serves, the others say so", &said())?;
    daemons.iter_mut().for_each(|daemon| daemon.signal(Signal::SIGTERM));
    daemons.into_iter().try_for_each(|daemon| daemon.end().map(drop))?;
    ensure(!socket.exists(), "it is removed by its own", &said())
}

fn sockets() -> Check {
    let daemon = Daemon::start(&[])?;
    let second = |socket: &str| Call::new(&["serve", "--socket", socket]).end();
    let refused = second(&daemon.socket().display().to_string())?;
    ensure(refused.code == Some(2) && refused.err().contains("another daemon has it"), "left alone", &refused)?;
    finished(&daemon.run(&json!({ "code": "return 1" }))?, &json!(1))?;
    let scratch = Scratch::new();
    let file = scratch.file("s.sock", "kept");
    let refused = second(&file.display().to_string())?;
    ensure(refused.code == Some(2) && fs::read_to_string(&file)? == "kept", "nor what is no socket", &refused)?;
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o777))?;
    let refused = second(&scratch.path().join("t.sock").display().to_string())?;
    ensure(refused.code == Some(2) && refused.err().contains("only this user can write"), "nor where others can write", &refused)
}
