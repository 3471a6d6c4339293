"""The way by a daemon's socket, where something is wrong with the daemon, and what only it has."""

import contextlib
import json
import os
import signal
import socket
import threading
import unittest
from unittest import mock

from harness import LOOP, Served, Tidy, ask

import remand
from remand import daemon

START = {"event": "start", "version": 1, "run": "r", "policy": {"name": "p", "hash": "h"}}
OUTCOME = {"event": "outcome", "outcome": {"version": 1, "run": "r", "policy": {"name": "p", "hash": "h"}, "verdict": {"kind": "finished"}, "value": 7}}
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nLocation: /v1/runs/r\r\n"


def event(said):
    return b"id: 1\nevent: x\ndata: " + json.dumps(said).encode() + b"\n\n"


def answer(status, body, head=b""):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), head) + body


def is_whole(request):
    head, end, body = request.partition(b"\r\n\r\n")
    length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return bool(end) and len(body) >= sum(length)


class Daemon:
    """A socket that gives each connection the next of these answers, bytes or what makes them of the connection, once it has read a request."""

    def __init__(self, test, *answers):
        self.path = str(test.directory() / "s.sock")
        self.asked = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, args=(answers,))
        self.thread.start()
        test.addCleanup(self.close)

    def serve(self, answers):
        for each in answers:
            with contextlib.suppress(OSError):
                with self.listener.accept()[0] as connection:
                    self.asked.append(connection.recv(1 << 16))
                    if isinstance(each, bytes):
                        # What is left unread at a close makes a reset of it.
                        while not is_whole(self.asked[-1]) and (more := connection.recv(1 << 16)):
                            self.asked[-1] += more
                        connection.sendall(each)
                    else:
                        each(connection)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def client(self, **options):
        return remand.Client(remand.SocketTransport(self.path, **options))


def to_the_end(*before):
    """Says this, and then nothing until the client has gone."""

    def answer(connection):
        connection.sendall(b"".join(before))
        while connection.recv(1 << 16):
            pass

    return answer


class Found(Tidy):
    def test_where_it_is(self):
        with mock.patch.dict(os.environ, {"XDG_RUNTIME_DIR": "/own"}):
            os.environ.pop("REMAND_SOCKET", None)
            with mock.patch.object(os, "geteuid", lambda: 1000):
                self.assertEqual(daemon.places(), ["/own/remand/remand.sock", "/run/remand/remand.sock"])
            with mock.patch.object(os, "geteuid", lambda: 0):
                self.assertEqual(daemon.places(), ["/run/remand/remand.sock"])
            os.environ["REMAND_SOCKET"] = "/named"
            self.assertEqual(daemon.places(), ["/named"])
            os.environ["REMAND_SOCKET"] = ""
            self.assertEqual(daemon.places(), [])

    def test_a_daemon_first_and_a_process_where_none_listens(self):
        there = Daemon(self, STREAM + b"\r\n" + event(START) + event(OUTCOME))
        self.fake("sys.stdin.read()\nsay(event='problem', detail='by a process', exit_status=2)")
        helper = self.fake("sys.stdin.read()\nsay(event='problem', detail='by a process', exit_status=2)")._transport._binary
        with mock.patch.dict(os.environ, {"REMAND_SOCKET": there.path, "REMAND": helper}):
            self.assertEqual(remand.run("x").value, 7)
            for nobody in ("", "/nonexistent/s.sock", helper, helper + "/s.sock"):
                os.environ["REMAND_SOCKET"] = nobody
                self.assertRaisesRegex(remand.RequestError, "by a process", remand.run, "x")

    def test_a_daemon_that_was_named_is_the_only_one(self):
        for path in ("/nonexistent/s.sock", "/etc/passwd", "x" * 200):
            with self.assertRaisesRegex(remand.HelperError, path):
                remand.Client(remand.SocketTransport(path)).run("return 1")


class Answers(Tidy):
    def test_what_is_sent(self):
        def whole(connection):
            while not there.asked[0].endswith(b"}"):
                there.asked[0] += connection.recv(1 << 16)
            connection.sendall(STREAM + b"\r\n" + event(START) + event(OUTCOME))

        there = Daemon(self, whole)
        self.assertEqual([type(each) for each in there.client().stream("return 7", items=[1])], [remand.Start, remand.Outcome])
        head, body = there.asked[0].split(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST /v1/runs HTTP/1.1\r\n") and b"\r\nAccept: text/event-stream\r\n" in head, head)
        self.assertEqual(json.loads(body), {"code": "return 7", "items": [1]})

    def test_problems(self):
        said = json.dumps({"status": 429, "detail": "full \x1b[31m", "hint": "wait", "exit_status": 10}).encode()
        there = Daemon(self, answer(b"429 Too Many Requests", said, b"Retry-After: 7\r\n"))
        with self.assertRaises(remand.RequestError) as raised:
            there.client().run("return 1")
        told = raised.exception
        self.assertEqual((told.hint, told.exit_status, told.retry_after, str(told)), ("wait", 10, 7, "full \\x1b[31m\n  wait"))

    def test_going_without_an_answer_is_told(self):
        for said, why in (
            (b"", "Remote end closed connection without response"),
            (b"SSH-2.0-x\r\n", "SSH-2.0-x"),
            (answer(b"200 OK", b"[]"), "closed the connection"),
            (answer(b"404 Not Found", b"<html>"), "answered 404 Not Found, and is no daemon of remand's"),
            (answer(b"500 Oh", b"[" * 100000), "answered 500 Oh"),
            (STREAM + b"Transfer-Encoding: chunked\r\n\r\n", "went before the run was over"),
            (STREAM + b"Transfer-Encoding: chunked\r\n\r\n5\r\nid: ", "went before the run was over"),
            (STREAM + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "closed the connection"),
            (STREAM + b"\r\n" + event(START), "closed the connection"),
        ):
            for use in (lambda client: client.run("return 1"), lambda client: list(client.stream("return 1"))):
                with self.subTest(said), self.assertRaisesRegex(remand.HelperError, why):
                    use(Daemon(self, said).client())

    def test_a_line_without_an_end_is_not_held(self):
        def flood(connection):
            connection.sendall(STREAM + b"\r\n")
            while True:
                connection.sendall(b"x" * 65536)

        self.assertRaisesRegex(remand.HelperError, "a line of more than 1048576 bytes", Daemon(self, flood).client(longest_line=1 << 20).run, "x")

    def test_one_that_takes_no_more_has_its_say(self):
        def full(connection):
            connection.sendall(answer(b"413 Content Too Large", b'{"detail": "too large", "exit_status": 2}'))

        self.assertRaisesRegex(remand.RequestError, "too large", Daemon(self, full).client().run, "x", query="x" * (8 << 20))


class Endings(Tidy):
    def test_cancelling_asks_for_the_end_and_takes_the_answer(self):
        asked = threading.Event()

        def waits(connection):
            connection.sendall(STREAM + b"\r\n" + event(START))
            there.asked.append(there.listener.accept()[0])
            there.asked.append(there.asked[-1].recv(1 << 16))
            there.asked[-2].close()
            asked.set()
            connection.sendall(event({**OUTCOME, "outcome": {**OUTCOME["outcome"], "verdict": {"kind": "cancelled"}}}))

        there = Daemon(self, waits)
        with self.assertRaises(remand.RunTimeout) as raised:
            there.client().run(LOOP, timeout=0.1)
        self.assertTrue(asked.is_set() and there.asked[-1].startswith(b"DELETE /v1/runs/r HTTP/1.1\r\n"), there.asked)
        self.assertEqual(raised.exception.outcome.value, 7, "its own record")

    def test_one_that_does_not_answer_is_left(self):
        for answers in ([to_the_end()], [to_the_end(STREAM, b"\r\n", event(START)), to_the_end()]):
            client = Daemon(self, *answers).client(grace=0.3)
            self.assertIsInstance(client.run(LOOP, timeout=0.1, check=False).verdict, remand.Cancelled)

    def test_leaving_a_stream_ends_its_connection(self):
        there = Daemon(self, to_the_end(STREAM, b"\r\n", event(START), event({"event": "stdout", "us": 1, "text": "x" * 4000}) * 4000))
        for each in there.client(grace=0.3).stream(LOOP):
            self.assertIsInstance(each, remand.Start)
            break
        there.thread.join(30)
        self.assertFalse(there.thread.is_alive(), "it was not closed")


class Whole(Served):
    def test_a_program_that_is_killed_ends_its_run(self):
        body = f"""
            import os
            for each in remand.stream({LOOP!r}): os.kill(os.getpid(), {int(signal.SIGKILL)})
        """
        self.assertEqual(self.program(body).returncode, -signal.SIGKILL)
        self.none_goes_on()

    def none_goes_on(self):
        while runs := ask("/v1/runs")["runs"]:
            self.assertNotEqual([each["state"] for each in runs], ["over"])

    def test_closing_a_stream_ends_its_run(self):
        with remand.stream(LOOP) as events:
            run = next(events).run
            self.assertEqual([each["run"] for each in ask("/v1/runs")["runs"]], [run])
        self.none_goes_on()

    def test_a_request_names_no_file_of_the_daemons_host(self):
        with self.assertRaisesRegex(remand.RequestError, "names no file of the daemon's host"):
            remand.run("return 1", mounts=[{"source": "/etc"}])


if __name__ == "__main__":
    unittest.main()
