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

mod advise;
mod canonical;
mod check;
mod expect;
mod meant;
mod origins;
mod problem;
pub(crate) mod ranges;
mod read;
mod sections;
mod shape;
mod syntax;
mod syscalls;
mod values;
mod words;

pub(crate) use advise::{can_match, is_builtin, unshown};
pub(crate) use canonical::{write_grant, write_mount};
pub(crate) use expect::QUESTIONS;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jsonc_parser::ast::Value as Ast;
use jsonc_parser::common::Range;
use jsonc_parser::{CollectOptions, ParseOptions, ParseResult, parse_to_ast};
use serde_json::{Map, Value};

pub use origins::{Origins, Place};
pub use problem::{Problem, Severity};
pub(crate) use problem::{Text, did_you_mean, quote};
pub(crate) use ranges::ENTRIES;
use read::{Fault, Reader, Section};

use crate::ask::Expectation;
use crate::narrow;
use crate::policy::Policy;
use crate::shipped;

/// Largest policy file in bytes.
pub const LARGEST: usize = 1 << 20;
/// Longest chain of `extends`.
const CHAIN: usize = 8;

/// A policy file's content, as [`parse`] asks for a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file's path, or `built-in NAME`; stands before the positions of its problems, and tells whether `extends` goes in a circle.
    pub file: String,
    /// Its bytes.
    pub text: Cow<'static, [u8]>,
}

/// Finds the base that `extends` names. `Err` says why there is none and, where it helps, which names there are.
pub type Find<'f> = dyn Fn(&str) -> Result<Source, String> + 'f;

/// Reads one policy file called `name`, with its bases.
///
/// # Errors
/// Every problem of the file and its bases, in the order of each text; only the first where the text is no JSON.
pub fn parse(source: &Source, name: &str, find: &Find<'_>) -> Result<Policy, Vec<Problem>> {
    load(source, name, find, &mut Chain { files: Vec::new(), trace: false }).map(|loaded| loaded.policy)
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
    /// What is hardly meant in the file itself, in the order of its text; those of a base are its own business.
    pub warnings: Vec<Problem>,
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

/// What a request makes of a policy: the policy narrowed by `overrides`, a tree of the same shape as a policy file's sections.
///
/// # Errors
/// Every override that was not understood; if there is none, every one that asks for more than the policy allows.
pub fn apply(policy: &Policy, overrides: &Value) -> Result<Policy, Vec<Problem>> {
    if matches!(overrides, Value::Null) || matches!(overrides, Value::Object(map) if map.is_empty()) {
        return Ok(policy.clone());
    }
    let json = overrides.to_string();
    let text = Text { file: "request", text: &json, skipped: 0 };
    let ast = syntax(text)?;
    let mut asked = policy.clone();
    let mut reader = Reader::new(text, true);
    reader.object("", &ast, |root| sections::read(root, &mut asked));
    finish(reader.problems)?;
    narrow::narrow(policy, asked).map_err(|widened| {
        let problem = |w: narrow::Widened| text.problem(Range::new(0, json.len()), &w.field, w.reason(), None);
        widened.into_iter().map(problem).collect()
    })
}

/// Puts one `--set` pair, such as `limits.memory` and `64MiB`, into a tree for [`apply`]. `text` is JSON (`8`, `true`, `["json"]`) or else a plain
/// text (`64MiB`, `required`).
///
/// # Errors
/// A path that is empty, or leads through a value that is no object. Whether fields of that name exist, `apply` checks.
pub fn set(tree: &mut Value, path: &str, text: &str) -> Result<(), Box<Problem>> {
    let problem = |message: String| {
        let text = Text { file: "--set", text: path, skipped: 0 };
        Box::new(text.problem(Range::new(0, path.len()), path, message, Some("write --set limits.memory=64MiB".to_owned())))
    };
    if path.len() > 256 || path.split('.').any(str::is_empty) {
        return Err(problem(format!("{} is no field", quote(path))));
    }
    let mut slot = tree;
    for key in path.split('.') {
        if slot.is_null() {
            *slot = Value::Object(Map::new());
        }
        let Value::Object(map) = slot else {
            return Err(problem("an earlier --set has put a plain value above this field".to_owned()));
        };
        slot = map.entry(key).or_insert(Value::Null);
    }
    // Every variable is a text, numbers too.
    let plain = path.starts_with("environment.");
    *slot = if plain { Value::from(text) } else { serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)) };
    Ok(())
}

fn load(source: &Source, name: &str, find: &Find<'_>, chain: &mut Chain) -> Result<Loaded, Vec<Problem>> {
    let outermost = chain.files.is_empty();
    chain.files.push(source.file.clone());
    let text = decode(source)?;
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
        head(root, &mut policy);
        sections::read(root, &mut policy);
        expect::read(root, &mut expect);
        policy
    });
    if let (Some(policy), Ast::Object(root), true) = (&policy, &ast, reader.problems.is_empty() && problems.is_empty()) {
        check::check(policy, root, &mut reader);
        if outermost && reader.problems.is_empty() {
            advise::advise(policy, root, &mut reader);
        }
    }
    problems.extend(reader.problems);
    let warnings = finish(problems)?;
    let mut origins = reader.origins.unwrap_or_default();
    origins.locate(text);
    // An object without problems was read; anything else left a problem.
    Ok(Loaded { policy: policy.unwrap_or_else(|| Policy::floor(name)), origins, expect, warnings })
}

/// The warnings, in the order of the text.
fn finish(mut problems: Vec<Problem>) -> Result<Vec<Problem>, Vec<Problem>> {
    problems.sort_by_key(|problem| problem.offset);
    if problems.iter().all(|problem| problem.severity == Severity::Warning) { Ok(problems) } else { Err(problems) }
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
fn head(root: &mut Section<'_, '_, '_>, policy: &mut Policy) {
    root.accept("$schema");
    if let Some(version) = root.need::<u64>("version")
        && version != 1
    {
        root.report_at("version", Fault::new(format!("version {version} is unknown"), "this remand reads version 1"));
    }
    policy.description = root.get("description").unwrap_or_default();
    // Not inherited, so a base did not write it.
    root.reader.trace(|origins, _| origins.forget("description"));
    root.written("description");
}

/// The text of a file, without byte order mark.
fn decode(source: &Source) -> Result<Text<'_>, Vec<Problem>> {
    const MARK: &str = "\u{feff}";
    let file = source.file.as_str();
    if source.text.len() > LARGEST {
        let empty = Text { file, text: "", skipped: 0 };
        let message = format!("{} bytes are more than a policy file may have ({LARGEST})", source.text.len());
        return Err(vec![empty.problem(Range::new(0, 0), "", message, None)]);
    }
    let (valid, bad) = match std::str::from_utf8(&source.text) {
        Ok(text) => (text, None),
        Err(error) => (source.text.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or(""), Some(error)),
    };
    let text = valid.strip_prefix(MARK).unwrap_or(valid);
    let text = Text { file, text, skipped: valid.len() - text.len() };
    // The parser ends a line, and so a comment, where most editors show none.
    let lone = text.text.match_indices('\r').map(|(at, _)| at).find(|at| !text.text.get(at + 1..).unwrap_or("").starts_with('\n'));
    if let Some(at) = lone {
        let help = "end lines with a line feed, alone or after a carriage return".to_owned();
        return Err(vec![text.problem(Range::new(at, at + 1), "", "a carriage return without a line feed".to_owned(), Some(help))]);
    }
    match bad {
        None => Ok(text),
        Some(error) => {
            let end = text.text.len();
            let help = "save the file as UTF-8".to_owned();
            Err(vec![text.problem(Range::new(end, end + error.error_len().unwrap_or(1)), "", "not UTF-8".to_owned(), Some(help))])
        }
    }
}

fn syntax(text: Text<'_>) -> Result<Ast<'_>, Vec<Problem>> {
    let empty = || vec![text.problem(Range::new(0, 0), "", "the file is empty".to_owned(), Some("start with {\"version\": 1}".to_owned()))];
    tokens(text, &CollectOptions::default()).map_err(|problem| vec![*problem])?.value.ok_or_else(empty)
}

/// Comments and trailing commas are taken. Nothing else beyond JSON is asked for; the parser also takes raw control characters in texts and a few more kinds of white space.
pub(crate) fn tokens<'t>(text: Text<'t>, collect: &CollectOptions) -> Result<ParseResult<'t>, Box<Problem>> {
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
