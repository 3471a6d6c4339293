//! From text to [`Policy`]: JSON with comments, exact positions, every problem at once.
//!
//! Always holds: text that was not understood completely is no policy; a message quotes only text of the file it is about. No input panics, and
//! work and memory are bounded by the size cap.
//!
//! How a file is read:
//! - `version` (1) is required. `$schema` is ignored. `extends` names one base, or its file by a relative path; without it the file starts from [`Policy::floor`], so a key left
//!   out has the narrowest value, never the widest.
//! - A section's object is merged key by key into the base's.
//! - A list replaces the base's list. `{"add": [...], "remove": [...]}` edits it instead: what `remove` names is taken out first (each must be
//!   there), then `add` is appended. System calls are removed by name with all their conditions, mounts by target.
//! - `environment` is merged by variable; `null` takes a variable out.
//! - `expect` lists what the policy is expected to answer; it is about the file that it stands in, no part of the policy, and not inherited;
//!   only [`trace`] reads it.
//! - `description` and the reasons of a mount or grant are not inherited apart from what they describe.

mod chain;
mod contradictions;
mod document;
mod expect;
mod meant;
mod origins;
pub(crate) mod read;
pub(crate) mod sections;
mod shape;
mod syntax;
mod syscalls;
mod values;
mod words;

#[cfg(test)]
mod tests;

use jsonc_parser::ast::Value as Ast;
use read::{Fault, Reader, Section};

use crate::policy::Policy;
use crate::question::Expectation;
use crate::shipped;
use crate::source::Source;
use crate::text::Problem;

pub use chain::{Chain, beside};
pub use document::{Keys, document};
pub use origins::{Origins, Place};
pub use sections::is_variable;
pub use syntax::tokens;

/// Reads a policy file called `name`, with its bases.
///
/// # Errors
/// Every problem of the file and its bases, in the order of each text; only the first where the text is no JSON.
pub fn parse(chain: &Chain, name: &str) -> Result<Policy, Vec<Problem>> {
    load(&chain.files, &Reading { name, chain, trace: false }).map(|loaded| loaded.policy)
}

/// The built-in policy of this name, loaded; `None` if there is none.
///
/// # Errors
/// None for the texts in this binary, which tests load.
#[must_use]
pub fn shipped(name: &str) -> Option<Result<Policy, Vec<Problem>>> {
    Some(parse(&Chain::shipped(&shipped::source(name).ok()?), name))
}

/// A policy, and what its files say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Where its values were written.
    pub origins: Origins,
    /// What the file itself says that its policy answers; those of a base are about the base. [`Origins::entry`] of `expect` tells where each stands.
    pub expect: Vec<Expectation>,
}

/// Like [`parse`], for people who look at the file and not for running: says where each value comes from, and warns.
///
/// # Errors
/// As [`parse`].
pub fn trace(chain: &Chain, name: &str) -> Result<Loaded, Vec<Problem>> {
    load(&chain.files, &Reading { name, chain, trace: true })
}

/// What is read, and whether to [`trace`] it.
struct Reading<'c> {
    name: &'c str,
    chain: &'c Chain,
    trace: bool,
}

/// The first of these files, on top of the others. Without any there is no policy, and nothing to say about it.
fn load(files: &[Source], reading: &Reading<'_>) -> Result<Loaded, Vec<Problem>> {
    let (source, bases) = files.split_first().ok_or_else(Vec::new)?;
    let text = source.text()?;
    let ast = syntax::tree(text)?;
    let mut reader = Reader::new(text, false);
    reader.origins = reading.trace.then(Origins::default);
    let (mut problems, mut expect) = (Vec::new(), Vec::new());
    let policy = reader.object("", &ast, |root| {
        let base = base(root, bases, reading, &mut problems);
        let mut policy = base.map_or_else(
            || Policy::floor(reading.name),
            |base| {
                root.reader.trace(|origins, _| *origins = base.origins.without("expect"));
                base.policy
            },
        );
        head(root);
        sections::read(root, &mut policy);
        expect::read(root, &mut expect);
        policy
    });
    if let (Some(policy), Ast::Object(root), true) = (&policy, &ast, reader.problems.is_empty() && problems.is_empty()) {
        contradictions::check(policy, root, &mut reader);
    }
    problems.extend(reader.problems);
    finish(problems)?;
    let mut origins = reader.origins.unwrap_or_default();
    origins.locate(text);
    // An object without problems was read; anything else left a problem.
    Ok(Loaded { policy: policy.unwrap_or_else(|| Policy::floor(reading.name)), origins, expect })
}

/// Problems in the order of the text, if there are any.
pub(crate) fn finish(mut problems: Vec<Problem>) -> Result<(), Vec<Problem>> {
    problems.sort_by_key(|problem| problem.offset);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The policy that the file extends. `None`: it extends none, or there is a problem.
fn base(root: &mut Section<'_, '_, '_>, bases: &[Source], reading: &Reading<'_>, problems: &mut Vec<Problem>) -> Option<Loaded> {
    let _: String = root.get("extends")?;
    if let (Some(fault), []) = (&reading.chain.broken, bases) {
        root.report_at("extends", fault.clone());
    }
    load(bases, reading).map_err(|found| problems.extend(found)).ok()
}

/// What stands above the sections.
fn head(root: &mut Section<'_, '_, '_>) {
    root.accept("$schema");
    if let Some(version) = root.need::<u64>("version")
        && version != 1
    {
        root.report_at("version", Fault::new(format!("version {version} is unknown"), "this remand reads version 1"));
    }
}
