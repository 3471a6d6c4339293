//! What the broker says: one JSON object each, taken apart no further than needed.
//!
//! Always holds: items and query stay text; what cannot be read is an error that says in n8n's words what is missing, with the task that it was about, so that
//! nobody waits for it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::task::{NodeMode, Task, UNKNOWN};

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// `broker:inforequest`
    InfoRequest,
    /// `broker:runnerregistered`
    Registered,
    /// `broker:taskofferaccept`
    OfferAccept {
        /// The task's name.
        task: String,
        /// The offer's.
        offer: String,
    },
    /// `broker:tasksettings`
    Settings(Box<Task>),
    /// `broker:taskcancel`
    Cancel {
        /// The task's name.
        task: String,
    },
    /// `broker:rpcresponse`: nobody waits for it.
    RpcResponse,
    /// `broker:drain`
    Drain,
}

/// A message that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What is wrong with it.
    pub why: String,
    /// The task whose settings it was to be.
    pub task: Option<String>,
}

impl From<String> for Unread {
    fn from(why: String) -> Self {
        Self { why, task: None }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'m> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'m, str>>,
    task_id: Option<String>,
    offer_id: Option<String>,
    call_id: Option<String>,
    status: Option<String>,
    reason: Option<&'m RawValue>,
    #[serde(borrow)]
    settings: Option<&'m RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings<'m> {
    code: Option<String>,
    node_mode: Option<String>,
    #[serde(borrow)]
    items: Option<&'m RawValue>,
    #[serde(borrow)]
    continue_on_fail: Option<&'m RawValue>,
    #[serde(borrow)]
    workflow_name: Option<&'m RawValue>,
    #[serde(borrow)]
    workflow_id: Option<&'m RawValue>,
    #[serde(borrow)]
    node_name: Option<&'m RawValue>,
    #[serde(borrow)]
    node_id: Option<&'m RawValue>,
    #[serde(borrow)]
    query: Option<&'m RawValue>,
}

fn missing<T>(field: Option<T>, of: &str, name: &str) -> Result<T, Unread> {
    field.ok_or_else(|| format!("Missing field in {of} message: '{name}'").into())
}

impl Incoming {
    /// Of a text.
    ///
    /// # Errors
    /// See [`Unread`].
    pub fn read(text: &str) -> Result<Self, Unread> {
        let message: Message<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let (task, offer) = (message.task_id, message.offer_id);
        match message.kind.as_deref() {
            Some("broker:inforequest") => Ok(Self::InfoRequest),
            Some("broker:runnerregistered") => Ok(Self::Registered),
            Some("broker:drain") => Ok(Self::Drain),
            Some("broker:taskofferaccept") => {
                let of = "task offer acceptance";
                Ok(Self::OfferAccept { task: missing(task, of, "taskId")?, offer: missing(offer, of, "offerId")? })
            }
            Some("broker:taskcancel") => {
                let of = "task cancel";
                let task = missing(task, of, "taskId")?;
                // A cancel without its reason is one all the same: a task that nobody wants is not kept for a word.
                let _ = message.reason;
                Ok(Self::Cancel { task })
            }
            Some("broker:rpcresponse") => {
                let of = "RPC response";
                for (field, name) in [(&message.call_id, "callId"), (&task, "taskId"), (&message.status, "status")] {
                    missing(field.as_ref(), of, name)?;
                }
                Ok(Self::RpcResponse)
            }
            Some("broker:tasksettings") => {
                let task = missing(task, "task settings", "taskId")?;
                settings(&task, message.settings).map(Box::new).map(Self::Settings).map_err(|unread| Unread { task: Some(task), ..unread })
            }
            kind => Err(format!("Unknown message type: {}", kind.unwrap_or("None")).into()),
        }
    }
}

fn settings(id: &str, text: Option<&RawValue>) -> Result<Task, Unread> {
    let of = "task settings";
    let settings: Settings<'_> = serde_json::from_str(missing(text, of, "settings")?.get()).map_err(|error| error.to_string())?;
    let mode = match missing(settings.node_mode, of, "nodeMode")?.as_str() {
        "runOnceForAllItems" => NodeMode::AllItems,
        "runOnceForEachItem" => NodeMode::PerItem,
        other => return Err(format!("Unknown nodeMode: {other}").into()),
    };
    let items = missing(settings.items, of, "items")?.get();
    if !items.starts_with('[') {
        return Err("Invalid field in task settings message: 'items' is no list".to_owned().into());
    }
    Ok(Task {
        id: id.to_owned(),
        code: missing(settings.code, of, "code")?,
        mode,
        items: items.to_owned(),
        continue_on_fail: settings.continue_on_fail.is_some_and(|flag| flag.get() == "true"),
        workflow_name: named(settings.workflow_name),
        workflow_id: named(settings.workflow_id),
        node_name: named(settings.node_name),
        node_id: named(settings.node_id),
        query: settings.query.map(|query| query.get().to_owned()).filter(|query| query != "null"),
    })
}

/// A name, for the log: whatever it is, no task fails for it.
fn named(name: Option<&RawValue>) -> String {
    let text = |name: &RawValue| serde_json::from_str(name.get()).unwrap_or_else(|_| name.get().to_owned());
    name.map_or_else(|| UNKNOWN.to_owned(), text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        Incoming::read(text).unwrap_err().why
    }

    #[test]
    fn every_kind_is_read() {
        let read = |text| Incoming::read(text).unwrap();
        assert_eq!(read(r#"{"type":"broker:inforequest"}"#), Incoming::InfoRequest);
        assert_eq!(read(r#"{"type":"broker:runnerregistered","more":[1]}"#), Incoming::Registered);
        assert_eq!(read(r#"{"type":"broker:drain"}"#), Incoming::Drain);
        let accept = Incoming::OfferAccept { task: "t_-".into(), offer: "o".into() };
        assert_eq!(read(r#"{"type":"broker:taskofferaccept","taskId":"t_-","offerId":"o"}"#), accept);
        assert_eq!(read(r#"{"type":"broker:taskcancel","taskId":"t","reason":"x"}"#), Incoming::Cancel { task: "t".into() });
        let response = r#"{"type":"broker:rpcresponse","callId":"c","taskId":"t","status":"success","data":null}"#;
        assert_eq!(read(response), Incoming::RpcResponse);
    }

    #[test]
    fn settings_are_read_with_n8ns_defaults() {
        let text = r#"{"type":"broker:tasksettings","taskId":"t","settings":
            {"code":"return 1","workflowId":7,"nodeMode":"runOnceForEachItem","items":[{"json":{"a":1.50}}],"query":null,"workflowMode":"manual"}}"#;
        let read = Incoming::read(text);
        let unknown = || UNKNOWN.to_owned();
        let expected = Task {
            id: "t".into(),
            code: "return 1".into(),
            mode: NodeMode::PerItem,
            items: r#"[{"json":{"a":1.50}}]"#.into(),
            continue_on_fail: false,
            workflow_name: unknown(),
            workflow_id: "7".into(),
            node_name: unknown(),
            node_id: unknown(),
            query: None,
        };
        assert_eq!(read, Ok(Incoming::Settings(Box::new(expected))));
    }

    #[test]
    fn what_is_wrong_is_said_in_n8ns_words() {
        assert_eq!(why(r#"{"type":"broker:x"}"#), "Unknown message type: broker:x");
        assert_eq!(why("{}"), "Unknown message type: None");
        assert_eq!(why(r#"{"type":"broker:taskdataresponse"}"#), "Unknown message type: broker:taskdataresponse");
        assert_eq!(why(r#"{"type":"broker:taskofferaccept","taskId":"t"}"#), "Missing field in task offer acceptance message: 'offerId'");
        assert_eq!(why(r#"{"type":"broker:taskcancel"}"#), "Missing field in task cancel message: 'taskId'");
        assert_eq!(why(r#"{"type":"broker:rpcresponse","callId":"c"}"#), "Missing field in RPC response message: 'taskId'");
        for none in ["", "[]", "1", "{", r#"{"type":1}"#, "{\"type\":\"broker:drain\"} x"] {
            assert!(Incoming::read(none).unwrap_err().task.is_none(), "{none}");
        }
    }

    #[test]
    fn bad_settings_name_their_task() {
        let bad = |settings: &str| Incoming::read(&format!(r#"{{"type":"broker:tasksettings","taskId":"t"{settings}}}"#)).unwrap_err();
        let whole = r#""code":"x","nodeMode":"runOnceForAllItems","items":[]"#;
        let cases = [
            (String::new(), "Missing field in task settings message: 'settings'"),
            (whole.replace(r#""code":"x","#, ""), "Missing field in task settings message: 'code'"),
            (whole.replace(r#","items":[]"#, ""), "Missing field in task settings message: 'items'"),
            (whole.replace(r#""nodeMode":"runOnceForAllItems","#, ""), "Missing field in task settings message: 'nodeMode'"),
            (whole.replace("AllItems", "Some"), "Unknown nodeMode: runOnceForSome"),
            (whole.replace("[]", "{}"), "Invalid field in task settings message: 'items' is no list"),
        ];
        for (fields, told) in cases {
            let given = if fields.is_empty() { fields } else { format!(r#","settings":{{{fields}}}"#) };
            let unread = bad(&given);
            assert_eq!((unread.why.as_str(), unread.task.as_deref()), (told, Some("t")));
        }
        assert_eq!(bad(r#","settings":{"code":7}"#).task.as_deref(), Some("t"), "of another type too");
    }
}
