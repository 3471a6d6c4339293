//! Learning: what was proposed lets the job finish, which the old policy does not; and what is dangerous is neither tried nor proposed.

use std::path::Path;

use libtest_mimic::Trial;
use remand_tests::command::{Call, Ended};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::{Value, json};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("learn::a_harmless_group", || {
            let base = json!({ "syscalls": { "allow": { "remove": ["@threads", "@exec", "@socketpair", "@scheduling", "@poll"] } } });
            learned("default", &base, "import select\nreturn select.poll().poll(0)", &[("syscalls.allow", json!("@poll"))])
        }),
        trial("learn::threads", || {
            let code = "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\nreturn 1";
            learned("strict", &json!({}), code, &[("syscalls.allow", json!("@threads"))])
        }),
        trial("learn::refused_imports", || {
            let base = json!({ "python": { "stdlib_allow": ["json"] } });
            let added = [("python.stdlib_allow", json!("errno")), ("python.stdlib_allow", json!("math"))];
            learned("default", &base, "import json, errno\nimport math\nreturn math.pi", &added)
        }),
        trial("learn::memory_with_headroom", memory),
        trial("learn::processes", || {
            let code = "import os\npids = []\nfor _ in range(9):\n  pid = os.fork()\n  if not pid:\n    os.read(0, 1)\n    import time\n    time.sleep(0.2)\n    os._exit(0)\n  \
                        pids.append(pid)\nfor pid in pids: os.waitpid(pid, 0)\nreturn 9";
            let learned = teach("default", &json!({ "limits": { "pids": 4 } }), code, &[])?;
            let line = line(&learned, "limits.pids")?;
            ensure(line["value"].as_u64().is_some_and(|pids| (10..=16).contains(&pids)), "ten, and half as many again", &learned)
        }),
        trial("learn::a_file_of_the_host", host_file),
        trial("learn::a_python_program", python),
        trial("learn::a_file_for_a_program", program),
        trial("learn::a_program_that_a_shell_finds_by_path [9.60]", by_path),
        trial("learn::sockets_are_told_apart", sockets),
        trial("policies::why_import_answers_as_a_run_does [9.61]", imports),
        trial("learn::dangerous_calls_stay_denied", dangerous),
        trial("learn::secrets_are_not_shown", secrets),
        trial("learn::never_beyond_the_ceiling", ceiling),
        trial("learn::several_inputs", several),
        trial("learn::what_is_not_needed_is_left_out", unneeded),
        trial("learn::a_job_that_only_says_that_it_failed_is_not_done [9.22]", said),
        trial("learn::nothing_is_written_unasked", unasked),
        trial("learn::unusable_jobs", unusable),
    ]
}

/// What was learned, with the exit code.
fn learn(policy: &Path, options: &[&str], job: &[&str]) -> Result<(Value, Ended), End> {
    let policy = policy.display().to_string();
    let call = Call::new(&[&["policy", "learn", "--json", "--from", policy.as_str()], options, &["--"], job].concat());
    let ended = call.end()?;
    let answer = serde_json::from_slice(&ended.stdout).map_err(|error| End::Fail(format!("no JSON: {error}; {ended:?}")))?;
    Ok((answer, ended))
}

fn verdict(policy: &Path, job: &Path) -> Result<String, End> {
    let args = ["run", "--json", "--policy"].map(str::to_owned);
    let ended = Call::new(&[&args[..], &[policy.display().to_string(), job.display().to_string()]].concat()).end()?;
    Ok(ended.outcome()?["verdict"]["kind"].as_str().unwrap_or_default().to_owned())
}

/// Under the old policy the job does not finish; learned, written, and under the new one it does.
fn teach(base: &str, sections: &Value, code: &str, options: &[&str]) -> Result<Value, End> {
    let scratch = Scratch::new();
    let old = policy_text::extending(base, &scratch, sections);
    let job = scratch.file("job.py", code);
    let before = verdict(&old, &job)?;
    ensure(before != "finished", "control: not under the old policy", &before)?;
    let new = scratch.path().join("new.jsonc");
    let (answer, ended) = learn(&old, &[&["--write", &new.display().to_string()], options].concat(), &["run", &job.display().to_string()])?;
    ensure(ended.code == Some(0), "learned", &ended)?;
    let after = verdict(&new, &job)?;
    ensure(after == "finished", "finished under what was learned", &(after, &answer))?;
    Ok(answer)
}

fn learned(base: &str, sections: &Value, code: &str, expected: &[(&str, Value)]) -> Check {
    let answer = teach(base, sections, code, &[])?;
    let proposed: Vec<_> =
        lines(&answer, "proposed").map(|line| (line["field"].as_str().unwrap_or_default(), line["value"].clone())).collect();
    ensure(proposed == expected, "exactly this", &answer)
}

fn lines<'a>(answer: &'a Value, standing: &'a str) -> impl Iterator<Item = &'a Value> {
    answer["lines"].as_array().into_iter().flatten().filter(move |line| line["standing"] == standing)
}

fn line<'a>(answer: &'a Value, field: &'a str) -> Result<&'a Value, End> {
    lines(answer, "proposed").find(|line| line["field"] == field).ok_or_else(|| End::Fail(format!("no {field}: {answer}")))
}

fn memory() -> Check {
    let code = "x = bytearray(100 << 20)\nx[::4096] = b'1' * len(x[::4096])\nreturn len(x)";
    let answer = teach("strict", &json!({}), code, &[])?;
    let line = line(&answer, "limits.memory")?;
    let mib: u64 = line["value"].as_str().and_then(|text| text.strip_suffix("MiB")?.parse().ok()).unwrap_or(0);
    ensure((100..=256).contains(&mib), "more than it took, not as much as was tried", &answer)?;
    ensure(
        line["needs"][0]["run"] == 1 && line["needs"][0]["because"].as_str().is_some_and(|text| text.contains("limits.memory")),
        "why",
        line,
    )
}

/// A file that every user may read and no run is shown.
fn plain_file() -> Result<&'static str, End> {
    let files = ["/etc/debian_version", "/etc/services", "/etc/protocols", "/etc/hostname", "/etc/issue", "/etc/fstab"];
    let plain = |path: &&&str| std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    files.iter().find(plain).copied().ok_or_else(|| End::Skip("a plain file in /etc".into()))
}

fn host_file() -> Check {
    let file = plain_file()?;
    let answer = teach("default", &json!({}), &format!("return len(open({file:?}).read())"), &[])?;
    ensure(line(&answer, "filesystem.mounts")?["value"] == json!({ "source": file }), "the file itself, read-only", &answer)?;
    ensure(lines(&answer, "proposed").count() == 1, "and nothing else", &answer)
}

fn program() -> Check {
    let (file, scratch) = (plain_file()?, Scratch::new());
    let old = policy_text::write(&scratch, &json!({}));
    let (answer, ended) = learn(&old, &[], &["exec", "cat", file])?;
    ensure(ended.code == Some(0) && line(&answer, "filesystem.mounts")?["value"] == json!({ "source": file }), "the file", &answer)?;
    ensure(lines(&answer, "proposed").count() == 1, "and nothing that cat does without", &answer)
}

/// The shell asks where it is before it starts it: the answer shows a file, which then is to be executed.
fn by_path() -> Check {
    let line = "echo hi | tr h H";
    let code = format!("import subprocess\nreturn subprocess.run({line:?}, shell=True, stdout=-1, text=True, check=True).stdout");
    let answer = teach("default", &json!({}), &code, &[])?;
    let executed = |answer: &Value| {
        lines(answer, "proposed")
            .any(|line| line["value"]["exec"] == true && line["value"]["source"].as_str().is_some_and(|source| source.ends_with("/tr")))
    };
    ensure(executed(&answer), "a mount to execute it", &answer)?;
    // Whoever asks whether it may be executed never tries, where the answer is no.
    let code = "import os, shutil\nif not shutil.which('tr', path='/usr/bin'): raise Exception('none')\nreturn os.spawnv(os.P_WAIT, '/usr/bin/tr', ['tr', '--version'])";
    ensure(executed(&teach("default", &json!({}), code, &[])?), "one that was asked for", &code)?;
    let scratch = Scratch::new();
    let old = policy_text::write(&scratch, &json!({}));
    let control = Call::new(&["exec", "--policy", &old.display().to_string(), "--", "sh", "-c", line]).end()?;
    ensure(control.code != Some(0), "control: not under the old policy", &control)?;
    let new = scratch.path().join("new.jsonc").display().to_string();
    let (answer, ended) = learn(&old, &["--write", &new], &["exec", "sh", "-c", line])?;
    ensure(ended.code == Some(0) && executed(&answer), "for a program too", &answer)?;
    let ended = Call::new(&["exec", "--policy", &new, "--", "sh", "-c", line]).end()?;
    ensure(ended.code == Some(0) && ended.stdout == b"Hi\n", "it does its work", &ended)
}

/// Modules that are there, that are not, that are another build's, and that lack what they need: the answer is what a run sees.
fn imports() -> Check {
    const MODULES: &[&str] = &[
        "json",
        "json.tool",
        "json.nosuch",
        "json.tool.x",
        "os.path",
        "os.path.join",
        "os.nosuch",
        "collections.abc",
        "xml.etree.ElementTree",
        "xml.parsers.expat.errors",
        "concurrent.futures.process",
        "importlib.metadata",
        "encodings.idna",
        "zlib",
        "_socket",
        "sqlite3",
        "ssl",
        "dbm.gnu",
        "dbm.ndbm",
        "_gdbm",
        "_winapi",
        "winreg",
        "msilib",
        "tkinter",
        "tkinter.ttk",
        "turtle",
        "curses",
        "readline",
        "crypt",
        "nis",
        "asyncio.windows_events",
        "multiprocessing.popen_spawn_win32",
        "distutils",
        "lib2to3",
        "tomllib",
        "urllib.request",
        "email.mime.text",
        "_frozen_importlib",
        "zipimport",
    ];
    let code = format!(
        "seen = []\nfor name in {MODULES:?}:\n  try: __import__(name); seen.append('allowed')\n  except ModuleNotFoundError as e: seen.append('not visible' if repr(name) in str(e) else 'denied')\n  except ImportError: seen.append('denied')\nreturn seen"
    );
    let outcome = Call::run(&code, &[]).end()?.outcome()?;
    let seen: Vec<&str> = outcome["value"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    ensure(
        seen.len() == MODULES.len() && ["allowed", "not visible"].iter().all(|kind| seen.contains(kind)),
        "control: a run sees some",
        &outcome,
    )?;
    for (name, seen) in MODULES.iter().zip(seen) {
        let ended = Call::new(&["policy", "why", "import", name]).end()?;
        let answer = String::from_utf8_lossy(&ended.stdout).into_owned();
        ensure(ended.code == Some(i32::from(seen != "allowed")), &format!("{name}: {seen}"), &answer)?;
        // Whether a parent or the module itself is missing, the run words in several ways.
        ensure(seen != "allowed" || answer.starts_with(&format!("import {name}: allowed")), name, &answer)?;
    }
    for name in ["json.", "json..tool", "os.path;x", ".json"] {
        let ended = Call::new(&["policy", "why", "import", name]).end()?;
        ensure(ended.code == Some(2), "no name of a module", &ended)?;
    }
    let ended = Call::new(&["policy", "why", "open", "/dir with space/f"]).end()?;
    ensure(ended.code == Some(1) && ended.stdout.starts_with(b"open /dir with space/f: not visible"), "a path with blanks", &ended)
}

fn sockets() -> Check {
    let scratch = Scratch::new();
    let old = policy_text::write(&scratch, &json!({}));
    let job = scratch.file("job.py", "import socket\nsocket.socket().close()\nreturn 1").display().to_string();
    let (answer, ended) = learn(&old, &[], &["run", &job])?;
    let told: Vec<_> = lines(&answer, "dangerous").collect();
    ensure(
        told.len() == 1
            && told[0]["value"]["call"] == "socket"
            && told[0]["risk"].as_str().is_some_and(|risk| risk.starts_with("dangerous: ")),
        "told apart",
        &answer,
    )?;
    ensure(ended.code == Some(1) && answer["patch"].as_str().is_some_and(|patch| !patch.contains("socket")), "and not proposed", &answer)?;
    let code = "import socket\nsocket.socket().close()\nreturn 1";
    let answer = teach("default", &json!({}), code, &["--try-dangerous"])?;
    let when = &line(&answer, "syscalls.allow")?["value"]["when"];
    ensure(*when == json!([{ "arg": 0, "equals": 2 }]), "asked for: this family, and no other", &answer)
}

const DANGEROUS: &str = "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def refused(name, *args):
    return getattr(libc, name)(*args) == -1 and ctypes.get_errno() == 1
denied = [refused('ptrace', 0, 0, None, None), refused('mount', b'none', b'/tmp', b'tmpfs', 0, None), refused('unshare', 0x10000000)]
raise Exception('all denied' if all(denied) else 'NOT DENIED')
";

fn dangerous() -> Check {
    // `strict` ends a run for these: learning denies and records them, and proposes none.
    for base in ["default", "strict"] {
        let scratch = Scratch::new();
        let old = policy_text::extending(base, &scratch, &json!({}));
        let job = scratch.file("job.py", DANGEROUS).display().to_string();
        let (answer, ended) = learn(&old, &[], &["run", &job])?;
        ensure(
            ended.code == Some(1) && answer["inputs"][0]["learned"].as_str().is_some_and(|how| how.contains("all denied")),
            "denied while learning",
            &answer,
        )?;
        ensure(
            answer["patch"] == "" || !answer["patch"].as_str().is_some_and(|patch| patch.contains("call")),
            "nothing proposed",
            &answer,
        )?;
        let standing = if base == "strict" { "refused" } else { "dangerous" };
        let named = |call: &str| lines(&answer, standing).any(|line| line["value"] == call || line["value"]["call"] == call);
        ensure(["ptrace", "mount", "unshare"].into_iter().all(named), "each told", &answer)?;
    }
    Ok(())
}

fn secrets() -> Check {
    let scratch = Scratch::new();
    let old = policy_text::write(&scratch, &json!({}));
    let job =
        scratch.file("job.py", "import os\ntry: open('/etc/shadow')\nexcept OSError: pass\nos.listdir('/home')").display().to_string();
    let (answer, ended) = learn(&old, &[], &["run", &job])?;
    let refused: Vec<_> = lines(&answer, "refused").map(|line| line["value"]["source"].as_str().unwrap_or_default()).collect();
    ensure(ended.code == Some(1) && refused == ["/etc/shadow", "/home"] && answer["patch"] == "", "told, and not shown", &answer)
}

fn ceiling() -> Check {
    let scratch = Scratch::new();
    let ceiling = scratch.file(
        "ceiling.jsonc",
        "{\"version\": 1, \"extends\": \"default\", \"limits\": {\"wall_time\": \"unlimited\", \"cpu_time\": \"unlimited\"}}",
    );
    let old = policy_text::extending("strict", &scratch, &json!({}));
    let job = scratch.file("job.py", "x = bytearray(400 << 20)\nx[::4096] = b'1' * len(x[::4096])\nreturn len(x)").display().to_string();
    let (answer, ended) = learn(&old, &["--ceiling", &ceiling.display().to_string()], &["run", &job])?;
    let beyond: Vec<_> = lines(&answer, "beyond").collect();
    ensure(ended.code == Some(1), "it does not finish", &answer)?;
    ensure(
        beyond.len() == 1 && beyond[0]["field"] == "limits.memory" && beyond[0]["most"] == "\"256MiB\"",
        "field, value and the most",
        &answer,
    )?;
    ensure(line(&answer, "limits.memory")?["value"] == "256MiB", "as far as it goes", &answer)
}

fn python() -> Check {
    let scratch = Scratch::new();
    let old = policy_text::extending("strict", &scratch, &json!({}));
    let script = scratch
        .file("s.py", "import sys, threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\nsys.exit(sys.argv[1:] != ['-x'])");
    let script = script.display().to_string();
    for job in [vec!["python", &script, "-x"], vec!["python", "-c", "import threading\nthreading.Thread(target=print).start()"]] {
        let (answer, ended) = learn(&old, &[], &job)?;
        ensure(ended.code == Some(0) && line(&answer, "syscalls.allow")?["value"] == "@threads", "as of a function", &answer)?;
    }
    let (answer, ended) = learn(&old, &[], &["python", &script])?;
    ensure(ended.code == Some(1), "control: one that ends with a status has not done its work", &answer)
}

fn several() -> Check {
    let scratch = Scratch::new();
    let old = policy_text::extending("strict", &scratch, &json!({}));
    let code = "import threading\nif _items[0]['json']['n']: threading.Thread(target=print).start()\nreturn 1";
    let job = scratch.file("job.py", code).display().to_string();
    let items = [0, 1].map(|n| scratch.file(&format!("{n}.json"), &json!([{ "json": { "n": n } }]).to_string()).display().to_string());
    let (answer, ended) = learn(&old, &["--items", &items[0], "--items", &items[1]], &["run", &job])?;
    let needs = &line(&answer, "syscalls.allow")?["needs"];
    ensure(
        ended.code == Some(0) && needs[0]["input"] == items[1] && needs.as_array().is_some_and(|needs| needs.len() == 1),
        "which input needed it",
        &answer,
    )?;
    let ran: Vec<_> =
        answer["inputs"].as_array().into_iter().flatten().map(|input| (&input["input"], &input["runs"], &input["proposed"])).collect();
    ensure(
        ran == [(&json!(items[0]), &json!(1), &json!("finished")), (&json!(items[1]), &json!(2), &json!("finished"))],
        "each input",
        &answer,
    )
}

fn unneeded() -> Check {
    let scratch = Scratch::new();
    let old = policy_text::extending("strict", &scratch, &json!({}));
    // The first is caught, and needed by nobody; the second is.
    let code =
        "import select, threading, os\ntry: os.fork()\nexcept PermissionError: pass\nthreading.Thread(target=print).start()\nreturn 1";
    let job = scratch.file("job.py", code).display().to_string();
    let (answer, ended) = learn(&old, &[], &["run", &job])?;
    // The run that was let fork nearly met limits.pids, which got headroom; that is another matter.
    let calls = |standing| lines(&answer, standing).filter(|line| line["field"] == "syscalls.allow");
    let values = |standing| calls(standing).map(|line| line["value"].clone()).collect::<Vec<_>>();
    ensure(
        ended.code == Some(0) && values("proposed") == [json!("@threads")] && values("unneeded") == [json!("@exec")],
        "the smallest",
        &answer,
    )
}

/// Jobs that catch what they met: what would help is tried, and no policy is called enough while they say that they failed.
fn said() -> Check {
    let scratch = Scratch::new();
    let old = policy_text::extending("strict", &scratch, &json!({}));
    let caught = |work: &str, said: &str| {
        let code = format!("import threading, socket\ntry:\n    {work}\nexcept Exception as error:\n    {said}\nreturn 'done'");
        scratch.file("job.py", &code).display().to_string()
    };
    let printed = "import traceback, sys; traceback.print_exc(file=sys.stderr); return None";
    for said in ["return {'error': str(error)}", "return [{'json': {'success': False}}]", printed] {
        let job = caught("threading.Thread(target=print).start()", said);
        let (answer, ended) = learn(&old, &[], &["run", &job])?;
        ensure(ended.code == Some(0) && line(&answer, "syscalls.allow")?["value"] == "@threads", "what it lacked is tried", &answer)?;
        let job = caught("socket.socket()", said);
        let (answer, ended) = learn(&old, &[], &["run", &job])?;
        let told = answer["inputs"][0]["proposed"].as_str().unwrap_or_default();
        ensure(ended.code == Some(1) && told.starts_with("finished, and said that it failed: "), "what helps is not tried", &answer)?;
        let (answer, ended) = learn(&old, &["--finished-is-done"], &["run", &job])?;
        ensure(ended.code == Some(0) && answer["inputs"][0]["proposed"] == "finished", "the operator's word", &answer)?;
    }
    let (_, ended) = learn(&old, &[], &["run", &caught("pass", "return {'error': str(error)}")])?;
    ensure(ended.code == Some(0), "the control: nothing was met", &ended)
}

fn unasked() -> Check {
    let scratch = Scratch::new();
    let text = "// mine\n{\n  \"version\": 1,\n  \"extends\": \"strict\", // small\n  \"limits\": { \"wall_time\": \"60s\", \"cpu_time\": \"60s\" }\n}\n";
    let old = scratch.file("mine.jsonc", text);
    let job = scratch.file("job.py", "import threading\nthreading.Thread(target=print).start()\nreturn 1").display().to_string();
    learn(&old, &[], &["run", &job])?;
    let read = || std::fs::read_to_string(&old).unwrap_or_default();
    let files = || std::fs::read_dir(scratch.path()).map(Iterator::count).unwrap_or_default();
    ensure(read() == text && files() == 2, "the file is as it was, and there is no other", &read())?;
    let other = scratch.file("other.jsonc", "{\"version\": 1}").display().to_string();
    let ended = Call::new(&["policy", "learn", "--from", &old.display().to_string(), "--write", &other, "--", "run", &job]).end()?;
    ensure(
        ended.code == Some(2) && ended.err().contains("is not the policy that was learned from"),
        "another policy is not overwritten",
        &ended,
    )?;
    let (_, ended) = learn(&old, &["--write", &old.display().to_string()], &["run", &job])?;
    let written = text.replace("\"60s\" }\n", "\"60s\" },\n  \"syscalls\": { \"allow\": { \"add\": [\"@threads\"] } }\n");
    ensure(ended.code == Some(0) && read() == written, "asked: in place, comments kept", &read())
}

fn unusable() -> Check {
    let cases: [(&[&str], &str); 8] = [
        (&["--", "doctor"], "the job after --"),
        (&["--", "run", "--set", "limits.pids=3", "-"], "--set"),
        (&["--", "run", "--json", "-"], "--json stands before the --"),
        (&["--from", "strict", "--", "run", "--policy", "numeric", "-"], "two policies"),
        (&["--items", "x.json", "--", "exec", "true"], "--items"),
        (&["--items", "x.json", "--", "python", "-c", "1"], "--items"),
        (&["--", "python", "--tty", "-c", "1"], "--tty"),
        (&["--runs", "0", "--", "run", "-"], "--runs"),
    ];
    for (args, told) in cases {
        let ended = Call::new(&[&["policy", "learn"], args].concat()).input(b"return 1").end()?;
        ensure(ended.code == Some(2) && ended.stdout.is_empty() && ended.err().contains(told), told, &ended)?;
    }
    Ok(())
}
