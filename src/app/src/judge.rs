//! `remand judge`: a program and its tests in, a verdict for each out.

use std::path::Path;

use remand_engine::Engine;
use remand_judge::{Against, Compare, JudgeError, LARGEST_SOURCE, Language, Policies, Report, Source, Task, Tested, Verdict, find};
use remand_plan::Protection;
use remand_plan::enforcement::Enforcement;
use remand_plan::outcome::exit_code;
use remand_plan::verdict::Verdict as Ending;
use remand_policy::units::Span;
use serde_json::json;

use crate::args::{CompareArg, JudgeArgs, LanguageArg};
use crate::cancel::Cancel;
use crate::failure::{Failure, INTERNAL};
use crate::print::plain;
use crate::{overrides, print, read, rights};

/// Bytes that a file of a test may have.
const MAX_FILE: u64 = 256 << 20;

/// Judges, and prints a line for each test; the exit status says whether all were accepted.
pub fn judge(args: &JudgeArgs) -> Result<u8, Failure> {
    let engine = Engine::from_environment();
    let task = rights::as_caller(|| task(args))?;
    let cancel = Cancel::hold()?;
    let width = task.cases.iter().map(|case| case.name.len()).max().unwrap_or(0).clamp(4, 40);
    let mut lost = Ok(());
    if !args.json {
        print::stdout(&format!("{:width$}  {:7}  {:>9}  {:>9}  {:>9}\n", "test", "verdict", "cpu", "clock", "memory"))?;
    }
    let told = |tested: &Tested| {
        if !args.json && lost.is_ok() {
            lost = print::stdout(&line(tested, width));
        }
    };
    let content = |path: &Path| {
        rights::as_caller(|| read::bytes(path, "the test", MAX_FILE, "the limit of 256 MiB")).map_err(|failure| failure.message)
    };
    let report = remand_judge::judge(&engine, &task, &content, Some(cancel.fd()), told);
    print::answering(cancel);
    let report = report.map_err(failed)?;
    lost?;
    if args.json {
        print::record(&report)?;
    } else {
        print::stdout(&sum(&report))?;
    }
    Ok(match report.verdict {
        Verdict::Accepted => 0,
        Verdict::JudgeError => INTERNAL,
        _ => 1,
    })
}

fn task(args: &JudgeArgs) -> Result<Task, Failure> {
    let cases = find(&args.tests).map_err(|error| Failure::usage(format!("--tests {error}")))?;
    let compiler = args.compile.as_ref().map(|command| command.split_whitespace().map(str::to_owned).collect());
    let language = language(&args.program, "--program", args.language)?;
    // What is too long is a contestant's, and gets its verdict.
    let text = read::begun(&args.program, "--program", LARGEST_SOURCE + 1)?;
    let program = Source { language, text, compiler };
    let against = match (&args.checker, &args.interactor) {
        (Some(checker), _) => Against::Checker(tool(checker, "--checker")?),
        (_, Some(interactor)) => Against::Interactor(tool(interactor, "--interactor")?),
        (None, None) => Against::Answer(compare(args)?),
    };
    let mut limits = overrides::tree(None, &args.set)?;
    let wrong = |flag: &str, why: String| Failure::usage(format!("{flag}: {why}"));
    let time: Span = args.time.parse().map_err(|error| wrong("--time", format!("{error}")))?;
    let clock = Span(time.0.saturating_mul(3).saturating_add(2_000_000));
    let own = json!({"limits": {"cpu_time": args.time, "wall_time": clock.to_string(), "memory": args.memory}});
    // What was set by name holds.
    let set = std::mem::replace(&mut limits, own);
    remand_judge::merge(&mut limits, set);
    let policies = Policies { run: args.policy.clone(), compile: args.compile_policy.clone() };
    Ok(Task { program, cases, against, policies, limits, all: !args.stop })
}

fn compare(args: &JudgeArgs) -> Result<Compare, Failure> {
    match args.tolerance {
        Some(within) if within.is_finite() && within >= 0.0 => Ok(Compare::Numbers(within)),
        Some(within) => Err(Failure::usage(format!("--tolerance {within}: a number of at least 0 is expected, such as 1e-6"))),
        None => Ok(match args.compare {
            CompareArg::Tokens => Compare::Tokens,
            CompareArg::Lines => Compare::Lines,
            CompareArg::Exact => Compare::Exact,
        }),
    }
}

fn tool(path: &Path, flag: &str) -> Result<Source, Failure> {
    let language = language(path, flag, None)?;
    let text = read::bytes(path, flag, LARGEST_SOURCE, "the limit of 1 MiB")?;
    Ok(Source { language, text, compiler: None })
}

fn language(path: &Path, flag: &str, named: Option<LanguageArg>) -> Result<Language, Failure> {
    Ok(match named {
        Some(LanguageArg::Python) => Language::Python,
        Some(LanguageArg::C) => Language::C,
        Some(LanguageArg::Cpp) => Language::Cpp,
        None => Language::of(path).ok_or_else(|| {
            let shown = path.display().to_string();
            Failure::usage(format!(
                "{flag} {}: its name tells no language; .py, .c, .cc, .cpp and .cxx do, and --language for the program",
                plain(&shown)
            ))
        })?,
    })
}

fn failed(error: JudgeError) -> Failure {
    match error {
        JudgeError::Refused(refusal) => (*refusal).into(),
        JudgeError::NoCompiler(outcome, whose) => Failure {
            code: exit_code(&outcome.verdict),
            ..Failure::internal(format!("{whose} cannot be compiled here\n{}", crate::account::account(&outcome)))
        },
        JudgeError::Cancelled => Failure::told(exit_code(&Ending::Cancelled)),
        JudgeError::Uncompiled { .. } | JudgeError::NoAnswer(_) | JudgeError::Job(_) | JudgeError::Read(_) => {
            Failure::usage(print::lines(&error.to_string()))
        }
        JudgeError::Pipe(_) => Failure::internal(error.to_string()),
    }
}

/// A test as a line of the table, and a line for why.
fn line(tested: &Tested, width: usize) -> String {
    let mut text = format!("{:width$}  {:7}", plain(&tested.name), tested.verdict.letters());
    if let Some(proof) = &tested.proof {
        let cpu = proof.usage.cpu_ms.user.0 + proof.usage.cpu_ms.system.0;
        let memory = proof.usage.memory_peak.map_or_else(|| "?".to_owned(), |peak| format!("{:.1} MiB", mib(peak)));
        let near = if proof.near_limit { "  so near to the limit that another try could end otherwise" } else { "" };
        text.push_str(&format!("  {:>6} ms  {:>6} ms  {memory:>9}{near}", cpu / 1000, proof.usage.wall_ms.0 / 1000));
        if tested.verdict != Verdict::WrongAnswer
            && let Some(why) = why(&proof.ended)
        {
            text.push_str(&format!("\n    {why}"));
        }
    }
    for said in tested.message.lines().take(4) {
        text.push_str(&format!("\n    {}", plain(said)));
    }
    text + "\n"
}

#[allow(clippy::cast_precision_loss)] // one decimal is shown
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn why(ended: &Ending) -> Option<String> {
    Some(match ended {
        Ending::Finished => return None,
        Ending::Exceeded { limit, allowed, seen, unit, source, .. } => format!("{limit}: {seen} of {allowed} {unit} ({source})"),
        Ending::Exited { code } => format!("exit status {code}"),
        Ending::Signaled { name, .. } => name.clone(),
        Ending::Raised => "an exception".to_owned(),
        other => other.kind().to_owned(),
    })
}

fn sum(report: &Report) -> String {
    if report.verdict == Verdict::CompileError {
        let why = why(&report.compiled.ended).unwrap_or_default();
        return format!("CE: it does not compile ({why})\n{}\n", print::lines(&report.compiled.message));
    }
    let accepted = report.tests.iter().filter(|test| test.verdict == Verdict::Accepted).count();
    let noise = report.noise.map(|noise| {
        format!("; a program that does nothing takes {:.1} ms of CPU here, {:.1} ms more or less", noise.median_ms, noise.spread_ms)
    });
    let sampled = sampled(report);
    format!("{}: {accepted} of {} accepted{}\n{sampled}", report.verdict.letters(), report.tests.len(), noise.unwrap_or_default())
}

/// Which limits that verdicts hang on no cgroup held, and what that means.
fn sampled(report: &Report) -> String {
    let less = |(protection, word)| match report.enforcement.get(&protection)? {
        Enforcement::By(_) => None,
        Enforcement::Substitute { by, because } => Some(format!("{word}: no cgroup counts it ({because}), but {by}\n")),
        Enforcement::Absent(because) => Some(format!("{word}: not held ({because})\n")),
    };
    let mut text: String = [(Protection::CpuTime, "cpu"), (Protection::Memory, "memory")].into_iter().filter_map(less).collect();
    if text.starts_with("cpu") {
        text.push_str("so that no CPU time is lost, a solution can make threads here and no processes\n");
    }
    text
}
