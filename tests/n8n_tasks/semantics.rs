//! What the supervisor's side makes of an end: texts, keys, items of nodes that go on, sizes. What the run's own side does is tried where it is written
//! (`src/executor/tests/test_n8n.py`), and the recorded cases try both.

use libtest_mimic::Trial;
use remand_n8n::task::{End as Ended, TaskError};
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

use super::node::{Node, free, importing, node};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("n8n_tasks::ends_of_every_kind_have_n8ns_words", ends),
        trial("n8n_tasks::a_node_that_goes_on_gives_one_item_but_for_what_never_ran", going_on),
        trial("n8n_tasks::an_error_has_its_class_line_and_stack", places),
        trial("n8n_tasks::results_of_any_size_within_the_payload", sizes),
        trial("n8n_tasks::items_come_in_and_go_out_by_their_number", items),
        trial("n8n_tasks::what_the_lists_let_import", lists),
        trial("n8n_tasks::strings_of_many_lines_are_as_they_were_written", strings),
    ]
}

fn ends() -> Check {
    let unread = "Failed to read result from child process";
    for (code, message, part) in [
        ("import os\nos._exit(0)", unread, ""),
        ("import os\nos._exit(7)", "Task subprocess exited with code 7", ""),
        ("import os\nos.kill(os.getpid(), 9)", "Process was forcefully killed (SIGKILL)", ""),
        ("import os\nos.kill(os.getpid(), 15)", "Task was cancelled", ""),
        ("import os, sys\nsys.stderr.write('why')\nsys.stderr.flush()\nos.abort()", "Task subprocess exited with code -6", "why"),
        ("import sys\nsys.exit(3)", "Process exited with code 3", ""),
        ("import sys\nsys.stderr.write('ERRTEXT')\n1 // 0", "integer division or modulo by zero", "ERRTEXT"),
        ("import sys\nsys.stderr.write('ERRTEXT')\ne = ValueError('m')\ne.description = 'own'\nraise e", "m", "own"),
        (
            "l = []\nfor i in range(1200): l = [l]\nreturn l",
            "Result of 1001 levels has more than the 1000 levels that it may have",
            "limits.result_depth of policy n8n",
        ),
    ] {
        importing().fails(code, message, part)?;
    }
    let terminated = importing().run("import os\nos.kill(os.getpid(), 15)")?;
    let silent = matches!(&terminated.end, Ended::Error(TaskError { description: None, .. }));
    ensure(silent, "the message alone", &terminated)
}

fn going_on() -> Check {
    let item = |message: &str| json!([{ "json": { "error": message } }]);
    let timed_out = node().with("N8N_RUNNERS_TASK_TIMEOUT", "1").going_on();
    timed_out.gives("while True: pass", &item("Task execution timed out after 1 second"))?;
    importing().going_on().gives("import os\nos._exit(7)", &item("Task subprocess exited with code 7"))?;
    importing().going_on().gives("raise Exception", &item(""))?;
    node().going_on().gives("f = __import__\nf('os')", &item("Security violation detected"))?;
    node().going_on().gives("nonlocal x", &item("no binding for nonlocal 'x' found (<all_items_task_execution>, line 1)"))?;
    let each = importing().going_on().each(&json!([{ "json": { "v": 1 } }, { "json": { "v": 0 } }, { "json": { "v": 2 } }]));
    each.gives("return {'r': 100 / _item['json']['v']}", &item("division by zero"))?;
    node().going_on().fails("import os", "Security violations detected", "Line 1: Import of standard library module 'os'")?;
    for code in ["x = )", "a = '\0'", "    x = 1"] {
        let answer = node().going_on().run(code)?;
        let told =
            matches!(&answer.end, Ended::Error(TaskError { description: None, error_type: Some(kind), .. }) if kind.ends_with("Error"));
        ensure(told, "an error, without a description", &(code, answer))?;
    }
    let printed = node().going_on().run("print('p')\nraise ValueError('boom')")?;
    ensure(printed.prints == [["'p'"]] && matches!(&printed.end, Ended::Done { size: 0, .. }), "what was printed is sent", &printed)
}

fn error(node: &Node, code: &str) -> Result<TaskError, End> {
    match node.run(code)?.end {
        Ended::Error(error) => Ok(error),
        Ended::Done { result, .. } => Err(End::Fail(format!("{code}\ngave {result}"))),
    }
}

fn places() -> Check {
    let raised = error(&node(), "x = 1\ndef f():\n    return {}['missing']\nreturn f()")?;
    ensure(raised.message == "'missing'" && raised.line_number == Some(3), "the code's own line", &raised)?;
    let stack = raised.stack.unwrap_or_default();
    let lines = stack.contains("line 4") && stack.contains("return f()") && stack.contains("line 3, in f");
    ensure(raised.error_type.as_deref() == Some("KeyError") && lines, "class and stack", &stack)?;
    let found = error(&node(), "x = 1\n\nimport os\nimport sys")?;
    ensure(
        found.line_number == Some(3) && found.error_type.as_deref() == Some("SecurityViolationError"),
        "of the first violation",
        &found,
    )?;
    let unread = error(&node(), "x = 1\ny = [1,")?;
    ensure(unread.line_number == Some(2) && unread.description.is_none(), "of what cannot be read", &unread)
}

fn sizes() -> Check {
    let result = node().result("return ['x' * 1000 for i in range(20000)]")?;
    ensure(result.as_array().map(Vec::len) == Some(20_000), "20 MB", &result.as_array().map(Vec::len))?;
    let many = node().result("return [{'json': {'i': i, 'a': [i] * 8}} for i in range(200000)]")?;
    ensure(many[199_999]["json"]["a"][7] == 199_999, "two million values", &many.as_array().map(Vec::len))?;
    let over = "return 'x' * (300 << 20)";
    let (message, _) = node().error(over)?;
    let told = message.starts_with("Result of 300") || message.starts_with("Task ran out of memory");
    ensure(told, "what is over the policy's bounds", &message)
}

fn items() -> Check {
    let given: Value = (0..200).map(|number| json!({ "json": { "n": number }, "pairedItem": { "item": 7 } })).collect();
    let each = node().each(&given).result("if _item['json']['n'] % 2: return {'n': _item['json']['n'] * 2}")?;
    let last = json!({ "json": { "n": 398 }, "pairedItem": { "item": 199 } });
    ensure(each.as_array().map(Vec::len) == Some(100) && each[99] == last, "those that gave something, by their number", &each[99])?;
    let people = json!([{ "json": { "name": "A", "age": 30 } }, { "json": { "name": "B", "age": 12 } }]);
    let code = "return [{'name': i['json']['name'], 'adult': i['json']['age'] > 17} for i in _items]";
    node().items(&people).gives(code, &json!([{ "name": "A", "adult": true }, { "name": "B", "adult": false }]))?;
    let mut asked = node();
    asked.task.query = Some("{\"q\": [1]}".to_owned());
    asked.gives("return _query['q']", &json!([1]))
}

fn lists() -> Check {
    let none = "Import of external package 'requests' is disallowed. Allowed external packages: none";
    node().fails("import requests", "Security violations detected", none)?;
    let dates = "import datetime\nreturn datetime.datetime.strptime('2026-04-23T16:04:28+0000', '%Y-%m-%dT%H:%M:%S%z').isoformat()";
    importing().gives(dates, &json!("2026-04-23T16:04:28+00:00"))?;
    let only = node().with("N8N_RUNNERS_STDLIB_ALLOW", " json ,collections,");
    only.gives("import json\nfrom collections.abc import Iterable\nreturn isinstance(json.loads('[]'), Iterable)", &json!(true))?;
    only.fails(
        "import re",
        "Security violations detected",
        "Line 1: Import of standard library module 're' is disallowed. Allowed stdlib modules: collections, json",
    )?;
    let classes = "class A:\n    def f(self): return eval('6 * 7')\nreturn [A().f(), '__class__']";
    node().fails("class A: pass", "__build_class__ not found", "")?;
    free().gives(classes, &json!([42, "__class__"]))?;
    let both = importing().with("N8N_RUNNERS_EXTERNAL_ALLOW", "*").with("N8N_RUNNERS_BUILTINS_DENY", "");
    both.gives(classes, &json!([42, "__class__"]))?;
    let none = both.with("N8N_RUNNERS_STDLIB_ALLOW", "*, json").settings();
    ensure(none.is_err(), "a star stands alone", &none.is_ok())
}

fn strings() -> Check {
    node().gives("if True:\n    return '''a\nb\n  c'''", &json!("a\nb\n  c"))?;
    node().gives("return [float('nan'), float('inf'), {'a': float('-inf')}]", &json!([null, null, { "a": null }]))?;
    let annotations = node().with("N8N_RUNNERS_STDLIB_ALLOW", "__future__");
    annotations.gives("from __future__ import annotations\ndef f(x: undefined): return x\nreturn f(3)", &json!(3))?;
    node().fails("yield 1", "'yield' outside function (<all_items_task_execution>, line 1)", "")
}
