//! `remand policy why`: one question, one answer, the line that decides, and the smallest edit that would change it.
//!
//! Always holds: nothing runs and nothing is changed; the exit status says whether it is allowed.

use remand_authoring::why::{Answer, Ruling, Unanswered};
use remand_engine::store::Purpose;
use remand_policy::load::Place;
use remand_policy::question::{Question, QuestionError};
use serde_json::{Value, json};

use super::context::Context;
use crate::args::WhyArgs;
use crate::failure::Failure;
use crate::print::{self, lines, plain};

/// Answers a question about a policy, with the line that decides and the smallest edit that would change it. Gives 0 for allowed, 1 for everything else.
pub fn why(args: &WhyArgs) -> Result<u8, Failure> {
    let words = args.question.join(" ");
    // One argument is a whole question; of several, each is a word.
    let parsed = match args.question.as_slice() {
        [line] => Question::parse(line),
        several => Question::of(&several.iter().map(String::as_str).collect::<Vec<_>>()),
    };
    let question = parsed.map_err(|QuestionError { message, help }| Failure {
        hint: help.map(|help| plain(&help).into_owned()),
        ..Failure::usage(format!("question {}: {}", plain(&words), plain(&message)))
    })?;
    let context = Context::load(&args.policy, Purpose::Look)?;
    let answer = match context.beyond().filter(|_| !matches!(question, Question::Call(_))) {
        Some(beyond) => Err(Unanswered(beyond)),
        None => context.ask(|compiled| remand_authoring::why::answer(&question, compiled))?,
    };
    let answer = answer.map_err(|unanswered| Failure { code: 1, ..Failure::usage(lines(&unanswered.to_string())) })?;
    if args.json {
        print::json(&record(&words, &answer, &context).to_string())?;
    } else {
        print::stdout(&lines(&format!("{words}: {}\n{}", answer.found.ruling.text(), told(&answer, &context))))?;
    }
    Ok(u8::from(answer.found.ruling != Ruling::Allowed))
}

/// What decides, the line and the change, one line each.
pub fn told(answer: &Answer, context: &Context) -> String {
    let mut text =
        format!("  decided by    {}\n  line          {}\n", plain(&answer.found.because), plain(&context.line(&answer.found.line)));
    match &answer.change {
        Ok(change) => {
            for (index, edit) in change.edits.iter().enumerate() {
                let head = if index == 0 { "to change it" } else { "and" };
                text.push_str(&format!("  {head:<12}  {}\n", plain(&edit.to_string())));
            }
            text.push_str(&format!("  then          {}\n", change.then.text()));
            for danger in &change.dangers {
                text.push_str(&format!("  danger        {}\n", plain(danger)));
            }
        }
        Err(why) => text.push_str(&format!("  to change it  nothing: {}\n", plain(why))),
    }
    text
}

/// The answer as data.
pub fn record(words: &str, answer: &Answer, context: &Context) -> Value {
    let change = match &answer.change {
        Ok(change) => json!({
            "edits": change.edits.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "then": change.then.text(),
            "dangers": change.dangers,
        }),
        Err(why) => json!({ "none": why }),
    };
    json!({
        "question": words,
        "answer": answer.found.ruling.text(),
        "allowed": answer.found.ruling == Ruling::Allowed,
        "decided_by": answer.found.because,
        "line": { "place": answer.found.line.place.as_ref().map(place), "text": context.line(&answer.found.line) },
        "change": change,
    })
}

/// A place as data.
pub fn place(place: &Place) -> Value {
    json!({ "file": place.file, "line": place.line, "column": place.column })
}
