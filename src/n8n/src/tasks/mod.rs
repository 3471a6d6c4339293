//! Tasks as runs: what becomes of a task's code, items and settings, and what its outcome is for n8n.
//!
//! Always holds: a task is one run; starting and following one waits for nobody.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use remand_engine::host::{Depth, observe};
use remand_engine::{Caller, Engine, Moment, Outcome, Prepared, Program, Request, Run};
use remand_plan::job::Data;
use remand_plan::request::{Mode, OnError};
use remand_plan::verdict::Verdict;
use remand_policy::policy::Limits;
use serde_json::Value;

use crate::settings::Settings;
use crate::task::{Answer, CANCELLED, End, NodeMode, Task, TaskError};

/// Makes tasks into runs.
#[derive(Debug)]
pub struct Tasks {
    prepared: Arc<Prepared>,
    limits: Limits,
}

/// A task whose run goes on: readable when there is something for [`Running::advance`] to do.
pub struct Running {
    run: Box<Run<'static>>,
}

impl Tasks {
    /// Makes ready what tasks need.
    ///
    /// # Errors
    /// Why no task can run here.
    pub fn new(_settings: &Settings) -> Result<Self, String> {
        let engine = Engine::from_environment();
        let effective = engine.policy("default", &Value::Null).map_err(|refusal| refusal.to_string())?;
        let prepared = engine.prepare(&effective, Program::Python, &observe(Depth::Quick), &Caller::default());
        Ok(Self { prepared: Arc::new(prepared.map_err(|why| why.to_string())?), limits: effective.policy().limits.clone() })
    }

    /// Starts one.
    ///
    /// # Errors
    /// What it is answered, where it does not begin.
    pub fn start(&mut self, task: &Task) -> Result<Running, Answer> {
        let wrong = |why: &dyn std::fmt::Display| Answer::error(why.to_string(), Some(String::new()));
        let request = Request {
            code: task.code.as_str().into(),
            mode: match task.mode {
                NodeMode::AllItems => Mode::AllItems,
                NodeMode::PerItem => Mode::PerItem(OnError::Stop),
            },
            items: Data::items(&task.items, &self.limits).map_err(|error| wrong(&error))?,
            ..Request::default()
        };
        match self.prepared.start(&request, None).map_err(|error| wrong(&error))? {
            Ok(run) => Ok(Running { run: Box::new(run) }),
            Err(outcome) => Err(answer(&outcome)),
        }
    }
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
        answer(&self.run.outcome().0)
    }
}

fn answer(outcome: &Outcome) -> Answer {
    let prints = Vec::new();
    let end = match &outcome.verdict {
        Verdict::Finished => End::Done { result: outcome.value.get().to_owned(), size: outcome.value.get().len() as u64 },
        Verdict::Cancelled => End::Error(TaskError { message: CANCELLED.to_owned(), ..TaskError::default() }),
        verdict => {
            let message = outcome.exception().map_or_else(|| verdict.kind().to_string(), |error| error.message.clone());
            End::Error(TaskError { message, description: Some(String::new()), ..TaskError::default() })
        }
    };
    Answer { prints, end }
}
