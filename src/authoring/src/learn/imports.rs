//! Imports that the policy's lists refused, as the executor tells them.
//!
//! Always holds: what it tells is a claim of the run, which decides only what is proposed; what is proposed is a plain module name that is not in the list.

use remand_plan::frames::{Denied, PythonList};
use serde_json::json;

use super::{Change, Line, Run, Standing};

pub(super) fn asked(run: &Run<'_>) -> Option<Line> {
    let Denied { list, name } = run.outcome.exception()?.denied.as_ref()?;
    let python = &run.policy.python;
    let (field, list, risk) = match list {
        PythonList::StdlibAllow => {
            ("python.stdlib_allow", &python.stdlib_allow, "none of its own: the list is for friendly errors, and confines nothing")
        }
        PythonList::ExternalAllow => (
            "python.external_allow",
            &python.external_allow,
            "shows the interpreter's site packages to the run, read-only, and runs the package's code in it",
        ),
        PythonList::BuiltinsDeny => return None,
    };
    let letters = |c: char| c.is_alphanumeric() || c == '_';
    if name.is_empty() || name.len() > 100 || !name.chars().all(letters) || list.iter().any(|known| known == name || known == "*") {
        return None;
    }
    Some(Line {
        change: Change::Add { field, value: json!(name) },
        standing: Standing::Proposed,
        risk: risk.into(),
        needs: vec![run.need(format!("import {name} was refused"))],
    })
}
