//! A judging: the program and its judge are compiled, then each test is tried.
//!
//! Always holds: each test gets runs of its own under a policy that its limits narrow; the first thing that is the judge's own fault (a checker that does not
//! compile, a limit that the policy does not know) ends it with an error. What a solution causes is its verdict, and ends no judging.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use remand_engine::host::{self, Depth};
use remand_engine::{Effective, Engine, Outcome, Request};
use remand_plan::Protection;
use remand_plan::enforcement::Enforcement;
use remand_plan::request::{Mode, Origin, Script};
use remand_plan::verdict::Verdict as Ending;
use serde_json::Value;

use crate::cases::{Case, merge};
use crate::language::{PRODUCT, Runnable, given};
use crate::report::{Compiled, Proof, Report, Spread, Tested};
use crate::runs::{Judge, Read};
use crate::task::{Against, JudgeError, Source, Task};
use crate::trial::{Found, Stop};
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
}

fn cpu_ms(outcome: &Outcome) -> f64 {
    let cpu = &outcome.usage.cpu_ms;
    milliseconds(cpu.user.0 + cpu.system.0)
}

#[allow(clippy::cast_precision_loss)] // nobody waits so long
fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}
