"""Runs the tests on both ways to remand: all of them with a process per run, those of whole runs again through a daemon that is started here.

    REMAND=/path/to/remand python3 src/client/tests/both.py
"""

import os
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def tests(suite):
    """Those of a suite of suites."""
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests(each)
        else:
            yield each


def go(wanted):
    """Runs those that are wanted."""
    chosen = unittest.TestSuite(filter(wanted, tests(unittest.defaultTestLoader.discover(HERE))))
    return 0 if unittest.TextTestRunner(verbosity=2).run(chosen).wasSuccessful() else 1


def with_daemon():
    """Those of whole runs, in a process that is no parent of the daemon's."""
    with tempfile.TemporaryDirectory() as place, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        there = os.path.join(place, "remand.sock")
        ready.bind(os.path.join(place, "ready"))
        ready.settimeout(60)
        with open(os.path.join(place, "log"), "wb") as log:
            command = [os.environ["REMAND"], "serve", "--socket", there]
            daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env={**os.environ, "NOTIFY_SOCKET": os.path.join(place, "ready")})
        try:
            ready.recv(64)
            return subprocess.run([sys.executable, __file__, "--whole-runs"], env={**os.environ, "REMAND_SOCKET": there}).returncode
        finally:
            daemon.terminate()
            if daemon.wait(60) != 0:
                with open(os.path.join(place, "log"), errors="replace") as log:
                    print(log.read()[-4000:], file=sys.stderr)


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    import harness

    if sys.argv[1:] == ["--whole-runs"]:
        sys.exit(go(lambda each: isinstance(each, (harness.Real, harness.Served))))
    os.environ["REMAND_SOCKET"] = ""
    status = go(lambda each: not isinstance(each, harness.Served))
    sys.exit(status | with_daemon() if harness.REAL else status)
