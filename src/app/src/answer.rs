//! Giving an outcome to whoever asked: the record, or the value and an account of it; the exit status either way.

use std::collections::BTreeMap;

use remand_plan::enforcement::Enforcement;
use remand_plan::outcome::{Captured, Outcome, PolicyRef, Usage, VERSION, exit_code};
use remand_plan::plan::Refused;
use remand_plan::step::Step;
use remand_plan::verdict::Verdict;
use remand_policy::Policy;
use serde_json::value::RawValue;

use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::{account, laps, print};

/// The outcome of Python code.
pub fn give(outcome: &Outcome, show: ShowArgs) -> Result<u8, Failure> {
    if !show.json {
        print::stderr(&account::output(outcome));
    }
    give_program(outcome, show)?;
    if !show.json && outcome.verdict == Verdict::Finished {
        print::json(outcome.value.get())?;
    }
    Ok(exit_code(&outcome.verdict))
}

/// The outcome of a program, whose own output was passed on already.
pub fn give_program(outcome: &Outcome, show: ShowArgs) -> Result<u8, Failure> {
    if show.timing {
        print::stderr(&laps::table(&outcome.timing));
    }
    if show.json {
        let record =
            serde_json::to_string(outcome).map_err(|error| Failure::internal(format!("cannot write the outcome as JSON: {error}")))?;
        print::json(&record)?;
    } else {
        print::stderr(&account::account(outcome));
    }
    Ok(exit_code(&outcome.verdict))
}

/// The outcome where the host cannot enforce what the policy requires.
pub fn refused(policy: &Policy, lacks: &[Refused]) -> Outcome {
    let lines: Vec<_> = lacks.iter().map(ToString::to_string).collect();
    let absent = lacks.iter().map(|lack| (lack.protection.clone(), Enforcement::Absent(lack.blocker.clone())));
    Outcome { enforcement: absent.collect(), ..not_started(policy, Step::Plan, lines.join("\n")) }
}

/// The outcome of a run that was never made.
pub fn not_started(policy: &Policy, step: Step, hint: String) -> Outcome {
    let policy = PolicyRef { name: policy.name.clone(), hash: policy.hash() };
    blank(policy, Verdict::NotStarted { step, index: 0, errno: 0, hint })
}

/// An outcome that holds nothing but how it ended. A run that was never made has no id.
pub fn blank(policy: PolicyRef, verdict: Verdict) -> Outcome {
    Outcome {
        version: VERSION,
        run: String::new(),
        policy,
        verdict,
        value: RawValue::NULL.to_owned(),
        error: None,
        prints: Vec::new(),
        stdout: Captured::default(),
        stderr: Captured::default(),
        violations: Vec::new(),
        violations_truncated: false,
        usage: Usage::default(),
        timing: Vec::new(),
        enforcement: BTreeMap::new(),
    }
}
