//! The recorded cases: what n8n's own runner (2.27.4, CPython 3.13) answered to 85 snippets, and what ours does: the same, or what is listed here and in
//! `docs/n8n-differences.md`.

use libtest_mimic::Trial;
use remand_n8n::task::NodeMode;
use remand_tests::{Check, ensure, trial};
use serde_json::{Value, json};

use super::node::{Node, frames, node};

const CASES: &str = include_str!("../n8n/cases.jsonl");
const DOCUMENT: &str = include_str!("../../docs/n8n-differences.md");

/// What ours answers instead: the last message, and the prints before it.
enum Ours {
    Result(fn(&Value) -> bool),
    Error(&'static str, &'static str),
    /// The same end; and these prints, which n8n's loses.
    Prints(&'static [&'static [&'static str]]),
}

use Ours::{Error, Prints, Result as Gives};

const UNREAD: &str = "Failed to read result from child process";

/// Case, heading of the document, and what ours answers.
const DIFFERENT: &[(&str, &str, Ours)] = &[
    ("print then raise", "Prints survive a failure", Prints(&[&["'before'"]])),
    (
        "import star allowed mod",
        "Lines are the code's own",
        Error("import * only allowed at module level (<all_items_task_execution>, line 1)", ""),
    ),
    ("datetime.format on non-str with allowed", "What C code imports is its own", Gives(|value| value[0]["json"]["x"] == "2020")),
    ("print file=stderr", "print takes its keywords", Gives(|value| *value == json!([]))),
    ("thread left running", "Threads end with the code", Gives(|value| value[0]["json"]["ok"] == 1)),
    ("write garbage to all fds", "The result's descriptor", Error(UNREAD, "Descriptor 4 is the result's, and the task wrote to it")),
    ("write forged result to pipe fd", "The result's descriptor", Error(UNREAD, "Descriptor 4 is the result's, and the task wrote to it")),
    ("subprocess id", "No programs", Error("[Errno 2] No such file or directory: 'id'", "")),
    ("socket", "No network", Error("[Errno 1] Operation not permitted", "")),
    (
        "sys.modules keys default",
        "sys.modules is the interpreter's",
        Gives(|value| value[0]["json"]["m"].as_array().is_some_and(|names| names.len() < 60)),
    ),
];

/// A trial for each case, and one that the list is true.
pub fn trials() -> Vec<Trial> {
    let cases = CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_default());
    let cases = cases.map(|case| trial(format!("n8n_tasks::case: {}", case["id"].as_str().unwrap_or_default()), move || same(&case)));
    cases.chain([trial("n8n_tasks::listed_differences_are_in_the_document", listed)]).collect()
}

fn configured(letters: &str) -> Node {
    let (stdlib, external) = match letters {
        "l" => ("json, math,datetime", ""),
        "s" | "sb" => ("*", ""),
        "x" => ("", "*"),
        "a" => ("*", "*"),
        _ => ("", ""),
    };
    let node = node().with("N8N_RUNNERS_STDLIB_ALLOW", stdlib).with("N8N_RUNNERS_EXTERNAL_ALLOW", external);
    if letters == "sb" { node.with("N8N_RUNNERS_BUILTINS_DENY", "") } else { node }
}

fn same(case: &Value) -> Check {
    let id = case["id"].as_str().unwrap_or_default();
    let mut node = configured(case["cfg"].as_str().unwrap_or_default()).items(&case["items"]);
    // Those that only time ends have the recorder's.
    let observed = case["observed"].to_string();
    if observed.contains("timed out after 3 seconds") {
        node = node.with("N8N_RUNNERS_TASK_TIMEOUT", "3");
    }
    node.task.mode = if case["nodeMode"] == "runOnceForEachItem" { NodeMode::PerItem } else { NodeMode::AllItems };
    node.task.continue_on_fail = case["continueOnFail"] == true;
    let (last, prints) = frames(&node.run(case["code"].as_str().unwrap_or_default())?);
    let Some((_, _, ours)) = DIFFERENT.iter().find(|(listed, ..)| *listed == id) else {
        let recorded = &case["rpc"];
        let same = ended(&last, &case["observed"]) && printed(&prints, recorded);
        return ensure(same, &format!("as n8n's runner: {observed} {recorded}"), &(last.to_string(), prints.to_string()));
    };
    let holds = match ours {
        Gives(holds) => last["type"] == "runner:taskdone" && holds(&last["data"]["result"]),
        Error(message, part) => {
            last["error"]["message"] == *message && last["error"]["description"].as_str().is_some_and(|told| told.contains(part))
        }
        Prints(expected) => {
            let expected: Value = expected.iter().map(|parameters| json!(["logNodeOutput", parameters])).collect();
            ended(&last, &case["observed"]) && prints == expected
        }
    };
    ensure(holds, "as it is listed", &(last.to_string(), prints.to_string()))
}

/// Of long messages the beginning was recorded.
fn ended(last: &Value, observed: &Value) -> bool {
    let Some(beginning) = observed["truncated"].as_str() else { return last == observed };
    let written = last["data"].to_string().replace("\":", "\": ").replace(",\"", ", \"").replace(",{", ", {");
    let beginning = beginning.trim_start_matches("{\"data\": ");
    last["type"] == observed["type"] && written.starts_with(beginning)
}

/// Of many calls the first two and the last.
fn printed(prints: &Value, recorded: &Value) -> bool {
    let calls = prints.as_array().cloned().unwrap_or_default();
    match recorded {
        Value::String(_) => calls == [json!(["logNodeOutput", [format!("'{}'", "x".repeat(1_000_000))]])],
        Value::Array(parts) if parts.first().is_some_and(Value::is_number) => {
            parts[0] == calls.len() && parts[1] == json!(&calls[..2]) && parts[2] == json!(&calls[calls.len() - 1..])
        }
        _ => prints == recorded,
    }
}

fn listed() -> Check {
    for (id, heading, _) in DIFFERENT {
        let known = CASES.lines().any(|line| line.contains(&format!("\"id\": {}", json!(id))));
        ensure(known && DOCUMENT.contains(&format!("\n## {heading}\n")), "a recorded case, and a heading of the document", &(id, heading))?;
    }
    let (all, differ) = (CASES.lines().count(), DIFFERENT.len());
    ensure(all == 85 && differ < 12, "of all cases few differ", &(all, differ))
}
