//! `--via`: a run by a daemon is that of this process, and what becomes of a daemon is told.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use remand_tests::command::{Call, Ended, until};
use remand_tests::daemon::Daemon;
use remand_tests::processes::{appears, vanishes};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value as Json, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("via::the_record_is_that_of_a_run_here", records),
        trial("via::people_read_the_same", people),
        trial("via::files_travel_there_and_back", files),
        trial("via::output_comes_before_the_end_and_a_signal_cancels", streamed),
        trial("via::what_a_request_cannot_say_is_refused_by_name", unsayable),
        trial("via::what_the_daemon_refuses_is_told_in_its_words", refused),
        trial("via::a_full_daemon_and_one_that_serves_others", turned_away),
        trial("via::a_daemon_that_is_killed_is_told", killed),
        trial("via::what_is_no_daemon_is_told_and_ends", impostors),
        trial("via::what_a_hostile_daemon_gives_is_held_to_what_was_asked_for", hostile),
        trial("via::what_a_daemon_says_of_runs_is_read_whole_and_does_nothing_to_a_terminal", listed),
    ]
}

fn via(daemon: &Daemon, words: &[&str], input: &[u8]) -> Result<Ended, End> {
    at(&daemon.socket(), words, input)
}

fn at(socket: &Path, words: &[&str], input: &[u8]) -> Result<Ended, End> {
    let (command, rest) = words.split_first().expect("a command");
    Call::new(&[&[*command, "--via", &socket.display().to_string()], rest].concat()).input(input).end()
}

fn here(words: &[&str], input: &[u8]) -> Result<Ended, End> {
    Call::new(words).input(input).end()
}

/// A record without what differs from run to run.
fn bare(mut outcome: Json) -> Json {
    for member in ["run", "timing", "usage"] {
        outcome[member] = Json::Null;
    }
    for list in ["output", "displays"] {
        outcome[list].as_array_mut().into_iter().flatten().for_each(|entry| entry["us"] = Json::Null);
    }
    // Those that a call has no use for have addresses.
    outcome["violations"].as_array_mut().into_iter().flatten().for_each(|call| call["args"] = Json::Null);
    // Who holds a protection differs with the process that started the run, but not what is protected.
    let names: Vec<_> = outcome["enforcement"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    outcome["enforcement"] = json!(names);
    outcome
}

const PROGRAM: &str = "import sys\nprint(sys.argv, input())\nsys.stderr.write('err\\n')\nraise SystemExit(3)";

fn records() -> Check {
    let daemon = Daemon::start(&[])?;
    let scratch = Scratch::new();
    let path = |name: &str, text: &str| scratch.file(name, text).display().to_string();
    let rows = path("rows.ndjson", "{\"n\": 1.10}\n\n{\"n\": 0}\n");
    let script = path("own.py", PROGRAM);
    let security = path("security.json", r#"{"stdlib_allow": ["math"]}"#);
    let request = path("request.json", r#"{"mode": "script", "code": "6 * 7", "value": "last", "name": "a.py"}"#);
    let cases: [&[&str]; 14] = [
        &["run", "-c", "print('a', 1)\nreturn [_items, _query]", "--items", &rows, "--query", "{\"q\": 1e400}"],
        &["run", "-c", "print('a', 1)\nreturn [_items, _query]", "--items", &rows, "--query", "{\"q\": [null]}"],
        &["run", "--mode", "per_item", "--on-error", "item", "-c", "return 1 / _item['n']", "--items", &rows],
        &["run", "-c", "raise ValueError('\u{e9}')", "--query", "1"],
        &["run", "-c", "import json", "--security-config", &security],
        &["run", "-c", "return open('/etc/shadow').read()", "-p", "strict"],
        &["run", "-c", "return 1 +"],
        &["run", "-c", "import socket\nsocket.socket()"],
        &["run", "--request", &request],
        &["python", "-c", PROGRAM, "one", "--two"],
        &["python", &script, "x"],
        &["python", "-m", "json.tool"],
        &["python", "--value", "display", "-c", "import sys\nsys.stdout.write('no line')\n[1, 2]"],
        &["python", "--await", "-c", "import asyncio, os\nawait asyncio.sleep(0)\nos.write(1, b'\\xff\\0\\xe2')\nos.kill(os.getpid(), 9)"],
    ];
    for words in cases {
        let words = [&words[..1], &["--json"], &words[1..]].concat();
        let (own, daemons) = (here(&words, b"[1]\n")?, via(&daemon, &words, b"[1]\n")?);
        if own.code == Some(2) {
            ensure(daemons.code == Some(2) && daemons.out().is_empty(), "refused there too", &(&words, &daemons))?;
            continue;
        }
        let (mut ours, mut theirs) = (bare(own.outcome()?), bare(daemons.outcome()?));
        if words.first() == Some(&"python") {
            // A daemon's programs write line by line, so that their output comes in other pieces.
            (ours["output"], theirs["output"]) = (Json::Null, Json::Null);
        }
        ensure(own.code == daemons.code, "the same status", &(&words, own.code, daemons.code))?;
        ensure(ours == theirs, "the same record", &(&words, &ours, &theirs))?;
    }
    let slow = ["run", "--json", "-t", "300ms", "-c", "while True: pass"];
    let (own, daemons) = (here(&slow, b"")?, via(&daemon, &slow, b"")?);
    ensure((own.code, daemons.code) == (Some(5), Some(5)), "a limit", &daemons)
}

fn people() -> Check {
    let daemon = Daemon::start(&[])?;
    let bytes = "import sys\nsys.stdout.buffer.write(bytes(range(256)) * 400 + b'\\xe2')\nsys.stderr.write('\\x1b[2J')";
    let cases: [&[&str]; 7] = [
        &["run", "-c", "print('a\\x1b[2J')\nreturn {'a': [1]}"],
        &["run", "-c", "print('half', end='')\nraise ValueError('x')"],
        &["python", "-c", bytes],
        &["python", "-c", PROGRAM, "one"],
        &["python", "--value", "last", "-c", "print(input())\n{'a': 1}"],
        &["python", "--exit-status", "verdict", "-c", "raise SystemExit(9)"],
        &["python", "-q", "-c", "1 / 0"],
    ];
    for words in cases {
        let (own, daemons) = (here(words, b"in\n")?, via(&daemon, words, b"in\n")?);
        let same = own.code == daemons.code && own.stdout == daemons.stdout && own.stderr == daemons.stderr;
        ensure(same, "the same", &(words, &own, &daemons))?;
    }
    let kinds = |ended: &Ended| -> Vec<_> {
        let kind = |line: &str| serde_json::from_str::<Json>(line).ok()?["event"].as_str().map(str::to_owned);
        ended.out().lines().map(kind).collect()
    };
    let events = ["run", "--stream", "-c", "print('a')\nreturn 1"];
    let (own, daemons) = (here(&events, b"")?, via(&daemon, &events, b"")?);
    ensure(kinds(&own) == kinds(&daemons) && kinds(&own).len() == 3, "events", &(&own, &daemons))?;
    let scratch = Scratch::new();
    let outcome = scratch.path().join("outcome.json");
    let told = via(&daemon, &["run", "--outcome", &outcome.display().to_string(), "-c", "return 1"], b"")?;
    let record: Json = serde_json::from_str(&fs::read_to_string(outcome)?).unwrap_or_default();
    ensure(told.out() == "1\n" && record["value"] == 1, "--outcome", &(&told, &record))
}

fn files() -> Check {
    let daemon = Daemon::start(&[])?;
    let scratch = Scratch::new();
    let top = scratch.path();
    fs::create_dir_all(top.join("pack/in"))?;
    fs::write(top.join("pack/part.py"), "X = 7")?;
    fs::write(top.join("pack/in/raw"), b"\xff\0")?;
    let (pack, to) = (top.join("pack").display().to_string(), top.join("to").display().to_string());
    let code = "import part\nopen('out.bin', 'wb').write(open('pack/in/raw', 'rb').read() * part.X)\nopen('.hidden', 'w').write('x')";
    let words = ["python", "--dir", &pack, "--artifacts", "*", "--artifacts-to", &to, "-c", code];
    let told = via(&daemon, &words, b"")?;
    ensure(told.code == Some(0), "they travel", &told)?;
    ensure(fs::read(top.join("to/out.bin")).is_ok_and(|content| content == b"\xff\0".repeat(7)), "by content", &told)?;
    ensure(!top.join("to/.hidden").exists(), "and nothing else", &told)?;
    let again = via(&daemon, &words, b"")?;
    ensure(again.code == here(&words, b"")?.code && again.err().contains("--overwrite"), "nothing is replaced", &again)
}

/// A run by a daemon that goes on, with the file that its output goes to.
fn going(daemon: &Daemon, scratch: &Scratch, name: &str) -> Result<(remand_tests::command::Started, PathBuf), End> {
    let (out, err) = (scratch.path().join("out"), scratch.path().join("err"));
    let code = format!("import ctypes, time\nctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0)\nprint('first')\nwhile True: time.sleep(0.1)");
    let socket = daemon.socket().display().to_string();
    let started = Call::new(&["python", "--via", &socket, "-c", &code]).stdout_to(&out)?.stderr_to(&err)?.start();
    let seen = until(|| fs::read_to_string(&out).ok().filter(|text| text == "first\n"));
    ensure(seen.is_some() && appears(name).is_some(), "it is seen while the run goes on", &(fs::read_to_string(&err), daemon.log()))?;
    Ok((started, err))
}

fn streamed() -> Check {
    let daemon = Daemon::start(&[])?;
    for (signal, name) in [(Signal::SIGINT, "rv-int"), (Signal::SIGTERM, "rv-term")] {
        let scratch = Scratch::new();
        let (mut started, err) = going(&daemon, &scratch, name)?;
        started.signal(signal);
        let ended = started.end()?;
        let said = fs::read_to_string(&err)?;
        ensure(
            ended.code == Some(7) && said.contains("remand: cancelled; every process of the run is gone"),
            "cancelled",
            &(&ended, &said),
        )?;
        ensure(vanishes(name), "and gone", &daemon.log())?;
    }
    let scratch = Scratch::new();
    let (mut started, _) = going(&daemon, &scratch, "rv-kill")?;
    started.signal(Signal::SIGKILL);
    started.end()?;
    ensure(vanishes("rv-kill"), "a run goes with who waits for it", &daemon.log())
}

fn unsayable() -> Check {
    let scratch = Scratch::new();
    let nobody = scratch.path().join("none.sock");
    let with = |text: &str| scratch.file("request.json", text).display().to_string();
    let cases: [(&[&str], &str); 9] = [
        (&["run", "--mount", "/srv", "-c", "1"], "--mount: "),
        (&["run", "--python", "/usr/bin/python3", "-c", "1"], "--python is a path"),
        (&["run", "-p", "./mine.jsonc", "-c", "1"], "--policy is a file"),
        (&["python", "--tty", "-c", "1"], "--tty: "),
        (&["python", "--mount", "/srv", "-c", "1"], "--mount: "),
        (&["exec", "--", "/bin/true"], "exec has no --via"),
        (&["run", "--request", &with(r#"{"code": "", "mounts": [{"source": "/srv"}]}"#)], "the request: mounts"),
        (&["run", "--artifacts", "*", "-c", "1"], "--artifacts: "),
        (&["run", "--items", "/dev/zero", "-c", "1"], "/dev/zero"),
    ];
    for (words, said) in cases {
        let told = at(&nobody, words, b"")?;
        ensure(told.code == Some(2) && told.err().contains(said), said, &told)?;
    }
    let large = scratch.path().join("large");
    fs::File::create(&large)?.set_len(33 << 20)?;
    let told = at(&nobody, &["run", "--file", &large.display().to_string(), "-c", "1"], b"")?;
    ensure(told.code == Some(2) && told.err().contains("what a daemon takes"), "too large", &told)?;
    let learned = Call::new(&["policy", "learn", "--", "run", "--via", "/x", "-c", "return 1"]).end()?;
    ensure(learned.code == Some(2) && learned.err().contains("--via: "), "learn", &learned)?;
    let absent = at(&nobody, &["run", "-c", "1"], b"")?;
    ensure(absent.code == Some(10) && absent.err().contains("none.sock: no daemon answers there: No such file"), "absent", &absent)
}

fn refused() -> Check {
    let daemon = Daemon::start(&[])?;
    let cases: [(&[&str], i32, &str); 4] = [
        (&["run", "--set", "limits.memory=64GiB", "-c", "1"], 2, "limits.memory"),
        (&["run", "-p", "nope", "-c", "1"], 2, "no policy nope"),
        (&["run", "--python", "python9.9", "-c", "1"], 2, "python9.9"),
        (&["python", "--env", "PYTHONHOME=hidden", "-c", "1"], 2, "PYTHONHOME"),
    ];
    for (words, code, said) in cases {
        let told = via(&daemon, words, b"")?;
        let shown = told.err().contains("the daemon at ") && told.err().contains(said) && !told.err().contains("hidden");
        ensure(told.code == Some(code) && shown && told.out().is_empty(), said, &told)?;
    }
    Ok(())
}

fn turned_away() -> Check {
    if !geteuid().is_root() {
        return Err(End::Skip("root".to_owned()));
    }
    let scratch = Scratch::new();
    let config = |text: &Json| scratch.file("serve.jsonc", &text.to_string()).display().to_string();
    let daemon = Daemon::start(&["--config", &config(&json!({ "version": 1, "tenants": { "other": { "users": ["65533"] } } }))])?;
    let told = via(&daemon, &["run", "-c", "return 1"], b"")?;
    ensure(told.code == Some(10) && told.err().contains("user 0 is in no tenant"), "not served", &told)?;
    let narrow = json!({ "version": 1, "tenants": { "narrow": { "users": ["root"], "concurrent": 1, "queued": 1, "rate": 1 } } });
    let daemon = Daemon::start(&["--config", &config(&narrow)])?;
    let first = via(&daemon, &["run", "-c", "return 1"], b"")?;
    let second = via(&daemon, &["run", "-c", "return 1"], b"")?;
    ensure(first.code == Some(0), "control: there is room for one", &first)?;
    ensure(second.code == Some(10) && second.err().contains("it may do it in "), "later", &second)
}

fn killed() -> Check {
    let daemon = Daemon::start(&[])?;
    let scratch = Scratch::new();
    let (started, err) = going(&daemon, &scratch, "rv-orphan")?;
    daemon.signal(Signal::SIGKILL);
    let ended = started.end()?;
    let said = fs::read_to_string(&err)?;
    ensure(ended.code == Some(11) && said.contains("it went away before the run was over"), "told", &(&ended, &said))?;
    ensure(vanishes("rv-orphan"), "and no run is left", &said)
}

/// Something that listens: to each connection it says these answers, one for each portion that it hears.
fn listener(scratch: &Scratch, answers: &'static [&'static str]) -> PathBuf {
    let path = scratch.path().join("s.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut heard = [0; 1 << 16];
                for answer in answers {
                    if stream.read(&mut heard).unwrap_or(0) == 0 || stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
                // One that says nothing is silent for as long as it is listened to.
                if answers.is_empty() {
                    while stream.read(&mut heard).unwrap_or(0) > 0 {}
                }
            });
        }
    });
    path
}

const VERSION: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 42\r\n\r\n{\"remand\":\"0.1.0\",\"api\":1,\"requests\":1}   ";

fn impostors() -> Check {
    let cases: [(&'static [&'static str], i32, &str); 7] = [
        (&["SSH-2.0-OpenSSH_9.2\r\n"], 10, "it is no daemon of remand's: "),
        (&["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"], 10, "it does not say which version it is"),
        (&["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"], 10, "it answered 404 Not Found"),
        (
            &["HTTP/1.1 200 OK\r\ncontent-length: 39\r\n\r\n{\"remand\":\"9.0\",\"api\":2,\"requests\":3}  "],
            10,
            "it is remand 9.0, which speaks version 2 of the API",
        ),
        (&[VERSION, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"], 10, "it answers a run with no events"),
        (
            &[VERSION, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nlocation: /v1/runs/a\r\n\r\nid: 0\ndata: {\"event\":1}\n\n"],
            11,
            "it said what is no event",
        ),
        // Nothing bounds the patience of whoever listens but that of whoever asks.
        (&[], 10, "it has not answered for 10 s"),
    ];
    for (answers, code, said) in cases {
        let scratch = Scratch::new();
        let told = at(&listener(&scratch, answers), &["run", "-c", "return 1"], b"")?;
        ensure(told.code == Some(code) && told.err().contains(said) && told.out().is_empty(), said, &told)?;
    }
    Ok(())
}

/// An answer with an outcome that has this file.
fn gives(name: &str) -> &'static [&'static str] {
    let file = json!({ "name": name, "size": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "mime": "text/plain", "content": "eA==" });
    let outcome = json!({
        "version": 1, "run": "a", "policy": { "name": "default", "hash": "0" }, "verdict": { "kind": "finished" }, "value": null, "error": null, "prints": [],
        "stdout": { "text": "", "truncated": false }, "stderr": { "text": "", "truncated": false }, "output": [], "output_order": "exact", "files": [file],
        "violations": [], "violations_truncated": false, "quiet": [], "usage": { "wall_ms": 1.0, "cpu_ms": { "user": 1.0, "system": 1.0 }, "memory_peak": null, "pids_peak": null },
        "timing": [], "enforcement": {},
    });
    let event = json!({ "event": "outcome", "outcome": outcome });
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nlocation: /v1/runs/a\r\n\r\n";
    Box::leak(Box::new([VERSION, &*Box::leak(format!("{head}id: 0\ndata: {event}\n\n").into_boxed_str())]))
}

fn hostile() -> Check {
    let written = |name: &str| {
        let scratch = Scratch::new();
        let to = scratch.path().join("in/to");
        fs::create_dir_all(&to)?;
        let words = ["run", "--artifacts", "*.txt", "--artifacts-to", &to.display().to_string(), "-c", "return 1"];
        let told = at(&listener(&scratch, gives(name)), &words, b"")?;
        let found = [to.join("a.txt"), scratch.path().join("in/a.txt"), to.join(".bashrc")].map(|path| path.exists());
        Ok::<_, End>((told, found))
    };
    let (told, found) = written("a.txt")?;
    ensure(told.code == Some(0) && found == [true, false, false], "control: what was asked for", &(&told, found))?;
    for (name, said) in [("../a.txt", "whose name is none"), (".bashrc", "which was not asked for"), ("/tmp/a.txt", "whose name is none")] {
        let (told, found) = written(name)?;
        ensure(told.code == Some(11) && told.err().contains(said) && found == [false; 3], name, &(&told, found))?;
    }
    Ok(())
}

/// An answer of this type.
fn document(kind: &str, body: &str) -> &'static str {
    let text = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    Box::leak(text.into_boxed_str())
}

fn listed() -> Check {
    let to = |answer: &'static str, words: &[&str]| {
        let scratch = Scratch::new();
        let answers = Box::leak(Box::new([VERSION, answer]));
        at(&listener(&scratch, answers), words, b"")
    };
    // Root's daemon has those of all its users.
    let run = json!({ "run": "a", "state": "running", "policy": "p\u{1b}[2J", "age_ms": 5, "for": "x\ny" }).to_string();
    let many = document("application/json", &format!("{{\"runs\":[{}]}}", vec![run; 20_000].join(",")));
    let told = to(many, &["ps"])?;
    ensure(told.code == Some(0) && told.out().lines().count() == 20_001 && !told.out().contains('\u{1b}'), "all of them", &told.code)?;
    let told = to(document("application/json", "{\"runs\":[{}]}"), &["ps"])?;
    ensure(told.code == Some(10) && told.out().is_empty() && told.err().contains("is not what this remand reads"), "other words", &told)?;
    let print = json!({ "event": "print", "us": 1, "text": "late\n" });
    let problem = json!({ "event": "problem", "detail": "gone", "exit_status": 11 });
    let events = document("text/event-stream", &format!("id: 7\ndata: {print}\n\nid: 8\ndata: {problem}\n\n"));
    let told = to(events, &["logs", "a"])?;
    let text = told.err();
    ensure(told.code == Some(11) && text.contains("7 events before this are not kept any more") && text.contains("late"), "told", &told)
}
