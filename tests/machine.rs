//! What a run is told of the machine that it is on: its CPUs, its locale, where programs are, its standard streams by their paths.
//!
//! Always holds: each trial has a control in which the same question has another answer.

use libtest_mimic::Trial;
use remand_tests::command::Call;
use remand_tests::policy_text::write;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, ensure, plain, trial};
use serde_json::{Value, json};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("machine::the_count_of_cpus_follows_the_limit", cpus),
        trial("machine::the_locale_of_the_environment_is_there", locale),
        trial("machine::path_holds_the_interpreters_directory", path),
        trial("machine::standard_streams_are_opened_by_their_paths", streams),
    ]
}

const CPUS: &str = "import os\nreturn [os.cpu_count(), os.environ.get('OMP_NUM_THREADS')]";

fn cpus() -> Check {
    let scratch = Scratch::new();
    let here = plain::call("import os\nreturn os.cpu_count()", &Value::Null, plain::Apart::Nothing).end()?.out();
    let here: u64 = here.trim().parse().unwrap_or(0);
    // The control is the last one: without a limit, the host's own count.
    for (limit, count, pool) in [(json!(1), 1, "1"), (json!(0.5), 1, "1"), (json!(2), here.min(2), "2"), (json!("unlimited"), here, "64")] {
        let sections = json!({ "limits": { "cpus": limit }, "environment": { "OMP_NUM_THREADS": "64" } });
        let policy = write(&scratch, &sections).display().to_string();
        let outcome = Call::run(CPUS, &["--policy".into(), policy.clone()]).end()?.outcome()?;
        let pool = pool.parse().map_or(here, |pool: u64| pool.min(here)).to_string();
        ensure(outcome["value"] == json!([count, pool]), "the count and the pool", &(&limit, here, &outcome))?;
        let why = Call::new(&["policy", "why", "--policy", &policy, "env OMP_NUM_THREADS"]).end()?;
        ensure(why.out().contains(&format!("\"{pool}\"")), "why says what the run has", &why)?;
    }
    let code = "import os\nreturn os.environ['OPENBLAS_NUM_THREADS']";
    for (cpus, pool) in [("1", 1), ("2", here.min(2))] {
        let numeric = ["--policy".to_owned(), "numeric".to_owned(), "--set".to_owned(), format!("limits.cpus={cpus}")];
        let outcome = Call::run(code, &numeric).end()?.outcome()?;
        ensure(outcome["value"] == json!(pool.to_string()), "the pools of packages follow", &outcome)?;
    }
    let why = Call::new(&["policy", "why", "open /sys/devices/system/cpu/online"]).end()?;
    ensure(why.code == Some(0) && why.out().contains("made for the run"), "one of the run's own", &why)?;
    let code = "return [open(f'/sys/devices/system/cpu/{name}').read() if name == 'online' else __import__('os').listdir('/sys/devices/system/cpu') for name in ('online', '')]";
    let outcome = Call::run(code, &[]).end()?.outcome()?;
    ensure(outcome["value"] == json!(["0\n", ["online"]]), "and nothing else of the host's", &outcome)
}

fn locale() -> Check {
    let code = "import locale, os\nreturn [os.environ['LANG'], locale.setlocale(locale.LC_ALL, ''), len('\u{e4}'.encode(locale.getpreferredencoding()))]";
    let outcome = Call::run(code, &[]).end()?.outcome()?;
    ensure(outcome["value"] == json!(["C.UTF-8", "C.UTF-8", 2]), "the locale is there", &outcome)?;
    let scratch = Scratch::new();
    let policy = write(&scratch, &json!({ "environment": { "LANG": "xx_XX.UTF-8" } })).display().to_string();
    let outcome = Call::run(code, &["--policy".into(), policy]).end()?.outcome()?;
    let told = outcome["error"].to_string();
    ensure(told.contains("unsupported locale setting"), "the control: one that no host has", &told)
}

fn path() -> Check {
    let code = "import os, sys\nreturn [os.environ['PATH'].split(':')[0] == os.path.dirname(sys.executable), os.environ['PATH']]";
    let outcome = Call::run(code, &[]).end()?.outcome()?;
    ensure(outcome["value"][0] == true, "the interpreter's directory", &outcome)?;
    let scratch = Scratch::new();
    let policy = write(&scratch, &json!({ "environment": { "PATH": "/opt/own" } })).display().to_string();
    let outcome = Call::run(code, &["--policy".into(), policy]).end()?.outcome()?;
    ensure(outcome["value"] == json!([false, "/opt/own"]), "the control: what the policy writes", &outcome)
}

const STREAMS: &str = "import os
def answer(path):
    try:
        with open(path, 'w') as stream:
            return stream.write('by ' + path) > 0
    except OSError as error:
        return error.errno
return [answer('/dev/stdout'), answer('/dev/stderr')]";

fn streams() -> Check {
    let scratch = Scratch::new();
    let outcome = Call::run(STREAMS, &[]).end()?.outcome()?;
    ensure(outcome["value"] == json!([true, true]), "both are opened", &outcome)?;
    let told = (outcome["stdout"].to_string(), outcome["stderr"].to_string());
    ensure(told.0.contains("by /dev/stdout") && told.1.contains("by /dev/stderr"), "and what is written arrives", &told)?;
    // The control: without /proc there is nothing that the links could lead to.
    let policy = write(&scratch, &json!({ "filesystem": { "proc": false } })).display().to_string();
    let outcome = Call::run(STREAMS, &["--policy".into(), policy]).end()?.outcome()?;
    ensure(outcome["value"].as_array().is_some_and(|value| value[0].is_u64()), "no /proc, no links into it", &outcome)
}
