//! A task whose run goes on, and the line that tells of its end.
//!
//! Always holds: nothing of a task's code or data is in the line, but the names that its author gave workflow and node.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use remand_engine::Moment;

use crate::log::{duration, size};
use crate::settings::Level;
use crate::task::{Answer, CANCELLED, End, Task};
use crate::tasks::Running;

/// See the module.
pub struct Going {
    task: Task,
    running: Running,
    began: Moment,
}

impl Going {
    pub fn new(task: Task, running: Running, began: Moment) -> Self {
        // The run has its own.
        let task = Task { code: String::new(), items: String::new(), query: None, ..task };
        Self { task, running, began }
    }

    /// Does what there is to do; whether it goes on.
    pub fn advance(&mut self, now: Moment) -> bool {
        self.running.advance(now)
    }

    pub fn cancel(&mut self) {
        self.running.cancel();
    }

    /// What came of it.
    pub fn answer(self) -> (Task, Moment, Answer) {
        (self.task, self.began, self.running.answer())
    }
}

impl AsFd for Going {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.running.as_fd()
    }
}

/// How a task ended, for the log.
pub fn told(task: &Task, answer: &Answer, took: Duration) -> (Level, String) {
    let Task { id, workflow_name, workflow_id, node_name, node_id, .. } = task;
    let place = format!("for node \"{node_name}\" ({node_id}) in workflow \"{workflow_name}\" ({workflow_id})");
    match &answer.end {
        End::Done { size: bytes, .. } => (Level::Info, format!("Completed task {id} in {} ({}) {place}", duration(took), size(*bytes))),
        End::Error(error) if error.description.is_none() && error.message == CANCELLED => {
            (Level::Info, format!("Cancelled task {id} {place}"))
        }
        End::Error(error) => {
            let kind = error.error_type.as_deref().map(|kind| format!(" ({kind})")).unwrap_or_default();
            (Level::Error, format!("Task {id} failed{kind} after {} {place}", duration(took)))
        }
    }
}
