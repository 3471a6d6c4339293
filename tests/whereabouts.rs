//! Where the code was when its time was over or it died, as it says itself: told beside the verdict, and never more than that.

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended, heard, scale};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("whereabouts::at_a_time_limit_the_account_names_line_and_function", timed),
        trial("whereabouts::of_every_thread_and_of_programs", threads),
        trial("whereabouts::of_a_run_that_dies", dying),
        trial("whereabouts::near_the_memory_limit", near),
        trial("whereabouts::of_a_function_that_closed_its_result", mute),
        trial("whereabouts::a_run_that_does_not_say_ends_all_the_same", silent),
        trial("whereabouts::what_is_forged_there_is_a_claim_and_nothing_more", forged),
    ]
}

fn limit(name: &str, ms: u32) -> [String; 2] {
    ["--set".to_owned(), format!("limits.{name}={}ms", ms * scale())]
}

fn run(code: &str, limit: &[String]) -> Result<Value, End> {
    Call::run(code, limit).end()?.outcome()
}

fn run_heard(code: &str, limit: &[String]) -> Result<Value, End> {
    heard(|| run(code, limit), |outcome| outcome.get("where").is_some())
}

/// What a command says.
fn told(call: impl Fn() -> Result<Ended, End>) -> Result<String, End> {
    heard(|| call().map(|ended| ended.err()), |told| told.contains(", as the code says"))
}

const SLOW: &str = "def slow():\n    while True: pass\n\nslow()";

fn current(outcome: &Value) -> Vec<Value> {
    let threads = outcome["where"]["threads"].as_array();
    threads
        .into_iter()
        .flatten()
        .find(|thread| thread["current"] == true)
        .and_then(|thread| thread["frames"].as_array())
        .cloned()
        .unwrap_or_default()
}

fn timed() -> Check {
    for (name, ms) in [("wall_time", 500), ("cpu_time", 500)] {
        let outcome = run_heard(SLOW, &limit(name, ms))?;
        ensure(outcome["verdict"]["limit"] == name, "the verdict is the supervisor's", &outcome["verdict"])?;
        let expected =
            [json!({ "file": "<code>", "line": 2, "function": "slow" }), json!({ "file": "<code>", "line": 4, "function": "code" })];
        ensure(current(&outcome) == expected, "the calls of the code, and none of ours", &outcome["where"])?;
        let scratch = Scratch::new();
        let file = scratch.file("code.py", SLOW).display().to_string();
        let told = told(|| Call::new(&[&["run".to_owned()], &limit(name, ms)[..], std::slice::from_ref(&file)].concat()).end())?;
        ensure(told.lines().next().is_some_and(|line| line.ends_with(", in line 2, in slow(), as the code says")), "and in words", &told)?;
    }
    let finished = run("return 1", &[])?;
    ensure(finished.get("where").is_none(), "control: of no other run", &finished)
}

fn threads() -> Check {
    let code = "import threading, time\ndef work():\n    while True: time.sleep(1)\nthreading.Thread(target=work, daemon=True).start()\ntime.sleep(1000)";
    let outcome = run_heard(code, &limit("wall_time", 700))?;
    let all = outcome["where"]["threads"].as_array().cloned().unwrap_or_default();
    let within = |line: u64| all.iter().any(|thread| thread["frames"][0]["line"] == line && thread["frames"][0]["file"] == "<code>");
    ensure(all.len() == 2 && within(3) && within(5), "each thread", &outcome["where"])?;
    let scratch = Scratch::new();
    let file = scratch.file("prog.py", SLOW).display().to_string();
    let program = |args: &[&str]| {
        Call::new(
            &[&["python".to_owned()], &limit("wall_time", 700)[..], &args.iter().map(ToString::to_string).collect::<Vec<_>>()].concat(),
        )
        .end()
    };
    for args in [&[file.as_str()][..], &["-c", SLOW]] {
        let told = told(|| program(args))?;
        ensure(told.contains(", in line 2, in slow(), as the code says"), "of a program", &told)?;
    }
    let library = told(|| program(&["-c", "import re\nre.match('(a+)+b', 'a' * 100)"]))?;
    ensure(library.contains(", in line 2, as the code says"), "its own line, not that of a library", &library)
}

fn dying() -> Check {
    for (code, signal) in [
        ("import ctypes\ndef bad():\n    ctypes.string_at(0)\nbad()", "SIGSEGV"),
        ("import os\ndef bad():\n    os.abort()\nbad()", "SIGABRT"),
    ] {
        let outcome = run(code, &[])?;
        ensure(outcome["verdict"]["name"] == signal, "the verdict", &outcome["verdict"])?;
        ensure(current(&outcome).iter().any(|frame| frame["line"] == 3 && frame["function"] == "bad"), "where it was", &outcome["where"])?;
        ensure(outcome["stderr"]["text"] == "", "and nothing of it in its output", &outcome["stderr"])?;
        let program = Call::new(&["python", "--json", "-c", code]).end()?.outcome()?;
        ensure(current(&program).iter().any(|frame| frame["line"] == 3), "of a program too", &program["where"])?;
    }
    Ok(())
}

/// Slowly enough to be asked.
const GROWS: &str = "import time\ndef grow(to):\n    kept = []\n    while len(kept) < to:\n        kept.append(b'x' * (1 << 20))\n        time.sleep(0.01)\n\n";

fn near() -> Check {
    let limit = ["--set".to_owned(), "limits.memory=100MiB".to_owned()];
    let over = run_heard(&format!("{GROWS}grow(1000)"), &limit)?;
    ensure(over["verdict"]["limit"] == "memory", "the verdict is the supervisor's", &over["verdict"])?;
    let names: Vec<_> = current(&over).iter().map(|frame| frame["function"].clone()).collect();
    ensure(names == ["grow", "code"], "where it came near", &(&over["where"], &over["verdict"]))?;
    let program =
        told(|| Call::new(&[&["python".to_owned()], &limit[..], &["-c".to_owned(), format!("{GROWS}grow(1000)")]].concat()).end())?;
    ensure(
        program.contains("over limits.memory") && program.contains(", in grow(), as the code says"),
        "of a program, in words",
        &program,
    )?;
    let threads =
        format!("import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n{GROWS}grow(1000)");
    let threads = run(&threads, &limit)?;
    ensure(
        threads["verdict"]["limit"] == "memory" && threads.get("where").is_none(),
        "no run of several threads is asked",
        &threads["where"],
    )?;
    let back = run(&format!("{GROWS}for _ in range(2): grow(88)\nreturn 7"), &limit)?;
    ensure(back["value"] == 7 && back.get("where").is_none(), "control: one that came near and went back", &back)
}

fn mute() -> Check {
    let told = told(|| Call::new(&["run", "-"]).input(b"import os\ndef go_on():\n    while True: pass\n\nos.close(4)\ngo_on()").end())?;
    ensure(told.contains("the code closed descriptor 4 and went on, in line "), "where it went on", &told)
}

fn silent() -> Check {
    let ways = [
        "import faulthandler, signal\nfaulthandler.unregister(signal.SIGURG)",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])",
        "import os\nos.close(5)",
        "import signal\nsignal.signal(signal.SIGURG, lambda *_: None)",
    ];
    for way in ways {
        let outcome = run(&format!("{way}\n{SLOW}"), &limit("wall_time", 500))?;
        ensure(outcome["verdict"]["limit"] == "wall_time" && outcome.get("where").is_none(), "no word, the same end", &(way, &outcome))?;
    }
    let other = Call::new(
        &[
            &["python".to_owned(), "--json".to_owned()],
            &limit("wall_time", 700)[..],
            &["-c".to_owned(), "import os, sys\nos.execv(sys.executable, [sys.executable, '-S', '-c', 'while True: pass'])".to_owned()],
        ]
        .concat(),
    );
    let outcome = other.end()?.outcome()?;
    ensure(outcome["verdict"]["limit"] == "wall_time", "the signal ends no program that knows nothing of it", &outcome["verdict"])
}

fn forged() -> Check {
    let code = "import os\nfake = b'Current thread 0x1 (most recent call first):\\n  File \"x\\x1b[2J\", line 7 in f\\n' + b'\\xff' * 20\n\
                os.write(5, fake)\nprint('still here')\nos.kill(os.getpid(), 9)";
    let outcome = run(code, &[])?;
    ensure(
        outcome["verdict"]["name"] == "SIGKILL" && outcome["prints"] == json!(["still here\n"]),
        "the result channel is another",
        &outcome,
    )?;
    ensure(current(&outcome) == [json!({ "file": "x\u{1b}[2J", "line": 7, "function": "f" })], "its own claim", &outcome["where"])?;
    let late = run_heard(
        &format!("import os\nos.write(5, b'Current thread 0x1 (most recent call first):\\n  File \"x\", line 7 in f\\n')\n{SLOW}"),
        &limit("wall_time", 500),
    )?;
    ensure(current(&late).first().is_some_and(|frame| frame["line"] == 4), "what it wrote before it was asked is gone", &late["where"])?;
    let ended = run("import os\nos.write(5, b'x' * 1000)\nreturn 1", &[])?;
    ensure(ended["value"] == 1 && ended.get("where").is_none(), "nobody asked", &ended)?;
    let flood = run("import os\nwhile True: os.write(5, b'x' * 65536)", &limit("wall_time", 500))?;
    ensure(flood["verdict"]["limit"] == "wall_time" && flood.get("where").is_none(), "bounded", &flood["verdict"])?;
    let reading = run(
        "import os\ntry: os.read(5, 1)\nexcept OSError as error: first = error.errno\ntry: open('/proc/self/fd/5', 'rb')\nexcept OSError as error: return [first, error.errno]",
        &[],
    )?;
    let expected = if nix::unistd::geteuid().is_root() { json!([9, 13]) } else { reading["value"].clone() };
    ensure(reading["value"] == expected && reading["value"][0] == 9, "write-only", &reading["value"])
}
