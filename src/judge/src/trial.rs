//! One test: the solution with its input, and what its answer, the checker or the interactor makes of it.
//!
//! Always holds: what the solution causes, by its output too, is its verdict; only what the test's own files or tools cannot do is the judge's error.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use remand_engine::{Effective, Outcome, Request};
use remand_plan::job::JobError;
use remand_plan::request::Given;
use remand_plan::verdict::Verdict as Ending;
use remand_plan::workspace::workspace;

use crate::cases::Case;
use crate::language::{Runnable, given};
use crate::link;
use crate::report::begun;
use crate::runs::Judge;
use crate::task::{Against, JudgeError};
use crate::verdict::{self, Verdict};

/// What ends the trial of one test.
pub enum Stop {
    /// It cannot be judged.
    Judge(JudgeError),
    /// The solution cannot even be started with what it is.
    Solution(JobError),
}

impl<E: Into<JudgeError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Judge(error.into())
    }
}

/// What a test comes to, but for the solution's own run.
pub struct Found {
    pub verdict: Verdict,
    pub message: String,
    /// How the checker or the interactor ended.
    pub judged: Option<Ending>,
}

impl Found {
    /// Without a checker or an interactor.
    fn alone(verdict: Verdict, message: String) -> Self {
        Self { verdict, message, judged: None }
    }
}

/// What the solution's own run gives. Its request is the solution alone, so what keeps it from being sent is the solution's.
fn of_solution(outcome: Result<Outcome, JudgeError>) -> Result<Outcome, Stop> {
    outcome.map_err(|error| if let JudgeError::Job(error) = error { Stop::Solution(error) } else { Stop::Judge(error) })
}

impl Judge<'_> {
    /// The solution's run, and what it comes to.
    pub fn tried(
        &self,
        case: &Case,
        policy: &Effective,
        program: &Runnable,
        tool: Option<&(Runnable, Effective)>,
    ) -> Result<(Outcome, Found), Stop> {
        if let (Against::Interactor(_), Some(tool)) = (&self.task.against, tool) {
            return self.talk(case, policy, program, tool);
        }
        let (outcome, output) = self.alone(case, policy, program)?;
        // A policy may let a run go on that writes too much; what is left of its answer is none.
        let cut = outcome.stdout.truncated.then_some(Verdict::OutputLimit);
        let found = match (verdict::of_run(&outcome.verdict).or(cut), &self.task.against, tool) {
            (Some(verdict), ..) => Found::alone(verdict, String::new()),
            (None, Against::Answer(how), _) => match how.difference(&self.answer(case)?, &output) {
                None => Found::alone(Verdict::Accepted, String::new()),
                Some(difference) => Found::alone(Verdict::WrongAnswer, difference.sentence()),
            },
            (None, _, Some(tool)) => self.check(case, &output, tool)?,
            (None, _, None) => Found::alone(Verdict::JudgeError, String::new()),
        };
        Ok((outcome, found))
    }

    /// The solution with its input and nobody else; and what it wrote.
    fn alone(&self, case: &Case, policy: &Effective, program: &Runnable) -> Result<(Outcome, Vec<u8>), Stop> {
        let (request, command) = program.asked(&[], Vec::new());
        let mut output = Vec::new();
        let input = self.content(&case.input)?;
        let outcome = self.with_input(policy, &request, command.as_deref(), input, |bytes| output.extend_from_slice(bytes));
        Ok((of_solution(outcome)?, output))
    }

    fn with_input(
        &self,
        policy: &Effective,
        request: &Request,
        command: Option<&[String]>,
        content: Vec<u8>,
        output: impl FnMut(&[u8]) + Send,
    ) -> Result<Outcome, JudgeError> {
        let (input, sender, thread) = link::pipe()?;
        let _ = sender.send(content);
        drop(sender);
        let outcome = self.run(policy, request, command, Some(input), output);
        let _ = thread.join();
        outcome
    }

    /// What the checker says of an output. One that breaks at it and not at the jury's own answer was broken by the solution.
    fn check(&self, case: &Case, output: &[u8], tool: &(Runnable, Effective)) -> Result<Found, JudgeError> {
        let outcome = match self.checked(case, output, tool) {
            Err(JudgeError::Job(why)) if self.fits_without(case, tool)? => {
                let message = format!("the output, of {} bytes, does not fit beside the test's files for the checker: {why}", output.len());
                return Ok(Found::alone(Verdict::OutputLimit, message));
            }
            checked => checked?,
        };
        let said = verdict::Said::of(&outcome.verdict);
        let (mut verdict, mut message) = (said.verdict(), said_by(&outcome));
        if said == verdict::Said::Broke && self.holds_at_the_answer(case, &outcome.verdict, tool)? {
            (verdict, message) =
                (Verdict::WrongAnswer, format!("the checker breaks at this output, and not at the jury's answer\n{message}"));
        }
        Ok(Found { verdict, message, judged: Some(outcome.verdict) })
    }

    fn checked(&self, case: &Case, output: &[u8], (tool, policy): &(Runnable, Effective)) -> Result<Outcome, JudgeError> {
        let mut files = self.shown(case)?;
        files.push(given("output", output.into(), false));
        let (request, command) = tool.asked(&["input", "output", "answer"], files);
        self.with_input(policy, &request, command.as_deref(), output.to_vec(), |_| ())
    }

    /// Whether the test's own files fit into a run of the checker.
    fn fits_without(&self, case: &Case, (tool, policy): &(Runnable, Effective)) -> Result<bool, JudgeError> {
        Ok(workspace(&tool.asked(&[], self.shown(case)?).0, policy.policy()).is_ok())
    }

    /// Whether a checker that broke does not when it is given the jury's answer; without one, whether it broke as a program does that could not read what it got.
    fn holds_at_the_answer(&self, case: &Case, broke: &Ending, tool: &(Runnable, Effective)) -> Result<bool, JudgeError> {
        if case.answer.is_none() {
            return Ok(verdict::is_thrown(broke));
        }
        let outcome = self.checked(case, &self.answer(case)?, tool)?;
        Ok(matches!(verdict::Said::of(&outcome.verdict), verdict::Said::Accepts | verdict::Said::Rejects))
    }

    /// The solution and its interactor, each the other's input.
    fn talk(
        &self,
        case: &Case,
        policy: &Effective,
        program: &Runnable,
        (tool, tool_policy): &(Runnable, Effective),
    ) -> Result<(Outcome, Found), Stop> {
        let (request, command) = program.asked(&[], Vec::new());
        let (tool_request, tool_command) = tool.asked(&["input", "output", "answer"], self.shown(case)?);
        let (own_input, to_solution, one) = link::pipe()?;
        let (tool_input, to_tool, other) = link::pipe()?;
        let spoke = &AtomicBool::new(false);
        let (solution, interactor) = thread::scope(|scope| {
            let solution = scope.spawn(move || {
                let outcome = self.run(policy, &request, command.as_deref(), Some(own_input), |bytes| {
                    spoke.store(true, Ordering::Relaxed);
                    drop(to_tool.send(bytes.to_vec()));
                });
                drop(to_tool);
                (outcome, Instant::now())
            });
            let outcome = self.run(tool_policy, &tool_request, tool_command.as_deref(), Some(tool_input), |bytes| {
                drop(to_solution.send(bytes.to_vec()));
            });
            drop(to_solution);
            let interactor = (outcome, Instant::now(), spoke.load(Ordering::Relaxed));
            (solution.join(), interactor)
        });
        let _ = (one.join(), other.join());
        let (solution, ended) = solution.map_err(|_| io::Error::other("the thread of a run panicked"))?;
        let (interactor, first, heard) = (interactor.0?, ended <= interactor.1, interactor.2);
        let solution = of_solution(solution)?;
        let verdict = verdict::of_two(&solution.verdict, &interactor.verdict, first, heard);
        Ok((solution, Found { verdict, message: said_by(&interactor), judged: Some(interactor.verdict) }))
    }

    /// What a checker or an interactor may see.
    fn shown(&self, case: &Case) -> Result<Vec<Given>, JudgeError> {
        Ok(vec![given("input", self.content(&case.input)?.into(), false), given("answer", self.answer(case)?, false)])
    }

    fn answer(&self, case: &Case) -> Result<Arc<[u8]>, JudgeError> {
        Ok(case.answer.as_ref().map(|path| self.content(path)).transpose()?.unwrap_or_default().into())
    }

    fn content(&self, path: &Path) -> Result<Vec<u8>, JudgeError> {
        (self.read)(path).map_err(JudgeError::Read)
    }
}

/// What a tool has to say.
fn said_by(outcome: &Outcome) -> String {
    begun(if outcome.stderr.text.is_empty() { &outcome.stdout.text } else { &outcome.stderr.text })
}
