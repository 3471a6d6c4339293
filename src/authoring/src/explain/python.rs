//! The interpreter, and the friendly layer over it.

use remand_policy::policy::{NonFinite, Policy, Python, Results, Surrogates, Tables};

use super::page::{Page, some};

/// Names that are listed.
const NAMED: usize = 20;

pub(super) fn python(page: &mut Page<'_>) {
    let Policy { python: Python { interpreter, stdlib_allow, external_allow, builtins_deny, runner_env_deny }, .. } = page.policy;
    page.title("What code finds in Python (early and friendly errors, no protection: code can get around all of it)");
    let here = page.plan.map_or(String::new(), |plan| format!(", here {}", plan.command.path));
    page.of("python.interpreter", format!("The interpreter {interpreter}{here}."));
    page.of("python.stdlib_allow", format!("Modules of the standard library that it can import: {}.", listed(stdlib_allow)));
    let shown = if external_allow.is_empty() {
        ", so that site-packages are not even in its root"
    } else {
        "; site-packages are in its root, all of them"
    };
    page.of("python.external_allow", format!("Other packages that it can import: {}{shown}.", listed(external_allow)));
    page.of("python.builtins_deny", format!("Builtins that it does not find: {}.", listed(builtins_deny)));
    let emptied = if *runner_env_deny { "os.environ is emptied for it" } else { "os.environ holds the variables above" };
    page.of("python.runner_env_deny", format!("{emptied}."));
}

/// How what code gives becomes JSON.
pub(super) fn result(page: &mut Page<'_>) {
    let Policy { result: Results { nan, pandas, surrogates }, .. } = page.policy;
    page.title("How its values become JSON (a form and no right: a request is free to choose another)");
    let numbers = match nan {
        NonFinite::Error => "an error that names their places",
        NonFinite::Null => "null, and the outcome names their places",
        NonFinite::String => "the texts NaN, Infinity and -Infinity, and the outcome names their places",
    };
    page.of("result.nan", format!("Numbers that JSON has no word for: {numbers}."));
    let tables = match pandas {
        Tables::Error => "an error that names the call that makes them plain",
        Tables::Records => "a list of objects, one for each row; a list",
    };
    page.of("result.pandas", format!("DataFrames and Series of pandas: {tables}."));
    let halves = match surrogates {
        Surrogates::Error => "an error that names the place",
        Surrogates::Replace => "U+FFFD for each half, and the outcome names the places",
    };
    page.of("result.surrogates", format!("Text with half a surrogate pair: {halves}."));
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        [all] if all == "*" => "all".to_owned(),
        names => some(names, NAMED),
    }
}
