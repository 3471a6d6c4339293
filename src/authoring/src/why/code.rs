//! What the code itself finds: imports, builtins, environment variables.
//!
//! Always holds: the import and builtin lists are a friendly layer of the executor and no protection, and every answer from them says so.

use remand_plan::plan::Plan;
use serde_json::json;

use super::compiled::Compiled;
use super::edit::Edit;
use super::finding::{Finding, Line, Ruling};
use super::modules::{self, Import};
use super::stdlib::is_standard;

const FRIENDLY: &str = "the executor's friendly layer, which is no protection";

/// Whether the code may import a module.
pub(super) fn import(module: &str, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let python = &compiled.policy.python;
    // Packages are allowed as a whole.
    let name = module.split('.').next().unwrap_or(module);
    let (field, list) =
        if is_standard(name) { ("python.stdlib_allow", &python.stdlib_allow) } else { ("python.external_allow", &python.external_allow) };
    let Some(index) = list.iter().position(|entry| entry == "*" || entry == name) else {
        let because = format!("{FRIENDLY}, raises ImportError: {name} is not in {field}");
        return Finding {
            ruling: Ruling::Denied("ImportError"),
            because,
            line: Line::lacking(compiled, field),
            cure: Ok(vec![Edit::Add(field, json!(name))]),
        };
    };
    let all = list.get(index).is_some_and(|entry| entry == "*");
    let cure = if all {
        Err(format!("{field} allows all: write the names that are needed instead of \"*\""))
    } else {
        Ok(vec![Edit::Remove(field, name.to_owned())])
    };
    let (ruling, why) = match modules::import(module, compiled, plan) {
        Import::There => (Ruling::Allowed, String::new()),
        Import::Missing(why) => (Ruling::NotVisible, why),
        Import::Fails(why) => (Ruling::Denied("ImportError"), why),
    };
    let line = Line::entry(compiled, field, index);
    if ruling != Ruling::Allowed {
        let because = format!("{field} lets it through, but {why}");
        return Finding { ruling, because, line, cure: Err("no list changes what is installed".to_owned()) };
    }
    Finding { ruling, because: format!("{FRIENDLY}: {field} lets it through"), line, cure }
}

/// Whether the code finds a builtin.
pub(super) fn builtin(name: &str, compiled: &Compiled<'_>) -> Finding {
    let field = "python.builtins_deny";
    match compiled.policy.python.builtins_deny.iter().position(|entry| entry == name) {
        Some(index) => {
            let because = format!("{FRIENDLY}, takes it away: NameError");
            let line = Line::entry(compiled, field, index);
            Finding { ruling: Ruling::Denied("NameError"), because, line, cure: Ok(vec![Edit::Remove(field, name.to_owned())]) }
        }
        None if !crate::lint::is_builtin(name) => {
            let because = "no Python from 3.9 to 3.14 has a builtin of this name, and the executor adds none".to_owned();
            let line = Line::none("no line is about it");
            Finding { ruling: Ruling::Denied("NameError"), because, line, cure: Err("no policy makes one".to_owned()) }
        }
        None => {
            let because = format!("{FRIENDLY}: {field} does not name it");
            let line = Line::field(compiled, field);
            Finding { ruling: Ruling::Allowed, because, line, cure: Ok(vec![Edit::Add(field, json!(name))]) }
        }
    }
}

/// Whether a variable is set for the code.
pub(super) fn variable(name: &str, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let field = format!("environment.{name}");
    let value = plan.command.env.iter().find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='));
    let own = name == "PATH" || remand_plan::POOLS.contains(&name) || compiled.policy.environment.iter().any(|(known, _)| known == name);
    let denied = |because: String| {
        let cure = Ok(vec![Edit::set("python.runner_env_deny", json!(false))]);
        Finding { ruling: Ruling::Denied("not set"), because, line: Line::field(compiled, "python.runner_env_deny"), cure }
    };
    let Some(value) = value else {
        if own && compiled.policy.python.runner_env_deny {
            return denied("the interpreter is started without an environment".to_owned());
        }
        let because = "the run's environment holds exactly what the policy writes".to_owned();
        let line = Line::none(format!("no line writes {field}"));
        return Finding { ruling: Ruling::Denied("not set"), because, line, cure: Ok(vec![Edit::Set(field, json!("..."))]) };
    };
    if compiled.policy.python.runner_env_deny {
        return denied(format!("{FRIENDLY}, empties os.environ; the process has {name}={value:?}"));
    }
    let because = format!("the run's environment, where it is {value:?}");
    let written = compiled.policy.environment.iter().any(|(known, _)| known == name);
    let whence = if remand_plan::POOLS.contains(&name) { "it follows limits.cpus" } else { "it is the interpreter's directory" };
    let own = || Line::none(format!("no line writes {field}: {whence}"));
    let line = if written { Line::field(compiled, &field) } else { own() };
    let cure = Ok(vec![Edit::set("python.runner_env_deny", json!(true))]);
    Finding { ruling: Ruling::Allowed, because, line, cure }
}
