//! The table of system calls that an interpreter can't start without, held to reality.

use libtest_mimic::Trial;
use remand_policy::{load, shipped};
use remand_syscalls::{Arch, NEEDED_TO_START, number};
use remand_tests::command::Call;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("start::each_call_that_is_needed", each_call),
        trial("start::check_warns_of_a_policy_that_starts_nothing", warned),
        trial("start::check_knows_what_a_start_needs [9.72]", || agrees("deny")),
        trial("start::check_knows_what_a_start_tries [9.72]", || agrees("kill")),
    ]
}

const ARCH: Arch = Arch::HERE;

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

/// Each call of the default policy taken away in turn: where `check` finds fault, a real start fails, and where it is content there is one.
fn agrees(list: &str) -> Check {
    let scratch = Scratch::new();
    let taking = |calls: &[&str]| policy_text::write(&scratch, &json!({ "syscalls": { list: calls } })).display().to_string();
    let check = |policy: &str| -> Result<(bool, bool), End> {
        let ended = Call::new(&["policy", "check", "--json", policy]).end()?;
        let record: Value = serde_json::from_slice(&ended.stdout).map_err(|error| End::Fail(format!("{error}: {ended:?}")))?;
        let here = record["here"].to_string();
        ensure(ended.code == Some(i32::from(here != "[]")), "the status says it", &ended)?;
        Ok((!here.contains("`remand run` starts nothing"), !here.contains("`remand exec` starts hardly anything")))
    };
    let starts = |policy: &str| -> Result<(bool, bool), End> {
        let run = Call::new(&["run", "--policy", policy, "-"]).input(b"return 1").end()?;
        let exec = Call::new(&["exec", "--policy", policy, "--", "/bin/true"]).end()?;
        Ok((run.code == Some(0), exec.code == Some(0)))
    };
    let default =
        shipped::source("default").and_then(|source| load::parse(&load::Chain::shipped(&source), "default").map_err(|_| String::new()));
    let granted = default
        .map(|policy| remand_syscalls::granted(&policy.syscalls.rules))
        .map_err(End::Fail)?
        .map_err(|why| End::Fail(why.to_string()))?;
    let mut fine = Vec::new();
    for call in granted.keys().copied().filter(|call| number(ARCH, call).is_some() && !call.starts_with("execve")) {
        let policy = taking(&[call]);
        let said = check(&policy)?;
        if said == (true, true) {
            fine.push(call);
        } else {
            let seen = starts(&policy)?;
            ensure(seen == said, "what check says does not start does not", &(list, call, said, seen))?;
        }
    }
    ensure(!fine.is_empty() && fine.len() < granted.len(), "check tells them apart", &fine)?;
    // What nothing tries can be taken at once; of what is tried and done without, one may stand in for another.
    let together = if list == "kill" { fine.len() } else { 1 };
    for calls in fine.chunks(together) {
        ensure(starts(&taking(calls))? == (true, true), "what check is content with starts", &(list, calls))?;
    }
    Ok(())
}

fn warned() -> Check {
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({ "syscalls": { "deny": ["mmap"] } })).display().to_string();
    let ended = Call::new(&["policy", "check", &policy]).end()?;
    ensure(ended.code == Some(1) && ended.err().contains("no Python starts under this policy: it needs mmap"), "a warning", &ended)?;
    let ended = Call::new(&["policy", "check", "--deny-warnings", &policy]).end()?;
    ensure(ended.code == Some(2), "which --deny-warnings refuses", &ended)
}
