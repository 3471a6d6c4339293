//! Advice: what a policy says and can hardly mean, though it is no contradiction.
//!
//! Always holds: every sentence is true of any run under the policy; what a file merely inherits is not held against it; nothing here is computed for
//! a run. What is doubtful is not said: an advice that is often wrong is read by nobody.

mod limits;
mod names;
mod python;
mod reach;
mod start;
mod syscalls;

pub(crate) use reach::unshown;
pub(crate) use syscalls::can_match;

use jsonc_parser::CollectOptions;
use jsonc_parser::common::{Range, Ranged};
use remand_policy::load::{Loaded, Place, tokens};
use remand_policy::policy::Policy;
use remand_policy::source::Source;
use remand_policy::text::{Problem, Severity, Text};

/// The default size of a main thread's stack on Linux; who asks for more means to use it.
const USUAL_STACK: u64 = 8 << 20;

/// Where a value stands.
enum Spot {
    Field(String),
    /// An entry of a list, by its place in the policy's own list.
    Entry(&'static str, usize),
    /// The file as a whole.
    File,
}

/// Whether some Python has a builtin of this name.
pub(crate) fn is_builtin(name: &str) -> bool {
    names::has(names::BUILTINS, name)
}

fn field(path: &str) -> Spot {
    Spot::Field(path.to_owned())
}

/// One thing to say, at the first of these spots that the file itself wrote; nowhere if it wrote none.
struct Advice {
    at: Vec<Spot>,
    message: String,
    help: String,
}

/// Advice as it is collected.
#[derive(Default)]
struct Found(Vec<Advice>);

impl Found {
    fn say(&mut self, at: impl IntoIterator<Item = Spot>, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Advice { at: at.into_iter().collect(), message: message.into(), help: help.into() });
    }
}

/// What is hardly meant in the file that `loaded` was read from, in the order of its text; what a base says is the base's own business.
#[must_use]
pub fn lint(loaded: &Loaded, source: &Source) -> Vec<Problem> {
    let Ok(text) = source.text() else { return Vec::new() };
    let told = |Advice { at, message, help }| {
        let (field, range) = at.iter().find_map(|spot| place(spot, loaded, text))?;
        Some(Problem { severity: Severity::Warning, ..text.problem(range, &field, message, Some(help)) })
    };
    let mut found: Vec<_> = all(&loaded.policy).into_iter().filter_map(told).collect();
    found.sort_by_key(|problem| problem.offset);
    found
}

fn all(policy: &Policy) -> Vec<Advice> {
    let mut found = Found::default();
    limits::advise(policy, &mut found);
    syscalls::advise(&policy.syscalls.rules, &mut found);
    start::advise(&policy.syscalls.rules, &mut found);
    reach::advise(policy, &mut found);
    python::advise(policy, &mut found);
    found.0
}

/// The field and the piece of text, if it is in the file itself.
fn place(spot: &Spot, loaded: &Loaded, text: Text<'_>) -> Option<(String, Range)> {
    let (path, place): (&str, Option<&Place>) = match spot {
        Spot::Field(path) => (path, loaded.origins.of(path)),
        Spot::Entry(list, index) => (list, loaded.origins.entry(list, *index)),
        Spot::File => {
            let start = tokens(text, &CollectOptions::default()).ok()?.value?.range().start;
            return Some((String::new(), Range::new(start, start + 1)));
        }
    };
    let place = place.filter(|place| place.file == text.file)?;
    let start = place.offset.saturating_sub(text.skipped);
    Some((path.to_owned(), Range::new(start, start + place.bytes)))
}

#[cfg(test)]
mod tests;
