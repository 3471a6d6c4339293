//! Errors made for repair: what Python would print, and the same as data; all of it the code's own word, and bounded.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::observe::Seen::{Malformed, Raised};
use remand_tests::observe::compare;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("errors::a_stack_points_at_the_part_that_failed", carets),
        trial("errors::frames_of_the_code_and_of_libraries", frames),
        trial("errors::a_group_with_its_members", group),
        trial("errors::notes_and_causes", chain),
        trial("errors::what_could_not_be_compiled", syntax),
        trial("errors::source_lines_in_tracebacks_of_the_codes_own", own_traceback),
        trial("errors::a_program_tells_the_same", program),
        trial("errors::an_account_without_end_is_bounded", bounded),
        trial("errors::a_forged_account_is_bounded_or_refused", forged),
        trial("errors::a_closed_result_descriptor_is_named [11.c20]", closed),
    ]
}

fn raised(code: &str) -> Result<Value, End> {
    let outcome = Call::run(code, &[]).end()?.outcome()?;
    ensure(outcome["verdict"]["kind"] == "raised", code, &outcome["verdict"])?;
    Ok(outcome["error"].clone())
}

/// What the interpreter under test knows of columns, and of groups.
fn is_new() -> Result<bool, End> {
    let outcome = Call::run("import sys\nreturn sys.version_info >= (3, 11)", &[]).end()?.outcome()?;
    Ok(outcome["value"] == true)
}

const DIVIDES: &str = "def f(x):\n    return 1 / x + 2\nf(0)";

fn carets() -> Check {
    let ended = Call::new(&["run", "-"]).input(DIVIDES.as_bytes()).end()?;
    let marks = if is_new()? { "|            ~~^~~\n" } else { "" };
    let told = format!(
        "| Traceback (most recent call last):\n|   File \"<code>\", line 3, in code\n|     f(0)\n|   File \"<code>\", line 2, in f\n\
         |     return 1 / x + 2\n{marks}| ZeroDivisionError: division by zero\nremand: the code raised ZeroDivisionError: division by zero (line 2)\n"
    );
    ensure(ended.err() == told, "it is told as Python tells it", &ended)
}

fn frames() -> Check {
    let error = raised("import json\ndef f(text):\n    return [json.loads(text)]\nf('x')")?;
    let (column, end) = if is_new()? { (json!(13), json!(29)) } else { (json!(null), json!(null)) };
    let of = |frame: &Value, names: &[&str]| names.iter().map(|name| frame[*name].clone()).collect::<Vec<_>>();
    let seen = of(&error["frames"][1], &["file", "function", "line", "column", "end_column", "text", "mine"]);
    let wanted = [json!("<code>"), json!("f"), json!(3), column, end, json!("    return [json.loads(text)]"), json!(true)];
    ensure(seen == wanted, "the code's own", &seen)?;
    let mine: Vec<_> = error["frames"].as_array().into_iter().flatten().map(|frame| frame["mine"].clone()).collect();
    ensure(mine == [true, true, false, false, false].map(|mine| json!(mine)), "and those of libraries", &error["frames"])?;
    let last = &error["frames"][4];
    let named = last["file"].as_str().is_some_and(|file| file.ends_with("json/decoder.py"));
    ensure(named && last["text"].as_str().is_some_and(|text| text.contains("raise ")), "with their lines", last)?;
    let stack = error["stack"].as_str().unwrap_or_default();
    ensure(stack.contains("  ... in libraries, at last ") && !stack.contains("__init__.py"), "which the stack tells in one", &stack)?;
    ensure(error["line"] == 3, "the line is the code's", &error["line"])
}

fn group() -> Check {
    if !is_new()? {
        return Err(End::Skip("Python 3.11, which has exception groups".to_owned()));
    }
    let error = raised("e = [KeyError('second')] * 12\nraise ExceptionGroup('many', [ValueError('first'), ExceptionGroup('in', e)])")?;
    let of = |value: &Value| (value["type"].clone(), value["message"].clone());
    ensure(of(&error["members"][0]) == (json!("ValueError"), json!("first")), "a member", &error)?;
    let inner = &error["members"][1];
    ensure(of(&inner["members"][0]) == (json!("KeyError"), json!("'second'")), "a member of a member", inner)?;
    // They are one and the same exception: it is told once.
    ensure(inner["members_left_out"] == 11, "what is not told is counted", inner)?;
    let ended = Call::new(&["run", "-"]).input(b"raise ExceptionGroup('many', [ValueError('first'), KeyError('second')])").end()?;
    for line in [
        "|   + Exception Group Traceback (most recent call last):",
        "|   +-+---------------- 1 ----------------",
        "|     | ValueError: first",
        "|     | KeyError: 'second'",
        "|     +------------------------------------",
    ] {
        ensure(ended.err().lines().any(|told| told == line), line, &ended)?;
    }
    Ok(())
}

fn chain() -> Check {
    let error = raised("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    e.__notes__ = ['a note']\n    raise KeyError('k') from e")?;
    let cause = &error["cause"];
    let seen = (&cause["type"], &cause["notes"], &cause["frames"][0]["line"], &error["context"]);
    ensure(seen == (&json!("ZeroDivisionError"), &json!(["a note"]), &json!(2), &json!(null)), "the cause", &error)?;
    let stack = error["stack"].as_str().unwrap_or_default();
    let joined = "\na note\n\nThe above exception was the direct cause of the following exception:\n\n";
    ensure(stack.contains(joined), "as Python prints it", &stack)?;
    let error = raised("try:\n    1 / 0\nexcept ZeroDivisionError:\n    [][1]")?;
    ensure(error["context"]["type"] == "ZeroDivisionError" && error["cause"].is_null(), "what was being handled", &error)
}

fn syntax() -> Check {
    for (code, line, column, text) in
        [("x = 1\ny = (2 +* 3)", 2, 9, "y = (2 +* 3)"), ("x = 1\ny = 2 2 $", 2, 7, "y = 2 2 $"), ("é = 'ü' $", 1, 9, "é = 'ü' $")]
    {
        let error = raised(code)?;
        let frame = &error["frames"][0];
        let seen = (&frame["line"], &frame["column"], &frame["text"], &frame["function"], &error["line"]);
        ensure(seen == (&json!(line), &json!(column), &json!(text), &json!(null), &json!(line)), code, &error)?;
        let marked = format!("    {text}\n    {}^", " ".repeat(column - 1));
        ensure(error["stack"].as_str().is_some_and(|stack| stack.contains(&marked)), "a caret beneath it", &error["stack"])?;
        ensure(!error["message"].as_str().unwrap_or("(<code>").contains("(<code>"), "the place is told once", &error["message"])?;
    }
    Ok(())
}

fn own_traceback() -> Check {
    let code =
        "import traceback\ndef f(x):\n    return 1 / x\ntry:\n    f(0)\nexcept ZeroDivisionError:\n    return traceback.format_exc()";
    let outcome = Call::run(code, &[]).end()?.outcome()?;
    ensure(outcome["value"].as_str().is_some_and(|text| text.contains("    return 1 / x\n")), "its lines are there", &outcome["value"])
}

fn program() -> Check {
    let outcome = Call::new(&["python", "--json", "-c", DIVIDES]).end()?.outcome()?;
    let frames = &outcome["error"]["frames"];
    let of = |index: usize| (frames[index]["function"].clone(), frames[index]["line"].clone(), frames[index]["mine"].clone());
    ensure(of(0) == (json!("<module>"), json!(3), json!(true)) && of(1) == (json!("f"), json!(2), json!(true)), "frames", frames)?;
    let syntax = Call::new(&["python", "--json", "-c", "x = 1\ny = (2 +* 3)"]).end()?.outcome()?;
    ensure(syntax["error"]["frames"][0]["column"] == 9, "and what could not be compiled", &syntax["error"])
}

fn bounded() -> Check {
    for code in [
        "def f(): f()\nf()",
        "e = None\nfor n in range(5000):\n    e, old = ValueError('x' * 10**4), e\n    e.__cause__ = old\nraise e",
        "e = ValueError('\\x01' * 10**6)\ne.__notes__ = ['\\x01' * 10**6] * 1000\nraise e",
        "e = SyntaxError('m')\ne.text, e.filename, e.lineno, e.offset = 'x' * 10**7, '\\x1b[2J' * 10**6, 10**30, -1\nraise e",
        "exec(compile('raise ValueError', '\\x1b[2J' * 10**6, 'exec'))",
    ] {
        let ended = Call::run(code, &[]).end()?;
        let (outcome, whole) = (ended.outcome()?, ended.out());
        let seen = (&outcome["verdict"], whole.len());
        ensure(outcome["verdict"]["kind"] == "raised" && whole.len() < 200_000 && !whole.contains('\u{1b}'), code, &seen)?;
    }
    Ok(())
}

/// Past the executor, as any code can: an account of its own on the result pipe.
fn forged() -> Check {
    let head = r#"{"kind":"error","type":"E","message":"m","description":"","stack":"","line":1,"item":null,"#;
    let call = r#"{"file":"\u001b[2J","function":null,"line":1,"column":1,"end_line":1,"end_column":1,"text":"","mine":true}"#;
    let run = |more: &str| {
        let frame = json!(format!("{head}{more}}}"));
        let code = format!("import os\nframe = {frame}.encode()\nos.write(4, len(frame).to_bytes(4, 'big') + frame)\nos._exit(1)");
        Call::run(&code, &[]).end()?.outcome()
    };
    let calls = |count: usize| format!(r#""frames":[{}]"#, vec![call; count].join(","));
    compare(&run(&calls(26))?, &[Raised("E")])?;
    let deep = format!(r#""cause":{}1{}"#, r#"{"cause":"#.repeat(5000), "}".repeat(5000));
    for more in [calls(27), deep, format!(r#""notes":["{}"]"#, "x".repeat(9000))] {
        compare(&run(&more)?, &[Malformed("")])?;
    }
    Ok(())
}

fn closed() -> Check {
    let ways = [
        "os.closerange(3, 64)\nreturn 1",
        "os.close(4)\nreturn 1",
        "os.close(4)\n1 / 0",
        "os.closerange(3, 64)\nkept = [open('/dev/null', 'wb', 0) for _ in range(3)]\nreturn 1",
        "if os.fork() == 0:\n    os._exit(0)\nos.wait()\nos.close(4)\nwhile True: pass",
    ];
    for way in ways {
        let verdict = Call::run(&format!("import os\n{way}"), &[]).end()?.outcome()?["verdict"].clone();
        let reason = verdict["reason"].as_str().unwrap_or_default();
        ensure(verdict["kind"] == "malformed_result" && reason.contains("the code closed descriptor 4"), way, &verdict)?;
    }
    // The controls: who ends at once has ended itself, however often that is looked at; a child's descriptor is the child's.
    for _ in 0..20 {
        for (code, kind) in [("0", "no_result"), ("3", "exited")] {
            let verdict = Call::run(&format!("import os\nos._exit({code})"), &[]).end()?.outcome()?["verdict"].clone();
            ensure(verdict["kind"] == kind, "it ended itself", &verdict)?;
        }
    }
    let child = "import os\nif os.fork() == 0:\n    os.close(4)\n    os._exit(0)\nos.wait()\nreturn 1";
    ensure(Call::run(child, &[]).end()?.outcome()?["value"] == 1, "a child that closes its own", &child)
}
