//! The ceiling of a machine: what is beyond it does not run.

use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended, binary};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![trial("ceiling::runs_beyond_it_are_refused", enforced), trial("ceiling::nothing_beyond_it_is_offered [9.18 9.23]", offers)]
}

/// In a mount namespace of its own, with nothing in `/etc` but this ceiling.
fn under(ceiling: &Path, args: &[&str]) -> Result<Ended, End> {
    let script =
        "mount -t tmpfs -o mode=755 tmpfs /etc && mkdir /etc/remand && cat \"$1\" >/etc/remand/ceiling.jsonc && shift && exec \"$@\"";
    let binary = binary().display().to_string();
    let ceiling = ceiling.display().to_string();
    let command = [&["--mount", "/bin/sh", "-c", script, "sh", &ceiling, &binary], args].concat();
    Call::program(Path::new("unshare"), &command).input(b"return 1").end()
}

fn privileged() -> Check {
    if nix::unistd::geteuid().is_root() { Ok(()) } else { Err(End::Skip("a privileged start".to_owned())) }
}

fn enforced() -> Check {
    privileged()?;
    let scratch = Scratch::new();
    let ceiling = |text: &str| scratch.file("ceiling.jsonc", &format!("{{\"version\": 1, \"extends\": \"default\"{text}}}"));
    let ended = under(&ceiling(""), &["run", "-"])?;
    ensure(ended.code == Some(0) && ended.out() == "1\n", "what is within runs", &ended)?;
    let lower = ceiling(", \"limits\": {\"memory\": \"128MiB\"}");
    let refused = |ended: &Ended| {
        let told = ended.err();
        ended.code == Some(2)
            && ended.stdout.is_empty()
            && told.contains("beyond the ceiling")
            && told.contains("limits.memory: \"256MiB\"")
            && told.contains("allowed: \"128MiB\"")
    };
    for args in [
        &["run", "-"][..],
        &["run", "--set", "limits.memory=64MiB", "-"],
        &["exec", "--", "/bin/true"],
        &["policy", "test", "--live", "default"],
    ] {
        let ended = under(&lower, args)?;
        ensure(refused(&ended), "refused, naming the field, the value and the most", &(args, ended))?;
    }
    let ended = under(&lower, &["run", "--policy", "strict", "-"])?;
    ensure(ended.code == Some(0), "a policy within it runs", &ended)?;
    let ended = under(&scratch.file("broken.jsonc", "{"), &["run", "--policy", "strict", "-"])?;
    ensure(
        ended.code == Some(2) && ended.err().contains("the ceiling /etc/remand/ceiling.jsonc"),
        "a broken ceiling lets nothing run",
        &ended,
    )
}

/// What `why` would offer, and `allow` and `set` write, beneath a ceiling and beneath one that has room for it.
fn offers() -> Check {
    privileged()?;
    let scratch = Scratch::new();
    let none = scratch.file("none.jsonc", r#"{"version": 1, "extends": "default", "limits": {"memory": "300MiB"}}"#);
    let mounts = json!(["/usr", "/var/lib"].map(|source| json!({ "source": source, "writable": true, "exec": true, "reason": "a test" })));
    let room = json!({
        "version": 1, "extends": "default",
        "limits": { "memory": "unlimited", "pids": 4096 },
        "filesystem": { "tmp": { "exec": true }, "mounts": { "add": mounts } },
        "syscalls": { "allow": { "add": [{ "call": "@sockets", "reason": "a test" }] } },
    });
    let room = scratch.file("room.jsonc", &room.to_string());
    let questions = ["read /var/lib", "exec /usr/bin/env", "exec /tmp/x", "memory 1GiB", "pids 100", "socket 2 1 0"];
    for question in questions {
        let change = |ceiling: &Path| -> Result<Value, End> {
            let ended = under(ceiling, &["policy", "why", "--json", question])?;
            let answer: Value = serde_json::from_slice(&ended.stdout).map_err(|error| End::Fail(format!("{error}: {ended:?}")))?;
            Ok(answer["change"].clone())
        };
        let offered = change(&room)?;
        ensure(
            offered["edits"].as_array().is_some_and(|edits| !edits.is_empty()),
            "where there is room it is offered",
            &(question, &offered),
        )?;
        let told = change(&none)?;
        let said = told["none"]
            .as_str()
            .is_some_and(|why| why.contains("beyond the ceiling /etc/remand/ceiling.jsonc") && why.contains("can raise it"));
        ensure(said && told["edits"].is_null(), "beyond it nothing is, and who can allow it is said", &(question, told))?;
    }
    let text = r#"{"version": 1, "extends": "default"}"#;
    let mine = scratch.file("mine.jsonc", text).display().to_string();
    for edit in [&["set", &mine, "limits.memory=1GiB"][..], &["allow", &mine, "/var/lib"], &["allow", "--exec", &mine, "/usr/bin/env"]] {
        let ended = under(&none, &[&["policy"], edit].concat())?;
        let written = std::fs::read_to_string(&mine)?;
        ensure(
            ended.code == Some(2) && ended.err().contains("ceiling") && written == text,
            "nothing beyond it is written",
            &(edit, ended),
        )?;
        ensure(under(&room, &[&["policy"], edit].concat())?.code == Some(0), "where there is room it is", &edit)?;
        std::fs::write(&mine, text)?;
    }
    // What is beyond already is not called allowed.
    let ended = under(&none, &["policy", "why", "--policy", &scratch.file("wide.jsonc", WIDE).display().to_string(), "memory 350MiB"])?;
    ensure(ended.code == Some(1) && ended.err().contains("beyond the ceiling"), "nothing runs under what is beyond", &ended)
}

const WIDE: &str = r#"{"version": 1, "extends": "default", "limits": {"memory": "400MiB"}}"#;
