"""The cases of scripts/e2e-n8n, one row of docs/n8n-e2e.md each: what a person does in n8n, and what is then seen.

Always holds: a case asserts what it tells, and tells nothing that differs from run to run.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading

from e2e_n8n_server import SECRET, N8n, Program, until

ALL, EACH = "runOnceForAllItems", "runOnceForEachItem"
ENDLESS = "while True:\n    pass"
MAKE = "return [{'json': {'n': n}} for n in range(%d)]"
# Seconds: the runner's own time out comes first, unless it is told to be patient.
RUNNERS, BROKERS = 3, 8


def code(text, mode=ALL, name="Python", **more):
    """A Code node."""
    parameters = {"language": "pythonNative", "mode": mode, "pythonCode": text}
    return {"name": name, "type": "n8n-nodes-base.code", "typeVersion": 2, "parameters": parameters, **more}


def items(result, name="Python"):
    """What a node gave."""
    return result["runData"][name][0]["data"]["main"][0]


def same(seen, expected):
    if seen != expected:
        raise AssertionError(f"seen {seen!r}, expected {expected!r}")


def having(seen, *texts):
    for text in texts:
        if text not in seen:
            raise AssertionError(f"no {text!r} in {seen!r}")


class World(contextlib.ExitStack):
    """An n8n, and a runner beside it."""

    runners = True
    settings = {}

    def __init__(self, installed, scratch, binary):
        super().__init__()
        self.installed, self.scratch, self.binary, self.started = installed, scratch, binary, 0

    def __enter__(self):
        super().__enter__()
        timeouts = {"N8N_RUNNERS_TASK_TIMEOUT": str(BROKERS), "N8N_RUNNERS_HEARTBEAT_INTERVAL": "5"}
        self.n8n = self.enter_context(N8n(self.installed, self.scratch, **timeouts, **self.settings))
        if self.runners:
            self.standing = self.runner()
        return self

    def environment(self, **more):
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.scratch),
            "N8N_RUNNERS_AUTH_TOKEN": SECRET,
            "N8N_RUNNERS_TASK_BROKER_URI": f"http://127.0.0.1:{self.n8n.broker}",
            "N8N_RUNNERS_TASK_TIMEOUT": str(RUNNERS),
            **more,
        }

    def runner(self, **more):
        """One that the broker has registered."""
        self.started += 1
        runner = Program(f"runner {self.started}", [self.binary, "n8n"], self.environment(**more), self.scratch / f"runner-{self.started}.log")
        self.callback(runner.end)
        runner.says("Registered with broker")
        return runner

    @contextlib.contextmanager
    def other(self, **more):
        """A runner in the place of the one that stands."""
        same(self.standing.end(), 0)
        other = self.runner(**more)
        try:
            yield other
        finally:
            other.end()
            self.standing = self.runner()

    def good(self, *nodes, **more):
        status, result = self.n8n.run("good", *nodes, **more)
        if status != "success":
            raise AssertionError(f"{status}: {result.get('error')}")
        return items(result, nodes[-1]["name"])

    def bad(self, *nodes):
        status, result = self.n8n.run("bad", *nodes)
        same(status, "error")
        return result["error"]


def all_items(world):
    given = world.good(code(MAKE % 3, name="Make"), code("return [{'total': sum(item['json']['n'] for item in _items)}]"))
    same([item["json"] for item in given], [{"total": 3}])
    return "three items in, one with their sum out"


def each_item(world):
    given = world.good(code(MAKE % 3, name="Make"), code("return {'double': _item['json']['n'] * 2} if _item['json']['n'] else None", EACH))
    same([(item["json"], item["pairedItem"]) for item in given], [({"double": 2}, {"item": 1}), ({"double": 4}, {"item": 2})])
    return "one answer for each item, paired with it; none where the code returned None"


def error(world):
    told = world.bad(code("def f(x):\n    return 1 / x\n\nreturn f(0)"))
    same((told["message"], told["lineNumber"], told["errorType"]), ("division by zero", 2, "ZeroDivisionError"))
    return "the node fails with `division by zero`, line 2, `ZeroDivisionError`"


def goes_on(world):
    given = world.good(code("raise ValueError('no')", onError="continueRegularOutput"))
    same([item["json"] for item in given], [{"error": "no"}])
    return "a node that goes on after errors gives one item with the error"


def wrong_shape(world):
    having(world.bad(code("return 'text'"))["message"], "Code doesn't return items properly")
    return "n8n's own check of the shape: `Code doesn't return items properly`"


def print_in_editor(world):
    told = world.n8n.listen("editor")
    world.good(code("print('seen', {'a': 1})\nreturn []"), push="editor")
    line = until("a print", lambda: [message for message in told if message["type"] == "sendConsoleMessage"])[0]
    same(line["data"]["messages"][-2:], ["'seen'", {"a": 1}])
    return f"the browser is sent {json.dumps(line['data']['messages'])}"


def print_in_production(world):
    made = webhook(world, "prints", code("print('from production')\nreturn [{'done': True}]"))
    same(made({}), [{"done": True}])
    world.n8n.program.says("from production")
    return "a published workflow, called by its webhook: the text is in n8n's own output"


def webhook(world, path, *nodes):
    """A published workflow; what calls it."""
    parameters = {"httpMethod": "POST", "path": path, "responseMode": "lastNode", "responseData": "allEntries", "options": {}}
    trigger = {"name": "Webhook", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "webhookId": path, "parameters": parameters}
    world.n8n.publish(world.n8n.workflow(path, list(nodes), trigger))
    call = lambda body: world.n8n.answer("POST", f"/webhook/{path}", body)
    # It is published a while after that was asked.
    until("webhook", lambda: call({})[0] != 404)

    def called(body):
        status, text, _ = call(body)
        return json.loads(text) if status == 200 else (status, text)

    return called


def cancel(world):
    before = world.standing.said().count("Received task")
    execution = world.n8n.begin("cancelled", code(ENDLESS))
    world.standing.says("Received task", before + 1)
    world.n8n.rest("POST", f"/executions/{execution}/stop")
    status, _ = world.n8n.over(execution)
    same(status, "canceled")
    world.standing.says("Cancelled task")
    same(len(all_slots(world)), 5)
    return "stopped in the editor while it runs: the execution is `canceled`, the runner has cancelled the task, all its slots are free"


def all_slots(world):
    """As many at once as the runner takes."""
    return world.good(code("return [{}] * 5", name="Make"), code("return {}", EACH))


def time_out(world):
    told = world.bad(code("x = 1\n" + ENDLESS))
    same((told["message"], told["lineNumber"] in (2, 3)), (f"Task execution timed out after {RUNNERS} seconds", True))
    return f"`{told['message']}`, with the line that ran"


def brokers_time_out(world):
    with world.other(N8N_RUNNERS_TASK_TIMEOUT="60") as runner:
        told = world.bad(code(ENDLESS))
        runner.says("Cancelled task")
        world.good(code("return []"))
    return f"where n8n's own time out comes first, the broker cancels, and the node fails with `{told['message']}`"


def many_items(world):
    given = world.good(code(MAKE % 200, name="Make"), code("return {'n': _item['json']['n'] + 1}", EACH))
    same([item["json"]["n"] for item in given], list(range(1, 201)))
    return "200 items, each answered, in order"


def large_items(world):
    given = world.good(code("return [{'text': 'x' * 1_000_000} for _ in range(8)]", name="Make"), code("return [{'sum': sum(len(i['json']['text']) for i in _items)}]"))
    same(given[0]["json"]["sum"], 8_000_000)
    return "8 MB out of one node and into the next"


def ten_at_once(world):
    made = webhook(world, "ten", code("n = _items[0]['json']['body'].get('n')\nfor _ in range(300_000):\n    pass\nreturn [{'n': n}]"))
    answers = [None] * 10

    def ask(n):
        answers[n] = made({"n": n})

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(answers, [[{"n": n}] for n in range(10)])
    return "ten calls of one webhook at once, five slots: each has its own answer"


CLASS = "class Point:\n    def __init__(self, x):\n        self.x = x\nreturn [{'x': Point(2).x}]"


def a_class(world):
    told = world.bad(code(CLASS))
    same(told["message"], "__build_class__ not found")
    with world.other(REMAND_N8N_RESTRICTIONS="false"):
        same(world.good(code(CLASS))[0]["json"], {"x": 2})
    return f"`{told['message']}`, as ever; with `REMAND_N8N_RESTRICTIONS=false` it works"


def denied_import(world):
    told = world.bad(code("import os\nreturn [{'cwd': os.getcwd()}]"))
    same(told["message"], "Security violations detected")
    having(told["description"], "Line 1: Import of standard library module 'os' is disallowed.")
    return f"`{told['message']}`: `{told['description']}`"


def allowed_import(world):
    with world.other(N8N_RUNNERS_STDLIB_ALLOW="*"):
        text = "import datetime, collections.abc\nreturn [{'at': datetime.datetime(2026, 1, 2), 'is': isinstance([], collections.abc.Sized)}]"
        same(world.good(code(text))[0]["json"], {"at": "2026-01-02 00:00:00", "is": True})
    return "`N8N_RUNNERS_STDLIB_ALLOW=*` has effect, submodules too; a `datetime` in the result is text"


def memory(world):
    told = world.bad(code("x = 'x' * 2_000_000_000\nreturn []"))
    having(told["message"], "Task ran out of memory")
    world.good(code("return []"))
    return f"`{told['message']}`; the next task runs"


def doctor(world):
    ended = subprocess.run([world.binary, "n8n", "doctor"], env=world.environment(), capture_output=True, text=True, timeout=60)
    same((ended.returncode, "wrong" in ended.stdout), (0, False))
    having(ended.stdout, "the broker registers a runner for Python")
    world.good(code("return []"))
    wrong = subprocess.run([world.binary, "n8n", "doctor"], env=world.environment(N8N_RUNNERS_AUTH_TOKEN="x"), capture_output=True, text=True, timeout=60)
    same(wrong.returncode, 1)
    having(wrong.stdout, "wrong the broker refuses N8N_RUNNERS_AUTH_TOKEN")
    web = subprocess.run([world.binary, "n8n", "doctor"], env=world.environment(N8N_RUNNERS_TASK_BROKER_URI=f"http://127.0.0.1:{world.n8n.port}"), capture_output=True, text=True, timeout=60)
    same(web.returncode, 1)
    having(web.stdout, "wrong ", "5679")
    last = lambda ended: ended.stdout.strip().splitlines()[-1]
    return f"well: `{last(ended)}`; with another secret: `{last(wrong)}`"


def two_runners(world):
    with world.other(N8N_RUNNERS_TASK_TIMEOUT="60", N8N_RUNNERS_MAX_CONCURRENCY="1") as first:
        execution = world.n8n.begin("lost", code(ENDLESS))
        first.says("Received task")
        second = world.runner()
        first.end(signal.SIGKILL)
        status, result = world.n8n.over(execution)
        same(status, "error")
        for _ in range(5):
            world.good(code("return []"))
        second.says("Completed task", 5)
        same(second.end(), 0)
    return f"the one with a task is killed: that node fails with `{result['error']['message']}`; the next five tasks all run on the other"


def restart(world):
    before = world.standing.said().count("Registered with broker")
    world.n8n.program.end()
    world.n8n.start()
    world.standing.says("Registered with broker", before + 1)
    world.good(code("return []"))
    return "n8n ends and begins again: the resident runner registers again, without a restart, and works"


def drained(world):
    runner = world.standing
    before = runner.said().count("Received task")
    execution = world.n8n.begin("drained", code("for _ in range(5_000_000):\n    pass\nreturn [{'done': True}]"))
    runner.says("Received task", before + 1)
    status = runner.end()
    ended, result = world.n8n.over(execution)
    same((status, ended, items(result)[0]["json"]), (0, "success", {"done": True}))
    world.standing = world.runner()
    return "SIGTERM to the runner while a task runs: the task is answered, the runner ends with 0"


class Internal(World):
    """An n8n that starts its runner itself, which is remand's."""

    runners = False
    settings = {"N8N_RUNNERS_MODE": "internal"}

    def __enter__(self):
        directory = self.installed[0] / "node_modules/@n8n/task-runner-python"
        directory.mkdir(exist_ok=True)
        self.callback(shutil.rmtree, directory, ignore_errors=True)
        # n8n removes the environment that remand's own settings would come from, but for HOME.
        subprocess.run([self.binary, "n8n", "install", directory], check=True, capture_output=True)
        self.callback(subprocess.run, [self.binary, "n8n", "uninstall", directory], check=True, capture_output=True)
        super().__enter__()
        self.n8n.program.says('Registered runner "Python Task Runner"')
        return self


def internal(world):
    same(world.good(code("return [{'a': 1}]"))[0]["json"], {"a": 1})
    if "N8N_RUNNERS_ID" in world.n8n.program.said():
        raise AssertionError("the runner has another id than n8n gave it")
    return "`remand n8n install` in the place of n8n's runner: n8n starts it, and it works"


def internal_time_out(world):
    told = world.bad(code(ENDLESS))
    # It ends a runner whose task took too long, and with it all others.
    same("restarting" in world.n8n.program.said(), False)
    world.good(code("return []"))
    return f"fails with `{told['message']}`, and the next task runs"


def internal_end(world):
    same(world.n8n.program.end(), 0)
    return "n8n ends, and its runner with it"


CASES = [
    *((name, World, case) for name, case in (
        ("all items", all_items),
        ("each item", each_item),
        ("an error", error),
        ("an error, and on", goes_on),
        ("a wrong result", wrong_shape),
        ("a print in the editor", print_in_editor),
        ("a print in production", print_in_production),
        ("a cancel", cancel),
        ("a time out", time_out),
        ("a time out of n8n's", brokers_time_out),
        ("200 items", many_items),
        ("large items", large_items),
        ("ten at once", ten_at_once),
        ("a class", a_class),
        ("a denied import", denied_import),
        ("allowed imports", allowed_import),
        ("out of memory", memory),
        ("doctor", doctor),
        ("two runners, one killed", two_runners),
        ("the runner is told to end", drained),
        ("n8n begins again", restart),
    )),
    ("internal mode", Internal, internal),
    ("internal mode, a time out", Internal, internal_time_out),
    ("internal mode, the end", Internal, internal_end),
]
