//! The table of system calls that an interpreter can't start without, held to reality.

use libtest_mimic::Trial;
use remand_policy::host::Arch;
use remand_policy::syscalls::{NEEDED_TO_START, number};
use remand_tests::command::Call;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, ensure, policy_text, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![trial("start::each_call_that_is_needed", each_call), trial("start::check_warns_of_a_policy_that_starts_nothing", warned)]
}

const ARCH: Arch = if cfg!(target_arch = "aarch64") { Arch::Aarch64 } else { Arch::X86_64 };

fn each_call() -> Check {
    let scratch = Scratch::new();
    let run = |denied: &str| {
        let policy = policy_text::write(&scratch, &json!({ "syscalls": { "deny": [denied] } }));
        let args = ["run", "--json", "--policy", &policy.display().to_string(), "-"];
        Call::new(&args).input(b"return 1").end()?.outcome()
    };
    ensure(run("mkdir")?["verdict"]["kind"] == "finished", "a call that no start needs", &"mkdir")?;
    for call in NEEDED_TO_START.iter().filter(|call| number(ARCH, call).is_some()) {
        let verdict = &run(call)?["verdict"];
        ensure(["not_started", "exited", "signaled"].iter().any(|kind| verdict["kind"] == *kind), call, verdict)?;
    }
    Ok(())
}

fn warned() -> Check {
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({ "syscalls": { "deny": ["mmap"] } })).display().to_string();
    let ended = Call::new(&["policy", "check", &policy]).end()?;
    ensure(ended.code == Some(0) && ended.err().contains("no Python starts under this policy: it needs mmap"), "a warning", &ended)?;
    let ended = Call::new(&["policy", "check", "--deny-warnings", &policy]).end()?;
    ensure(ended.code == Some(2), "which --deny-warnings refuses", &ended)
}
