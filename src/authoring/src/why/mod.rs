//! Questions about a policy and their answers, from what the kernel is given and not from the policy's text.
//!
//! Always holds: what decides is the compiled filter, run instruction by instruction, and the plan: the root, the Landlock rules, the limits. The policy and
//! its origins only name the line that is behind the decision. An edit that is offered was tried: the policy with it was compiled, and its answer is another
//! one.
//!
//! An argument that the question leaves open can have any value. The answer is `depends` exactly where two values of it are answered differently; both were
//! found and run.

mod call;
mod code;
mod compiled;
mod connect;
mod edit;
mod file;
mod limit;
mod modules;
mod needs;
mod reach;
mod show;
mod stdlib;

pub use call::examples;
pub use compiled::{Compiled, Ground};
pub use edit::Edit;
pub(crate) use edit::danger;
use remand_plan::plan::Program;
use remand_policy::load::Place;
use remand_policy::question::{Is, Question};
use remand_syscalls::Starting;

pub use needs::needed;

/// What a run is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It may.
    Allowed,
    /// It may not; the error that the code sees.
    Denied(&'static str),
    /// The kernel answers as one that has no such call.
    NoSuchCall,
    /// The run is ended, with the verdict `violated`.
    EndsTheRun,
    /// There is nothing of that name in the run.
    NotVisible,
    /// It is there and cannot be written; the error that the code sees: a file's mode is asked before its mount.
    ReadOnly(&'static str),
    /// More than the limit.
    OverLimit,
    /// No way leads there.
    Unreachable,
    /// On an argument that the question leaves open.
    Depends,
}

impl Ruling {
    /// For people.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Denied(error) => format!("denied ({error})"),
            Self::ReadOnly(error) => format!("read-only ({error})"),
            other => other.plain().to_owned(),
        }
    }

    fn plain(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied(_) => "denied",
            Self::NoSuchCall => "no such call (ENOSYS)",
            Self::EndsTheRun => "ends the run",
            Self::NotVisible => "not visible (ENOENT)",
            Self::ReadOnly(_) => "read-only",
            Self::OverLimit => "over the limit",
            Self::Unreachable => "not reachable (ENETUNREACH)",
            Self::Depends => "depends",
        }
    }
}

impl Ruling {
    /// Whether the answer is what was expected.
    #[must_use]
    pub fn is(self, expected: Is) -> bool {
        match expected {
            Is::Allowed => self == Self::Allowed,
            Is::Denied => !matches!(self, Self::Allowed | Self::Depends | Self::EndsTheRun),
            Is::NoSuchCall => self == Self::NoSuchCall,
            Is::NotVisible => self == Self::NotVisible,
            Is::ReadOnly => matches!(self, Self::ReadOnly(_)),
            Is::Killed => self == Self::EndsTheRun,
            Is::Depends => self == Self::Depends,
        }
    }
}

/// The line that is behind an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it was written; `None`: in no file.
    pub place: Option<Place>,
    /// What stands there, or why there is none.
    pub text: String,
}

impl Line {
    /// A field that a file wrote, or that has the floor's value.
    fn field(compiled: &Compiled<'_>, field: &str) -> Self {
        match compiled.origins.of(field) {
            Some(place) => Self { place: Some(place.clone()), text: field.to_owned() },
            None => Self { place: None, text: format!("no file writes {field}: it has the narrowest value") },
        }
    }

    /// An entry of a list.
    fn entry(compiled: &Compiled<'_>, list: &str, index: usize) -> Self {
        Self { place: compiled.origins.entry(list, index).cloned(), text: list.to_owned() }
    }

    /// A list that lacks something.
    fn lacking(compiled: &Compiled<'_>, list: &str) -> Self {
        match compiled.origins.of(list) {
            Some(place) => Self { place: None, text: format!("no line grants it; {list} stands at {place}") },
            None => Self { place: None, text: format!("no line grants it, and no file writes {list}") },
        }
    }

    fn none(why: impl Into<String>) -> Self {
        Self { place: None, text: why.into() }
    }
}

/// An answer before a change was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What a run is answered.
    pub ruling: Ruling,
    /// What decides it: the mechanism, and what it holds; for `depends`, on what.
    pub because: String,
    /// The line behind it.
    pub line: Line,
    /// The next step to another answer; `Err`: why there is none.
    cure: Result<Vec<Edit>, String>,
}

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
    let version = match compiled.ground.program {
        Ok(Program::Python(python)) => Some(python.version),
        _ => None,
    };
    let stopped =
        remand_plan::stopped(compiled.policy, compiled.ground.host, Starting::Python(version)).filter(|_| !compiled.filter.is_empty());
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
            if let Some(beyond) = (compiled.ground.beyond)(&policy) {
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
