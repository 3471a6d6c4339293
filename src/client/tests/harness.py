"""What the tests share: the package, the command `remand` that REMAND names, helpers that misbehave, and the proof after each test that nothing was left.

Always holds: a test that leaves a process, a descriptor or a warning behind fails, whatever it was about.
"""

import gc
import json
import os
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest
import warnings
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = Path(__file__).resolve().parent.parent
ROOT = PACKAGE.parents[1]
sys.path.insert(0, str(PACKAGE))

import remand  # noqa: E402
from remand import daemon  # noqa: E402

REAL = os.environ.get("REMAND")
LOOP = "import time\nwhile True: time.sleep(0.01)"


class Tidy(unittest.TestCase):
    """Holds each test to leaving nothing."""

    def setUp(self):
        self.unraised = []
        before, hook = descriptors(), sys.unraisablehook
        sys.unraisablehook = lambda each: self.unraised.append(each.exc_value)
        caught = warnings.catch_warnings()
        caught.__enter__()
        warnings.simplefilter("error", ResourceWarning)
        self.addCleanup(self.left, before, hook, caught)

    def left(self, before, hook, caught):
        gc.collect()
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(20)
        sys.unraisablehook = hook
        caught.__exit__(None, None, None)
        self.assertEqual([str(each) for each in self.unraised], [])
        self.assertEqual(descriptors(), before)
        with self.assertRaises(ChildProcessError, msg="a child is left"):
            os.waitpid(-1, os.WNOHANG)

    def directory(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return Path(made.name)

    def fake(self, body, **options):
        """A client of a helper that does what `body` says, a program that has read its request."""
        path = self.directory() / "remand"
        head = "import json, os, signal, sys, time\ndef say(**what): print(json.dumps(what), flush=True)\n"
        path.write_text(f"#!{sys.executable} -IS\n{head}{textwrap.dedent(body)}")
        path.chmod(0o755)
        return remand.Client(remand.HelperTransport(path, **options))

    def lasting(self):
        """A client of a helper whose runs end when they are cancelled (but for those of an item that is false, which end at once): the test fails where one
        was left to end by itself."""
        late = self.directory() / "late"
        self.addCleanup(lambda: self.assertFalse(late.exists(), "a run was not cancelled"))
        return self.fake(f"""
            def end(kind):
                outcome = {{"version": 1, "run": "r", "policy": {{"name": "p", "hash": "h"}}, "verdict": {{"kind": kind}}, "value": None}}
                say(event="outcome", outcome=outcome)
                os._exit(0)
            signal.signal(signal.SIGTERM, lambda *_: end("cancelled"))
            request = json.load(sys.stdin)
            say(event="start", version=1, run="r", policy={{"name": "p", "hash": "h"}})
            if request.get("items") and not request["items"][0]: end(request["code"])
            time.sleep(4)
            open({str(late)!r}, "w")
            end("finished")
        """)

    def program(self, body, *, stdin=subprocess.DEVNULL, **options):
        """Another Python program that uses the package: what it prints, and its status."""
        text = f"import sys; sys.path.insert(0, {str(PACKAGE)!r})\nimport remand\n{textwrap.dedent(body)}"
        command = [sys.executable, "-W", "error::ResourceWarning", "-c", text]
        return subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **options)


@unittest.skipUnless(REAL, "needs the command remand (REMAND)")
class Real(Tidy):
    """Tests of whole runs."""


@unittest.skipUnless(REAL and os.environ.get("REMAND_SOCKET"), "needs a daemon (REMAND_SOCKET)")
class Served(Tidy):
    """Tests of whole runs that only a daemon makes; both.py starts one."""


def descriptors():
    """What is open, but for the listing itself."""
    return {each: kind(each) for each in os.listdir("/proc/self/fd") if kind(each)}


def kind(fd):
    try:
        return stat.S_IFMT(os.fstat(int(fd)).st_mode)
    except OSError:
        return None


def over(number):
    """Whether the run of this number is over; where it has none, whether the daemon has any."""
    if number is not None:
        return gone(number)
    return ask("/v1/runs")["runs"] == []


def ask(path):
    """What the daemon answers."""
    connection = daemon._Connection(os.environ["REMAND_SOCKET"], 30)
    try:
        connection.request("GET", path)
        with connection.getresponse() as response:
            return json.load(response)
    finally:
        connection.close()


def gone(pid):
    """Whether a child of this process is over and reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
