//! A run of a judging, and what all of them share.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use remand_engine::{Caller, Channel, Effective, Engine, Outcome, Program, Request, Said};
use remand_plan::verdict::Verdict as Ending;

use crate::task::{JudgeError, Task};

/// What reads the files of tests, with the rights of whoever named them; its error says what could not be read, and why.
pub type Read<'a> = &'a (dyn Fn(&Path) -> Result<Vec<u8>, String> + Sync);

/// Who judges: the engine, the task and what both take.
pub struct Judge<'a> {
    pub engine: &'a Engine,
    pub task: &'a Task,
    pub read: Read<'a>,
    pub cancel: Option<BorrowedFd<'a>>,
    /// A cgroup counts the CPU time of runs, of all of their processes.
    pub counted: bool,
}

impl Judge<'_> {
    /// One run of `command`, or of Python; `output` hears of its standard output as it comes.
    pub fn run(
        &self,
        policy: &Effective,
        request: &Request,
        command: Option<&[String]>,
        input: Option<OwnedFd>,
        mut output: impl FnMut(&[u8]) + Send,
    ) -> Result<Outcome, JudgeError> {
        let sink = |part: Said<'_>, _| {
            if let Said::Output(piece) = part
                && piece.channel == Channel::Stdout
            {
                output(piece.text);
            }
        };
        let caller = Caller { cancel: self.cancel, sink: Some(Box::new(sink)), input, ..Caller::default() };
        let program = command.map_or(Program::Python, Program::Command);
        let outcome = self.engine.run(policy, program, request, caller)?;
        if outcome.verdict == Ending::Cancelled { Err(JudgeError::Cancelled) } else { Ok(outcome) }
    }
}
