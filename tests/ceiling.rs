//! The ceiling of a machine: what is beyond it does not run.

use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended, binary};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![trial("ceiling::runs_beyond_it_are_refused", enforced)]
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

fn enforced() -> Check {
    if !nix::unistd::geteuid().is_root() {
        return Err(End::Skip("a privileged start".to_owned()));
    }
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
