//! What no code of a task can do, with nothing refused by n8n's layer: the published ways out of n8n's own runner (`docs/n8n-differences.md` names what they
//! are), and what an operating system has besides. What runs in general cannot do is tried in the other modules: ptrace, other processes' memory, fork bombs,
//! signals, namespaces, sockets of all families, huge and deep results.

use libtest_mimic::Trial;
use remand_engine::Moment;
use remand_n8n::task::{End as Ended, Task};
use remand_tests::facts::{CGROUP_MEMORY, CGROUP_PIDS, need};
use remand_tests::scratch::Scratch;
use remand_tests::{Check, End, ensure, trial};
use serde_json::json;

use super::node::{free, node, wait};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        trial("n8n_tasks::ways_out_of_the_language_reach_nothing", language),
        trial("n8n_tasks::files_variables_and_processes_of_the_runner_are_not_there", surroundings),
        trial("n8n_tasks::no_network_and_no_metadata", network),
        trial("n8n_tasks::variables_are_shown_by_their_names_in_the_policy", variables),
        trial("n8n_tasks::memory_has_a_message_of_its_own", memory),
        trial("n8n_tasks::processes_have_a_message_of_their_own", processes),
        trial("n8n_tasks::the_results_descriptor_takes_no_forgery", forged),
        trial("n8n_tasks::what_is_left_behind_ends_with_the_task", left_behind),
        trial("n8n_tasks::a_cancel_works_at_every_moment", cancelled),
        trial("n8n_tasks::a_gigabyte_of_output_is_no_end", output),
        trial("n8n_tasks::a_policy_by_the_workflows_id_and_narrower_ones_by_names", policies),
        trial("n8n_tasks::what_an_operator_should_know_is_told", warned),
    ]
}

/// Each gets at `os` or `open` by another way, and then looks for what would matter: the host's files, the runner's token.
const WAYS: &[(&str, &str)] = &[
    (
        "builtins by globals",
        "found = globals()['__builtins__']\nos = (found if isinstance(found, dict) else vars(found))['__import__']('os')",
    ),
    ("the spec's loader", "import sys\nos = sys.modules['builtins'].__spec__.loader.load_module('posix')"),
    (
        "subclasses",
        "os = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close' or c.__name__ == 'BuiltinImporter'][0].load_module('posix')",
    ),
    ("a printer's files", "import _sitebuiltins, os\np = _sitebuiltins._Printer('x', 'y', ['shadow'], ['/etc'])\np._Printer__setup()"),
    (
        "a format's field, AttributeError.obj, frames",
        "import os\ntry: ('{0.' + 'x' + '}').format(print)\nexcept AttributeError as e: g = e.__traceback__.tb_frame.f_builtins",
    ),
    (
        "closures of a generator",
        "import os\ng = (x for x in [1])\nf = g.gi_frame.f_builtins if isinstance(g.gi_frame.f_builtins, dict) else {}",
    ),
    ("slot wrappers", "import os\no = str.__or__.__objclass__ if hasattr(str, '__or__') else object"),
    ("reduce", "import os\nb = [].append.__reduce__()"),
    (
        "a metaclass's match",
        "import os\nclass M(type):\n    def __instancecheck__(cls, other): return True\nclass A(metaclass=M): __match_args__ = ('__class__',)\nx = isinstance(3, A)",
    ),
    ("builtins replaced", "import os\nglobal __builtins__\n__builtins__ = {'x': 1}"),
    ("attrgetter", "import operator, os\ng = operator.attrgetter('__call__')(print)"),
    ("importlib", "import importlib\nos = importlib.import_module('os')"),
    ("importlib.machinery", "import importlib.machinery as m\nos = m.BuiltinImporter.load_module('posix')"),
    ("a module that has others", "import json.decoder\nos = json.decoder.scanner.re.enum.sys.modules['posix']"),
    ("formatter", "import string, os\ns = string.Formatter().get_field('0.__class__', [1], {})"),
    ("user strings", "import collections, os\ns = collections.UserString('{0.__class__}').format(1)"),
    (
        "native code",
        "import ctypes, os\nc = ctypes.CDLL(None)\nassert c.syscall(101, 0, 0, 0, 0) in (-1, 0)\nassert c.syscall(165, b'/', b'/', 0, 0, 0) == -1",
    ),
    ("a child that is asked for", "import subprocess, os\ntry: subprocess.run(['/bin/sh', '-c', 'id'])\nexcept OSError: pass"),
];

const LOOK: &str = "
seen = [name for name in os.environ]
for path in ('/etc/shadow', '/etc/machine-id', '/proc/1/root/etc/shadow', '/proc/1/environ', '/proc/%d/environ' % os.getppid(), '/proc/self/environ'):
    try: seen.append(os.read(os.open(path, os.O_RDONLY), 100).decode())
    except OSError: pass
for path in ('/etc/own', '/usr/own', '/remand/own', '/proc/1/mem'):
    try: seen.append(os.open(path, os.O_WRONLY | os.O_CREAT))
    except OSError: pass
return [one for one in seen if one != '']
";

fn language() -> Check {
    for (name, way) in WAYS {
        let mut code = format!("{way}\n{LOOK}");
        if !way.contains("os =") && !way.contains(" os") {
            code = format!("import os\n{code}");
        }
        let seen = free().result(&code).map_err(|end| of(name, end))?;
        ensure(seen == json!([]), name, &seen)?;
    }
    Ok(())
}

fn of(name: &str, end: End) -> End {
    if let End::Fail(why) = end { End::Fail(format!("{name}: {why}")) } else { end }
}

fn surroundings() -> Check {
    let code = "
import os, sys
seen = [open('/proc/self/environ').read(), open('/proc/self/cmdline').read().count('N8N'), dict(os.environ), os.getenv('N8N_RUNNERS_GRANT_TOKEN')]
others = [name for name in os.listdir('/proc') if name.isdigit() and int(name) not in (1, os.getpid())]
return seen + [others]";
    let node = free().with("N8N_RUNNERS_GRANT_TOKEN", "canary-token").with("SECRET", "canary-secret");
    let seen = node.result(code)?;
    ensure(seen[0] == "" && seen[1] == 0 && seen[2] == json!({}) && seen[3].is_null(), "no environment", &seen)?;
    ensure(seen[4] == json!([]), "no process besides its own", &seen[4])
}

fn network() -> Check {
    let code = "
import socket
said = []
for family, where in ((socket.AF_INET, ('169.254.169.254', 80)), (socket.AF_INET, ('127.0.0.1', 5679)), (socket.AF_INET6, ('::1', 80)), (socket.AF_UNIX, '\\0n8n')):
    try:
        s = socket.socket(family)
        s.settimeout(2)
        s.connect(where)
        said.append('connected')
    except OSError as error: said.append(error.errno is not None)
return said";
    free().gives(code, &json!([true, true, true, true]))
}

fn variables() -> Check {
    let scratch = policy(&json!({ "request": { "environment": ["API_*", "N8N_*", "PLAIN"] }, "environment": { "OF_POLICY": "here" } }))?;
    let named = free()
        .with("REMAND_N8N_POLICY", &scratch.1)
        .with("API_URL", "http://x")
        .with("OTHER", "hidden")
        .with("N8N_RUNNERS_GRANT_TOKEN", "hidden");
    let code =
        "import os\nreturn [os.environ.get(n) for n in ('API_URL', 'OF_POLICY', 'OTHER', 'N8N_RUNNERS_GRANT_TOKEN')] + [len(os.environ)]";
    let open = named.clone().with("N8N_BLOCK_RUNNER_ENV_ACCESS", "false").result(code)?;
    let four = &open.as_array().map(|seen| seen[..4].to_vec()).unwrap_or_default();
    ensure(*four == [json!("http://x"), json!("here"), json!(null), json!(null)], "those that the policy names", &open)?;
    named.gives(code, &json!([null, null, null, null, 0]))?;
    let path = "import os\nreturn [os.getenv('PATH', 'NOT_FOUND') != 'NOT_FOUND', len(os.environ) > 0]";
    free().with("N8N_BLOCK_RUNNER_ENV_ACCESS", "false").gives(path, &json!([true, true]))
}

/// A policy file of this trial's own that extends the shipped one, and its path.
fn policy(sections: &serde_json::Value) -> Result<(Scratch, String), End> {
    let mut text = json!({ "version": 1, "extends": "n8n", "description": "of a trial" });
    for (name, section) in sections.as_object().into_iter().flatten() {
        text[name] = section.clone();
    }
    let scratch = Scratch::new();
    let path = scratch.file("special.jsonc", &text.to_string()).display().to_string();
    Ok((scratch, path))
}

fn memory() -> Check {
    need(&[CGROUP_MEMORY])?;
    let code = "print('before')\nkept = [bytes(b'x' * (1 << 20)) for i in range(4096)]\nreturn 1";
    let told = free().run(code)?;
    ensure(told.prints == [["'before'"]], "what was printed is sent", &told)?;
    let Ended::Error(error) = told.end else { return Err(End::Fail("gave a result".to_owned())) };
    let whole = (error.message.as_str(), error.description.as_deref());
    ensure(whole == ("Task ran out of memory: it may use 512 MiB", Some("limits.memory of policy n8n")), "whose limit it was", &error)?;
    let going_on = free().going_on().result(code)?;
    ensure(going_on == json!([{ "json": { "error": "Task ran out of memory: it may use 512 MiB" } }]), "also as an item", &going_on)
}

fn processes() -> Check {
    need(&[CGROUP_PIDS])?;
    let code = "import os\nwhile True:\n    if os.fork() == 0:\n        while True: pass";
    free().fails(code, "Task had more than 64 processes and threads at once", "limits.pids of policy n8n")
}

fn forged() -> Check {
    let huge = "import os\nos.write(4, b'\\xff\\xff\\xff\\xff')\nos._exit(0)";
    free().fails(huge, "Result of 3.9 GiB is larger than the 256 MiB that it may be", "limits.result_size of policy n8n")?;
    for bytes in ["b'\\0\\0\\0\\0'", "b'\\0\\0\\0\\5hello'", "b'\\0\\0\\0\\x0f' + b'{\"kind\":\"done\"}' * 2"] {
        let code = format!("import os\nos.write(4, {bytes})\nos._exit(0)");
        free().fails(&code, "Failed to read result from child process", "Descriptor 4 is the result's")?;
    }
    let all = "import os\nfor fd in range(5, 256):\n    try: os.write(fd, b'x' * 64)\n    except OSError: pass\nreturn 'mine'";
    free().gives(all, &json!("mine"))
}

fn left_behind() -> Check {
    let code = "
import os, signal, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Thread(target=time.sleep, args=(3600,)).start()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(3600)
    os._exit(0)
return 'done'";
    free().gives(code, &json!("done"))?;
    free()
        .gives("import os, signal\nos.kill(-1, 0)\nreturn 1", &json!(1))
        .or_else(|_| free().fails("import os\nos.kill(-1, 0)", "[Errno 3] No such process", ""))?;
    let stopped = free().with("N8N_RUNNERS_TASK_TIMEOUT", "1");
    let message = "Task execution timed out after 1 second";
    stopped.fails("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", message, "")?;
    let swallowing = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass";
    stopped.fails(swallowing, message, "")?;
    let line = match stopped.run("x = 1\n\nwhile True: x += 1")?.end {
        Ended::Error(error) => error.line_number,
        Ended::Done { .. } => None,
    };
    // On a loaded host there is no time for the code's own account of where it is.
    ensure(line.is_none_or(|line| line == 3), "a time out has the line where the code was", &line)
}

fn cancelled() -> Check {
    let mut tasks = free().tasks()?;
    let task = Task { code: "print('p')\nwhile True: pass".to_owned(), ..free().task };
    for times in [0, 1, 2, 8, 64] {
        let mut running = tasks.start(&task).map_err(|answer| End::Fail(format!("{answer:?}")))?;
        for _ in 0..times {
            running.advance(Moment::now());
        }
        running.cancel();
        match wait(running)?.end {
            Ended::Error(error) => {
                ensure(error.message == "Task was cancelled" && error.description.is_none(), "the message alone", &error)?
            }
            end @ Ended::Done { .. } => return Err(End::Fail(format!("{end:?}"))),
        }
    }
    let mut going_on = tasks.start(&Task { continue_on_fail: true, ..task }).map_err(|answer| End::Fail(format!("{answer:?}")))?;
    going_on.cancel();
    let end = wait(going_on)?.end;
    ensure(matches!(&end, Ended::Done { result, .. } if result.contains("Task was cancelled")), "as an item", &end)
}

fn output() -> Check {
    let code = "import sys\nline = 'x' * 65535 + '\\n'\nfor i in range(512): sys.stdout.write(line)\nreturn 'done'";
    free().gives(code, &json!("done"))
}

fn policies() -> Check {
    let (narrow, narrow_path) = policy(&json!({ "limits": { "memory": "64MiB", "job_size": "32MiB" } }))?;
    let (wide, wide_path) = policy(&json!({ "limits": { "memory": "1GiB" } }))?;
    let code = "open('/proc/self/stat').read()\nx = bytes(b'x' * (200 << 20))\nreturn len(x)";
    let said = json!({ "workflows": { "by-id": wide_path }, "node_names": { "Small": narrow_path } }).to_string();
    let mut mapped = free().with("REMAND_N8N_POLICIES", &said);
    mapped.task.workflow_id = "by-id".to_owned();
    mapped.gives(code, &json!(200 << 20))?;
    mapped.task.node_name = "Small".to_owned();
    let told = mapped.error(code)?;
    ensure(told.0.is_empty() || told.0.starts_with("Task ran out of memory: it may use 64 MiB"), "a name narrows", &told)?;
    for place in ["node_names", "node_ids", "workflow_names"] {
        let named = free().with("REMAND_N8N_POLICIES", &json!({ place: { "Unknown": wide_path } }).to_string());
        let why = named.tasks().err().map(|end| if let End::Fail(why) = end { why } else { String::new() }).unwrap_or_default();
        ensure(why.contains("has to be narrower than policy n8n, and its limits.memory is not"), "and never widens", &why)?;
    }
    drop((narrow, wide));
    Ok(())
}

fn warned() -> Check {
    let node = node().with("N8N_RUNNERS_MAX_CONCURRENCY", "100000").with("N8N_RUNNERS_EXTERNAL_ALLOW", "*");
    let warnings = node.tasks()?.warnings(&node.settings()?);
    let crowded =
        warnings.iter().any(|line| line.starts_with("100000 tasks at once (N8N_RUNNERS_MAX_CONCURRENCY) may use 512 MiB of memory each"));
    let packages = warnings.iter().any(|line| line.contains("policy n8n shows tasks none"));
    ensure(crowded && packages && warnings.len() == 2, "memory that is not there, packages that are not shown", &warnings)?;
    let few = super::node::node().with("N8N_RUNNERS_MAX_CONCURRENCY", "1");
    let quiet = few.tasks()?.warnings(&few.settings()?);
    ensure(quiet.is_empty(), "nothing else", &quiet)
}
