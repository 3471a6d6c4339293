"""The interface of a forkserver context."""

import json
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import unittest
from multiprocessing import connection
from types import SimpleNamespace

from harness import LOOP, Real, Tidy

import remand

DENIED = SimpleNamespace(stdlib_allow={"*"}, external_allow=set(), builtins_deny={"eval"}, runner_env_deny=True)


def work(code, mode, items, write_conn, security_config, query):
    """What a program of its own would run in a process of its own."""
    environment = {"_items": items, "_query": query}
    exec("def f():\n" + "\n".join(f" {line}" for line in code.split("\n")) + "\nvalue = f()", environment)
    write_conn.send({"result": environment["value"], "print_args": []})


def forkserver(code, mode, items, security_config, query):
    """The line that a program changes."""
    context = multiprocessing.get_context("forkserver")
    read_conn, write_conn = context.Pipe(duplex=False)
    return context.Process(target=work, args=(code, mode, items, write_conn, security_config, query)), read_conn, write_conn


def a_program(create_process, code, timeout=30):
    """A program written against the context."""
    process, read_conn, write_conn = create_process(code, "all_items", [{"n": 1}], DENIED, "q")
    assert (process.is_alive(), process.exitcode, process.pid) == (False, None, None)
    process.start()
    write_conn.close()
    assert process.is_alive() and (process.pid or 1) > 0 and process.exitcode is None  # None: a daemon's run has no number
    message = None
    ready = connection.wait([read_conn, process.sentinel], timeout)
    if read_conn in ready or read_conn.poll(timeout):
        try:
            message = read_conn.recv()
        except EOFError:
            pass
    process.join(timeout)
    if process.is_alive():
        process.terminate()
        process.join()
    read_conn.close()
    said = (message, process.exitcode, process.is_alive(), write_conn.closed)
    process.close()
    return said


class Programs(Real):
    def test_the_same_program_on_both(self):
        codes = ["return [_items, _query]", "import os\nos._exit(7)", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "import os\nos._exit(0)"]
        self.assertEqual([a_program(remand.create_process, code) for code in codes], self.theirs(codes))

    def theirs(self, codes):
        """In a program of its own, whose forkserver goes with it."""
        here = os.path.dirname(os.path.abspath(__file__))
        file = self.directory() / "program.py"
        file.write_text(f"""if __name__ == "__main__":
            import sys; sys.path.insert(0, {here!r})
            import json, test_process
            print(json.dumps([test_process.a_program(test_process.forkserver, each) for each in {codes!r}]))""")
        ended = subprocess.run([sys.executable, str(file)], stdout=subprocess.PIPE, timeout=60)
        return [tuple(each) for each in json.loads(ended.stdout)]


class Messages(Real):
    def go(self, code, *more, **fields):
        process, read, write = remand.create_process(code, *more, **fields)
        self.addCleanup(read.close)
        self.addCleanup(process.close)
        process.start()
        process.join()
        try:
            return process, read.recv()
        except EOFError:
            return process, None

    def test_what_n8n_reads(self):
        code = "print('s', 1, None, True, [1, 'x'])\nprint()\nreturn {'json': 1}"
        process, read, write = remand.create_process(code)
        process.start()
        write.close()
        length = struct.unpack(">I", os.read(read.fileno(), 4))[0]
        body = b""
        while len(body) < length:
            body += os.read(read.fileno(), length - len(body))
        self.assertEqual(os.read(read.fileno(), 1), b"")
        self.assertEqual(json.loads(body), {"result": {"json": 1}, "print_args": [["'s'", "1", "None", "True", '[1, "x"]'], []]})
        process.join()
        self.assertEqual((process.exitcode, process.outcome.ok), (0, True))
        process.close()
        read.close()

    def test_prints_beyond_the_hundredth_are_counted(self):
        _, message = self.go("for n in range(103): print(n)")
        self.assertEqual((len(message["print_args"]), message["print_args"][99:]), (101, [["99"], ["[Output truncated - 3 more print statements]"]]))

    def test_exceptions(self):
        process, message = self.go("import sys\nsys.stderr.write('err')\nprint(1)\nraise ValueError('v')")
        self.assertEqual((process.exitcode, message["print_args"], message["error"]["message"], message["error"]["stderr"]), (0, [["1"]], "v", "err"))
        self.assertIn("ValueError: v", message["error"]["stack"])
        self.assertEqual(self.go("raise SystemExit(3)")[1]["error"]["message"], "Process exited with code 3")

    def test_per_item_and_no_query_there(self):
        _, message = self.go("return _item", "per_item", [5], None, "q")
        self.assertEqual(message["result"], [{"json": 5, "pairedItem": {"item": 0}}])

    def test_a_limit_kills(self):
        process, message = self.go(LOOP, overrides={"limits": {"wall_time": "200ms"}})
        self.assertEqual((process.exitcode, message, type(process.outcome.verdict)), (-9, None, remand.Exceeded))

    def test_what_could_not_be_made(self):
        process, message = self.go("return 1", policy="nope")
        self.assertEqual((process.exitcode, process.outcome, type(process.error)), (255, None, remand.RequestError))
        self.assertIn("no policy nope", message["error"]["message"])

    def test_terminate_and_kill_cancel(self):
        for stop, code in (("terminate", -signal.SIGTERM), ("kill", -signal.SIGKILL)):
            process, read, _ = remand.create_process(LOOP)
            process.start()
            process.join(0.1)
            self.assertTrue(process.is_alive())
            self.assertFalse(read.poll(0))
            self.assertRaises(ValueError, process.close)
            getattr(process, stop)()
            self.assertEqual(connection.wait([process.sentinel], 30), [process.sentinel])
            process.join()
            self.assertEqual((process.exitcode, type(process.outcome.verdict)), (code, remand.Cancelled))
            self.assertRaises(EOFError, read.recv)
            getattr(process, stop)()  # after the end, nothing
            process.close()
            process.close()
            read.close()

    def test_a_large_message_that_is_read_late_or_never(self):
        for read_it in (True, False):
            process, read, _ = remand.create_process("return 'x' * 4000000")
            process.start()
            process.join()
            self.assertEqual(process.exitcode, 0)
            if read_it:
                self.assertEqual(len(read.recv()["result"]), 4000000)
            process.close()
            read.close()
        body = "process, read, _ = remand.create_process('return \"x\" * 4000000')\nprocess.start()\nprocess.join()\nprint(process.exitcode)"
        ended = self.program(body)
        self.assertEqual((ended.stdout, ended.stderr), (b"0\n", b""))

    def test_daemons_end_with_the_program_and_others_keep_it(self):
        for daemon, seconds, said in ((True, 30, b""), (False, 0.3, b"4\n")):
            body = f"""
                import os
                process, read, _ = remand.create_process("import time\\ntime.sleep({seconds})\\nreturn 4")
                process.daemon = {daemon}
                wait = process._wait
                process._wait = lambda: (wait(), os.write(1, b"%d\\n" % process.outcome.value))
                process.start()
            """
            ended = self.program(body)
            self.assertEqual((ended.stdout, ended.stderr), (said, b""))


class Ends(Tidy):
    def test_the_write_end_is_the_runs_alone(self):
        process, read, write = remand.create_process("return 1", client=remand.Client(remand.HelperTransport("/nonexistent")))
        self.assertFalse(write.closed)
        for name, given in (("send", ["x"]), ("send_bytes", [b"x"]), ("fileno", []), ("recv", []), ("poll", [0]), ("recv_bytes", []), ("recv_bytes_into", [b""])):
            with self.assertRaisesRegex(OSError, "held by the run alone"):
                getattr(write, name)(*given)
        self.assertRaises(OSError, read.send, 1)
        self.assertRaises(OSError, read.send_bytes, b"1")
        self.assertRaises(ValueError, lambda: process.sentinel)
        self.assertRaises(AssertionError, process.join)
        self.assertRaises(remand.HelperError, process.start)
        self.assertTrue(write.closed)
        process.close()
        for use in (process.start, process.join, process.is_alive, process.terminate, lambda: process.exitcode, lambda: process.pid):
            self.assertRaises(ValueError, use)
        read.close()

    def test_names(self):
        process, read, _ = remand.create_process("return 1")
        self.assertRegex(process.name, r"RemandProcess-\d+")
        self.assertIn(process.name, repr(process))
        self.assertFalse(process.daemon)
        read.close()


if __name__ == "__main__":
    unittest.main()
