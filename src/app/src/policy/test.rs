//! `remand policy test`: the expectations that a policy file carries about itself, answered as `why` does, and with `--live` tried in runs.
//!
//! Always holds: an expectation that could not be answered does not hold; one that was not tried is counted and named.

use remand_authoring::why::{Ruling, Unanswered};
use remand_engine::Effective;
use remand_engine::store::Purpose;
use remand_policy::policy::Word;
use remand_policy::question::Expectation;
use remand_policy::text::{Problem, Severity};
use serde_json::{Value, json};

use super::context::Context;
use super::live::{Live, Tried};
use super::{snippet, why};
use crate::args::TestArgs;
use crate::failure::Failure;
use crate::print::{self, plain};

/// Answers the expectations of each file, and prints which do not hold. Gives 1 where one does not.
pub fn test(args: &TestArgs) -> Result<u8, Failure> {
    let mut code = 0;
    for typed in &args.policies {
        let context = Context::load(typed, if args.live { Purpose::Run } else { Purpose::Look })?;
        let live = if args.live { Some(context.engine.own_policy(typed, &context.loaded, &context.sources)?) } else { None };
        let results = results(&context, live.as_ref())?;
        if args.json {
            print::json(&record(&context, &results).to_string())?;
        } else {
            report(&context, &results)?;
        }
        if results.iter().any(|result| !result.holds()) {
            code = 1;
        }
    }
    Ok(code)
}

/// What became of one expectation.
struct Tested<'e> {
    index: usize,
    expectation: &'e Expectation,
    answer: Result<Ruling, Unanswered>,
    tried: Option<Tried>,
}

impl Tested<'_> {
    fn holds(&self) -> bool {
        let simulated = self.answer.as_ref().is_ok_and(|ruling| ruling.is(self.expectation.is));
        simulated && !matches!(&self.tried, Some(Tried::Saw(seen)) if !seen.fits(self.expectation.is))
    }

    /// What was answered instead of what was expected.
    fn difference(&self) -> String {
        let expected = format!("expected {}", self.expectation.is.word());
        match (&self.answer, &self.tried) {
            (Err(unanswered), _) => unanswered.to_string(),
            (Ok(ruling), _) if !ruling.is(self.expectation.is) => format!("{expected}, the answer is {}", ruling.text()),
            (Ok(ruling), Some(Tried::Saw(seen))) => {
                format!("{expected}, and a run saw {} (the answer was {})", seen.ruling.text(), ruling.text())
            }
            (Ok(ruling), _) => ruling.text(),
        }
    }
}

/// `live`: tried in runs under it too.
fn results<'o>(context: &'o Context, live: Option<&Effective>) -> Result<Vec<Tested<'o>>, Failure> {
    let mut live = live.map(|effective| Live::new(context, effective)).transpose()?;
    context.ask(|compiled| {
        let mut results = Vec::new();
        for (index, expectation) in context.loaded.expect.iter().enumerate() {
            let answer = remand_authoring::why::find(&expectation.question, compiled).map(|found| found.ruling);
            let tried = live.as_mut().filter(|_| answer.is_ok()).map(|live| live.look(&expectation.question, compiled));
            results.push(Tested { index, expectation, answer, tried });
        }
        results
    })
}

fn report(context: &Context, results: &[Tested<'_>]) -> Result<(), Failure> {
    let mut text = String::new();
    let failed = results.iter().filter(|result| !result.holds()).count();
    for result in results.iter().filter(|result| !result.holds()) {
        text.push_str(&snippet::told(&context.sources, &[problem(context, result)]));
        if let Ok(answer) = context.ask(|compiled| remand_authoring::why::answer(&result.expectation.question, compiled))? {
            text.push_str(&why::told(&answer, context));
        }
    }
    print::stderr(&text);
    let mut line = format!("{}: {} hold, {failed} fail", plain(context.file()), results.len() - failed);
    let skipped: Vec<_> = results.iter().filter_map(|result| Some((result, result.tried.as_ref()?.skipped()?))).collect();
    if results.iter().any(|result| result.tried.is_some()) {
        line.push_str(&format!(", {} of them tried in runs", results.len() - skipped.len()));
    }
    for (result, why) in skipped {
        line.push_str(&format!("\n  not tried: {}: {}", plain(&result.expectation.words), plain(why)));
    }
    print::stdout(&format!("{line}\n"))
}

/// A failed expectation as a problem of the file, underlined where it stands.
fn problem(context: &Context, result: &Tested<'_>) -> Problem {
    let place = context.loaded.origins.entry("expect", result.index);
    Problem {
        severity: Severity::Error,
        file: context.file().to_owned(),
        line: place.map_or(1, |place| place.line),
        column: place.map_or(1, |place| place.column),
        length: 1,
        offset: place.map_or(0, |place| place.offset),
        bytes: place.map_or(0, |place| place.bytes),
        field: format!("expect[{}]", result.index),
        message: format!("{}: {}", result.expectation.words, result.difference()),
        help: result.expectation.reason.clone(),
    }
}

fn record(context: &Context, results: &[Tested<'_>]) -> Value {
    let one = |result: &Tested<'_>| {
        let mut record = json!({
            "ask": result.expectation.words,
            "is": result.expectation.is.word(),
            "place": context.loaded.origins.entry("expect", result.index).map(why::place),
            "answer": result.answer.as_ref().map_or_else(|unanswered| unanswered.to_string(), |ruling| ruling.text()),
            "holds": result.holds(),
        });
        match &result.tried {
            Some(Tried::Saw(seen)) => record["live"] = json!(seen.ruling.text()),
            Some(Tried::Skipped(why)) => record["skipped"] = json!(why),
            None => {}
        }
        record
    };
    json!({ "policy": context.file(), "holds": results.iter().all(Tested::holds), "expectations": results.iter().map(one).collect::<Vec<_>>() })
}
