//! Programs as `python3` runs them: each does under `remand python` what it does in plain Python, or differs as documented.

mod files;

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use remand_tests::command::{Call, Ended, binary, heard, until};
use remand_tests::facts;
use remand_tests::installation::Installation;
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, policy_text, trial};
use serde_json::json;

/// Name, text, exit status, standard output.
type Row = (&'static str, &'static str, i32, &'static str);

const POOL: &str = "
import multiprocessing as m
def square(x):
    return x * x
if __name__ == '__main__':
    with m.get_context('METHOD').Pool(2) as p:
        print(p.map(square, [1, 2, 3]))
";

/// Programs that do not read anything.
const TABLE: &[Row] = &[
    (
        "patch_input",
        "from unittest.mock import patch\nwith patch('builtins.input', return_value='5'):\n    print(int(input('n? ')) + 1)",
        0,
        "6\n",
    ),
    (
        "patch_open",
        "from unittest import mock\nwith mock.patch('builtins.open', mock.mock_open(read_data='fake')):\n    print(open('/nowhere').read())",
        0,
        "fake\n",
    ),
    ("many_prints", "for i in range(70000):\n    print('x')\nimport sys\nsys.stderr.write('done')", 0, ""),
    ("main_module", "import __main__\nprint(__main__.__name__, __main__ is __import__('sys').modules['__main__'])", 0, "__main__ True\n"),
    ("global", "counter = 0\ndef bump():\n    global counter\n    counter += 1\nbump()\nprint(counter)", 0, "1\n"),
    ("star_import", "from math import *\nprint(floor(2.5))", 0, "2\n"),
    ("exit_zero", "import sys\nprint('done')\nsys.exit(0)", 0, "done\n"),
    ("exit_with_a_status", "import sys\nprint('done')\nsys.exit(9)", 9, "done\n"),
    ("c_streams", "import ctypes\nctypes.CDLL('libc.so.6').printf(b'hello from C\\n')", 0, "hello from C\n"),
    ("own_class_pickled", "import pickle\nclass A:\n    n = 3\nprint(pickle.loads(pickle.dumps(A())).n)", 0, "3\n"),
    ("atexit", "import atexit\natexit.register(print, 'last')\nprint('first')", 0, "first\nlast\n"),
    ("leaves_at_once", "import os\nos.write(1, b'out\\n')\nos._exit(0)", 0, "out\n"),
    (
        "becomes_another",
        "import os, sys\nsys.stdout.flush()\nos.execv(sys.executable, [sys.executable, '-I', '-S', '-c', 'print(1)'])",
        0,
        "1\n",
    ),
    ("closes_all", "import os\nos.closerange(3, 100)\nprint('closed')", 0, "closed\n"),
    (
        "interrupted",
        "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()\nexcept KeyboardInterrupt:\n    print('caught')",
        0,
        "caught\n",
    ),
    ("doctest", "'''\n>>> 1 + 1\n2\n'''\nimport doctest\nprint(doctest.testmod())", 0, "TestResults(failed=0, attempted=1)\n"),
    (
        "executor_of_processes",
        "from concurrent.futures import ProcessPoolExecutor\ndef f(x): return x + 1\nif __name__ == '__main__':\n    with ProcessPoolExecutor(2) as e:\n        print(list(e.map(f, [1, 2])))",
        0,
        "[2, 3]\n",
    ),
    (
        "working_directory",
        "import os\nopen('a', 'w').write('b')\nprint(os.getcwd(), sorted(os.listdir('.')), open('/workspace/a').read())",
        0,
        "/workspace ['a', 'script.py'] b\n",
    ),
];

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut all: Vec<Trial> = TABLE.iter().map(|row| trial(format!("programs::{}", row.0), move || plain(row))).collect();
    for method in ["fork", "spawn", "forkserver"] {
        all.push(trial(format!("programs::pool_by_{method}"), move || pool(method)));
    }
    all.extend([
        trial("programs::ways_to_name_it", ways),
        trial("programs::unittest_counts_the_tests", unittest),
        trial("programs::an_exception_is_told_once", exception),
        trial("programs::what_lies_beside_is_told", beside),
        trial("programs::exit_status_of_whom", status),
        trial("programs::the_record_has_everything", record),
        trial("programs::a_limit_is_the_verdicts", limit),
        trial("programs::a_function_gets_what_fits", function),
        trial("programs::standard_input_is_the_programs", standard_input),
        trial("programs::standard_input_is_bounded_and_counted", bounded_input),
        trial("programs::no_descriptor_of_the_callers", no_descriptor),
        trial("programs::in_a_virtual_environment", environment),
        trial("programs::a_manager_and_where_sockets_lead_out", sockets),
        trial("programs::no_socket_of_the_host_among_files_that_are_shown", hosts_sockets),
        trial("programs::sockets_by_every_kind_of_name_within_the_run", own_sockets),
        trial("programs::abstract_names_are_a_runs_own", abstract_names),
    ]);
    all.extend(files::trials());
    all
}

/// `remand python ARGS` in a directory with the program as `script.py`.
fn run(text: &str, args: &[&str]) -> Result<Ended, End> {
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({})).display().to_string();
    let script = scratch.file("script.py", text).display().to_string();
    let args: Vec<&str> = args.iter().map(|arg| if *arg == "SCRIPT" { script.as_str() } else { arg }).collect();
    Call::new(&[&["python", "--policy", &policy], args.as_slice()].concat()).end()
}

fn plain(&(_, text, code, out): &Row) -> Check {
    let ended = run(text, &["SCRIPT"])?;
    let said = if text.contains("range(70000)") { ended.out() == "x\n".repeat(70000) } else { ended.out() == out };
    ensure(ended.code == Some(code) && said, "it does what plain Python does", &ended)?;
    ensure(!ended.err().contains("remand:"), "and nothing is added", &ended)
}

fn pool(method: &str) -> Check {
    let ended = run(&POOL.replace("METHOD", method), &["SCRIPT"])?;
    ensure(ended.code == Some(0) && ended.out() == "[1, 4, 9]\n", "a pool computes", &ended)
}

fn ways() -> Check {
    let text = "import sys\nprint(__name__, sys.argv)";
    for (args, out) in [
        (vec!["SCRIPT", "-x", "--json"], "__main__ ['script.py', '-x', '--json']\n"),
        (vec!["-c", text, "--json", "-c"], "__main__ ['-c', '--json', '-c']\n"),
        (vec!["-m", "base64", "-e", "/workspace/none"], ""),
    ] {
        let ended = run(text, &args)?;
        ensure(ended.out() == out, "arguments are the program's", &ended)?;
    }
    let ended = Call::new(&["python", "-", "a"]).input(text.as_bytes()).end()?;
    ensure(ended.out() == "__main__ ['-', 'a']\n", "`-` reads standard input", &ended)?;
    let ended = run("", &["--await", "--value", "last", "-c", "import asyncio\nawait asyncio.sleep(0, [1, 2])"])?;
    ensure(ended.code == Some(0) && ended.out() == "[1,2]\n", "the value of the last line", &ended)?;
    let ended = run("", &["--value", "last", "-c", "import sys\nprint('x', end='')\n5"])?;
    ensure(ended.code == Some(0) && ended.out() == "x\n5\n", "the value has a line of its own", &ended)?;
    let ended = run("", &["-c", "import sys\nsys.stderr.write('x')\nsys.stderr.flush()\nimport os\nos.kill(os.getpid(), 9)"])?;
    ensure(ended.err().starts_with("x\nremand: "), "so has what remand says", &ended)?;
    let least = Call::new(&["python", "--set", "limits.open_files=16", "-c", "print(1)"]).end()?;
    ensure(least.code == Some(0) && least.out() == "1\n", "the least number of descriptors is enough to start", &least)?;
    let far = "e = SyntaxError('m')\ne.filename, e.lineno, e.offset, e.text, e.end_lineno, e.end_offset = 'a', 3, 1, 'tttt', 3, 2**31 - 1\nraise e";
    let ended = Call::new(&["run", "-c", far]).end()?;
    ensure(ended.err().contains("\n|     ^^^^^\n") && ended.err().len() < 2000, "carets stay within the line that they are under", &ended)?;
    let wrong = run("", &[])?;
    ensure(wrong.code == Some(2) && wrong.err().contains("Usage: remand python"), "a program is required", &wrong)
}

fn unittest() -> Check {
    let text =
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(1, 2)\nunittest.main(argv=['x'])";
    let ended = run(text, &["SCRIPT"])?;
    let told = ended.err().contains("Ran 1 test") && ended.err().contains("FAILED (failures=1)");
    ensure(ended.code == Some(1) && told, "a program's tests are found", &ended)?;
    let function = Call::run(&text.replace("argv=['x']", "argv=['x'], exit=False"), &[]).end()?.outcome()?;
    let stderr = function["stderr"]["text"].as_str().unwrap_or_default();
    ensure(stderr.contains("Ran 1 test") && stderr.contains("FAILED (failures=1)"), "and a function's", &function)
}

fn exception() -> Check {
    let ended = run("def f():\n    return 1 / 0\nf()", &["SCRIPT"])?;
    let lines: Vec<String> = ended.err().lines().filter(|line| !line.trim().chars().all(|c| "~^".contains(c))).map(str::to_owned).collect();
    let wanted = [
        "Traceback (most recent call last):",
        "  File \"/workspace/script.py\", line 3, in <module>",
        "    f()",
        "  File \"/workspace/script.py\", line 2, in f",
        "    return 1 / 0",
        "ZeroDivisionError: division by zero",
    ];
    ensure(ended.code == Some(1) && lines == wanted, "Python's own traceback, and no more", &ended)?;
    for from in [vec!["-c", "x = 1 / 0"], vec!["--await", "-c", "x = 1 / 0"]] {
        let ended = run("", &from)?;
        ensure(ended.err().contains("    x = 1 / 0\n"), "with the line of what is in no file", &ended)?;
    }
    Ok(())
}

fn beside() -> Check {
    let scratch = Scratch::new();
    let _ = scratch.file("helper.py", "");
    let script = scratch.file("script.py", "import helper").display().to_string();
    let ended = Call::new(&["python", &script]).end()?;
    ensure(ended.err().contains("helper.py lies in the script's directory"), "a module beside the script", &ended)?;
    let ended = Call::new(&["python", "-c", "open('helper.py')"]).cwd(scratch.path()).end()?;
    ensure(ended.err().contains("helper.py lies in the directory that remand was called in"), "a file of the caller's", &ended)?;
    let ended = Call::new(&["python", "-c", "open('nowhere.py')"]).cwd(scratch.path()).end()?;
    ensure(ended.code == Some(1) && !ended.err().contains("remand:"), "what is nowhere is Python's to tell", &ended)
}

fn status() -> Check {
    for (code, own, verdict) in [
        ("pass", 0, 0),
        ("1 / 0", 1, 1),
        ("exit(42)", 42, 3),
        ("exit(137)", 137, 3),
        ("import os; os.kill(os.getpid(), 9)", 137, 4),
        ("import os, signal; os.kill(os.getpid(), 2); signal.pause()", 130, 4),
    ] {
        let seen = |args: &[&str]| run("", &[args, &["-c", code]].concat()).map(|ended| ended.code);
        let seen = (seen(&[])?, seen(&["--exit-status", "program"])?, seen(&["--exit-status", "verdict"])?);
        ensure(seen == (Some(own), Some(own), Some(verdict)), code, &seen)?;
    }
    let exec = |args: &[&str]| Call::new(&[&["exec"], args, &["--", "sh", "-c", "exit 42"]].concat()).end().map(|ended| ended.code);
    let seen = (exec(&[])?, exec(&["--exit-status", "verdict"])?);
    ensure(seen == (Some(42), Some(3)), "exec has it too", &seen)
}

fn record() -> Check {
    let outcome = |code: &str, args: &[&str]| run("", &[args, &["--json", "-c", code]].concat())?.outcome();
    let raised = outcome("print('out')\nopen('x')", &[])?;
    let seen = (
        &raised["verdict"]["kind"],
        &raised["stdout"]["text"],
        &raised["error"]["type"],
        &raised["error"]["missing"],
        &raised["error"]["line"],
    );
    let missing = json!({ "kind": "file", "name": "x" });
    ensure(seen == (&json!("raised"), &json!("out\n"), &json!("FileNotFoundError"), &missing, &json!(2)), "an exception", &raised)?;
    for (code, kind, value) in [
        ("2 * 21", "finished", json!(42)),
        ("import os; os._exit(0)", "finished", json!(null)),
        ("exit(3)", "exited", json!(null)),
        // A value, and then an end that is none.
        ("import atexit, os; atexit.register(os._exit, 5)\n7", "exited", json!(7)),
    ] {
        let outcome = outcome(code, &["--value", "last"])?;
        ensure(outcome["verdict"]["kind"] == kind && outcome["value"] == value, code, &outcome)?;
    }
    let child =
        "import os, signal\nready, told = os.pipe()\npid = os.fork()\nif pid == 0:\n    os.write(told, b'1')\n    END\nos.read(ready, 1)\n";
    let left = outcome(&child.replace("END", "signal.pause(); print('late', flush=True)"), &[])?;
    ensure(left["left_running"] == 1 && left["stdout"]["text"] == "", "a child that outlives the program", &left)?;
    for waits in ["os.waitpid(pid, 0)", "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)"] {
        let none = outcome(&(child.replace("END", "os._exit(0)") + waits), &[])?;
        ensure(none["left_running"].is_null(), "one that was waited for, or has ended", &none)?;
    }
    Ok(())
}

fn limit() -> Check {
    // Of CPU: of time it may get none on a busy host.
    let words = ["--set", "limits.cpu_time=500ms", "-c", "import sys\nsys.stdout.write('progress\\n')\nwhile True: pass"];
    let ended = heard(|| run("", &words), |ended| ended.out() == "progress\n")?;
    ensure(ended.code == Some(5) && ended.out() == "progress\n", "what was written before the end is there", &ended)?;
    ensure(ended.err().contains("over limits.cpu_time"), "and the limit is told", &ended)
}

fn function() -> Check {
    let value = |code: &str| -> Result<serde_json::Value, End> { Ok(Call::run(code, &[]).end()?.outcome()?["value"].clone()) };
    let rows = [
        ("import multiprocessing as m\nwith m.get_context('spawn').Pool(1) as p:\n    return p.map(abs, [-1, -2])", json!([1, 2])),
        ("import __main__\nreturn __main__.__name__", json!("__main__")),
        (
            "from unittest import mock\nwith mock.patch('builtins.open', mock.mock_open(read_data='fake')):\n    return open('/x').read()",
            json!("fake"),
        ),
    ];
    for (code, wanted) in rows {
        let seen = value(code)?;
        ensure(seen == wanted, code, &seen)?;
    }
    let printed = Call::run("import ctypes\nctypes.CDLL('libc.so.6').printf(b'hello from C\\n')\nreturn 1", &[]).end()?.outcome()?;
    ensure(printed["stdout"]["text"] == "hello from C\n", "C's buffers are flushed", &printed)?;
    let global = Call::run("n = 0\ndef f():\n    global n\n    n += 1\nf()", &[]).end()?.outcome()?;
    let description = global["error"]["description"].as_str().unwrap_or_default();
    ensure(description.contains("nonlocal n"), "a global that is a local says what to do", &global)
}

fn environment() -> Check {
    let made = Installation::new()?;
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({ "python": { "interpreter": made.path("venv/bin/python3") } })).display().to_string();
    for &(name, text, code, out) in
        TABLE.iter().filter(|row| ["own_class_pickled", "atexit", "global", "becomes_another", "doctest"].contains(&row.0))
    {
        let script = scratch.file("script.py", text).display().to_string();
        let ended = Call::new(&["python", "--policy", &policy, &script]).end()?;
        ensure(ended.code == Some(code) && ended.out() == out, name, &ended)?;
    }
    Ok(())
}

const MANAGER: &str = "import multiprocessing as m
if __name__ == '__main__':
    with m.Manager() as made:
        d = made.dict(a=1)
        d['b'] = 2
        print(dict(d))";

fn sockets() -> Check {
    let ended = run(MANAGER, &["SCRIPT"])?;
    ensure(ended.code == Some(0) && ended.out() == "{'a': 1, 'b': 2}\n", "a manager answers by its socket", &ended)?;
    // What a run leaves in a directory of the host's, others could connect to.
    let newest = facts::host()["landlock_abi"].as_u64().is_some_and(|abi| abi >= 9);
    let scratch = Scratch::new();
    let source = scratch.path().display().to_string();
    let mounted = json!({ "filesystem": { "mounts": [{ "source": source, "target": "/data", "writable": true, "reason": "a test" }] } });
    let policy = policy_text::write(&scratch, &mounted).display().to_string();
    let ended = Call::new(&["python", "--policy", &policy, "-c", "import socket\nsocket.socket(socket.AF_UNIX)"]).end()?;
    let told = ended.err().contains("@unix_sockets is not granted here: ") && ended.err().contains("can be written");
    ensure(told != newest && (ended.code == Some(0)) == newest, "where one could lead out it is refused, and why is told", &ended)?;
    let strict = policy_text::extending("strict", &scratch, &json!({})).display().to_string();
    let ended = Call::new(&["python", "--policy", &strict, "-c", "import socket\nsocket.socket(socket.AF_UNIX)"]).end()?;
    ensure(ended.code == Some(1) && ended.err().contains("PermissionError"), "strict has none", &ended)
}

/// A socket of the host's, in a directory that is shown by a mount and by a `.pth` file of a virtual environment's: no name leads to it, whatever the way.
fn hosts_sockets() -> Check {
    let scratch = Scratch::new();
    // Not below /tmp, which is a run's own.
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|_| !nix::unistd::geteuid().is_root());
    let place = Scratch::below(&home.or_else(|| binary().parent().map(Path::to_owned)).unwrap_or_default());
    let beside = place.path().join("beside");
    std::fs::create_dir(&beside)?;
    std::fs::write(beside.join("mine.py"), "x = 5\n")?;
    let socket = beside.join("app.sock");
    let _listening = std::os::unix::net::UnixListener::bind(&socket)?;
    std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    let venv = place.path().join("venv");
    let made = Call::program(Path::new("/usr/bin/python3"), &["-m".as_ref(), "venv".as_ref(), "--without-pip".as_ref(), venv.as_os_str()])
        .end()?;
    ensure(made.code == Some(0), "a virtual environment", &made)?;
    let site = std::fs::read_dir(venv.join("lib"))?.flatten().next().map(|python| python.path().join("site-packages"));
    std::fs::write(site.unwrap_or_default().join("beside.pth"), beside.display().to_string())?;
    let code = "import os, socket, sys, tempfile
here, link = sys.argv[1], tempfile.mkdtemp() + '/link'
os.symlink(here + '/app.sock', link)
os.chdir(here)
for kind in socket.SOCK_STREAM, socket.SOCK_SEQPACKET:
    for name in here + '/app.sock', link, 'app.sock', '/proc/self/cwd/app.sock':
        try:
            socket.socket(socket.AF_UNIX, kind).connect(name)
            print('connected')
        except OSError as error:
            print(type(error).__name__)
try:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, here + '/app.sock')
    print('sent')
except OSError as error:
    print(type(error).__name__)
";
    let script = scratch.file("script.py", code).display().to_string();
    let python = venv.join("bin/python3").display().to_string();
    let plain = Call::program(Path::new(&python), &[&script, &beside.display().to_string()])
        .env("TMPDIR", &scratch.path().display().to_string())
        .end()?;
    ensure(plain.out().lines().filter(|line| *line == "connected").count() == 4, "the control", &plain)?;
    let source = beside.display().to_string();
    let mounted = json!({ "filesystem": { "mounts": [{ "source": source, "target": "/data" }] }, "limits": { "wall_time": "30s" } });
    let shown = json!({ "python": { "interpreter": python, "external_allow": ["*"] }, "limits": { "wall_time": "30s" } });
    for (policy, place) in [(mounted, "/data"), (shown, source.as_str())] {
        let policy = policy_text::write(&scratch, &policy).display().to_string();
        let ended = Call::new(&["python", "--policy", &policy, &script, place]).end()?;
        let (out, lines) = (ended.out(), ended.out().lines().count());
        ensure(!out.contains("connected") && !out.contains("sent"), place, &ended)?;
        // A run with its caller's own id may not be shown what holds one.
        let hidden = place != "/data" && ended.err().contains("FileNotFoundError");
        ensure(hidden || lines == 9 && out.contains("PermissionError"), "it tried", &ended)?;
    }
    Ok(())
}

fn own_sockets() -> Check {
    let code = "import os, socket, threading
def there_and_back(kind, name, by=None):
    with socket.socket(socket.AF_UNIX, kind) as listening, socket.socket(socket.AF_UNIX, kind) as calling:
        listening.bind(name)
        listening.listen()
        calling.connect(by or name)
        calling.send(b'x' * 5)
        return len(listening.accept()[0].recv(9))
os.chdir('/tmp')
os.mkdir('deep')
os.symlink('/tmp/deep/s', 'link')
for number, kind in enumerate((socket.SOCK_STREAM, socket.SOCK_SEQPACKET)):
    print(there_and_back(kind, f'/tmp/a{number}'), there_and_back(kind, f'/workspace/b{number}'), there_and_back(kind, f'c{number}'),
          there_and_back(kind, f'\\0d{number}'), there_and_back(kind, f'/tmp/e{number}', f'../tmp/./e{number}'), flush=True)
print(there_and_back(socket.SOCK_STREAM, '/tmp/deep/s', '/tmp/link'))
for name, error in ('/tmp/none', 2), ('/tmp/deep', 111), ('\\0none', 111), ('/tmp/a0', 111):
    try:
        socket.socket(socket.AF_UNIX).connect(name)
    except OSError as said:
        print(said.errno == error or said)
full = socket.socket(socket.AF_UNIX)
full.bind('/tmp/full')
full.listen(0)
held = []
try:
    for _ in range(9):
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].setblocking(False)
        held[-1].connect('/tmp/full')
except BlockingIOError:
    print('no room')
";
    let ended = run(code, &["SCRIPT"])?;
    ensure(ended.out() == "5 5 5 5 5\n5 5 5 5 5\n5\nTrue\nTrue\nTrue\nTrue\nno room\n", "all arrive", &ended)
}

/// One run listens on an abstract name, and stays; another one, and the first itself, look for it.
fn abstract_names() -> Check {
    let name = format!("remand-test-{}", std::process::id());
    let find = format!(
        "import socket\ntry:\n    socket.socket(socket.AF_UNIX).connect('\\0{name}')\n    print('found', flush=True)\nexcept OSError as e:\n    print(type(e).__name__)\n"
    );
    let listen = format!(
        "import socket, sys, time\ns = socket.socket(socket.AF_UNIX)\ns.bind('\\0{name}')\ns.listen()\n{find}print('here', file=sys.stderr, flush=True)\ntime.sleep(600)"
    );
    let scratch = Scratch::new();
    let policy = policy_text::write(&scratch, &json!({ "limits": { "wall_time": "10min" } })).display().to_string();
    let mark = scratch.path().join("said");
    let mut first = Call::new(&["python", "--policy", &policy, "-c", &listen]).stderr_to(&mark)?.start();
    let there = until(|| std::fs::read_to_string(&mark).ok().filter(|said| said.contains("here"))).is_some();
    let second = Call::new(&["python", "-c", &find]).end();
    first.signal(Signal::SIGTERM);
    let first = first.end()?;
    let second = second?;
    ensure(there && first.out() == "found\n", "control: in the run itself the name is found", &first)?;
    ensure(
        second.code == Some(0) && ["ConnectionRefusedError\n", "PermissionError\n"].contains(&&*second.out()),
        "another run does not find it",
        &second,
    )
}

fn standard_input() -> Check {
    let lot: String = (0..100_000).map(|n| format!("{n}\n")).collect();
    let with = |args: &[&str], input: &str| Call::new(args).input(input.as_bytes()).end();
    let sum = "import sys\nprint(sum(int(line) for line in sys.stdin))";
    for (args, input, out) in [
        (vec!["python", "-c", "print(int(input()) + int(input()))"], "1\n2\n", "3\n"),
        (vec!["python", "-c", sum], lot.as_str(), "4999950000\n"),
        (vec!["python", "-c", "print(open('/dev/stdin').read())"], "again", "again\n"),
        (vec!["exec", "--", "cat"], lot.as_str(), lot.as_str()),
        // More than a pipe holds, and nobody reads it.
        (vec!["python", "-c", "print('unread')"], lot.as_str(), "unread\n"),
        (vec!["python", "-c", "import sys\nsys.stdin.close()\nprint('closed')"], lot.as_str(), "closed\n"),
        (vec!["python", "-"], "print(6 * 7)", "42\n"),
        // In the encoding that it names.
        (vec!["python", "-"], "# coding: latin-1\nprint(ascii('\u{e9}'))", "'\\xc3\\xa9'\n"),
        (vec!["run", "-"], "# coding: latin-1\nreturn len('\u{e9}')", "2\n"),
    ] {
        let ended = with(&args, input)?;
        ensure(ended.code == Some(0) && ended.out() == out, "what is given is read", &(&args, ended))?;
    }
    let ended = Call::new(&["python", "-c", "input()"]).end()?;
    ensure(ended.code == Some(1) && ended.err().contains("EOFError"), "and nothing is an end of file", &ended)
}

fn bounded_input() -> Check {
    let call = |code: &str, bytes: usize| {
        let set = ["python", "--json", "--set", "limits.stdin=100KiB", "-c", code];
        Call::new(&set).input(&vec![b'x'; bytes]).end()?.outcome()
    };
    let read = "import sys\nsys.stdin.buffer.read()";
    let at = call(read, 100 << 10)?;
    ensure(at["verdict"]["kind"] == "finished" && at["stdin"] == json!({ "bytes": 102_400, "unread": 0 }), "all that is allowed", &at)?;
    let over = call(read, (100 << 10) + 1)?;
    let seen = (&over["verdict"]["kind"], &over["verdict"]["limit"], &over["verdict"]["seen"]);
    ensure(seen == (&json!("exceeded"), &json!("stdin"), &json!(102_401)), "one byte more is too much", &over)?;
    let unread = call("pass", 5)?;
    ensure(unread["stdin"] == json!({ "bytes": 5, "unread": 5 }), "what nobody read is told", &unread["stdin"])?;
    let wrote = call("import os\nos.write(os.open('/proc/self/fd/0', os.O_WRONLY), b'y' * 9000)", 4)?;
    ensure(
        wrote["stdin"]["bytes"] == 4 && wrote["stdin"]["unread"].as_u64().is_some_and(|unread| unread <= 4),
        "what it put there itself is none",
        &wrote,
    )?;
    let none = run("", &["--json", "-c", "pass"])?.outcome()?;
    ensure(none.get("stdin").is_none(), "and nothing where nothing was given", &none)
}

/// What was opened to be read only is a file of the caller's still.
fn no_descriptor() -> Check {
    let scratch = Scratch::new();
    let file = scratch.file("input", "kept\n");
    let code = "import os, stat\nprint([stat.S_ISFIFO(os.fstat(fd).st_mode) for fd in (0, 1, 2)])\ntry:\n    open('/proc/self/fd/0', 'w').write('gone')\nexcept OSError as e:\n    print(type(e).__name__)\nos.set_blocking(0, False)";
    let shell = format!("exec '{}' python -c \"$0\" < '{}'", binary().display(), file.display());
    let ended = Call::program(Path::new("/bin/sh"), &["-c", &shell, code]).end()?;
    ensure(ended.code == Some(0) && ended.out() == "[True, True, True]\nPermissionError\n", "they are pipes of ours", &ended)?;
    ensure(std::fs::read_to_string(&file)? == "kept\n", "and the file is as it was", &file)
}
