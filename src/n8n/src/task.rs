//! A task as the broker hands it over, and what it is answered.
//!
//! Always holds: items, query and result are JSON text that nobody here has taken apart.

use serde::Serialize;

/// How a node's code is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeMode {
    /// `runOnceForAllItems`
    AllItems,
    /// `runOnceForEachItem`
    PerItem,
}

/// What n8n says of itself where it says nothing.
pub const UNKNOWN: &str = "Unknown";

/// The message of a task that was cancelled.
pub const CANCELLED: &str = "Task was cancelled";

/// One task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The broker's name for it, any text.
    pub id: String,
    /// Python source, a function body.
    pub code: String,
    /// How it is called.
    pub mode: NodeMode,
    /// JSON: an array of n8n items.
    pub items: String,
    /// What fails is a result with one item that says so.
    pub continue_on_fail: bool,
    /// For log lines; else [`UNKNOWN`]. The author's, as the next three, but for the workflow's id.
    pub workflow_name: String,
    /// n8n's.
    pub workflow_id: String,
    /// The author's.
    pub node_name: String,
    /// The author's.
    pub node_id: String,
    /// JSON: what the AI's "Code Tool" is asked.
    pub query: Option<String>,
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Parameters of a `logNodeOutput` each, in order; they go before the end, also before an error.
    pub prints: Vec<Vec<String>>,
    /// How it ended.
    pub end: End,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It has a result.
    Done {
        /// JSON.
        result: String,
        /// Its bytes, as the log tells them.
        size: u64,
    },
    /// It has none.
    Error(TaskError),
}

/// The `error` of a `runner:taskerror`. n8n shows every property that it finds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskError {
    /// What went wrong.
    pub message: String,
    /// More of it; a task that was cancelled has none, and not even an empty one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The traceback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// Of the node's code, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_number: Option<u32>,
    /// The exception's class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<Box<str>>,
}

impl Answer {
    /// An error without prints.
    #[must_use]
    pub fn error(message: impl Into<String>, description: Option<String>) -> Self {
        Self { prints: Vec::new(), end: End::Error(TaskError { message: message.into(), description, ..TaskError::default() }) }
    }
}
