//! Denials that a policy expects, and denials beside errors that have nothing to do with them.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::policy_text;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::json;

/// A call that is not allowed, and then an exception.
const FAILS: &str = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("quiet::what_the_policy_expects_is_counted_apart", apart),
        trial("quiet::what_ends_the_run_is_never_quiet", ends),
        trial("quiet::a_denial_is_told_beside_an_error_that_fits_it", fitting),
        trial("quiet::a_request_adds_none", narrowing),
    ]
}

/// The account and the record of the same code, under default with this `syscalls` section.
fn both(syscalls: &serde_json::Value, code: &str) -> Result<(String, serde_json::Value), End> {
    let scratch = Scratch::new();
    let policy = policy_text::extending("default", &scratch, &json!({ "syscalls": syscalls })).display().to_string();
    let file = scratch.file("code.py", &format!("{FAILS}{code}")).display().to_string();
    let told = Call::new(&["run", "--policy", &policy, &file]).end()?.err();
    let record = Call::new(&["run", "--json", "--policy", &policy, &file]).end()?.outcome()?;
    Ok((told, record))
}

fn names(list: &serde_json::Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|denied| denied["syscall"].as_str()).collect()
}

fn apart() -> Check {
    let code = "seen = [libc.syscall(237, 0, 0, 0, 0, 0, 0), ctypes.get_errno()]\nraise PermissionError(1, f'seen {seen}')";
    let code = if cfg!(target_arch = "aarch64") { code.replace("237", "235") } else { code.to_owned() };
    for quiet in ["mbind", "@numa"] {
        let (told, record) = both(&json!({ "quiet": [quiet] }), &code)?;
        ensure(!told.contains("denied:") && told.contains("[-1, 1]"), "it is answered EPERM and not told", &told)?;
        ensure(names(&record["violations"]).is_empty() && names(&record["quiet"]) == ["mbind"], "it is counted apart", &record)?;
        ensure(record["quiet"][0]["count"] == 1, "and counted", &record)?;
    }
    let (told, record) = both(&json!({}), &code)?;
    ensure(told.contains("denied: mbind") && told.contains("[-1, 1]"), "control: otherwise it is told", &told)?;
    ensure(names(&record["violations"]) == ["mbind"] && names(&record["quiet"]).is_empty(), "control: and is among the others", &record)
}

fn ends() -> Check {
    let (told, record) = both(&json!({ "quiet": ["@debug"], "kill": ["@debug"] }), "libc.ptrace(0, 0, 0, 0)")?;
    ensure(told.contains("denied: ptrace") && names(&record["violations"]) == ["ptrace"], "the call that ended the run", &(told, record))
}

fn fitting() -> Check {
    let told =
        |raise: &str| both(&json!({}), &format!("libc.ptrace(0, 0, 0, 0)\n{raise}")).map(|(told, _)| told.contains("denied: ptrace"));
    for unrelated in ["raise ValueError('bad row')", "open('/none')"] {
        ensure(!told(unrelated)?, "nothing is told beside an unrelated error", &unrelated)?;
    }
    for related in
        ["raise OSError(ctypes.get_errno(), os.strerror(1))", "raise ValueError('x') from PermissionError(13, 'no')", "os._exit(3)"]
    {
        ensure(told(related)?, "control: it is told where the error fits", &related)?;
    }
    Ok(())
}

fn narrowing() -> Check {
    let set = |value: &str| Call::run("return 1", &["--set".to_owned(), format!("syscalls.quiet={value}")]).end();
    let ended = set("[\"mbind\"]")?;
    ensure(ended.code == Some(2) && ended.err().contains("syscalls.quiet"), "a request silences nothing", &ended)?;
    ensure(set("[]")?.code == Some(0), "control: it may ask for none", &"")
}
