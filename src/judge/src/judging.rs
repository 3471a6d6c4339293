//! A judging: the program and its judge are compiled, then each test is tried.
//!
//! Always holds: each test gets runs of its own under a policy that its limits narrow; the first thing that is the judge's own fault (a checker that does not
//! compile, a limit that the policy does not know) ends it with an error. What a solution causes is its verdict, and ends no judging.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use remand_engine::host::{self, Depth};
use remand_engine::{Caller, Channel, Effective, Engine, Outcome, Program, Refusal, Request, RunError, Said};
use remand_plan::Protection;
use remand_plan::enforcement::Enforcement;
use remand_plan::job::JobError;
use remand_plan::request::{Given, Mode, Origin, Script};
use remand_plan::verdict::Verdict as Ending;
use remand_plan::workspace::workspace;
use serde_json::Value;

use crate::cases::{Case, merge};
use crate::compare::Compare;
use crate::language::{Language, PRODUCT, Runnable, given};
use crate::link;
use crate::report::{Compiled, Proof, Report, Spread, Tested, begun};
use crate::verdict::{self, Verdict};

/// Runs of a program that does nothing, to learn how far times are to be trusted.
const QUIET_RUNS: u32 = 5;
/// Reads the source without running it, and leaves it as UTF-8 text, whatever it was written in: Python itself knows its encodings.
const READ: &str = r"
import io, re, tokenize
source = open('program.py', 'rb').read()
compile(source, 'program.py', 'exec', dont_inherit=True)
encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
text = source.decode(encoding)
if not encoding.startswith('utf-8'):
    text = re.sub(r'(?m)^([ \t\f]*#.*?coding[:=][ \t]*)[-\w.]+', r'\1utf-8', text, count=1)
open('program', 'w', encoding='utf-8', newline='').write(text)
";
/// Bytes that a solution's source may have.
pub const LARGEST_SOURCE: u64 = 1 << 20;
const TIED: &str = "its standard input and output, with the interactor's";

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

/// What ends the trial of one test.
enum Stop {
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
struct Found {
    verdict: Verdict,
    message: String,
    /// How the checker or the interactor ended.
    judged: Option<Ending>,
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

/// What reads the files of tests, with the rights of whoever named them; its error says what could not be read, and why.
pub type Read<'a> = &'a (dyn Fn(&Path) -> Result<Vec<u8>, String> + Sync);

/// Judges a program. `cancel`: readable when it is to be given up. `told` hears of each test as it is done.
///
/// # Errors
/// It cannot be judged, which is not the solution's fault.
pub fn judge(
    engine: &Engine,
    task: &Task,
    read: Read<'_>,
    cancel: Option<BorrowedFd<'_>>,
    mut told: impl FnMut(&Tested),
) -> Result<Report, JudgeError> {
    let judge = Judge { engine, task, read, cancel, counted: host::observe(Depth::Quick).cgroup.cpu.available() };
    let tool = match &task.against {
        Against::Answer(_) => None,
        Against::Checker(source) => Some(judge.tool("the checker", source)?),
        Against::Interactor(source) => Some(judge.tool("the interactor", source)?),
    };
    if matches!(task.against, Against::Answer(_))
        && let Some(case) = task.cases.iter().find(|case| case.answer.is_none())
    {
        return Err(JudgeError::NoAnswer(case.name.clone()));
    }
    // A limit that is none is told before anything runs.
    let policies = task.cases.iter().map(|case| judge.policy(case)).collect::<Result<Vec<_>, _>>()?;
    if task.program.text.len() as u64 > LARGEST_SOURCE {
        return Ok(Report::uncompiled(Compiled::too_large(task.program.text.len() as u64, LARGEST_SOURCE)));
    }
    let (program, compiled) = judge.compile("the program", &task.program)?;
    let Some(program) = program else { return Ok(Report::uncompiled(compiled)) };
    let noise = judge.noise(&program)?;
    let (mut tests, mut over, mut enforcement) = (Vec::new(), false, BTreeMap::new());
    for (case, policy) in task.cases.iter().zip(&policies) {
        let tested = if over {
            Tested { name: case.name.clone(), verdict: Verdict::Skipped, message: String::new(), proof: None }
        } else {
            judge.test(case, policy, &program, tool.as_ref(), noise, &mut enforcement)?
        };
        over |= !task.all && tested.verdict != Verdict::Accepted;
        told(&tested);
        tests.push(tested);
    }
    Ok(Report::new(compiled, noise, enforcement, tests))
}

struct Judge<'a> {
    engine: &'a Engine,
    task: &'a Task,
    read: Read<'a>,
    cancel: Option<BorrowedFd<'a>>,
    /// A cgroup counts the CPU time of runs, of all of their processes.
    counted: bool,
}

impl Judge<'_> {
    /// The solution's. Where no cgroup counts, the time of a process that ends before it is looked at, and that nobody waited for, is lost: there it makes none.
    fn policy(&self, case: &Case) -> Result<Effective, JudgeError> {
        let mut limits = self.task.limits.clone();
        merge(&mut limits, case.limits.clone());
        let policy = self.engine.policy(&self.task.policies.run, &limits)?;
        Ok(if self.counted { policy } else { policy.without_processes() })
    }

    /// A checker or an interactor.
    fn tool(&self, whose: &'static str, source: &Source) -> Result<(Runnable, Effective), JudgeError> {
        let policy = self.engine.policy(&self.task.policies.run, &Value::Null)?;
        match self.compile(whose, source)? {
            (Some(tool), _) => Ok((tool, policy)),
            (None, compiled) => Err(JudgeError::Uncompiled { whose, compiled: Box::new(compiled) }),
        }
    }

    /// What can be run, if it compiles.
    fn compile(&self, whose: &'static str, source: &Source) -> Result<(Option<Runnable>, Compiled), JudgeError> {
        let policy = self.engine.policy(&self.task.policies.compile, &Value::Null)?;
        let file = given(source.language.source(), source.text.as_slice().into(), false);
        let compiler = source.compiler.clone().or_else(|| source.language.compiler());
        let request = match &compiler {
            Some(_) => Request { files: vec![file], artifacts: vec![PRODUCT.to_owned()], ..Request::default() },
            None => {
                let (mode, artifacts) = (Mode::Script(Script { origin: Origin::Argument, ..Script::default() }), vec![PRODUCT.to_owned()]);
                Request { code: READ.into(), mode, files: vec![file], artifacts, ..Request::default() }
            }
        };
        let mut outcome = self.run(&policy, &request, compiler.as_deref(), None, |_| ())?;
        let compiled = Compiled::of(&outcome);
        let product = match &outcome.verdict {
            Ending::NotStarted { .. } | Ending::Internal { .. } => return Err(JudgeError::NoCompiler(Box::new(outcome), whose)),
            Ending::Finished => outcome.files.pop().and_then(|file| file.content),
            _ => None,
        };
        let runnable = product.and_then(|made| match compiler {
            Some(_) => Some(Runnable::Native(made.into())),
            None => String::from_utf8(made).ok().map(|text| Runnable::Python(text.into())),
        });
        Ok((runnable, compiled))
    }

    fn noise(&self, program: &Runnable) -> Result<Spread, JudgeError> {
        let policy = self.engine.policy(&self.task.policies.run, &Value::Null)?;
        let (request, command) = match program {
            Runnable::Python(_) => Runnable::Python("".into()).asked(&[], Vec::new()),
            Runnable::Native(_) => (Request::default(), Some(vec!["true".to_owned()])),
        };
        let mut times = Vec::new();
        for _ in 0..QUIET_RUNS {
            times.push(cpu_ms(&self.run(&policy, &request, command.as_deref(), None, |_| ())?));
        }
        times.sort_by(f64::total_cmp);
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        Ok(Spread { runs: QUIET_RUNS, median_ms: at(times.len() / 2), spread_ms: at(times.len().saturating_sub(1)) - at(0) })
    }

    fn test(
        &self,
        case: &Case,
        policy: &Effective,
        program: &Runnable,
        tool: Option<&(Runnable, Effective)>,
        noise: Spread,
        enforcement: &mut BTreeMap<Protection, Enforcement>,
    ) -> Result<Tested, JudgeError> {
        let name = case.name.clone();
        let (outcome, Found { verdict, message, judged }) = match self.tried(case, policy, program, tool) {
            Ok(tried) => tried,
            Err(Stop::Judge(error)) => return Err(error),
            Err(Stop::Solution(why)) => {
                let message = format!("the program does not fit into a run: {why}");
                return Ok(Tested { name, verdict: verdict::of_unsent(&why), message, proof: None });
            }
        };
        let limit = policy.policy().limits.cpu_time.value();
        let near_limit = limit.is_some_and(|limit| (cpu_ms(&outcome) - milliseconds(limit.0)).abs() <= noise.spread_ms);
        let tied = matches!(self.task.against, Against::Interactor(_)).then(|| TIED.to_owned());
        *enforcement = outcome.enforcement;
        let proof = Proof { ended: outcome.verdict, usage: outcome.usage, near_limit, judged, tied };
        Ok(Tested { name, verdict, message, proof: Some(proof) })
    }

    /// The solution's run, and what it comes to.
    fn tried(
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

    fn run(
        &self,
        policy: &Effective,
        request: &Request,
        command: Option<&[String]>,
        input: Option<std::os::fd::OwnedFd>,
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

/// What a tool has to say.
fn said_by(outcome: &Outcome) -> String {
    begun(if outcome.stderr.text.is_empty() { &outcome.stdout.text } else { &outcome.stderr.text })
}

fn cpu_ms(outcome: &Outcome) -> f64 {
    let cpu = &outcome.usage.cpu_ms;
    milliseconds(cpu.user.0 + cpu.system.0)
}

#[allow(clippy::cast_precision_loss)] // nobody waits so long
fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}
