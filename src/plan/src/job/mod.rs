//! The job: what travels into the sandbox for the executor to obey, as one `marshal` value.
//!
//! `marshal` because a bare interpreter decodes it with a builtin, where `import json` would double its start. Only the types that every supported
//! CPython (3.9 and later) reads alike are written: None, bool, int, float, str, bytes, list, dict.
//!
//! Always holds: encoding is a pure function of the request and the plan, and its size is known before anything is written or allocated.

mod data;
mod error;
mod marshal;

use remand_policy::policy::{Policy, Word};

use marshal::{Size, Writer};

pub use data::{Data, DataError, Room, array};
pub use error::JobError;

use crate::interpreter::{DISPLAY, Interpreter};
use crate::python_variables;
use crate::request::{Code, GivenKind, Mode, OnError, Origin, Request, Script};
use crate::workspace;
use remand_policy::places::WORKSPACE;

/// Version of the job's shape; the executor refuses any other.
pub const VERSION: i32 = 4;

/// Encodes the job for an effective policy. Shape (a dict):
/// `version` 4, `mode` (`"all_items"`, `"per_item"`, `"n8n"`, `"script"`), `n8n` (see `src/executor/n8n/task.py`; else None), `script` (see `src/executor/script.py`; else None), `on_error` (`"stop"`, `"item"`), `code` (text, or the bytes of a file), `items`, `query` (each of these
/// two, and `n8n`, as bytes that are a `marshal` value by themselves, since what it keeps is numbered from its own start),
/// `security` {`stdlib_allow`, `external_allow`, `builtins_deny`: lists; `runner_env_deny`: bool},
/// `environment` (a dict of texts: what the interpreter itself was not to see), `prefix` (of the interpreter) and `standard_path` (a list; see [`Interpreter`]),
/// `limits` {`prints`, `result_size`: int}, `result` {`nan`, `pandas`, `surrogates`: str}. (Depth and count of a result are checked where they count: by the decoder of frames.)
///
/// # Errors
/// [`JobError::TooLarge`].
pub fn encode(request: &Request, effective: &Policy, interpreter: &Interpreter) -> Result<Vec<u8>, JobError> {
    let allowed = effective.limits.job_size.0;
    let mut size = Size(0);
    write(&mut size, request, effective, interpreter);
    if size.0 > allowed {
        return Err(JobError::TooLarge { size: size.0, allowed });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size.0).unwrap_or(0));
    write(&mut bytes, request, effective, interpreter);
    Ok(bytes)
}

fn write<W: Writer>(out: &mut W, request: &Request, effective: &Policy, interpreter: &Interpreter) {
    let python = &effective.python;
    out.open_dict();
    out.text("version");
    out.int(i64::from(VERSION));
    out.text("mode");
    out.text(match request.mode {
        Mode::AllItems => "all_items",
        Mode::PerItem(_) => "per_item",
        Mode::N8n(_) => "n8n",
        Mode::Script(_) => "script",
    });
    out.text("n8n");
    match &request.mode {
        Mode::N8n(task) => out.encoded(&task.bytes, task.size),
        Mode::AllItems | Mode::PerItem(_) | Mode::Script(_) => out.encoded(b"N", 1),
    }
    out.text("script");
    match &request.mode {
        Mode::Script(script) => write_script(out, script),
        Mode::AllItems | Mode::PerItem(_) | Mode::N8n(_) => out.put(b"N"),
    }
    out.text("paths");
    out.texts(&paths(request, effective));
    out.text("environment");
    out.open_dict();
    for (name, value) in environment(request, effective) {
        out.text(name);
        out.text(value);
    }
    out.close_dict();
    out.text("on_error");
    out.text(if let Mode::PerItem(on_error) = request.mode { on_error } else { OnError::Stop }.word());
    out.text("code");
    match &request.code {
        Code::Text(text) => out.text(text),
        Code::File(bytes) => out.encoded(bytes, bytes.len() as u64),
    }
    out.text("items");
    out.encoded(&request.items.bytes, request.items.size);
    out.text("query");
    out.encoded(&request.query.bytes, request.query.size);
    out.text("security");
    out.open_dict();
    for (name, list) in
        [("stdlib_allow", &python.stdlib_allow), ("external_allow", &python.external_allow), ("builtins_deny", &python.builtins_deny)]
    {
        out.text(name);
        out.texts(list);
    }
    out.text("runner_env_deny");
    out.bool(python.runner_env_deny);
    out.close_dict();
    out.text("prefix");
    out.text(&interpreter.prefix);
    out.text("standard_path");
    out.texts(&interpreter.standard_path);
    out.text("limits");
    out.open_dict();
    for (name, bytes) in [("prints", effective.limits.prints), ("result_size", effective.limits.result_size)] {
        out.text(name);
        out.int(i64::try_from(bytes.0).unwrap_or(i64::MAX));
    }
    out.close_dict();
    out.text("result");
    out.open_dict();
    let result = &effective.result;
    for (name, word) in [("nan", result.nan.word()), ("pandas", result.pandas.word()), ("surrogates", result.surrogates.word())] {
        out.text(name);
        out.text(word);
    }
    out.close_dict();
    out.close_dict();
}

/// Where the code's own modules lie: what Python looks through first.
fn paths(request: &Request, policy: &Policy) -> Vec<String> {
    let variable = environment(request, policy).into_iter().flat_map(|(_, value)| python_variables::directories(value).collect::<Vec<_>>());
    let first = match &request.mode {
        Mode::Script(script) => Some(script.origin.directory()),
        Mode::AllItems | Mode::PerItem(_) | Mode::N8n(_) => Some(WORKSPACE).filter(|_| !request.files.is_empty()),
    };
    let given = request.files.iter().filter(|given| matches!(given.kind, GivenKind::Directory { imports: true }));
    let given = given.filter_map(|given| workspace::path(&given.name).ok()).filter(|path| !path.is_empty());
    first.map(str::to_owned).into_iter().chain(given.map(|path| format!("{WORKSPACE}/{path}"))).chain(variable).collect()
}

/// Variables that the executor sets: see [`python_variables`].
fn environment<'a>(request: &'a Request, policy: &'a Policy) -> Vec<(&'a str, &'a str)> {
    let chosen = &request.choice.environment;
    let of_policy = policy.environment.iter().filter(|(name, _)| !chosen.contains_key(name) && !policy.python.runner_env_deny);
    let of_policy = of_policy.map(|(name, value)| (name.as_str(), value.as_str()));
    python_variables::by_executor(of_policy.chain(chosen.iter().map(|(name, value)| (name.as_str(), value.0.as_str()))))
}

fn write_script<W: Writer>(out: &mut W, script: &Script) {
    let origin = &script.origin;
    out.open_dict();
    for (name, text) in [("directory", WORKSPACE), ("shown", &origin.shown())] {
        out.text(name);
        out.text(text);
    }
    let module = if let Origin::Module(name) = origin { Some(name.as_str()) } else { None };
    let display = script.display.then_some(DISPLAY);
    for (name, text) in [("file", origin.file()), ("module", module), ("display", display)] {
        out.text(name);
        match text {
            Some(text) => out.text(text),
            None => out.put(b"N"),
        }
    }
    out.text("argv");
    out.texts(&std::iter::once(origin.argument().to_owned()).chain(script.arguments.iter().cloned()).collect::<Vec<_>>());
    for (name, asked) in [("await", script.awaits), ("value", script.value), ("lines", script.lines)] {
        out.text(name);
        out.bool(asked);
    }
    out.close_dict();
}

#[cfg(test)]
mod tests;
