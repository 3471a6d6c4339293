//! The interpreter, and the friendly layer over it.

use remand_policy::policy::{Policy, Python};

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

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        [all] if all == "*" => "all".to_owned(),
        names => some(names, NAMED),
    }
}
