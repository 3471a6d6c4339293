//! What the code itself finds: imports, builtins, environment variables.
//!
//! Always holds: the import and builtin lists are a friendly layer of the executor and no protection, and every answer from them says so.

use serde_json::json;

use super::compiled::Compiled;
use super::edit::Edit;
use super::stdlib::is_standard;
use super::{Finding, Line, Ruling};
use crate::files::{Found, Kind};
use crate::host::Arch;
use crate::plan::{At, Plan, Program, View};

const FRIENDLY: &str = "the executor's friendly layer, which is no protection";

/// Whether the code may import a module.
pub(super) fn import(name: &str, compiled: &Compiled<'_>, plan: &Plan) -> Finding {
    let python = &compiled.policy.python;
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
    if let Some(why) = unfit(name, compiled, plan) {
        let line = Line::entry(compiled, field, index);
        let because = format!("{field} lets it through, but {why}");
        return Finding { ruling: Ruling::Denied("ImportError"), because, line, cure: Err("no list changes what is installed".to_owned()) };
    }
    let missing = if is_standard(name) || installed(name, compiled) { "" } else { "; it is not installed beside this interpreter" };
    let because = format!("{FRIENDLY}: {field} lets it through{missing}");
    Finding { ruling: Ruling::Allowed, because, line: Line::entry(compiled, field, index), cure }
}

/// Modules that can be compiled into an interpreter, so that no file has their name.
const COMPILED: &[&str] = &[
    "array",
    "atexit",
    "audioop",
    "binascii",
    "builtins",
    "cmath",
    "errno",
    "faulthandler",
    "fcntl",
    "gc",
    "grp",
    "itertools",
    "marshal",
    "math",
    "mmap",
    "nis",
    "ossaudiodev",
    "posix",
    "pwd",
    "pyexpat",
    "readline",
    "resource",
    "select",
    "spwd",
    "sys",
    "syslog",
    "termios",
    "time",
    "unicodedata",
    "zlib",
];
/// Modules that begin by importing one that many interpreters lack.
const REST_ON: &[(&str, &str)] = &[("turtle", "tkinter")];

/// Why a module of the standard library cannot be imported from what a run sees.
fn unfit(name: &str, compiled: &Compiled<'_>, plan: &Plan) -> Option<String> {
    let Ok(Program::Python(python)) = compiled.ground.program else { return None };
    let view = View { plan, host: compiled.ground.host, files: compiled.ground.files };
    let (major, minor, _) = python.version;
    let library = format!("/python{major}.{minor}");
    let directory = |path: &str| matches!(view.files.look(path), Some(Found::There(inode)) if inode.kind == Kind::Directory);
    let library = python.core.binds.keys().find(|bind| bind.ends_with(&library) && directory(bind)).filter(|_| is_standard(name))?;
    let arch = if compiled.arch() == Arch::X86_64 { "x86_64" } else { "aarch64" };
    let extension = |name: &str| format!("{library}/lib-dynload/{name}.cpython-{major}{minor}-{arch}-linux-gnu.so");
    let there = |path: &str| matches!(view.walk(path).end, Ok(At::Bind(_, Some(_))));
    let unknown = |path: &str| matches!(view.walk(path).end, Ok(At::Bind(_, None)));
    if let Some((_, rests)) = REST_ON.iter().find(|(known, _)| *known == name) {
        return unfit(rests, compiled, plan);
    }
    let files = [format!("{library}/{name}.py"), format!("{library}/{name}"), extension(name)];
    if files.iter().any(|file| unknown(file)) {
        return None;
    }
    if !files.iter().any(|file| there(file)) && !name.starts_with('_') && !COMPILED.contains(&name) {
        return Some(format!("this interpreter has no {name}: ModuleNotFoundError"));
    }
    let loaded = [extension(name), extension(&format!("_{name}"))].into_iter().filter(|file| there(file));
    let lacks = |file: String| {
        let needed = compiled.ground.files.libraries(&python.executable, &file)?;
        needed.into_iter().find(|library| view.walk(library).end.is_err()).map(|library| (file, library))
    };
    let (file, library) = loaded.filter_map(lacks).next()?;
    Some(format!("{file} needs {library}, which a run is not shown"))
}

/// Whether a package lies in a directory that imports look at; where nobody has looked, it is taken to.
fn installed(name: &str, compiled: &Compiled<'_>) -> bool {
    let Ok(Program::Python(python)) = compiled.ground.program else { return true };
    let there = |directory: &String| {
        [format!("{directory}/{name}"), format!("{directory}/{name}.py")]
            .iter()
            .any(|path| compiled.ground.files.look(path) != Some(Found::Missing))
    };
    python.site_paths.iter().any(there)
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
        None if !crate::load::is_builtin(name) => {
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
    let Some(value) = value else {
        let because = "the run's environment holds exactly what the policy writes".to_owned();
        let line = Line::none(format!("no line writes {field}"));
        return Finding { ruling: Ruling::Denied("not set"), because, line, cure: Ok(vec![Edit::Set(field, json!("..."))]) };
    };
    if compiled.policy.python.runner_env_deny {
        let because = format!("{FRIENDLY}, empties os.environ; the process has {name}={value:?}");
        let line = Line::field(compiled, "python.runner_env_deny");
        let cure = Ok(vec![Edit::set("python.runner_env_deny", json!(false))]);
        return Finding { ruling: Ruling::Denied("not set"), because, line, cure };
    }
    let because = format!("the run's environment, where it is {value:?}");
    let line = Line::field(compiled, &field);
    let cure = Ok(vec![Edit::set("python.runner_env_deny", json!(true))]);
    Finding { ruling: Ruling::Allowed, because, line, cure }
}
