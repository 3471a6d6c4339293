//! What this runner says to the broker: one JSON object each.
//!
//! Always holds: no message is larger than the broker takes, since it would drop the connection and with it every task; what is too large is an error of its
//! task that says how large, or a line in place of what was printed.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ids::id;
use crate::task::{Answer, End, TaskError};

/// Characters that an error that is too large keeps of its message.
const KEPT: usize = 1 << 10;

#[derive(Serialize)]
#[serde(tag = "type")]
enum Message<'m> {
    #[serde(rename = "runner:info")]
    Info { name: &'m str, types: [&'m str; 1] },
    #[serde(rename = "runner:taskoffer", rename_all = "camelCase")]
    Offer { offer_id: &'m str, task_type: &'m str, valid_for: u64 },
    #[serde(rename = "runner:taskaccepted", rename_all = "camelCase")]
    Accepted { task_id: &'m str },
    #[serde(rename = "runner:taskrejected", rename_all = "camelCase")]
    Rejected { task_id: &'m str, reason: &'m str },
    #[serde(rename = "runner:taskdone", rename_all = "camelCase")]
    Done { task_id: &'m str, data: Data<'m> },
    #[serde(rename = "runner:taskerror", rename_all = "camelCase")]
    Error { task_id: &'m str, error: &'m TaskError },
    #[serde(rename = "runner:rpc", rename_all = "camelCase")]
    Rpc { call_id: String, task_id: &'m str, name: &'m str, params: &'m [String] },
}

#[derive(Serialize)]
struct Data<'m> {
    result: &'m RawValue,
}

fn text(message: &Message<'_>) -> String {
    // Data of ours is always JSON.
    serde_json::to_string(message).unwrap_or_default()
}

/// Who this runner is.
#[must_use]
pub fn info() -> String {
    text(&Message::Info { name: "Python Task Runner", types: ["python"] })
}

/// Room for a task, for so many milliseconds.
#[must_use]
pub fn offer(offer: &str, valid_for: u64) -> String {
    text(&Message::Offer { offer_id: offer, task_type: "python", valid_for })
}

/// A task was taken.
#[must_use]
pub fn accepted(task: &str) -> String {
    text(&Message::Accepted { task_id: task })
}

/// A task was not taken.
#[must_use]
pub fn rejected(task: &str, reason: &str) -> String {
    text(&Message::Rejected { task_id: task, reason })
}

/// A task has failed.
#[must_use]
pub fn error(task: &str, message: &str) -> String {
    let error = TaskError { message: message.to_owned(), description: Some(String::new()), ..TaskError::default() };
    text(&Message::Error { task_id: task, error: &error })
}

/// All that a task is answered with, in order; `most`: bytes of the largest message.
#[must_use]
pub fn answer(task: &str, answer: Answer, most: u64) -> Vec<String> {
    let fits = |message: &String| message.len() as u64 <= most;
    let mut messages: Vec<_> = answer.prints.iter().map(|params| print(task, params, &fits)).collect();
    messages.push(match answer.end {
        End::Done { result, .. } => done(task, result, &fits, most),
        End::Error(error) => failed(task, error, &fits),
    });
    messages
}

fn print(task: &str, params: &[String], fits: &impl Fn(&String) -> bool) -> String {
    let rpc = |params: &[String]| text(&Message::Rpc { call_id: id(), task_id: task, name: "logNodeOutput", params });
    let message = rpc(params);
    if fits(&message) { message } else { rpc(&[format!("'[Output of {} bytes is too large for a message]'", message.len())]) }
}

fn done(task: &str, result: String, fits: &impl Fn(&String) -> bool, most: u64) -> String {
    let size = result.len();
    let Ok(result) = RawValue::from_string(result) else { return error(task, "The result is no JSON") };
    let message = text(&Message::Done { task_id: task, data: Data { result: &result } });
    if fits(&message) {
        return message;
    }
    let message = format!("Task result is too large: {size} bytes, and the largest message is {most} bytes");
    let description = "Return less, or raise N8N_RUNNERS_MAX_PAYLOAD, here and in n8n".to_owned();
    let error = TaskError { message, description: Some(description), ..TaskError::default() };
    text(&Message::Error { task_id: task, error: &error })
}

/// Less and less of it, until it fits.
fn failed(task: &str, mut error: TaskError, fits: &impl Fn(&String) -> bool) -> String {
    let told = |error: &TaskError| text(&Message::Error { task_id: task, error });
    let whole = told(&error);
    if fits(&whole) {
        return whole;
    }
    error.stack = None;
    let brief = told(&error);
    if fits(&brief) {
        return brief;
    }
    error.description = Some("(too large for a message)".to_owned());
    error.message = error.message.chars().take(KEPT).collect();
    told(&error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = 1 << 30;

    fn done(result: &str) -> Answer {
        Answer { prints: vec![vec!["'a'".into(), "1".into()], vec![]], end: End::Done { result: result.into(), size: 0 } }
    }

    #[test]
    fn messages_are_n8ns() {
        assert_eq!(info(), r#"{"type":"runner:info","name":"Python Task Runner","types":["python"]}"#);
        assert_eq!(offer("o", 5001), r#"{"type":"runner:taskoffer","offerId":"o","taskType":"python","validFor":5001}"#);
        assert_eq!(accepted("t"), r#"{"type":"runner:taskaccepted","taskId":"t"}"#);
        assert_eq!(rejected("t", "\"why\""), r#"{"type":"runner:taskrejected","taskId":"t","reason":"\"why\""}"#);
        assert_eq!(error("t", "m"), r#"{"type":"runner:taskerror","taskId":"t","error":{"message":"m","description":""}}"#);
    }

    #[test]
    fn prints_go_before_the_end_whatever_it_is() {
        let messages = answer("t", done("[ 1.50 ]"), ALL);
        assert!(messages.iter().take(2).all(|message| message.contains(r#""name":"logNodeOutput""#)), "{messages:?}");
        assert!(messages.first().is_some_and(|message| message.ends_with(r#""params":["'a'","1"]}"#)), "{messages:?}");
        assert_eq!(messages.get(2).map(String::as_str), Some(r#"{"type":"runner:taskdone","taskId":"t","data":{"result":[ 1.50 ]}}"#));
        let cancelled = Answer { end: Answer::error("Task was cancelled", None).end, ..done("") };
        let messages = answer("t", cancelled, ALL);
        let expected = r#"{"type":"runner:taskerror","taskId":"t","error":{"message":"Task was cancelled"}}"#;
        assert_eq!((messages.len(), messages.last().map(String::as_str)), (3, Some(expected)));
    }

    #[test]
    fn nothing_is_larger_than_the_broker_takes() {
        let most = 400;
        let large = "x".repeat(1000);
        let mut huge = done(&format!("\"{large}\""));
        huge.prints.push(vec![large.clone()]);
        let messages = answer("t", huge, most);
        assert!(messages.iter().all(|message| message.len() as u64 <= most), "{messages:?}");
        let last = messages.last().map(String::as_str).unwrap_or_default();
        assert!(last.contains("1002 bytes") && last.contains("400 bytes") && last.contains("runner:taskerror"), "{last}");
        let error = TaskError { message: "m".into(), description: Some("d".into()), stack: Some(large.clone()), ..TaskError::default() };
        let told = |error| answer("t", Answer { prints: vec![], end: End::Error(error) }, most);
        assert_eq!(told(error.clone()), [r#"{"type":"runner:taskerror","taskId":"t","error":{"message":"m","description":"d"}}"#]);
        assert!(told(TaskError { description: Some(large), ..error }).iter().all(|message| message.len() as u64 <= most));
    }
}
