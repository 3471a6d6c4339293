//! A Code node of n8n, without n8n: a task, the runner's settings, and what `remand-n8n` makes of them on the real engine.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use remand_engine::Moment;
use remand_n8n::settings::{Settings, Variables};
use remand_n8n::task::{Answer, End as Ended, NodeMode, Task, UNKNOWN};
use remand_n8n::tasks::{Running, Tasks};
use remand_tests::{Check, End, ensure};
use serde_json::{Value, json};

/// Long enough for any task that ends by itself.
const PATIENCE: &str = "120";

/// What is set, and what the node says.
#[derive(Clone)]
pub struct Node {
    pub variables: BTreeMap<String, String>,
    pub task: Task,
}

/// All items at once, nothing allowed.
pub fn node() -> Node {
    let unknown = || UNKNOWN.to_owned();
    let task = Task {
        id: "task".to_owned(),
        code: String::new(),
        mode: NodeMode::AllItems,
        items: "[]".to_owned(),
        continue_on_fail: false,
        workflow_name: unknown(),
        workflow_id: unknown(),
        node_name: unknown(),
        node_id: unknown(),
        query: None,
    };
    Node { variables: BTreeMap::new(), task }.with("N8N_RUNNERS_TASK_TIMEOUT", PATIENCE)
}

/// Everything may be imported, and the analyser looks at it.
pub fn importing() -> Node {
    node().with("N8N_RUNNERS_STDLIB_ALLOW", "*")
}

/// Nothing is refused but by the kernel.
pub fn free() -> Node {
    node().with("REMAND_N8N_RESTRICTIONS", "false")
}

impl Node {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn each(mut self, items: &Value) -> Self {
        self.task.mode = NodeMode::PerItem;
        self.items(items)
    }

    pub fn items(mut self, items: &Value) -> Self {
        self.task.items = items.to_string();
        self
    }

    pub fn going_on(mut self) -> Self {
        self.task.continue_on_fail = true;
        self
    }

    pub fn settings(&self) -> Result<Settings, End> {
        let variables = Variables { variable: &|name| self.variables.get(name).cloned(), file: &|path| Err(format!("no file {path}")) };
        Settings::read(&variables).map_err(|why| End::Fail(why.to_string()))
    }

    pub fn tasks(&self) -> Result<Tasks, End> {
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Tasks::showing(&self.settings()?, &variables).map_err(End::Fail)
    }

    pub fn start(&self, code: &str) -> Result<Result<Running, Answer>, End> {
        Ok(self.tasks()?.start(&Task { code: code.to_owned(), ..self.task.clone() }))
    }

    pub fn run(&self, code: &str) -> Result<Answer, End> {
        self.start(code)?.map_or_else(Ok, wait)
    }

    /// The result of a task that has one.
    pub fn result(&self, code: &str) -> Result<Value, End> {
        match self.run(code)?.end {
            Ended::Done { result, .. } => serde_json::from_str(&result).map_err(|error| End::Fail(format!("{error}: {result}"))),
            Ended::Error(error) => Err(End::Fail(format!("{code}\nended by {error:?}"))),
        }
    }

    /// The message and the description of one that fails.
    pub fn error(&self, code: &str) -> Result<(String, String), End> {
        match self.run(code)?.end {
            Ended::Error(error) => Ok((error.message, error.description.unwrap_or_default())),
            Ended::Done { result, .. } => Err(End::Fail(format!("{code}\ngave {result}"))),
        }
    }

    /// Holds one that fails to a message and a part of its description.
    pub fn fails(&self, code: &str, message: &str, part: &str) -> Check {
        let (told, description) = self.error(code)?;
        let holds = told == message && description.contains(part);
        ensure(holds, &format!("{code}\n{message}: {part}"), &(told, description))
    }

    /// Holds one that has a result to it.
    pub fn gives(&self, code: &str, expected: &Value) -> Check {
        let result = self.result(code)?;
        ensure(result == *expected, &format!("{code}\ngives {expected}"), &result)
    }
}

/// Follows a run to its end.
pub fn wait(mut running: Running) -> Result<Answer, End> {
    while running.advance(Moment::now()) {
        let mut fds = [PollFd::new(running.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE).map_err(|errno| End::Fail(errno.to_string()))?;
    }
    Ok(running.answer())
}

/// The last message to the broker without what n8n's own runner does not say, and the parameters of the calls before it.
pub fn frames(answer: &Answer) -> (Value, Value) {
    let last = match &answer.end {
        Ended::Done { result, .. } => {
            json!({ "type": "runner:taskdone", "data": { "result": serde_json::from_str::<Value>(result).unwrap_or(Value::Null) } })
        }
        Ended::Error(error) => {
            let mut told = json!({ "message": error.message });
            if let (Some(description), Some(told)) = (&error.description, told.as_object_mut()) {
                told.insert("description".to_owned(), json!(description));
            }
            json!({ "type": "runner:taskerror", "error": told })
        }
    };
    (last, answer.prints.iter().map(|parameters| json!(["logNodeOutput", parameters])).collect())
}
