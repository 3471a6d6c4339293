//! Questions about a policy and their answers, from what the kernel is given and not from the policy's text.
//!
//! Always holds: what decides is the compiled filter, run instruction by instruction, and the plan: the root, the Landlock rules, the limits. The policy and
//! its origins only name the line that is behind the decision. An edit that is offered was tried: the policy with it was compiled, and its answer is another
//! one.
//!
//! An argument that the question leaves open can have any value. The answer is `depends` exactly where two values of it are answered differently; both were
//! found and run.

mod asked;
mod call;
mod code;
mod compiled;
mod connect;
mod edit;
mod file;
mod finding;
mod limit;
mod modules;
mod needs;
mod reach;
mod show;
mod stdlib;

use remand_plan::plan::Program;
use remand_policy::question::Question;
use remand_syscalls::Starting;

pub use call::examples;
pub use compiled::{Compiled, Machine};
pub use edit::Edit;
pub(crate) use edit::danger;
pub use finding::{Finding, Line, Ruling};
pub use needs::needed;

/// A change that leads to another answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What to edit, in this order.
    pub edits: Vec<Edit>,
    /// The answer then.
    pub then: Ruling,
    /// What the edits endanger.
    pub dangers: Vec<String>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was found.
    pub found: Finding,
    /// The smallest change that leads to another answer; `Err`: why none does.
    pub change: Result<Change, String>,
}

/// Nothing would run under this policy here, so that only questions about system calls have an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing runs under this policy here: {0}")]
pub struct Unanswered(pub String);

/// Most edits of one change.
const STEPS: usize = 6;

/// Answers a question.
///
/// # Errors
/// The plan that is needed could not be made.
pub fn answer(question: &Question, compiled: &Compiled<'_>) -> Result<Answer, Unanswered> {
    let found = find(question, compiled)?;
    let change = change(question, compiled, &found);
    Ok(Answer { found, change })
}

/// Answers without looking for a change.
///
/// # Errors
/// The plan that is needed could not be made.
pub fn find(question: &Question, compiled: &Compiled<'_>) -> Result<Finding, Unanswered> {
    let plan = || compiled.plan.as_ref().map_err(|why| Unanswered(why.clone()));
    Ok(match question {
        Question::Call(call) => call::find(call, compiled),
        Question::File(using, path) => file::find(*using, path, compiled, plan()?),
        Question::Limit(measure, amount) => limit::find_out(measure, *amount, compiled, plan()?),
        // Nothing is imported and nothing found where nothing starts.
        Question::Import(name) => {
            let plan = plan()?;
            starts(compiled).map(|()| code::import(name, compiled, plan))?
        }
        Question::Builtin(name) => plan().and_then(|_| starts(compiled)).map(|()| code::builtin(name, compiled))?,
        Question::Env(name) => code::variable(name, compiled, plan()?),
        Question::Connect(address) => connect::find(*address, compiled, plan()?),
    })
}

/// Whether Python starts under the text of the policy.
fn starts(compiled: &Compiled<'_>) -> Result<(), Unanswered> {
    let version = match compiled.machine.program {
        Ok(Program::Python(python)) => Some(python.version),
        _ => None,
    };
    let stopped = remand_plan::blocked_by_syscalls(compiled.policy, compiled.machine.host, Starting::Python(version))
        .filter(|_| !compiled.filter.is_empty());
    stopped.map_or(Ok(()), |stopped| Err(Unanswered(stopped.blocker)))
}

/// Follows the cures until the answer is another one: step by step, each on the policy that the step before has made.
fn change(question: &Question, compiled: &Compiled<'_>, found: &Finding) -> Result<Change, String> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut tree = compiled.policy.tree();
    let mut cure = found.cure.clone()?;
    let allowed = found.ruling == Ruling::Allowed;
    for _ in 0..STEPS {
        cure.iter().for_each(|edit| edit.apply(&mut tree));
        edits.append(&mut cure);
        let policy = compiled.reread(&tree)?;
        let next = compiled.with(&policy)?;
        if let (Ok(_), Err(why)) = (&compiled.plan, &next.plan) {
            return Err(format!("with it nothing would start here: {why}"));
        }
        let now = find(question, &next).map_err(|refused| refused.to_string())?;
        // What was refused is to be allowed, at least for some arguments; what was allowed, refused.
        if if allowed {
            now.ruling != Ruling::Allowed
        } else {
            matches!(now.ruling, Ruling::Allowed | Ruling::Depends) && now.ruling != found.ruling
        } {
            let mut dangers: Vec<_> = edits.iter().filter_map(Edit::danger).collect();
            dangers.dedup();
            if let (Ok(()), Err(Unanswered(why))) = (starts(compiled), starts(&next)) {
                dangers.push(why);
            }
            if let Some(beyond) = (compiled.machine.beyond)(&policy) {
                return Err(beyond);
            }
            return Ok(Change { edits, then: now.ruling, dangers });
        }
        cure = now.cure?;
    }
    Err("no few edits do it".to_owned())
}

#[cfg(test)]
mod tests;
