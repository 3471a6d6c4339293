//! Requests and manners: what a caller may ask for and how, and how the command answers beside its outcome.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::observe::Seen::{Exceeded, Raised, Verdict};
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value as Json, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("requests::one_bad_item_of_ten_thousand", one_bad_item),
        trial("requests::an_items_error_is_no_end_of_a_limit", errors_and_limits),
    ]
}

/// A run of code for each item, where an item's error is its own.
fn each(code: &str, items: &Json, args: &[&str]) -> Result<Json, End> {
    let scratch = Scratch::new();
    let items = scratch.file("items.json", &items.to_string()).display().to_string();
    let args = [&["--mode", "per_item", "--on-error", "item", "--items", &items], args].concat().into_iter().map(str::to_owned);
    Call::run(code, &args.collect::<Vec<_>>()).end()?.outcome()
}

fn one_bad_item() -> Check {
    let items: Vec<_> = (0..10_000).map(|number| json!({ "json": { "n": number } })).collect();
    let code = "import sys\nn = _item['json']['n']\nif n == 4711: return 1 / 0\nif n == 4712: return None\nreturn {'n': n}";
    let outcome = each(code, &json!(items), &[])?;
    compare(&outcome, &[Verdict("finished")])?;
    let value = outcome["value"].as_array().cloned().unwrap_or_default();
    ensure(value.len() == 9_999 && outcome["error"].is_null(), "all but the one that gave nothing", &(value.len(), &outcome["error"]))?;
    let bad = json!({ "error": { "type": "ZeroDivisionError", "message": "division by zero", "line": 3 }, "pairedItem": { "item": 4711 } });
    ensure(value[4711] == bad, "in its place, with its number", &value[4711])?;
    ensure(value[4710]["json"]["n"] == 4710 && value[4712]["json"]["n"] == 4713, "beside the others", &value[4712])?;
    let counts = &outcome["items"];
    ensure(counts["given"] == 10_000 && counts["returned"] == 9_998 && counts["failed"] == 1, "counted", counts)?;
    let stack = counts["error"]["stack"].as_str().unwrap_or("");
    ensure(stack.contains("return 1 / 0") && counts["error"]["item"] == 4711, "the first with its stack", counts)?;
    let scratch = Scratch::new();
    let file = scratch.file("items.json", "[1, 0]").display().to_string();
    let for_people =
        Call::new(&["run", "--mode", "per_item", "--on-error", "item", "--items", &file, "-"]).input(b"return 1 // _item").end()?;
    ensure(for_people.code == Some(0) && for_people.out().contains(r#"{"json":1"#), "the value", &for_people)?;
    ensure(for_people.err().contains("\nremand: 1 of 2 items failed; the first: ZeroDivisionError:"), "and what failed", &for_people)?;
    let useless = Call::new(&["run", "--on-error", "item", "-"]).input(b"return 1").end()?;
    ensure(useless.code == Some(2) && useless.err().contains("--mode per_item"), "not for all items at once", &useless)
}

fn errors_and_limits() -> Check {
    let items = json!([0, 1, 2]);
    let outcome = each("if _item == 1:\n while True: pass\nreturn 1 / _item", &items, &["--set", "limits.wall_time=500ms"])?;
    compare(&outcome, &[Exceeded("wall_time")])?;
    ensure(outcome["items"]["failed"] == 1 && outcome["value"][0]["pairedItem"]["item"] == 0, "what was done is kept", &outcome)?;
    let outcome = each("raise ValueError('x' * 3000)", &json!(vec![0; 400]), &["--set", "limits.result_size=1MiB"])?;
    compare(&outcome, &[Exceeded("result_size")])?;
    let outcome = each("import os\nif _item == 1: os._exit(3)\nreturn 1 / _item", &items, &[])?;
    compare(&outcome, &[Verdict("exited")])?;
    let outcome = each("return (", &items, &[])?;
    compare(&outcome, &[Raised("SyntaxError")]).map_err(End::Fail)
}
