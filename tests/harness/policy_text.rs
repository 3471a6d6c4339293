//! Policy files for controls: the default policy with exactly one protection lifted.
//!
//! Always holds: everything else stays as the shipped policy has it, so that what changes is shown to be what held.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::scratch::Scratch;

/// Default policy with these calls allowed as well.
#[must_use]
pub fn lifting(calls: &[&str]) -> Value {
    let grants: Vec<Value> = calls
        .iter()
        .map(|call| json!({ "call": call, "reason": "control of a test: the deed must succeed without this denial" }))
        .collect();
    json!({ "syscalls": { "allow": { "add": grants } } })
}

/// Writes a policy that extends the default by these sections.
#[must_use]
pub fn write(scratch: &Scratch, sections: &Value) -> PathBuf {
    let mut policy = json!({ "version": 1, "description": "A control of a test", "extends": "default" });
    if let (Some(policy), Some(sections)) = (policy.as_object_mut(), sections.as_object()) {
        policy.extend(sections.clone());
    }
    scratch.file("control.jsonc", &policy.to_string())
}
