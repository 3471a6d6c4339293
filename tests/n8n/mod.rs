//! n8n's task runner, as its broker meets it.

mod lives;
mod operator;
mod protocol;
mod rights;
mod set;

use libtest_mimic::Trial;
use remand_tests::broker::{Link, settings};
use remand_tests::{Check, End, ensure};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    [protocol::trials(), lives::trials(), operator::trials(), rights::trials(), set::trials()].into_iter().flatten().collect()
}

/// Settings of a task that goes on for ever.
fn endless() -> Value {
    settings("while True:\n    pass")
}

/// A task that returns is answered with what it returned.
fn works(link: &mut Link, task: &str) -> Check {
    let answered = link.run(task, &settings("return [{'a': 1}]"))?;
    let expected = json!({ "type": "runner:taskdone", "taskId": task, "data": { "result": [{ "a": 1 }] } });
    ensure(answered.end == expected, "an answer", &answered)
}

/// The task ends as one that was cancelled.
fn cancelled(link: &mut Link, task: &str) -> Check {
    let answered = link.answer(task)?;
    let expected = json!({ "type": "runner:taskerror", "taskId": task, "error": { "message": "Task was cancelled" } });
    ensure(answered.end == expected, "cancelled", &answered)
}

/// What was closed had nothing more to say.
fn silent(rest: &[Value]) -> Result<(), End> {
    ensure(rest.is_empty(), "nothing more is said", &rest)
}
