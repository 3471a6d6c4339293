//! What a judging comes to, as a record.
//!
//! Always holds: what came from a program is bounded and is data; each verdict stands beside the evidence that it was worked out from.

use std::collections::BTreeMap;

use remand_plan::enforcement::Enforcement;
use remand_plan::limit::LimitKind;
use remand_plan::outcome::Usage;
use remand_plan::verdict::{Level, Verdict as Ending};
use remand_plan::{Outcome, Protection};
use schemars::JsonSchema;
use serde::Serialize;

use crate::verdict::Verdict;

/// Bytes of a message that are kept.
const MESSAGE: usize = 4096;

/// The whole record.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Shape version, 1.
    pub version: u32,
    /// The first verdict that is not AC, in the order of the tests; AC where there is none.
    pub verdict: Verdict,
    /// How the program was compiled.
    pub compiled: Compiled,
    /// What a program that does nothing costs here: how far CPU times are to be trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<Spread>,
    /// What held each protection of the solution's runs, their limits among them: a substitute is less than the real thing, and says why it stands there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub enforcement: BTreeMap<Protection, Enforcement>,
    /// The tests, in order.
    pub tests: Vec<Tested>,
}

/// How a program was compiled.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Compiled {
    /// How its run ended.
    pub ended: Ending,
    /// What the compiler said, the beginning of it.
    pub message: String,
    /// What it spent.
    pub usage: Usage,
}

impl Compiled {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let said = if outcome.stderr.text.is_empty() { &outcome.stdout.text } else { &outcome.stderr.text };
        Self { ended: outcome.verdict.clone(), message: begun(said), usage: outcome.usage.clone() }
    }

    /// A source that is not even compiled.
    pub(crate) fn too_large(seen: u64, allowed: u64) -> Self {
        let (limit, source) = (LimitKind::FileSize, "the source as it was read".to_owned());
        let ended = Ending::Exceeded { limit, allowed, seen, unit: limit.unit(), source, level: Level::Run };
        Self { ended, message: format!("the source is larger than {allowed} bytes"), usage: Usage::default() }
    }
}

/// CPU milliseconds of some runs that do the same.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Spread {
    /// How many runs.
    pub runs: u32,
    /// The middle one.
    pub median_ms: f64,
    /// From the least to the most.
    pub spread_ms: f64,
}

/// A test.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// What was found: the first difference, what the checker or the interactor says, why the judging failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The evidence; of a test that was not tried there is none.
    #[serde(flatten)]
    pub proof: Option<Proof>,
}

/// What a verdict was worked out from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Proof {
    /// How the solution's run ended, with the counter of a limit.
    pub ended: Ending,
    /// What it spent.
    pub usage: Usage,
    /// Its CPU time is so near to its limit that another try could end otherwise.
    pub near_limit: bool,
    /// How the checker's or interactor's run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<Ending>,
    /// What ties the solution's run to another: the pipes of an interactor, and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tied: Option<String>,
}

impl Report {
    /// The record of tests.
    pub(crate) fn new(compiled: Compiled, noise: Spread, enforcement: BTreeMap<Protection, Enforcement>, tests: Vec<Tested>) -> Self {
        let failed = tests.iter().map(|test| test.verdict).find(|verdict| *verdict != Verdict::Accepted);
        Self { version: 1, verdict: failed.unwrap_or(Verdict::Accepted), compiled, noise: Some(noise), enforcement, tests }
    }

    /// That of a program that was not compiled.
    pub(crate) fn uncompiled(compiled: Compiled) -> Self {
        Self { version: 1, verdict: Verdict::CompileError, compiled, noise: None, enforcement: BTreeMap::new(), tests: Vec::new() }
    }
}

/// The record's JSON Schema.
#[must_use]
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Report)
}

/// The beginning of a text.
pub fn begun(text: &str) -> String {
    let mut end = MESSAGE.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().trim_end().to_owned()
}
