//! From text to [`Policy`]: JSON with comments, exact positions, every problem at once.
//!
//! Always holds: text that was not understood completely is no policy; a message quotes only text of the file it is about. No input panics, and
//! work and memory are bounded by the size cap.
//!
//! How a file is read:
//! - `version` (1) is required. `$schema` is ignored. `extends` names one base; without it the file starts from [`Policy::floor`], so a key left
//!   out has the narrowest value, never the widest.
//! - A section's object is merged key by key into the base's.
//! - A list replaces the base's list. `{"add": [...], "remove": [...]}` edits it instead: what `remove` names is taken out first (each must be
//!   there), then `add` is appended. System calls are removed by name with all their conditions, mounts by target.
//! - `environment` is merged by variable; `null` takes a variable out.
//! - `expect` lists what the policy is expected to answer; it is about the file that it stands in, no part of the policy, and not inherited;
//!   only [`trace`] reads it.
//! - `description` and the reasons of a mount or grant are not inherited apart from what they describe.

mod contradictions;
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
use jsonc_parser::common::Range;
use jsonc_parser::{CollectOptions, ParseOptions, ParseResult, parse_to_ast};
use read::{Fault, Reader, Section};

use crate::policy::Policy;
use crate::question::Expectation;
use crate::shipped;
use crate::source::{Find, Source};
use crate::text::{Problem, Text, quote};

pub use origins::{Origins, Place};

/// Longest chain of `extends`.
const CHAIN: usize = 8;

/// Reads one policy file called `name`, with its bases.
///
/// # Errors
/// Every problem of the file and its bases, in the order of each text; only the first where the text is no JSON.
pub fn parse(source: &Source, name: &str, find: &Find<'_>) -> Result<Policy, Vec<Problem>> {
    load(source, name, find, &mut Chain { files: Vec::new(), trace: false }).map(|loaded| loaded.policy)
}

/// The built-in policy of this name, loaded; `None` if there is none.
///
/// # Errors
/// None for the texts in this binary, which tests load.
#[must_use]
pub fn shipped(name: &str) -> Option<Result<Policy, Vec<Problem>>> {
    Some(parse(&shipped::source(name).ok()?, name, &shipped::source))
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
pub fn trace(source: &Source, name: &str, find: &Find<'_>) -> Result<Loaded, Vec<Problem>> {
    load(source, name, find, &mut Chain { files: Vec::new(), trace: true })
}

/// The files that extend each other, outermost first, and whether to [`trace`] them.
struct Chain {
    files: Vec<String>,
    trace: bool,
}

fn load(source: &Source, name: &str, find: &Find<'_>, chain: &mut Chain) -> Result<Loaded, Vec<Problem>> {
    chain.files.push(source.file.clone());
    let text = source.text()?;
    let ast = syntax(text)?;
    let mut reader = Reader::new(text, false);
    reader.origins = chain.trace.then(Origins::default);
    let (mut problems, mut expect) = (Vec::new(), Vec::new());
    let policy = reader.object("", &ast, |root| {
        let base = base(root, name, find, chain, &mut problems);
        let mut policy = base.map_or_else(
            || Policy::floor(name),
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
    Ok(Loaded { policy: policy.unwrap_or_else(|| Policy::floor(name)), origins, expect })
}

/// Problems in the order of the text, if there are any.
pub(crate) fn finish(mut problems: Vec<Problem>) -> Result<(), Vec<Problem>> {
    problems.sort_by_key(|problem| problem.offset);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The policy that `extends` names. `None`: no `extends`, or a problem.
fn base(root: &mut Section<'_, '_, '_>, name: &str, find: &Find<'_>, chain: &mut Chain, problems: &mut Vec<Problem>) -> Option<Loaded> {
    let wanted: String = root.get("extends")?;
    let source = match find(&wanted) {
        Ok(source) => source,
        Err(why) => {
            let help = extends_help(&wanted).unwrap_or(why);
            root.report_at("extends", Fault { message: format!("no policy {}", quote(&wanted)), help: Some(help) });
            return None;
        }
    };
    // What stands in for a built-in policy extends that one.
    let source = if chain.files.last() == Some(&source.file) { shipped::source(&wanted).unwrap_or(source) } else { source };
    if chain.files.contains(&source.file) || chain.files.len() >= CHAIN {
        let message = if chain.files.len() >= CHAIN { format!("more than {CHAIN} files") } else { "goes in a circle".to_owned() };
        root.report_at("extends", Fault { message: format!("{message}: {} -> {}", chain.files.join(" -> "), source.file), help: None });
        return None;
    }
    load(&source, name, find, chain).map_err(|found| problems.extend(found)).ok()
}

/// Help for a base that there is none of, where the name itself tells what was meant.
fn extends_help(wanted: &str) -> Option<String> {
    let near = |name: &&str| wanted.len() <= 64 && strsim::damerau_levenshtein(&wanted.to_lowercase(), name) <= 2;
    if let Some((name, _)) = shipped::SHIPPED.iter().find(|(name, _)| near(name)) {
        return Some(format!("did you mean \"{name}\"?"));
    }
    let file = wanted.rsplit('/').next().unwrap_or_default();
    let name = file.strip_suffix(".jsonc").or_else(|| file.strip_suffix(".json"))?;
    Some(format!(
        "a base is named, not its file: put it where named policies lie, as {}.jsonc, and write {}",
        quote(name).trim_matches('"'),
        quote(name)
    ))
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

pub(crate) fn syntax(text: Text<'_>) -> Result<Ast<'_>, Vec<Problem>> {
    let empty = || vec![text.problem(Range::new(0, 0), "", "the file is empty".to_owned(), Some("start with {\"version\": 1}".to_owned()))];
    tokens(text, &CollectOptions::default()).map_err(|problem| vec![*problem])?.value.ok_or_else(empty)
}

/// Comments and trailing commas are taken. Nothing else beyond JSON is asked for; the parser also takes raw control characters in texts and a few more kinds of white space.
/// # Errors
/// The first thing that is no JSON.
pub fn tokens<'t>(text: Text<'t>, collect: &CollectOptions) -> Result<ParseResult<'t>, Box<Problem>> {
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    parse_to_ast(text.text, collect, &options).map_err(|error| {
        let message = error.kind().to_string();
        let message = message.chars().next().map_or(String::new(), |first| first.to_lowercase().chain(message.chars().skip(1)).collect());
        let syntax::Slip { range, message, help } = syntax::slip(text.text, error.range(), &message);
        Box::new(text.problem(range, "", message, help))
    })
}
