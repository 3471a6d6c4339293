//! The command itself: what it prints where, its exit codes, what it refuses, and how it is cancelled.

use std::path::Path;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, Ended, binary};
use remand_tests::scratch::Scratch;
use remand_tests::technique::settings_of;
use remand_tests::{Check, End, ensure, processes, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("command_line::value_on_stdout_the_rest_on_stderr", value_on_stdout),
        trial("command_line::failure_is_explained", failure_is_explained),
        trial("command_line::no_control_characters_reach_a_terminal [O12]", no_control_characters),
        trial("command_line::exit_codes_follow_the_verdict", exit_codes),
        trial("command_line::widening_is_refused", widening_is_refused),
        trial("command_line::policy_errors_have_positions", policy_errors_have_positions),
        trial("command_line::unusable_arguments", unusable_arguments),
        trial("command_line::code_and_items_from_stdin", code_and_items_from_stdin),
        trial("command_line::closed_standard_streams", closed_standard_streams),
        trial("command_line::answer_that_cannot_be_written", answer_that_cannot_be_written),
        trial("command_line::interrupt_cancels", interrupt_cancels),
        trial("command_line::timing_is_shown", timing_is_shown),
        trial("command_line::exec_runs_a_program", exec_runs_a_program),
        trial("command_line::doctor_answers", doctor_answers),
    ]
}

fn remand(args: &[&str], code: &str) -> Result<Ended, End> {
    Call::new(args).input(code.as_bytes()).end()
}

fn value_on_stdout() -> Check {
    let ended = remand(&["run", "-"], "print('said')\nreturn {'a': [1, None, 'x']}")?;
    ensure(ended.code == Some(0) && ended.out() == "{\"a\":[1,null,\"x\"]}\n", "the value, alone on a line", &ended)?;
    ensure(ended.err() == "said\n", "what the code printed, and nothing else", &ended)
}

fn failure_is_explained() -> Check {
    let ended = remand(&["run", "-"], "x = 1\nraise ValueError('bad thing')")?;
    ensure(ended.stdout.is_empty(), "no value", &ended)?;
    ensure(
        ended.err().contains("ValueError") && ended.err().contains("bad thing") && ended.err().contains("line 2"),
        "type, message, line",
        &ended,
    )?;
    let limits = [vec!["run".to_owned()], settings_of(&["limits.wall_time=200ms"]), vec!["-".to_owned()]].concat();
    let ended = Call::new(&limits).input(b"while True: pass").end()?;
    ensure(ended.err().contains("limits.wall_time"), "which limit, and where to raise it", &ended)?;
    let ended = remand(&["run", "-"], "import socket\nsocket.socket()")?;
    ensure(ended.err().contains("socket(") && ended.err().contains("EPERM"), "which call was denied", &ended)
}

fn no_control_characters() -> Check {
    let code = "import os\nos.write(1, b'out\\x1b[2J\\x9b')\nos.write(2, b'remand: verdict finished\\x1b]0;x\\x07')\nprint('\\x1b[31m')\nraise Exception('\\x1b[1A')";
    let ended = remand(&["run", "-"], code)?;
    let printed = [ended.stdout.clone(), ended.stderr.clone()].concat();
    ensure(!printed.iter().any(|byte| (*byte < 0x20 && *byte != b'\n' && *byte != b'\t') || *byte == 0x7f), "only text", &ended)
}

fn exit_codes() -> Check {
    let documented = [
        ("return 1", &[][..], "finished", 0),
        ("raise ValueError(1)", &[], "raised", 1),
        ("import os\nos._exit(7)", &[], "exited", 3),
        ("import os\nos.kill(os.getpid(), 9)", &[], "signaled", 4),
        ("while True: pass", &["limits.wall_time=200ms"], "exceeded", 5),
        ("import os\nos._exit(0)", &[], "no_result", 8),
        ("import os\nos.write(4, b'\\0\\0\\0\\2[]')\nos._exit(0)", &[], "malformed_result", 9),
    ];
    for (code, settings, kind, expected) in documented {
        let ended = Call::run(code, &settings_of(settings)).end()?;
        ensure(ended.outcome()?["verdict"]["kind"] == kind && ended.code == Some(expected), kind, &ended)?;
    }
    Ok(())
}

fn widening_is_refused() -> Check {
    for (set, field) in [
        ("limits.memory=100TiB", "limits.memory"),
        ("limits.wall_time=unlimited", "limits.wall_time"),
        ("network.mode=host", "network.mode"),
    ] {
        let ended = remand(&["run", "--set", set, "-"], "return 1")?;
        ensure(ended.code == Some(2) && ended.stdout.is_empty() && ended.err().contains(field), "refused, naming the field", &ended)?;
    }
    let ended = remand(&["run", "--set", "limits.memory=64MiB", "-"], "return 1")?;
    ensure(ended.code == Some(0), "narrowing is not", &ended)
}

fn policy_errors_have_positions() -> Check {
    let scratch = Scratch::new();
    let cases = [
        ("{\n  \"version\": 1,\n  \"limts\": {}\n}", "3:3", "limits"),
        ("{\n  \"version\": 1,\n  \"limits\": { \"memory\": \"64Mb\" }\n}", "3:25", "memory"),
        ("{\n  \"version\": 1,\n  \"version\": 1\n}", "3:3", "version"),
        ("{\n  \"version\": 1,\n  \"extends\": \"no-such\"\n}", "3:14", "no-such"),
        ("{\n  \"version\": 1\n", "", ""),
    ];
    for (text, position, word) in cases {
        let file = scratch.file("bad.jsonc", text).display().to_string();
        let ended = remand(&["run", "--policy", &file, "-"], "return 1")?;
        let told = ended.err();
        ensure(ended.code == Some(2) && ended.stdout.is_empty(), "nothing runs", &ended)?;
        ensure(
            told.contains("bad.jsonc") && told.contains(position) && told.contains(word),
            "file, line and column, and the word meant",
            &(position, told),
        )?;
    }
    Ok(())
}

fn unusable_arguments() -> Check {
    let cases: [&[&str]; 7] = [
        &["run"],
        &["run", "--mode", "some_items", "-"],
        &["run", "--query", "{", "-"],
        &["run", "--set", "limits.memory", "-"],
        &["run", "--set", "limits.no_such=1", "-"],
        &["run", "--policy", "no-such-policy", "-"],
        &["run", "/proc/none"],
    ];
    for args in cases {
        let ended = remand(args, "return 1")?;
        ensure(ended.code == Some(2) && ended.stdout.is_empty() && !ended.stderr.is_empty(), "refused with a message", &(args, ended))?;
    }
    Ok(())
}

fn code_and_items_from_stdin() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("code.py", "return [item['json']['n'] for item in _items]").display().to_string();
    let items = json!([{ "json": { "n": 1 } }, { "json": { "n": 2 } }]).to_string();
    let ended = remand(&["run", "--items", "-", &file], &items)?;
    ensure(ended.out() == "[1,2]\n", "items from standard input", &ended)?;
    let ended = remand(&["run", "--items", "-", "-"], &items)?;
    ensure(ended.code == Some(2), "not both", &ended)?;
    let ended = remand(&["run", "--items", "-", &file], "{\n\"json\": 1\n}")?;
    ensure(ended.code == Some(2), "items are an array, or lines", &ended)
}

fn shell(script: &str, file: &Path) -> Result<Ended, End> {
    Call::program(Path::new("/bin/sh"), &["-c".as_ref(), script.as_ref(), binary().as_os_str(), file.as_os_str()]).end()
}

fn closed_standard_streams() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("code.py", "import os\nreturn sorted(os.listdir('/'))[:1]");
    let ended = shell("exec \"$0\" run \"$1\" <&-", &file)?;
    ensure(ended.code == Some(0) && !ended.stdout.is_empty(), "without standard input", &ended)?;
    let ended = shell("exec \"$0\" run \"$1\" <&- 2>&-", &file)?;
    ensure(ended.code == Some(0) && !ended.stdout.is_empty(), "without standard error", &ended)?;
    let ended = shell("exec \"$0\" run \"$1\" >&-", &file)?;
    ensure(ended.signal.is_none(), "without standard output", &ended)
}

fn answer_that_cannot_be_written() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("code.py", "return 'x' * 100000");
    let ended = shell("exec \"$0\" run \"$1\" >/dev/full", &file)?;
    ensure(ended.code.is_some_and(|code| code != 0) && ended.err().contains("standard output"), "a full disk is told", &ended)?;
    let ended = shell("\"$0\" run \"$1\" | true", &file)?;
    ensure(!ended.err().contains("panicked"), "a reader that went away is no panic", &ended)
}

fn interrupt_cancels() -> Check {
    let name = format!("cli-{}", std::process::id());
    let code = format!("import ctypes, time\nctypes.CDLL(None).prctl(15, b'{name}')\ntime.sleep(100000)");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut started = Call::run(&code, &[]).start();
        let seen = processes::appears(&name);
        started.signal(signal);
        let ended = started.end()?;
        ensure(seen.is_some(), "it was running", &ended)?;
        ensure(
            ended.outcome()?["verdict"]["kind"] == "cancelled" && ended.code.is_some_and(|code| code != 0),
            "cancelled, with a code",
            &ended,
        )?;
        ensure(processes::named(&name).is_empty(), "nothing is left", &processes::named(&name))?;
    }
    Ok(())
}

fn timing_is_shown() -> Check {
    let ended = remand(&["run", "--timing", "-"], "return 1")?;
    ensure(ended.out() == "1\n" && ended.err().lines().count() > 3, "a line per step on standard error", &ended)
}

fn exec_runs_a_program() -> Check {
    let ended = Call::new(&["exec", "--", "/bin/echo", "hello"]).end()?;
    ensure(ended.code == Some(0) && ended.out() == "hello\n", "its output is passed on", &ended)?;
    let ended = Call::new(&["exec", "--", "/bin/cat", "/etc/shadow"]).end()?;
    ensure(ended.code != Some(0) && ended.err().contains("/etc/shadow"), "and it sees nothing of the host", &ended)
}

fn doctor_answers() -> Check {
    let doctor = remand_tests::facts::doctor();
    ensure(doctor["policies"].as_array().is_some_and(|policies| policies.len() >= 3), "a line per shipped policy", doctor)?;
    ensure(remand_tests::facts::host()["uid"] == nix::unistd::geteuid().as_raw(), "whose facts they are", doctor)?;
    let ended = Call::new(&["doctor"]).end()?;
    ensure(ended.out().contains("default") && ended.out().contains("strict") && ended.out().contains("numeric"), "and for people", &ended)
}
