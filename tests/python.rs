//! The interpreter: nothing that Python itself can do or break is a protection, and none of it disturbs the supervisor.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::observe::Seen::{Denied, Message, OneOf, Raised, Signaled, Value};
use remand_tests::observe::compare;
use remand_tests::scratch::Scratch;
use remand_tests::technique::{Control, Technique};
use remand_tests::{Check, End, ensure, plain, policy_text, probe, trial};
use serde_json::json;

/// One row per technique.
pub const TABLE: &[Technique] = &[
    Technique::new("null_pointer", probe!("crash_the_interpreter"), &[Signaled("SIGSEGV")], ALIVE).query("\"pointer\""),
    Technique::new("broken_code_object", probe!("crash_the_interpreter"), &[Signaled("SIGSEGV")], ALIVE).query("\"code\""),
    Technique::new("exception_of_64_mebibytes", probe!("error_bomb"), &[Raised("Bomb")], PLAIN_ERROR).query("\"huge\""),
    Technique::new("exception_whose_text_raises", probe!("error_bomb"), &[Raised("Bomb")], PLAIN_ERROR).query("\"raises\""),
    Technique::new("exception_whose_text_is_a_number", probe!("error_bomb"), &[Raised("Bomb")], PLAIN_ERROR).query("\"number\""),
    Technique::new("traceback_without_end", probe!("error_bomb"), &[Raised("RecursionError")], PLAIN_ERROR).query("\"deep\""),
];

const ALIVE: Control = Control::Query("\"nothing\"", &[Value("\"alive\"")]);
const PLAIN_ERROR: Control = Control::Query("\"plain\"", &[Raised("Bomb"), Message("plain")]);

/// What needs files beside the command, or more than one policy.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("python::planted_modules [Y1]", planted_modules),
        trial("python::c_stack_overflow [Y12]", c_stack_overflow),
        trial("python::import_list_is_no_wall [Y13]", import_list_is_no_wall),
    ]
}

fn planted_modules() -> Check {
    let scratch = Scratch::new();
    for name in ["colorsys.py", "sitecustomize.py", "usercustomize.py", "json.py"] {
        let _ = scratch.file(name, "PLANTED = True\n");
    }
    let path = scratch.path().display().to_string();
    let probe = probe!("import_planted");
    let hijack = |call: Call| {
        call.cwd(scratch.path())
            .env("PYTHONPATH", &path)
            .env("PYTHONSTARTUP", &format!("{path}/colorsys.py"))
            .env("PYTHONHOME", &format!("{path}/none"))
    };
    let outcome = hijack(Call::run(&probe.code(), &[])).end()?.outcome()?;
    compare(&outcome, &[Value(r#"{"colorsys":false,"sitecustomize":false,"path":[]}"#)])?;
    let control = Call::program(&plain::python(), &["-c", "import colorsys; print(colorsys.PLANTED)"])
        .cwd(scratch.path())
        .env("PYTHONPATH", &path)
        .end()?;
    ensure(control.out().trim() == "True", "a plain interpreter takes the planted module", &control)
}

/// Newer interpreters turn the overflow into an exception; older ones die of it. Either is an honest ending.
fn c_stack_overflow() -> Check {
    let outcome = Call::run(&probe!("crash_the_interpreter").code(), &["--query".to_owned(), "\"stack\"".to_owned()]).end()?.outcome()?;
    let ends = [Signaled("SIGSEGV"), Raised("RecursionError"), Raised("MemoryError")];
    ensure(ends.iter().any(|end| compare(&outcome, &[*end]).is_ok()), "the overflow ends as what it is", &outcome["verdict"])?;
    compare(&Call::run("return 'alive'", &[]).end()?.outcome()?, &[Value("\"alive\"")]).map_err(End::Fail)
}

fn import_list_is_no_wall() -> Check {
    let scratch = Scratch::new();
    let config = scratch.file(
        "security.json",
        &json!({ "stdlib_allow": ["errno"], "external_allow": [], "builtins_deny": [], "runner_env_deny": true }).to_string(),
    );
    let config = ["--security-config".to_owned(), config.display().to_string()];
    let probe = probe!("bypass_import_list");
    let policy = policy_text::extending("strict", &scratch, &json!({})).display().to_string();
    let strict = Call::run(&probe.code(), &[&config[..], &["--policy".to_owned(), policy]].concat()).end()?.outcome()?;
    compare(&strict, &[Value(r#"{"refused":true,"fork":"EPERM"}"#), OneOf("/refused", &["true"])])?;
    ensure(
        ["clone", "fork", "vfork"].iter().any(|call| compare(&strict, &[Denied(call, "EPERM")]).is_ok()),
        "the kernel said no",
        &strict["violations"],
    )?;
    let default = Call::run(&probe.code(), &config).end()?.outcome()?;
    compare(&default, &[Value(r#"{"refused":true,"fork":"ok"}"#)]).map_err(End::Fail)
}
