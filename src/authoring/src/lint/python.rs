//! The `python` and `environment` sections: names that no Python has, variables that do something else than one thinks.

use remand_plan::POOLS;
use remand_plan::python_variables::refused;
use remand_policy::policy::{Policy, Python};
use remand_policy::text::{did_you_mean, quote};
use remand_policy::units::Limit;

use super::advice::{Found, Spot, field};
use super::names::{BUILTINS, MODULES, SOMETIMES, has};

pub(super) fn advise(policy: &Policy, found: &mut Found) {
    modules(&policy.python, found);
    builtins(&policy.python, found);
    for (name, value) in &policy.environment {
        variable(policy, name, value, found);
    }
}

fn modules(python: &Python, found: &mut Found) {
    for (index, name) in python.stdlib_allow.iter().enumerate().filter(|(_, name)| *name != "*" && !name.starts_with('_')) {
        if !has(MODULES, name) {
            let help = did_you_mean(name, MODULES.split_ascii_whitespace());
            let message = format!("no standard library of Python 3.9 to 3.14 has {}", quote(name));
            let help = help.unwrap_or_else(|| "packages that are installed stand in external_allow".to_owned());
            found.say([Spot::Entry("python.stdlib_allow", index)], message, help);
        }
    }
    let always = |name: &str| has(MODULES, name) && !has(SOMETIMES, name);
    for (index, name) in python.external_allow.iter().enumerate().filter(|(_, name)| always(name)) {
        let message = format!("{} is in the standard library, for which this list has no effect", quote(name));
        found.say([Spot::Entry("python.external_allow", index)], message, "name it in stdlib_allow");
    }
}

fn builtins(python: &Python, found: &mut Found) {
    for (index, name) in python.builtins_deny.iter().enumerate() {
        let at = [Spot::Entry("python.builtins_deny", index)];
        if !has(BUILTINS, name) {
            let help = did_you_mean(name, BUILTINS.split_ascii_whitespace()).unwrap_or_else(|| "take it out".to_owned());
            found.say(at, format!("no Python 3.9 to 3.14 has a builtin {}", quote(name)), help);
        } else if name == "__import__" && !(python.stdlib_allow.is_empty() && python.external_allow.is_empty()) {
            let message = "without __import__ no import statement works, so stdlib_allow and external_allow have no effect";
            found.say(at, message, "empty these lists, or take it out");
        }
    }
}

fn variable(policy: &Policy, name: &str, value: &str, found: &mut Found) {
    let at = [field(&format!("environment.{name}"))];
    if matches!(name, "LD_PRELOAD" | "LD_AUDIT" | "LD_LIBRARY_PATH") {
        let message = format!("{name} decides which code is loaded into the interpreter itself, before any Python");
        found.say(at, message, "take it out unless that is meant; its files must be in a mount that has \"exec\": true");
    } else if let Some(why) = refused(name, value) {
        found.say(at, format!("{name}: {why}; only Pythons that the run starts itself see it"), "take it out");
    } else if POOLS.contains(&name) {
        pool(policy, name, value, found);
    } else if let Some(variable) = reference(value) {
        let message = format!("{} is taken letter by letter: a policy replaces no {variable}", quote(value));
        found.say(at, message, "write the value itself; nothing of the caller's environment reaches a run");
    }
}

/// What a shell would replace: `$NAME`, `${NAME}`, `~/`.
fn reference(value: &str) -> Option<&'static str> {
    let named = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '{');
    if value.split('$').skip(1).any(named) { Some("variable") } else { value.starts_with("~/").then_some("~") }
}

fn pool(policy: &Policy, name: &str, value: &str, found: &mut Found) {
    let at = [field(&format!("environment.{name}")), field("python.runner_env_deny"), field("limits.pids")];
    if policy.python.runner_env_deny {
        let message = format!("python.runner_env_deny empties the environment before any package reads {name}, so it has no effect");
        return found.say(at, message, "write \"runner_env_deny\": false, or take the variable out");
    }
    if let (Ok(threads), Limit::At(pids)) = (value.parse::<u64>(), policy.limits.pids)
        && threads > pids
    {
        let message = format!("{name} = {threads} asks for more threads than limits.pids = {pids} lets a run have");
        found.say(at, message, format!("at most {pids}"));
    }
}
