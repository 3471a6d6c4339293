//! What a run says: that it comes as it is said, in one order, within its limits.

use std::fs;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, Ended, heard, until};
use remand_tests::policy_text;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("output::a_print_counts_its_bytes_and_no_more [11.c05]", counted),
        trial("output::of_a_function_has_one_order [11.c21]", ordered),
        trial("output::of_several_pipes_is_in_the_order_of_reading", read),
        trial("output::that_was_not_flushed_is_there_after_a_time_limit [11.c12a]", unflushed),
        trial("output::of_c_code_is_not_lost [11.c12b]", of_c),
        trial("output::the_record_has_the_values_printed", values),
        trial("output::too_much_ends_a_run_or_is_truncated", truncated),
        trial("output::truncated_ends_a_run_at_64_times_the_limit", too_often),
        trial("output::of_a_function_comes_as_it_is_said", comes),
        trial("output::what_is_dropped_is_told_where_it_is_missing", told),
        trial("output::events_come_as_it_goes", events),
        trial("output::events_of_items_and_of_an_end", events_of_items),
        trial("output::events_of_what_is_used", events_of_usage),
        trial("output::events_are_harmless_and_whole", events_are_whole),
        trial("output::a_request_cannot_make_it_go_on", narrowing),
    ]
}

fn run(code: &str) -> Result<Value, End> {
    Call::run(code, &[]).end()?.outcome()
}

/// Under the default policy with these limits.
fn limited(limits: &Value, args: &[&str], code: &str) -> Result<Ended, End> {
    let scratch = Scratch::new();
    let policy = policy_text::extending("default", &scratch, &json!({ "limits": limits })).display().to_string();
    let file = scratch.file("code.py", code).display().to_string();
    Call::new(&[args, &["--policy", &policy, &file]].concat()).end()
}

fn kind(outcome: &Value) -> &str {
    outcome["verdict"]["kind"].as_str().unwrap_or_default()
}

fn counted() -> Check {
    let outcome = run("for i in range(70000):\n    print('x')\nreturn 'ok'")?;
    let prints = outcome["prints"].as_array().map_or(0, Vec::len);
    ensure(kind(&outcome) == "finished" && prints == 70_000, "140,000 bytes of 1 MiB", &(kind(&outcome), prints))?;
    let over = limited(&json!({ "prints": "100B" }), &["run", "--json"], "for i in range(51):\n    print('x')")?.outcome()?;
    ensure(over["verdict"]["limit"] == "prints" && over["verdict"]["allowed"] == 100, "control: 102 bytes of 100", &over["verdict"])?;
    let just = limited(&json!({ "prints": "100B" }), &["run", "--json"], "for i in range(50):\n    print('x')")?.outcome()?;
    ensure(kind(&just) == "finished", "control: 100 bytes of 100", &just["verdict"])
}

fn pieces(outcome: &Value) -> Vec<(&str, &str)> {
    outcome["output"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|piece| Some((piece["from"].as_str()?, piece["text"].as_str()?)))
        .collect()
}

fn ordered() -> Check {
    let code = "import sys\nprint('1 print')\nsys.stdout.write('2 write\\n')\nprint('3 print')\nsys.stderr.write('4 err\\n')\n\
                print('5 print', file=sys.stderr)\nprint('6 print', file=sys.stdout)\nsys.stdout.buffer.write(b'7 bytes')";
    let outcome = run(code)?;
    let expected = [
        ("print", "1 print\n"),
        ("stdout", "2 write\n"),
        ("print", "3 print\n"),
        ("stderr", "4 err\n"),
        ("stderr", "5 print\n"),
        ("stdout", "6 print\n"),
        ("stdout", "7 bytes"),
    ];
    ensure(pieces(&outcome) == expected && outcome["output_order"] == "exact", "as it was written", &outcome["output"])?;
    ensure(
        outcome["stdout"]["text"] == "2 write\n6 print\n7 bytes" && outcome["stderr"]["text"] == "4 err\n5 print\n",
        "by stream",
        &outcome,
    )?;
    let times: Vec<_> = outcome["output"].as_array().into_iter().flatten().filter_map(|piece| piece["us"].as_u64()).collect();
    ensure(times.len() == 7 && times.is_sorted(), "with times", &times)
}

fn read() -> Check {
    let code = "import os, subprocess, sys\nprint('by frame')\nos.write(1, b'by pipe\\n')\nos.write(2, b'by another\\n')";
    let outcome = run(code)?;
    ensure(outcome["output_order"] == "read" && pieces(&outcome).len() == 3, "several pipes", &outcome["output"])?;
    let script =
        Call::new(&["python", "--json", "-c", "import sys\nprint('one', flush=True)\nprint('two', file=sys.stderr)"]).end()?.outcome()?;
    ensure(script["output_order"] == "read" && pieces(&script).len() == 2, "of a program", &script["output"])?;
    let one = Call::new(&["python", "--json", "-c", "print('one')"]).end()?.outcome()?;
    ensure(one["output_order"] == "exact" && pieces(&one) == [("stdout", "one\n")], "by one pipe", &one["output"])
}

fn unflushed() -> Check {
    let code = "import sys\nsys.stdout.write('progress')\nprint('printed')\nsys.stderr.write('err')\nwhile True: pass";
    let outcome = Call::run(code, &["--set".into(), "limits.wall_time=500ms".into()]).end()?.outcome()?;
    ensure(outcome["verdict"]["limit"] == "wall_time", "control: it was ended", &outcome["verdict"])?;
    ensure(pieces(&outcome) == [("stdout", "progress"), ("print", "printed\n"), ("stderr", "err")], "all of it", &outcome["output"])?;
    // A program has buffers, and is told that its time is over.
    let code = "import sys\nprint(sys.stdout.line_buffering)\nsys.stdout.write('progress')\nwhile True: pass";
    let program = |how| Call::new(&["python", how, "--set", "limits.wall_time=500ms", "-c", code]).end();
    let whole = "False\nprogress";
    let outcome = heard(|| program("--json")?.outcome(), |outcome| outcome["stdout"]["text"] == whole)?;
    ensure(outcome["verdict"]["limit"] == "wall_time", "control: so was a program", &outcome["verdict"])?;
    ensure(outcome["stdout"]["text"] == whole, "buffered in blocks, and all of it", &outcome)?;
    let streamed = program("--stream")?.out();
    ensure(streamed.contains(r#""text":"True\n""#), "line by line for who looks on", &streamed)
}

fn of_c() -> Check {
    let outcome = run("import ctypes, sys\nctypes.CDLL(None).printf(b'hello from C\\n')\nsys.stdout.write('and Python\\n')\nreturn 1")?;
    let mut all = pieces(&outcome);
    all.sort_unstable();
    ensure(all == [("stdout", "and Python\n"), ("stdout", "hello from C\n")], "both", &outcome["output"])
}

fn values() -> Check {
    let outcome = run(
        "import datetime\nprint('a', 1, [None, {'d': datetime.date(2020, 1, 2)}])\nprint('x' * 10**6 if False else 'y', sep='')\nprint()",
    )?;
    let printed: Vec<_> = outcome["output"].as_array().into_iter().flatten().map(|piece| piece["values"].clone()).collect();
    ensure(printed == [json!(["a", 1, [null, { "d": "2020-01-02" }]]), json!(["y"]), json!([])], "as they were given", &printed)?;
    // Forged: what no value can be is left out, and what is no frame at all ends the run.
    let forged = "import os\nframe = b'{\"kind\":\"print\",\"text\":\"t\",\"values\":[%s]}'\nfor values in (b'[' * 500 + b']' * 500, b'1e999'):\n    \
                  data = frame % values\n    os.write(4, len(data).to_bytes(4, 'big') + data)\nreturn 1";
    let outcome = run(forged)?;
    ensure(
        kind(&outcome) == "finished"
            && outcome["output"].as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|one| one.get("values").is_none())),
        "left out",
        &outcome,
    )
}

const FLOOD: &str =
    "import sys, os\nfor n in range(1000):\n    print(f'{n:03}')\n    sys.stdout.write(f'{n:03}\\n')\n    sys.stderr.write(f'{n:03}\\n')\n";

fn truncated() -> Check {
    let limits = |overflow: &str| json!({ "prints": "80B", "stdout": "80B", "stderr": "80B", "overflow": overflow });
    let ended = limited(&limits("end"), &["run", "--json"], FLOOD)?.outcome()?;
    ensure(kind(&ended) == "exceeded" && ended["verdict"]["allowed"] == 80, "control: it ends", &ended["verdict"])?;
    let code = format!("{FLOOD}return 'done'");
    let outcome = limited(&limits("truncate"), &["run", "--json"], &code)?.outcome()?;
    ensure(outcome["value"] == "done" && kind(&outcome) == "finished", "it goes on", &outcome["verdict"])?;
    let lines = |from: u32| (from..from + 10).map(|n| format!("{n:03}\n")).collect::<String>();
    for stream in ["stdout", "stderr"] {
        let expected = json!({ "text": lines(0), "truncated": true, "dropped": 3920, "tail": lines(990) });
        ensure(outcome[stream] == expected, "head and tail are kept, and the rest counted", &outcome[stream])?;
    }
    let prints: String = outcome["prints"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    ensure(prints == lines(0) + &lines(990), "of prints too", &prints)?;
    ensure(outcome["prints_dropped"] == json!({ "after": 10, "calls": 980, "bytes": 3920 }), "with how many", &outcome["prints_dropped"])?;
    let program = limited(&limits("truncate"), &["python", "--json"], FLOOD.replace("print(f'{n:03}')", "pass").as_str())?.outcome()?;
    ensure(program["stdout"]["dropped"] == 3920 && program["stderr"]["tail"] == lines(990), "and of a program", &program)
}

fn too_often() -> Check {
    let limits = json!({ "prints": "100B", "stdout": "100B", "overflow": "truncate" });
    for (write, limit) in [("print('x' * 99)", "prints"), ("sys.stdout.write('x' * 100)", "stdout"), ("os.write(1, b'x' * 100)", "stdout")]
    {
        let times =
            |times: u32| limited(&limits, &["run", "--json"], &format!("import os, sys\nfor _ in range({times}): {write}"))?.outcome();
        ensure(kind(&times(64)?) == "finished", "64 times", &write)?;
        let over = times(65)?;
        ensure(over["verdict"]["limit"] == limit && over["verdict"]["allowed"] == 6400, "and more", &over["verdict"])?;
    }
    Ok(())
}

fn comes() -> Check {
    let scratch = Scratch::new();
    let told = scratch.file("told", "");
    let code = "import sys, time\nprint('a print \\x1b[2J')\nsys.stdout.write('half a line')\nsys.stderr.write(' and the rest\\n')\ntime.sleep(100000)";
    let file = scratch.file("code.py", code).display().to_string();
    let policy = policy_text::extending("default", &scratch, &json!({ "limits": { "wall_time": "600s" } })).display().to_string();
    let mut started = Call::new(&["run", "--policy", &policy, &file]).stderr_to(&told)?.start();
    let wanted = "a print \\u{1b}[2J\nhalf a line and the rest\n";
    let seen = until(|| fs::read_to_string(&told).ok().filter(|text| text == wanted));
    started.signal(Signal::SIGINT);
    let ended = started.end()?;
    let all = fs::read_to_string(&told)?;
    ensure(seen.is_some(), "while it goes on", &all)?;
    ensure(ended.code == Some(7) && all == format!("{wanted}remand: cancelled; every process of the run is gone\n"), "once", &(ended, all))
}

fn told() -> Check {
    let limits = json!({ "prints": "80B", "stdout": "80B", "overflow": "truncate" });
    let ended = limited(&limits, &["run"], "for n in range(100): print(f'{n:03}')")?;
    let lines = |range: std::ops::Range<u32>| range.map(|n| format!("{n:03}\n")).collect::<String>();
    let expected = format!("{}remand: 280 bytes of prints were dropped here\n{}", lines(0..20), lines(90..100));
    ensure(ended.err() == expected && ended.out() == "null\n", "as it came, and at the end the rest", &ended)?;
    let program = limited(&limits, &["python"], "for n in range(100): print(f'{n:03}', flush=True)")?;
    ensure(program.out() == lines(0..20) + &lines(90..100), "of a program", &program)?;
    ensure(program.err() == "remand: 280 bytes of standard output were dropped here\n", "told apart", &program)?;
    let all = limited(&limits, &["python"], "for n in range(20): print(f'{n:03}', flush=True)")?;
    ensure(all.out() == lines(0..20) && all.err().is_empty(), "control: what fits is all there", &all)
}

/// Without those of what is used, which come where a run takes longer.
fn lines(ended: &Ended) -> Result<Vec<Value>, End> {
    let all = all_lines(ended)?;
    Ok(all.into_iter().filter(|event| event["event"] != "usage").collect())
}

fn all_lines(ended: &Ended) -> Result<Vec<Value>, End> {
    ended.out().lines().map(|line| serde_json::from_str(line).map_err(|error| End::Fail(format!("{error}: {line}")))).collect()
}

fn named(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

fn events() -> Check {
    let scratch = Scratch::new();
    let code = "import sys\nprint('a', 1)\nsys.stdout.write('out')\nsys.stderr.write('err')\nreturn 2";
    let file = scratch.file("code.py", code).display().to_string();
    let ended = Call::new(&["run", "--stream", &file]).end()?;
    let events = lines(&ended)?;
    ensure(named(&events) == ["start", "print", "stdout", "stderr", "outcome"] && ended.err().is_empty(), "in order", &ended)?;
    let [start, print, stdout, .., outcome] = events.as_slice() else { return Err(End::Fail("too few".into())) };
    ensure(start["run"] == outcome["outcome"]["run"] && start["policy"] == outcome["outcome"]["policy"], "whose they are", &start)?;
    ensure(print["text"] == "a 1\n" && print["values"] == json!(["a", 1]) && print["us"].is_u64(), "a print", &print)?;
    ensure(stdout["text"] == "out" && outcome["outcome"]["value"] == 2, "text and record", &outcome)?;
    let program = Call::new(&["python", "--stream", "-c", "print('x')\nraise SystemExit(3)"]).end()?;
    let events = lines(&program)?;
    ensure(named(&events) == ["start", "stdout", "outcome"] && program.code == Some(3), "of a program", &program)?;
    let refused = Call::new(&["run", "--stream", "--policy", "/dev/null/none.jsonc", &file]).end()?;
    ensure(refused.code == Some(2) && refused.out().is_empty() && !refused.err().is_empty(), "nothing was run", &refused)?;
    let both = Call::new(&["run", "--stream", "--json", &file]).end()?;
    ensure(both.code == Some(2) && both.out().is_empty(), "one or the other", &both)
}

fn events_of_items() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("code.py", "print(_item)\nif _item == 3: raise ValueError('three')\nreturn _item * 2").display().to_string();
    let items = scratch.file("items.json", "[1, 2, 3, 4]").display().to_string();
    let ended = Call::new(&["run", "--stream", "--mode", "per_item", "--items", &items, &file]).end()?;
    let events = lines(&ended)?;
    ensure(named(&events) == ["start", "print", "item", "print", "item", "print", "outcome"], "as they are done", &ended)?;
    let item = &events[4];
    ensure(item["index"] == 1 && item["value"]["json"] == 4, "an item", item)?;
    ensure(events[6]["outcome"]["error"]["item"] == 2 && ended.code == Some(1), "and how it ended", &events[6])?;
    let never = Call::new(&["run", "--stream", "--set", "limits.cpus=0.01", "--set", "limits.pids=1", &file, "--items", &items]).end()?;
    ensure(named(&lines(&never)?).last() == Some(&"outcome"), "always an outcome", &never)
}

fn events_of_usage() -> Check {
    let code = "import threading, time\nheld = b'x' * (40 << 20)\nthreading.Thread(target=time.sleep, args=(2.2,)).start()\nend = time.monotonic() + 2.2\n\
                while time.monotonic() < end: pass\nprint('done')";
    let scratch = Scratch::new();
    let file = scratch.file("code.py", code).display().to_string();
    for args in [&["run", "--stream"][..], &["python", "--stream"]] {
        let ended = Call::new(&[args, &[&file]].concat()).end()?;
        let events = all_lines(&ended)?;
        let told: Vec<_> = events.iter().filter(|event| event["event"] == "usage").collect();
        let at: Vec<_> = told.iter().filter_map(|event| event["us"].as_u64()).collect();
        ensure(!told.is_empty() && at[0] >= 1_000_000 && at.windows(2).all(|two| two[1] > two[0]), "now and then", &at)?;
        let seen = |fits: fn(&Value) -> bool| told.iter().any(|event| fits(event));
        ensure(seen(|usage| usage["memory"].as_u64() >= Some(40 << 20)), "memory", &told)?;
        ensure(seen(|usage| usage["pids"] == 2) && seen(|usage| usage["cpu_ms"]["user"].as_f64() > Some(0.0)), "tasks and CPU", &told)?;
        ensure(events.last().is_some_and(|last| last["event"] == "outcome"), "and none after its end", &at)?;
    }
    Ok(())
}

fn events_are_whole() -> Check {
    let scratch = Scratch::new();
    let code = "import os\nprint('\\x1b[2J\\u202e' + 'x' * 200000)\nfor byte in '\\u20ac'.encode(): os.write(1, bytes([byte]))\nos.write(2, b'\\xff\\n\\x9b2J')";
    let file = scratch.file("code.py", code).display().to_string();
    let ended = Call::new(&["run", "--stream", &file]).end()?;
    ensure(ended.stdout.iter().all(|byte| *byte >= 0x20 || *byte == b'\n') && !ended.out().contains('\u{202e}'), "harmless", &"")?;
    let events = lines(&ended)?;
    let text =
        |name: &str| events.iter().filter(|event| event["event"] == name).filter_map(|event| event["text"].as_str()).collect::<String>();
    ensure(text("print") == format!("\x1b[2J\u{202e}{}\n", "x".repeat(200_000)), "the whole print", &text("print").len())?;
    let prints: Vec<_> = events.iter().filter(|event| event["event"] == "print").collect();
    ensure(prints.len() > 1 && prints[1]["continues"] == true, "in parts", &prints.len())?;
    ensure(
        text("stdout") == "\u{20ac}" && text("stderr") == "\u{fffd}\n\u{fffd}2J",
        "whole characters",
        &(text("stdout"), text("stderr")),
    )?;
    let outcome = &events[events.len() - 1]["outcome"];
    ensure(outcome["prints"].as_array().is_some_and(|prints| prints.len() == 1), "one print in the record", &outcome["verdict"])
}

fn narrowing() -> Check {
    let set = |value: &str| Call::run("return 1", &["--set".to_owned(), format!("limits.overflow={value}")]).end();
    let ended = set("truncate")?;
    ensure(ended.code == Some(2) && ended.err().contains("limits.overflow"), "a request lifts no end", &ended)?;
    ensure(set("end")?.code == Some(0), "control: it may ask for one", &"")
}
