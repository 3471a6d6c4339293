//! `remand why`: what a past run was denied, and which limit it met, each put to the policy as a question of `remand policy why`.
//!
//! Always holds: nothing runs and nothing is changed; the record is as hostile as the run that it is of.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use remand_authoring::why::{Answer, Unanswered, answer};
use remand_engine::Outcome;
use remand_engine::store::{Purpose, is_path};
use remand_plan::limit::{LimitKind, Unit};
use remand_plan::verdict::{Level, Verdict};
use remand_policy::question::Question;
use serde_json::{Value, json};

use crate::args::WhyRunArgs;
use crate::failure::{Failure, NOT_STARTED};
use crate::policy::context::Context;
use crate::policy::why::{record, told};
use crate::print::{self, lines, plain};
use crate::read;
use crate::runs::outcome_of;

/// Most bytes of a record that is read from a file: of one with all that limits let into it.
const RECORD: u64 = 256 << 20;

/// What to do where the run's own is not to be had here.
const OTHER: &str = "--policy names one of this host to ask instead";

/// What was asked of the policy, and how often the run was denied it; a limit is met once.
struct Asked {
    question: String,
    count: u64,
}

/// Gives 0 if there is an answer to each.
pub fn why(args: &WhyRunArgs) -> Result<u8, Failure> {
    let outcome = match args.run.to_str().filter(|word| !is_file(word)) {
        Some(run) => outcome_of(&args.daemon, run)?,
        None => from_file(Path::new(&args.run))?,
    };
    let name = args.policy.as_deref().unwrap_or(&outcome.policy.name);
    if args.policy.is_none() && is_path(name) {
        let hint = Some(OTHER.to_owned());
        return Err(Failure { hint, ..Failure::usage(format!("the record: policy: {} is no name of one", plain(name))) });
    }
    let context = Context::load(name, Purpose::Look).map_err(|failure| {
        let hint = failure.hint.map(|hint| if args.policy.is_some() { hint } else { format!("{hint}\n  {OTHER}") });
        Failure { hint, ..failure }
    })?;
    let same = context.loaded.policy.hash() == outcome.policy.hash;
    let asked = asked(&outcome);
    let answers = asked.iter().map(|asked| Ok((asked, put(&asked.question, &context)?))).collect::<Result<Vec<_>, Failure>>()?;
    if args.json {
        let answers: Vec<Value> = answers.iter().map(|(asked, answer)| answered(asked, answer, &context)).collect();
        let text =
            json!({ "run": outcome.run, "policy": outcome.policy, "same_policy": same, "verdict": outcome.verdict, "answers": answers });
        print::json(&text.to_string())?;
    } else {
        print::stdout(&shown(&outcome, &answers, &context, same))?;
    }
    Ok(if answers.iter().all(|(_, answer)| answer.is_ok()) { 0 } else { NOT_STARTED })
}

/// A path, or standard input.
fn is_file(word: &str) -> bool {
    word == "-" || word.contains('/') || Path::new(word).extension() == Some(OsStr::new("json"))
}

fn from_file(path: &Path) -> Result<Outcome, Failure> {
    let text = read::text(path, "the record", RECORD, "what a record has at most")?;
    let wrong = |error: serde_json::Error| {
        let hint = Some("`--json`, `--outcome FILE` and `remand logs --json` write one".to_owned());
        Failure {
            hint,
            ..Failure::usage(format!("{} is no record of a run: {}", plain(&path.to_string_lossy()), plain(&error.to_string())))
        }
    };
    serde_json::from_str(&text).map_err(wrong)
}

/// What the run came to, as questions: its limit with twice as much, since nobody knows how much it would have taken; then each call that was denied.
fn asked(outcome: &Outcome) -> Vec<Asked> {
    let limit = match &outcome.verdict {
        Verdict::Exceeded { limit, allowed, unit, level: Level::Run, .. } if *limit != LimitKind::ResultShape => {
            let unit = if *unit == Unit::Us { "us" } else { "" };
            Some(Asked { question: format!("{limit} {}{unit}", allowed.saturating_mul(2)), count: 1 })
        }
        _ => None,
    };
    let calls =
        outcome.violations.iter().map(|violation| Asked { question: call(&violation.syscall, &violation.args), count: violation.count });
    limit.into_iter().chain(calls).collect()
}

/// A call with the arguments that it has, as wide as they are: what is in registers besides is left from before.
fn call(name: &str, args: &[u64; 6]) -> String {
    let count = remand_syscalls::argument_count(name).unwrap_or_default();
    (0u8..).zip(args).take(count).fold(name.to_owned(), |text, (at, value)| {
        let width = remand_syscalls::argument_width(name, at).unwrap_or(64).clamp(1, 64);
        format!("{text} {:#x}", value & (u64::MAX >> (64 - width)))
    })
}

/// An answer, or why there is none, for people.
fn put(question: &str, context: &Context) -> Result<Result<Answer, String>, Failure> {
    let question = match Question::parse(question) {
        Ok(question) => question,
        Err(error) => return Ok(Err(error.message)),
    };
    let answer = context.ask(|compiled| answer(&question, compiled))?;
    Ok(answer.map_err(|Unanswered(why)| why))
}

fn answered(asked: &Asked, found: &Result<Answer, String>, context: &Context) -> Value {
    let mut value = match found {
        Ok(answer) => record(&asked.question, answer, context),
        Err(why) => json!({ "question": asked.question, "none": why }),
    };
    value["count"] = json!(asked.count);
    value
}

fn shown(outcome: &Outcome, answers: &[(&Asked, Result<Answer, String>)], context: &Context, same: bool) -> String {
    let (name, file) = (plain(&outcome.policy.name), plain(context.file()));
    let mut text = format!("run {} under policy {name}: {}\n", plain(&outcome.run), outcome.verdict.kind());
    if !same {
        let _ = writeln!(text, "the answers are of {file} as it is now: the run was under another text of it, or narrowed by its request");
    }
    if answers.is_empty() {
        text.push_str("nothing was denied to it that a policy could grant, and it met no limit of its own\n");
    }
    for (asked, answer) in answers {
        let times = if asked.count == 1 { String::new() } else { format!(", {} times", asked.count) };
        let question = plain(&asked.question);
        match answer {
            Ok(answer) => {
                let _ = write!(text, "{question}{times}: {}\n{}", answer.found.ruling.text(), lines(&told(answer, context)));
            }
            Err(why) => {
                let _ = writeln!(text, "{question}{times}: no answer: {}", lines(why));
            }
        }
    }
    if outcome.violations_truncated {
        text.push_str("more calls were denied than the record lists\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_arguments_that_it_has_and_no_wider() {
        let args = [0xffff_ffff_0000_0002, 7, 0, u64::MAX, 5, 6];
        assert_eq!(call("socket", &args), "socket 0x2 0x7 0x0");
        assert_eq!(call("getpid", &args), "getpid");
        assert_eq!(call("syscall_9001", &args), "syscall_9001");
    }
}
