//! Plain jobs: both modes with real items, values, errors, prints, import lists, numpy and pandas.

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::Call;
use remand_tests::observe::Seen::{self, Message, Raised, Value, Verdict};
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, probe, processes, trial};
use serde_json::{Value as Json, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("jobs::all_items", all_items),
        trial("jobs::items_cost_few_times_their_size [9.14]", items_cost),
        trial("jobs::per_item", per_item),
        trial("jobs::per_item_keeps_what_was_done", per_item_keeps_what_was_done),
        trial("jobs::error_of_an_item", error_of_an_item),
        trial("jobs::error_names_the_users_line", error_names_the_users_line),
        trial("jobs::syntax_error", syntax_error),
        trial("jobs::code_is_a_function_body", code_is_a_function_body),
        trial("jobs::prints_are_captured", prints_are_captured),
        trial("jobs::import_lists_say_what_to_do", import_lists),
        trial("jobs::denied_builtins", denied_builtins),
        trial("jobs::values_without_json", values_without_json),
        trial("jobs::record_is_complete", record_is_complete),
        trial("jobs::numpy_and_pandas", numpy_and_pandas),
        trial("jobs::strict_has_no_processes_and_no_threads", strict),
    ]
}

fn items() -> Json {
    json!([
        { "json": { "name": "Ada", "age": 36, "tags": ["x", "y"] }, "pairedItem": { "item": 0 } },
        { "json": { "name": "Blaise\u{e9}\u{1f40d}", "age": 39, "tags": [] } },
        { "json": { "name": "", "age": -1, "tags": null, "ratio": 0.1, "big": 9_007_199_254_740_993_u64 } },
    ])
}

fn run(code: &str, args: &[&str], items: Option<&Json>) -> Result<Json, End> {
    let scratch = Scratch::new();
    let mut args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    if let Some(items) = items {
        args.extend(["--items".to_owned(), scratch.file("items.json", &items.to_string()).display().to_string()]);
    }
    Call::run(code, &args).end()?.outcome()
}

fn check(code: &str, args: &[&str], seen: &[Seen]) -> Check {
    compare(&run(code, args, None)?, seen).map_err(End::Fail)
}

/// Most memory that the supervisor ever had, in bytes: of a run that waits for its end.
fn supervisor_peak(name: &str, items: &str, mode: &str) -> Result<u64, End> {
    let scratch = Scratch::new();
    let file = scratch.file("items.json", items).display().to_string();
    let code = format!("import ctypes, time\nctypes.CDLL(None).prctl(15, b'{name}')\ntime.sleep(100000)");
    let args = ["--items", &file, "--mode", mode].map(str::to_owned);
    let mut started = Call::run(&code, &args).start();
    let seen = processes::appears(name);
    let status = std::fs::read_to_string(format!("/proc/{}/status", started.pid()))?;
    started.signal(Signal::SIGTERM);
    let ended = started.end()?;
    ensure(seen.is_some(), "it was running", &ended)?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|text| text.trim().strip_suffix(" kB"));
    let peak = peak.and_then(|text| text.trim().parse::<u64>().ok()).ok_or_else(|| End::Fail(format!("no peak: {status}")))?;
    Ok(peak * 1024)
}

fn items_cost() -> Check {
    let plain = supervisor_peak(&format!("cost-{}", std::process::id()), "[1]", "all_items")?;
    let size: usize = 2 << 20;
    let record = r#"{"json":{"id":12345678,"name":"Ada Lovelace","ratio":0.125,"tags":["a","b"]}}"#;
    let items = [("{}", 6), ("[]", 6), ("null", 6), ("\"\\u00e9\\n\"", 6), ("{\"json\":{\"b\":[true]}}", 3), (record, 3)];
    for (number, (item, times)) in items.into_iter().enumerate() {
        let mode = if number % 2 == 0 { "all_items" } else { "per_item" };
        let items = format!("[{}]", vec![item; size / (item.len() + 1)].join(","));
        let peak = supervisor_peak(&format!("cost-{number}-{}", std::process::id()), &items, mode)?;
        ensure(peak < plain + times * size as u64, &format!("2 MiB of {item}"), &(plain, peak))?;
    }
    Ok(())
}

fn all_items() -> Check {
    let outcome = run("return _items", &[], Some(&items()))?;
    ensure(outcome["value"] == items(), "items come back as they went in", &outcome)?;
    let outcome =
        run("return [_query['factor'] * item['json']['age'] for item in _items]", &["--query", r#"{"factor":2}"#], Some(&items()))?;
    compare(&outcome, &[Value("[72,78,-2]")])?;
    check("return [_items, _query]", &[], &[Value("[[],null]")])
}

fn per_item() -> Check {
    let code = "if _item['json']['age'] < 0:\n    return None\nreturn {'json': {'twice': _item['json']['age'] * 2}}";
    let outcome = run(code, &["--mode", "per_item"], Some(&items()))?;
    let value = &outcome["value"];
    ensure(outcome["verdict"]["kind"] == "finished", "it finishes", &outcome)?;
    ensure(value.as_array().map(Vec::len) == Some(2), "None drops its item", value)?;
    ensure(value[0]["json"]["twice"] == 72 && value[1]["json"]["twice"] == 78, "in the order of the items", value)?;
    ensure(value[0]["pairedItem"].is_object() || value[0]["pairedItem"] == 0, "each says which item it came from", value)
}

fn per_item_keeps_what_was_done() -> Check {
    let code = "import os\nif _item['json']['age'] < 0:\n    os._exit(3)\nreturn {'json': {'age': _item['json']['age']}}";
    let outcome = run(code, &["--mode", "per_item"], Some(&items()))?;
    compare(&outcome, &[Seen::Exited(3)])?;
    let ages: Vec<&Json> = outcome["value"].as_array().into_iter().flatten().map(|item| &item["json"]["age"]).collect();
    ensure(ages == [&json!(36), &json!(39)], "results were streamed the moment they were done", &outcome["value"])
}

fn error_of_an_item() -> Check {
    let code = "x = 1\nif _item['json']['age'] == 39:\n    raise ValueError('no good')\nreturn _item";
    let outcome = run(code, &["--mode", "per_item"], Some(&items()))?;
    compare(&outcome, &[Raised("ValueError"), Message("no good")])?;
    ensure(outcome["error"]["item"] == 1 && outcome["error"]["line"] == 3, "the error says which item and line", &outcome["error"])
}

fn error_names_the_users_line() -> Check {
    let code = "def inner():\n    text = '''a\n  b'''\n    return {}[text]\n\nreturn inner()";
    let outcome = run(code, &[], None)?;
    compare(&outcome, &[Raised("KeyError")])?;
    let stack = outcome["error"]["stack"].as_str().unwrap_or("");
    ensure(outcome["error"]["line"] == 4, "the innermost line of the user's code", &outcome["error"])?;
    ensure(stack.contains("line 6") && stack.contains("line 4") && stack.contains("inner"), "the stack is the user's", &stack)?;
    ensure(!stack.contains("executor"), "and nobody else's", &stack)
}

fn syntax_error() -> Check {
    let outcome = run("x = 1\nif x ==:\n    return 2", &[], None)?;
    compare(&outcome, &[Raised("SyntaxError")])?;
    ensure(outcome["error"]["line"] == 2, "the line that is wrong", &outcome["error"])
}

fn code_is_a_function_body() -> Check {
    check("text = '''one\n    two\n\tthree'''\nreturn text", &[], &[Value(r#""one\n    two\n\tthree""#)])?;
    check("if True:\n    return 1\nreturn 2", &[], &[Value("1")])?;
    check("x = 1", &[], &[Value("null")])?;
    check("", &[], &[Value("null")])?;
    check(
        "import math\ndef area(r):\n    return math.floor(r * r * 3)\nclass A:\n    x = [area(i) for i in range(3)]\nreturn A.x",
        &[],
        &[Value("[0,3,12]")],
    )?;
    check("# only a comment", &[], &[Value("null")])
}

fn prints_are_captured() -> Check {
    let outcome =
        run("print('a', 1, sep='-')\nprint('b', end='')\nprint({'k': [1]})\nprint()\nprint('\u{e9}\\x1b[2J')\nreturn 5", &[], None)?;
    compare(&outcome, &[Value("5")])?;
    let prints: String = outcome["prints"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let text: String = prints.chars().filter(|c| *c != '\n').collect();
    ensure(text == "a-1b{'k': [1]}\u{e9}\u{1b}[2J", "prints in order, as they are", &outcome["prints"])?;
    ensure(outcome["stdout"]["text"] == "", "and not on the standard output", &outcome["stdout"])
}

fn import_lists() -> Check {
    let scratch = Scratch::new();
    let config = json!({ "stdlib_allow": ["json", "math"], "external_allow": [], "builtins_deny": [], "runner_env_deny": true });
    let config = scratch.file("security.json", &config.to_string()).display().to_string();
    let args = ["--security-config", &config];
    check("import json, math\nreturn json.dumps([math.pi > 3])", &args, &[Value(r#""[true]""#)])?;
    check("import socket\nreturn 1", &args, &[Raised("ImportError"), Message("python.stdlib_allow")])?;
    check("import socket\nreturn 1", &[], &[Value("1")])
}

fn denied_builtins() -> Check {
    let scratch = Scratch::new();
    let config = json!({ "stdlib_allow": ["*"], "external_allow": [], "builtins_deny": ["eval"], "runner_env_deny": true });
    let config = scratch.file("security.json", &config.to_string()).display().to_string();
    let args = ["--security-config", &config];
    check("return eval('1 + 1')", &args, &[Verdict("raised"), Message("eval")])?;
    check("return len('ab')", &args, &[Value("2")])?;
    check("return eval('1 + 1')", &[], &[Value("2")])
}

/// Every value that JSON has no way to say ends in something defined: a value, or an error that says which.
fn values_without_json() -> Check {
    for name in ["nan", "infinity", "huge", "surrogate", "cycle", "set", "bytes", "key"] {
        let outcome = run(&probe!("odd_values").code(), &["--query", &format!("\"{name}\"")], None)?;
        let kind = outcome["verdict"]["kind"].as_str().unwrap_or("");
        let told = outcome["error"]["message"].as_str().is_some_and(|message| !message.is_empty());
        ensure(kind == "finished" || (kind == "raised" && told), &format!("{name} has a defined ending"), &outcome)?;
    }
    Ok(())
}

fn record_is_complete() -> Check {
    let outcome = run("return 1", &[], None)?;
    ensure(outcome["version"] == 1, "version 1", &outcome["version"])?;
    ensure(outcome["run"].as_str().is_some_and(|id| !id.is_empty()), "the run has an id", &outcome["run"])?;
    ensure(outcome["policy"]["name"] == "default", "the policy's name", &outcome["policy"])?;
    ensure(outcome["policy"]["hash"].as_str().map(str::len) == Some(64), "and hash", &outcome["policy"])?;
    ensure(outcome["timing"].as_array().is_some_and(|steps| !steps.is_empty()), "what each step cost", &outcome["timing"])?;
    ensure(
        outcome["enforcement"].as_object().is_some_and(|all| all.len() > 5),
        "how each protection is enforced",
        &outcome["enforcement"],
    )?;
    ensure(outcome["violations"] == json!([]), "an honest run has no violations", &outcome["violations"])?;
    let other = run("return 1", &[], None)?;
    ensure(other["run"] != outcome["run"], "each run has an id of its own", &other["run"])?;
    ensure(other["policy"] == outcome["policy"], "the same policy has the same hash", &other["policy"])
}

fn numpy_and_pandas() -> Check {
    let Some(python) = std::env::var_os("REMAND_TEST_NUMERIC_PYTHON") else {
        return Err(End::Skip("REMAND_TEST_NUMERIC_PYTHON (an interpreter with numpy and pandas)".to_owned()));
    };
    let scratch = Scratch::new();
    let sections = json!({ "python": { "interpreter": python.to_string_lossy() } });
    let policy = policy_text::extending("numeric", &scratch, &sections).display().to_string();
    let code = "import numpy as np, pandas as pd\nframe = pd.DataFrame({'g': ['a', 'b', 'a'], 'x': [1.5, 2.0, 3.5]})\n\
        eye = np.linalg.inv(np.eye(200) * 2)\nreturn [frame.groupby('g')['x'].sum().to_dict(), float(eye[0][0]), int(np.random.default_rng(1).integers(0, 10, 1000).size)]";
    let outcome = run(code, &["--policy", &policy], None)?;
    compare(&outcome, &[Value(r#"[{"a":5.0,"b":2.0},0.5,1000]"#)])?;
    let control = run("import numpy", &["--policy", "default"], None)?; // the default policy shows no site packages
    ensure(control["verdict"]["kind"] == "raised", "site packages only where the policy calls for them", &control["verdict"])
}

fn strict() -> Check {
    let scratch = Scratch::new();
    let policy = policy_text::extending("strict", &scratch, &json!({})).display().to_string();
    let strict = ["--policy", policy.as_str()];
    check("return sum(range(10))", &strict, &[Value("45")])?;
    let fork = run("import os\nos.fork()\nreturn 1", &strict, None)?;
    compare(&fork, &[Verdict("raised")])?;
    let thread = run("import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\nreturn 1", &strict, None)?;
    compare(&thread, &[Raised("RuntimeError")])?;
    let traced = run(&probe!("trace_and_inject").code(), &strict, None)?; // the default only refuses it
    compare(&traced, &[Verdict("violated")])?;
    check(
        "import os, threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\npid = os.fork()\nif pid == 0:\n    os._exit(0)\nos.waitpid(pid, 0)\nreturn 1",
        &[],
        &[Value("1")],
    )
}
