"""Runs the executor as a real process, with the job on descriptor 3 and frames on 4, on every interpreter at hand.

Always holds: what is run is the shipped bootstrap and program; only the path of the compiled program differs.
"""

import fcntl
import glob
import json
import marshal
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

EXECUTOR = Path(__file__).resolve().parent.parent
OPEN = {"stdlib_allow": ["*"], "external_allow": ["*"], "builtins_deny": [], "runner_env_deny": False}
RESULT = {"nan": "error", "pandas": "error", "surrogates": "error"}
LIMITS = {"prints": 1 << 16, "result_size": 1 << 20}
ASK = "import sys; print(sys.executable, *sys.version_info[:2])"
COMPILE = """
import marshal, sys
program, *layers = [text if number % 2 else compile(text, '<remand>', 'exec', optimize=2) for number, text in enumerate(sys.stdin.read().split('\\0'))]
sys.stdout.buffer.write(marshal.dumps((program, {name: marshal.dumps(code) for name, code in zip(layers[::2], layers[1::2])})))
"""


def source():
    """The program as the engine puts it together."""
    listed = (EXECUTOR.parent / "plan/src/interpreter.rs").read_text()
    listed = listed.partition("pub const PROGRAM")[2]
    return "".join(mark.replace("\\0", "\0") or (EXECUTOR / name).read_text() for name, mark in re.findall(r'executor/([\w/]+\.py)"\),|"(\\0\w+\\0)",', listed))


def interpreters():
    """One path per CPython version, 3.9 and later: from $PYTHONS (separated by ':'), or what is found."""
    given = os.environ.get("PYTHONS")
    found = given.split(":") if given else ["/usr/bin/python3", shutil.which("python3")]
    if not given:
        found += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3")))
    by_version = {}
    for path in filter(None, found):
        try:
            answer = subprocess.run([path, "-I", "-S", "-c", ASK], capture_output=True, text=True, timeout=60).stdout.split()
        except OSError:
            continue
        if len(answer) == 3 and (3, 9) <= (int(answer[1]), int(answer[2])):
            by_version.setdefault((int(answer[1]), int(answer[2])), answer[0])
    return by_version


class Ended:
    """What one run left: frames, whether the stream was whole, output, and the wait status as `subprocess` counts it."""

    def __init__(self, stream, stdout, stderr, code):
        self.stdout, self.stderr, self.code = stdout, stderr, code
        self.frames, self.texts, self.announced = [], [], None
        while len(stream) >= 4:
            length = int.from_bytes(stream[:4], "big")
            if len(stream) < 4 + length:
                self.announced = length
                break
            self.texts.append(stream[4 : 4 + length].decode())
            try:
                self.frames.append(json.loads(self.texts[-1], parse_constant=self.not_json))
            except RecursionError:
                self.frames.append({"kind": "too deep for json"})
            stream = stream[4 + length :]
        self.rest = stream

    @staticmethod
    def not_json(word):
        raise AssertionError(word + " left as a bare token")

    def kinds(self):
        return [frame["kind"] for frame in self.frames]

    def last(self):
        return self.frames[-1]

    def prints(self):
        return [frame["text"] for frame in self.frames if frame["kind"] == "print"]

    def wrote(self, kind):
        """What was written to sys.stdout (`out`) or sys.stderr (`err`)."""
        return "".join(frame["text"] for frame in self.frames if frame["kind"] == kind)


class Executor:
    """The program, compiled for one interpreter."""

    def __init__(self, version, python, directory):
        self.version, self.python = version, python
        self.program = os.path.join(directory, "executor-" + python.strip("/").replace("/", "-"))
        with open(self.program, "wb") as out:
            subprocess.run([python, "-I", "-S", "-c", COMPILE], input=source().encode(), stdout=out, check=True)
        said = subprocess.run([python, "-I", "-S", "-c", "import sys; print(sys.prefix, *sys.path, sep='\\n')"], capture_output=True, text=True, check=True)
        self.prefix, *self.standard_path = said.stdout.splitlines()
        self.bootstrap = (EXECUTOR / "bootstrap.py").read_text().replace("/remand/executor", self.program)

    def environment(self, directory, files):
        """A virtual environment with these packages: its interpreter."""
        executable = os.path.join(directory, "bin/python")
        texts = {"pyvenv.cfg": "home = %s\n" % os.path.dirname(os.path.realpath(self.python))}
        texts.update(("lib/python%d.%d/site-packages/%s" % (*self.version, name), text) for name, text in files.items())
        for name, text in texts.items():
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(path).write_text(text)
        os.makedirs(os.path.dirname(executable))
        os.symlink(os.path.realpath(self.python), executable)
        return executable

    def run(self, code, mode="all_items", items=(), query=None, security=OPEN, limits=LIMITS, python=None, env=None, version=4, slow=False, script=None, paths=(), stdin="/dev/null", result={}, on_error="stop", environment={}, flags=("-I",), n8n=None):
        job = dict(version=version, mode=mode, code=code, items=marshal.dumps(list(items)), query=marshal.dumps(query), limits=limits, prefix=self.prefix, standard_path=self.standard_path)
        job["security"] = {**OPEN, **security}
        job["environment"], job["n8n"] = environment, marshal.dumps(n8n)
        job["script"], job["paths"], job["on_error"] = script, list(paths), on_error
        job["result"] = {**RESULT, **result}
        with tempfile.TemporaryFile() as jobs, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            jobs.write(marshal.dumps(job, 2))
            jobs.seek(0)
            reader, writer = os.pipe()
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20) for fd in (jobs.fileno(), out.fileno(), err.fileno(), writer)]
            actions = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0)]
            actions += [(os.POSIX_SPAWN_DUP2, fd, low) for fd, low in zip(high, (3, 1, 2, 4))]
            # An environment has its packages by `site`, a bare interpreter has none.
            argv = [python or self.python, *flags, *([] if python else ["-S"]), "-B", "-c", self.bootstrap]
            pid = os.posix_spawn(argv[0], argv, env or {}, file_actions=actions, setsigdef=[signal.SIGPIPE, signal.SIGINT])
            for fd in (*high, writer):
                os.close(fd)
            guard = threading.Timer(120, os.kill, (pid, signal.SIGKILL))
            guard.start()
            stream = bytearray()
            while True:
                # A slow reader keeps the pipe full, so that writes are cut short.
                part = os.read(reader, 4096 if slow else 1 << 16)
                if not part:
                    break
                stream += part
                if slow:
                    time.sleep(0.0002)
            os.close(reader)
            _, status = os.waitpid(pid, 0)
            guard.cancel()
            out.seek(0)
            err.seek(0)
            code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            return Ended(bytes(stream), out.read().decode(errors="replace"), err.read().decode(errors="replace"), code)


def program(name="script.py", directory=None, module=None, arguments=(), awaits=False, value=False, display=False, lines=False):
    """The member `script` of a job, for text that is a file of this name; `-` and `-c` as Python has them."""
    shown = {"-": "<stdin>", "-c": "<string>"}.get(name) or os.path.join(directory, name)
    file = {"-": "<stdin>", "-c": None}.get(name, name)
    return dict(directory=directory, file=file, shown=file if name == "-" else shown, module=module, argv=["-m" if module else name, *arguments], display=(EXECUTOR / "display.py").read_text() if display else None, **{"await": awaits, "value": value, "lines": lines})


class EveryPython(unittest.TestCase):
    """A test method is called with each interpreter's executor in `self.executor`."""

    executors = {}
    directory = None

    @classmethod
    def setUpClass(cls):
        if not EveryPython.executors:
            EveryPython.directory = tempfile.TemporaryDirectory()
            for version, path in interpreters().items():
                EveryPython.executors[version] = Executor(version, path, EveryPython.directory.name)
        assert EveryPython.executors, "no CPython 3.9 or later was found"

    def run(self, result=None):
        method = getattr(self, self._testMethodName)

        def with_each():
            for version, executor in EveryPython.executors.items():
                with self.subTest(python="%d.%d" % version):
                    self.version, self.executor = version, executor
                    method()

        setattr(self, self._testMethodName, with_each)
        return super().run(result)

    def go(self, code, **given):
        return self.executor.run(code, **given)

    def script(self, code, name="script.py", arguments=(), module=None, awaits=False, value=False, display=False, lines=False, paths=(), **given):
        """A run of a program in a directory of its own."""
        with tempfile.TemporaryDirectory(dir=EveryPython.directory.name) as directory:
            wanted = program(name, directory, module, arguments, awaits, value, display, lines)
            first = directory if name not in ("-", "-c") else ""
            return self.executor.run(code, mode="script", script=wanted, paths=[first, *paths], **given)

    def value(self, code, **given):
        """The value of a run that must have finished."""
        ended = self.go(code, **given)
        self.assertEqual((ended.code, ended.rest, ended.last()["kind"]), (0, b"", "done"), (ended.frames, ended.stderr))
        return ended.last().get("value")

    def error(self, code, **given):
        """The error frame of a run that must have raised."""
        ended = self.go(code, **given)
        self.assertEqual((ended.code, ended.rest, ended.last()["kind"]), (1, b"", "error"), (ended.frames, ended.stderr))
        return ended.last()
