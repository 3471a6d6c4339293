//! Tasks as runs: what becomes of a task's code, items and settings, and what its outcome is for n8n.
//!
//! Always holds: a task is one run; starting and following one waits for nobody.

mod answer;
mod exceeded;
mod room;
mod ways;

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use remand_engine::{Moment, Request, Run};
use remand_plan::job::{Data, DataError};
use remand_plan::request::Mode;
use serde_json::json;

use crate::settings::{Allowed, Settings};
use crate::task::{Answer, NodeMode, Task, TaskError};
use answer::{answer, failed};
use ways::{Way, Ways};

/// Makes tasks into runs.
#[derive(Debug)]
pub struct Tasks {
    ways: Ways,
    layers: [Data; 2],
    timeout: Duration,
}

/// A task whose run goes on: readable when there is something for [`Running::advance`] to do.
pub struct Running {
    run: Box<Run<'static>>,
    continue_on_fail: bool,
    timeout: Duration,
}

impl Tasks {
    /// Makes ready what tasks need: the policies, the interpreters that they name, what this host can enforce of them. Some variables of this process may be
    /// shown to tasks.
    ///
    /// # Errors
    /// Why no task can run here.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self::showing(settings, &std::env::vars_os().filter_map(text).collect::<Vec<_>>())
    }

    /// The same with other variables in the place of this process's.
    ///
    /// # Errors
    /// As [`Tasks::new`].
    pub fn showing(settings: &Settings, variables: &[(String, String)]) -> Result<Self, String> {
        let ways = Ways::prepare(settings, variables)?;
        let layer = |per_item| layer(settings, per_item).map_err(|error| format!("the lists of modules and builtins: {error}"));
        Ok(Self { ways, layers: [layer(false)?, layer(true)?], timeout: settings.task_timeout })
    }

    /// What an operator should know, a line each.
    #[must_use]
    pub fn warnings(&self, settings: &Settings) -> Vec<String> {
        let mut warnings: Vec<String> = self.ways.iter().filter_map(|(name, way)| crowded(name, way, settings)).collect();
        let packages = !matches!(&settings.external_allow, Allowed::Only(names) if names.is_empty());
        for (name, way) in self.ways.iter().filter(|(_, way)| packages && !way.packages) {
            warnings.push(format!(
                "N8N_RUNNERS_EXTERNAL_ALLOW lets code import packages, and policy {name} shows tasks none: name them in its python.external_allow{}",
                if way.interpreter == "python3" { ", and the virtual environment that has them in python.interpreter" } else { "" }
            ));
        }
        warnings
    }

    /// Starts one.
    ///
    /// # Errors
    /// What it is answered, where it does not begin.
    #[allow(clippy::result_large_err)] // one for each run
    pub fn start(&mut self, task: &Task) -> Result<Running, Answer> {
        let told = |message: String| {
            let error = TaskError { message, description: Some(String::new()), ..TaskError::default() };
            Answer { prints: Vec::new(), end: failed(error, task.continue_on_fail) }
        };
        let way = self.ways.of(task).ok_or_else(|| told("Task could not be started: its policy is gone".to_owned()))?;
        let request = self.request(task, way).map_err(|error| told(format!("Task could not be started: {error}")))?;
        match way.prepared.start(&request, None).map_err(|error| told(format!("Task could not be started: {error}")))? {
            Ok(run) => Ok(Running { run: Box::new(run), continue_on_fail: task.continue_on_fail, timeout: self.timeout }),
            Err(outcome) => Err(answer(&outcome, task.continue_on_fail, self.timeout)),
        }
    }

    fn request(&self, task: &Task, way: &Way) -> Result<Request, DataError> {
        let [all_items, per_item] = &self.layers;
        let layer = if task.mode == NodeMode::PerItem { per_item } else { all_items };
        Ok(Request {
            code: task.code.as_str().into(),
            mode: Mode::N8n(layer.clone()),
            items: Data::items(&task.items, &way.limits)?,
            query: task.query.as_deref().map_or(Ok(Data::null()), |query| Data::value(query, "query", &way.limits))?,
            choice: way.choice.clone(),
            ..Request::default()
        })
    }
}

/// What a run's layer is told, for the mode that it is called in.
fn layer(settings: &Settings, per_item: bool) -> Result<Data, DataError> {
    let told = json!({
        "per_item": per_item,
        "layer": settings.restrictions,
        "stdlib": settings.stdlib_allow.names(),
        "external": settings.external_allow.names(),
        "deny": settings.builtins_deny,
        "transitive": settings.transitive_imports,
    });
    Data::value(&told.to_string(), "settings", u64::MAX)
}

/// Where tasks at once can use more memory than there is.
fn crowded(name: &str, way: &Way, settings: &Settings) -> Option<String> {
    let (there_is, whose) = room::memory()?;
    let Some(memory) = way.limits.memory.value() else {
        return Some(format!("limits.memory of policy {name} is unlimited: one task can use all that {whose}"));
    };
    // A result is held by the runner too.
    let each = memory.0.saturating_add(way.limits.result_size.0);
    let all = each.saturating_mul(settings.max_concurrency as u64);
    (all > there_is).then(|| {
        format!(
            "{} tasks at once (N8N_RUNNERS_MAX_CONCURRENCY) may use {} of memory each and hold a result of {}, {} in all, and {whose} {}: lower \
             limits.memory of policy {name}, or the number of tasks",
            settings.max_concurrency,
            exceeded::bytes(memory.0),
            exceeded::bytes(way.limits.result_size.0),
            exceeded::bytes(all),
            exceeded::bytes(there_is),
        )
    })
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.run.as_fd()
    }
}

impl Running {
    /// Does what there is to do; whether the run goes on.
    pub fn advance(&mut self, now: Moment) -> bool {
        self.run.advance(now)
    }

    /// Begins to end it.
    pub fn cancel(&mut self) {
        self.run.cancel();
    }

    /// What came of it, once it is over.
    #[must_use]
    pub fn answer(self) -> Answer {
        answer(&self.run.outcome().0, self.continue_on_fail, self.timeout)
    }
}
