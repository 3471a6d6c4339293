//! The same program without a sandbox, as the control that shows that it does its deed.
//!
//! Always holds: only programs that bound themselves run here; what would touch the machine runs in namespaces of its own.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::End;
use crate::command::Call;
use crate::probe::Probe;

const DRIVER: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/plain.py"));

/// How much is set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// Nothing: a plain child process.
    Nothing,
    /// User and mount namespaces of its own, root inside.
    Namespaces,
}

/// The interpreter of plain controls: REMAND_TEST_PYTHON, or `python3` on PATH.
#[must_use]
pub fn python() -> PathBuf {
    std::env::var_os("REMAND_TEST_PYTHON").map_or_else(|| "python3".into(), PathBuf::from)
}

/// A call that runs code as a function body and prints its value as the last line.
#[must_use]
pub fn call(code: &str, query: &Value, apart: Apart) -> Call {
    let job = json!({ "code": code, "query": query, "items": [] }).to_string();
    let python = python();
    let inner = [python.as_os_str(), "-I".as_ref(), "-c".as_ref(), DRIVER.as_ref()];
    let outer = ["-U".as_ref(), "-r".as_ref(), "-m".as_ref(), "--".as_ref()];
    let call = match apart {
        Apart::Nothing => Call::program(&python, &inner[1..]),
        Apart::Namespaces => Call::program(Path::new("unshare"), &[&outer[..], &inner[..]].concat()),
    };
    call.input(job.as_bytes())
}

/// The value that a probe returns outside of any sandbox, in an empty directory.
///
/// # Errors
/// It returned none; what it said.
pub fn value(probe: &Probe, query: &Value, apart: Apart) -> Result<Value, End> {
    let scratch = crate::scratch::Scratch::new();
    let ended = call(&probe.code(), query, apart).cwd(scratch.path()).end()?;
    let out = ended.out();
    let last = out.lines().last().unwrap_or("");
    serde_json::from_str(last)
        .map_err(|_| End::Fail(format!("the control returned nothing: code {:?}, signal {:?}, {}", ended.code, ended.signal, ended.err())))
}
