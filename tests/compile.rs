//! Programs that a run finds in its own root, and compilers there.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::observe::Seen::{Exceeded, Raised, Value};
use remand_tests::observe::compare;
use remand_tests::policy_text;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::json;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("compile::a_mount_that_shows_the_program_is_no_conflict", shows_the_program),
        trial("compile::the_program_of_the_runs_root_is_the_one_that_runs", of_the_root),
        trial("compile::c_is_compiled_and_executed_in_a_run", || compiles("gcc", "c", C)),
        trial("compile::cpp_is_compiled_and_executed_in_a_run", || compiles("g++", "cc", CPP)),
        trial("compile::a_product_goes_out_on_standard_output", product),
        trial("compile::sources_without_end_end_at_a_limit", bombs),
    ]
}

const C: &str = "#include <stdio.h>\nint main(void) { return puts(\"made\") < 0; }\n";
const CPP: &str = "#include <iostream>\n#include <vector>\nint main() { std::vector<int> v{1, 2}; std::cout << (v.size() == 2 ? \"made\" : \"\") << '\\n'; }\n";
/// Types that double with each of twenty steps.
const TEMPLATES: &str = "template<class T, int N> struct B { B<B<T, N>, N - 1> a; B<B<T *, N>, N - 1> b; };\n\
                         template<class T> struct B<T, 0> { T *p; };\nB<int, 20> x;\n";

/// Skips where the host has no such compiler.
fn need(compiler: &str) -> Check {
    let there = Path::new("/usr/bin").join(compiler).exists();
    if there { Ok(()) } else { Err(End::Skip(format!("{compiler} in /usr/bin"))) }
}

/// Code that compiles this source and, where it was made, executes it.
fn code(compiler: &str, ending: &str, source: &str) -> String {
    format!(
        "import json, subprocess\nopen('/tmp/a.{ending}', 'w').write(json.loads({:?}))\n\
         made = subprocess.run(['{compiler}', '-o', '/tmp/a', '/tmp/a.{ending}'], capture_output=True, text=True)\n\
         return [made.returncode, made.stderr] if made.returncode else subprocess.run(['/tmp/a'], capture_output=True, text=True).stdout",
        json!(source).to_string()
    )
}

fn under(policy: &str) -> Vec<String> {
    vec!["--policy".to_owned(), policy.to_owned()]
}

fn compiles(compiler: &'static str, ending: &str, source: &str) -> Check {
    need(compiler)?;
    let code = code(compiler, ending, source);
    compare(&Call::run(&code, &under("compile")).end()?.outcome()?, &[Value("\"made\\n\"")])?;
    let control = Call::run(&code, &under("default")).end()?.outcome()?;
    compare(&control, &[Raised("FileNotFoundError")]).map_err(|error| End::Fail(format!("control: {error}")))
}

fn product() -> Check {
    need("gcc")?;
    let scratch = Scratch::new();
    let script = "printf 'int main(void) { return 42; }' > a.c && gcc -o a a.c && cat a";
    let ended = Call::new(&["exec", "--policy", "compile", "--", "sh", "-c", script]).cwd(Path::new("/")).end()?;
    ensure(ended.code == Some(0) && ended.stdout.starts_with(b"\x7fELF"), "the program comes out", &ended.err())?;
    let made = scratch.path().join("made");
    fs::write(&made, &ended.stdout)?;
    let set = Command::new("chmod").arg("755").arg(&made).status()?;
    let status = Command::new(&made).status()?;
    ensure(set.success() && status.code() == Some(42), "as it was made", &status)
}

fn bombs() -> Check {
    need("g++")?;
    let small = |policy: &str| [under(policy), vec!["--set".to_owned(), "limits.memory=128MiB".to_owned()]].concat();
    let outcome = Call::run(&code("g++", "cc", TEMPLATES), &small("compile")).end()?.outcome()?;
    compare(&outcome, &[Exceeded("memory")])?;
    let endless = code("gcc", "c", "#include \"/dev/zero\"\n");
    let missing = Call::run(&endless, &small("compile")).end()?.outcome()?;
    ensure(missing["value"].to_string().contains("No such file"), "there is no such device", &missing)?;
    let scratch = Scratch::new();
    let policy =
        policy_text::extending("compile", &scratch, &json!({ "filesystem": { "devices": ["null", "zero"] } })).display().to_string();
    compare(&Call::run(&endless, &small(&policy)).end()?.outcome()?, &[Exceeded("memory")]).map_err(End::Fail)
}

fn shows_the_program() -> Check {
    let scratch = Scratch::new();
    let with = |mount: serde_json::Value| {
        let policy = policy_text::extending("default", &scratch, &json!({ "filesystem": { "mounts": [mount] } })).display().to_string();
        Ok::<_, End>((
            Call::new(&["exec", "--policy", &policy, "--", "env", "printf", "here"]).end()?,
            Call::run("return __import__('os').path.exists('/usr/share')", &under(&policy)).end()?,
        ))
    };
    let (exec, run) = with(json!({ "source": "/usr", "exec": true }))?;
    ensure(exec.code == Some(0) && exec.out() == "here", "a program of /usr, with all of /usr", &exec)?;
    compare(&run.outcome()?, &[Value("true")])?;
    let (exec, run) = with(json!({ "source": "/usr" }))?;
    for refused in [exec, run] {
        ensure(refused.code != Some(0) && format!("{refused:?}").contains("only with"), "control: not without exec", &refused)?;
    }
    let (exec, _) = with(json!({ "source": "/usr/share", "target": "/usr", "exec": true }))?;
    ensure(exec.code != Some(0) && exec.err().contains("as it is"), "control: another directory there is a conflict", &exec)
}

/// One that the caller has too.
fn of_the_root() -> Check {
    let Some(shell) = ["/usr/bin/dash", "/usr/bin/bash"].into_iter().find(|shell| Path::new(shell).exists()) else {
        return Err(End::Skip("a shell in /usr/bin".to_owned()));
    };
    let scratch = Scratch::new();
    let told = |mounts: serde_json::Value| {
        let sections = json!({ "filesystem": { "mounts": mounts }, "environment": { "PATH": "/srv/tools:/usr/bin" } });
        let policy = policy_text::extending("default", &scratch, &sections).display().to_string();
        Call::new(&["exec", "--policy", &policy, "--", "printf", "%s", "the host's"]).end()
    };
    let ended = told(json!([{ "source": shell, "target": "/srv/tools/printf", "exec": true }]))?;
    // A shell that is asked for the script %s.
    ensure(ended.code != Some(0) && ended.err().contains("%s"), "the mounted one runs", &ended)?;
    let ended = told(json!([{ "source": shell, "target": "/srv/tools/printf" }]))?;
    ensure(ended.code == Some(0) && ended.out() == "the host's", "control: the caller's own, where the mount executes nothing", &ended)
}
