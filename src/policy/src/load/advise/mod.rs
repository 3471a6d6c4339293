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

use jsonc_parser::ast::Object;
use jsonc_parser::common::Range;

use super::origins::{Origins, Place};
use super::read::{Fault, Reader};
use crate::policy::Policy;

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
    fault: Fault,
}

/// Advice as it is collected.
#[derive(Default)]
struct Found(Vec<Advice>);

impl Found {
    fn say(&mut self, at: impl IntoIterator<Item = Spot>, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Advice { at: at.into_iter().collect(), fault: Fault::new(message, help) });
    }
}

/// Warns of everything that is hardly meant in the file that `reader` reads.
pub(super) fn advise(policy: &Policy, root: &Object<'_>, reader: &mut Reader<'_>) {
    let Some(origins) = reader.origins.take() else { return };
    for Advice { at, fault } in all(policy) {
        if let Some((path, range)) = at.iter().find_map(|spot| place(spot, &origins, root, reader)) {
            reader.warn(range, &path, fault);
        }
    }
    reader.origins = Some(origins);
}

fn all(policy: &Policy) -> Vec<Advice> {
    let mut found = Found::default();
    limits::advise(policy, &mut found);
    syscalls::advise(&policy.syscalls, &mut found);
    start::advise(&policy.syscalls, &mut found);
    reach::advise(policy, &mut found);
    python::advise(policy, &mut found);
    found.0
}

/// The field and the piece of text, if it is in the file being read.
fn place(spot: &Spot, origins: &Origins, root: &Object<'_>, reader: &Reader<'_>) -> Option<(String, Range)> {
    let (path, place): (&str, Option<&Place>) = match spot {
        Spot::Field(path) => (path, origins.of(path)),
        Spot::Entry(list, index) => (list, origins.entry(list, *index)),
        Spot::File => return Some((String::new(), Range::new(root.range.start, root.range.start + 1))),
    };
    let place = place.filter(|place| place.file == reader.text.file)?;
    let start = place.offset.saturating_sub(reader.text.skipped);
    Some((path.to_owned(), Range::new(start, start + place.bytes)))
}

#[cfg(test)]
mod tests;
