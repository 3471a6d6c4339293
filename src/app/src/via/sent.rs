//! What was typed, as the request that is sent.
//!
//! Always holds: all is in it by content; what is read for it is bounded by what a daemon takes.

use std::path::Path;

use remand_engine::Request;
use remand_plan::job::{DataError, array};
use remand_plan::request::{Code, Mode, OnError, Origin};
use remand_plan::submission::{Content, ModeName, ScriptValue, Submission};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::read::{self, Bounds};
use crate::run::{mode, narrowing, no_items, no_query};
use crate::{choose, given};

/// Of `remand run`.
pub fn function(args: &RunArgs) -> Result<Vec<u8>, Failure> {
    let bounds = Bounds::of_request();
    let (limit, bound) = bounds.text;
    let (mode, on_error) = match mode(args)? {
        Mode::PerItem(OnError::Stop) => (ModeName::PerItem, None),
        Mode::PerItem(on_error) => (ModeName::PerItem, Some(on_error)),
        _ => (ModeName::AllItems, None),
    };
    let code = match &args.code {
        Some(code) => code.clone(),
        None => read::text(args.file.as_deref().unwrap_or(Path::new("-")), "code", limit, bound)?,
    };
    let items = args.items.as_deref().map(|file| read::text(file, "--items", limit, bound)).transpose()?;
    let items = items.map(|text| array(&text).and_then(|text| raw(&text)).map_err(|error| no_items(&error))).transpose()?;
    let query = match (&args.query, &args.query_file) {
        (Some(text), _) => Some(raw(text).map_err(|error| no_query("--query", &error))?),
        (_, Some(file)) => Some(raw(&read::text(file, "--query-file", limit, bound)?).map_err(|error| no_query("--query-file", &error))?),
        (None, None) => None,
    };
    let choice = choose::python(&args.python, &args.choose)?;
    written(&Submission {
        policy: args.confine.policy.clone(),
        overrides: object(narrowing(args)?),
        mode,
        on_error,
        code: Some(code),
        items: items.as_deref(),
        query: query.as_deref(),
        files: given::read(&args.files, bounds)?.iter().map(Into::into).collect(),
        artifacts: args.files.artifacts.clone(),
        python: choice.interpreter,
        environment: choice.environment,
        ..Submission::default()
    })
}

/// Of `remand python`.
pub fn program(policy: &str, narrowing: Value, request: &Request, stdin: Option<Content>) -> Result<Vec<u8>, Failure> {
    let Mode::Script(script) = &request.mode else { return Err(Failure::internal("no program".into())) };
    let code = match &request.code {
        Code::Text(text) => text.clone(),
        Code::File(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|error| {
                Failure::usage(format!(
                    "the program is not UTF-8 text, as a request is: wrong at byte {}; nothing was sent",
                    error.valid_up_to()
                ))
            })?;
            text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()
        }
    };
    let module = if let Origin::Module(name) = &script.origin { Some(name.clone()) } else { None };
    let value = match (script.value, script.display) {
        (true, _) => Some(ScriptValue::Last),
        (_, true) => Some(ScriptValue::Display),
        _ => None,
    };
    written(&Submission {
        policy: policy.to_owned(),
        overrides: object(narrowing),
        mode: ModeName::Script,
        code: module.is_none().then_some(code),
        name: module.is_none().then(|| script.origin.argument().to_owned()),
        module,
        argv: script.arguments.clone(),
        awaits: script.awaits,
        value,
        stdin,
        files: request.files.iter().map(Into::into).collect(),
        artifacts: request.artifacts.clone(),
        python: request.choice.interpreter.clone(),
        environment: request.choice.environment.clone(),
        ..Submission::default()
    })
}

/// All of standard input.
pub fn input() -> Result<Content, Failure> {
    let (limit, bound) = Bounds::of_request().text;
    read::bytes(Path::new("-"), "input", limit, bound).map(Into::into)
}

fn raw(text: &str) -> Result<Box<RawValue>, DataError> {
    Ok(serde_json::from_str::<&RawValue>(text)?.to_owned())
}

fn object(tree: Value) -> Map<String, Value> {
    if let Value::Object(object) = tree { object } else { Map::new() }
}

fn written(submission: &Submission<'_>) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(submission).map_err(|error| Failure::internal(format!("the request cannot be written: {error}")))
}
