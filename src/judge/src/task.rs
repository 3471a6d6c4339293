//! What is to be judged, by what, and why it may not come to it.

use std::io;

use remand_engine::{Outcome, Refusal, RunError};
use remand_plan::job::JobError;
use serde_json::Value;

use crate::cases::Case;
use crate::compare::Compare;
use crate::language::Language;
use crate::report::Compiled;

/// A program as its author wrote it.
#[derive(Clone, Debug)]
pub struct Source {
    /// In what.
    pub language: Language,
    /// Its text.
    pub text: Vec<u8>,
    /// Another command than the language's own: it makes `program` of the source, in the directory where that lies.
    pub compiler: Option<Vec<String>>,
}

/// What says whether an answer is right.
#[derive(Clone, Debug)]
pub enum Against {
    /// The test's answer.
    Answer(Compare),
    /// A program that is given the files `input`, `output` and `answer`, by those names as its arguments and the output as its standard input.
    Checker(Source),
    /// A program that talks with the solution, and is given the files `input` and `answer` by the arguments `input output answer`.
    Interactor(Source),
}

/// Policies by their names.
#[derive(Clone, Debug)]
pub struct Policies {
    /// For the solution, checker and interactor.
    pub run: String,
    /// For what compiles them.
    pub compile: String,
}

/// What is to be judged.
#[derive(Clone, Debug)]
pub struct Task {
    /// The solution.
    pub program: Source,
    /// Its tests.
    pub cases: Vec<Case>,
    /// What they are judged by.
    pub against: Against,
    /// Under which policies.
    pub policies: Policies,
    /// What narrows the solution's policy in every test, a tree of the shape of a policy's sections; a test's own limits lie over it.
    pub limits: Value,
    /// Tests go on after one has failed.
    pub all: bool,
}

/// Why nothing can be judged.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum JudgeError {
    #[error("a policy does not let it be judged")]
    Refused(Box<Refusal>),
    #[error("{0}")]
    Job(#[from] JobError),
    #[error("{0}")]
    Read(String),
    #[error("{whose} does not compile: {}", .compiled.message)]
    Uncompiled { whose: &'static str, compiled: Box<Compiled> },
    #[error("{whose} cannot be compiled here: {}", .0.verdict.kind(), whose = .1)]
    NoCompiler(Box<Outcome>, &'static str),
    #[error("test {0} has no answer to compare with")]
    NoAnswer(String),
    #[error("cannot make a pipe or a thread: {0}")]
    Pipe(#[from] io::Error),
    #[error("cancelled")]
    Cancelled,
}

impl From<RunError> for JudgeError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Refused(refusal) => refusal.into(),
            RunError::Job(error) => Self::Job(error),
        }
    }
}

impl From<Refusal> for JudgeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
