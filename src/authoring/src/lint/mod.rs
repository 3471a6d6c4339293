//! Advice: what a policy says and can hardly mean, though it is no contradiction.
//!
//! Always holds: every sentence is true of any run under the policy; what a file merely inherits is not held against it; nothing here is computed for
//! a run. What is doubtful is not said: an advice that is often wrong is read by nobody.

mod advice;
mod limits;
mod names;
mod python;
mod reach;
mod start;
mod syscalls;

use jsonc_parser::CollectOptions;
use jsonc_parser::common::{Range, Ranged};
use remand_policy::load::{Loaded, Place, tokens};
use remand_policy::policy::Policy;
use remand_policy::source::Source;
use remand_policy::text::{Problem, Severity, Text};

use advice::{Advice, Found, Spot};

pub(crate) use reach::unshown;
pub(crate) use syscalls::can_match;

/// Whether some Python has a builtin of this name.
pub(crate) fn is_builtin(name: &str) -> bool {
    names::has(names::BUILTINS, name)
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
    syscalls::never_denied(&policy.syscalls, &mut found);
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
