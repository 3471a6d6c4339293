"""The way by a process per run, where something is wrong with it or with the program around it."""

import os
import signal
import subprocess
import unittest
from unittest import mock

from harness import HERE, LOOP, Real, Tidy, gone

import remand
from remand import helper, helper_process

OUTCOME = """
    def outcome(**more):
        whole = {"version": 1, "run": "r", "policy": {"name": "p", "hash": "h"}, "verdict": {"kind": "finished"}, "value": None}
        say(event="outcome", outcome={**whole, **more})
    sys.stdin.read()
"""


class Found(Tidy):
    def test_argument_then_environment_then_beside_then_path(self):
        here = self.directory()
        for name in ("path", "beside"):
            (here / name).mkdir()
            (here / name / "remand").write_text("")
            (here / name / "remand").chmod(0o755)
        (here / "path" / "dir" / "remand").mkdir(parents=True)
        beside = [str(here / "nothing"), str(here / "beside")]
        with mock.patch.object(helper, "_beside", lambda: beside):
            with mock.patch.dict(os.environ, {"REMAND": "/named", "PATH": f"{here}/path/dir:{here}/path"}):
                self.assertEqual(remand.HelperTransport("/given", prefix=["sudo", "-n"], arguments=["--allow-policy", "x"]).command(),
                                 ["sudo", "-n", "/given", "helper", "--stream", "--allow-policy", "x"])
                self.assertEqual(helper.find_binary(), "/named")
                del os.environ["REMAND"]
                self.assertEqual(helper.find_binary(), f"{here}/beside/remand")
                beside.pop()
                self.assertEqual(helper.find_binary(), f"{here}/path/remand")

    def test_beside_is_where_installers_put_the_command(self):
        for package, places in (
            ("/v/lib/python3.11/site-packages/remand", ["/v/lib/python3.11/site-packages/bin", "/v/bin"]),
            ("/usr/local/lib/python3.11/dist-packages/remand", ["/usr/local/lib/python3.11/dist-packages/bin", "/usr/local/bin"]),
            ("/t/remand", ["/t/bin"]),  # --target
            ("/tmp/checkout/src/client/remand", ["/tmp/checkout/src/client/bin"]),
        ):
            with mock.patch.object(helper, "__file__", f"{package}/helper.py"):
                self.assertEqual(helper._beside(), places)

    def test_the_current_directory_is_nobodys_choice(self):
        here = self.directory()
        (here / "remand").write_text("")
        (here / "remand").chmod(0o755)
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(here)
        with mock.patch.object(helper, "_beside", lambda: []), mock.patch.dict(os.environ, {"PATH": ":.:"}):
            os.environ.pop("REMAND", None)
            self.assertRaisesRegex(remand.HelperError, "not on PATH", helper.find_binary)

    def test_what_cannot_be_started(self):
        for path in ("/nonexistent/remand", "/etc/passwd", "/"):
            with self.assertRaisesRegex(remand.HelperError, path):
                remand.Client(remand.HelperTransport(path)).run("return 1")
        self.assertRaises(TypeError, remand.HelperTransport, prefix="sudo -n")


    def test_no_descriptor_is_left_for_it(self):
        body = """
            import os, resource
            files = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
            count = len(os.listdir("/proc/self/fd")) - 1
            resource.setrlimit(resource.RLIMIT_NOFILE, (count + 5, count + 5))
            try:
                remand.Client(remand.HelperTransport("/bin/true")).run("return 1")
            except remand.HelperError as error:
                print(str(error))
            print(len(os.listdir("/proc/self/fd")) - 1 - count)
        """
        ended = self.program(body)
        self.assertRegex(ended.stdout, rb"cannot start /bin/true helper --stream: .*Too many open files\n0\n", ended.stderr)


class Answers(Tidy):
    def test_dying_without_an_answer_is_told_with_what_it_said(self):
        for body, said in (
            ("sys.stdin.read()\nos.write(2, b'no \\x1b[31m room')\nos._exit(9)", r"exit status 9; it says: no \\x1b\[31m room"),
            ("say(event='start', version=1, run='r', policy={'name': 'p', 'hash': 'h'})\nos.kill(os.getpid(), 9)", "killed by signal 9"),
            ("sys.stdin.close()", "exit status 0"),
            ("sys.stdin.read()\nprint('{\"event\":\"outcome\"', end='')", "exit status 0"),
            ("sys.stderr.write('x' * 1000000)\nos._exit(3)", "more characters"),
        ):
            for use in (lambda client: client.run("return 1", query="x" * 1000000), lambda client: list(client.stream("return 1"))):
                with self.assertRaisesRegex(remand.HelperError, said) as raised:
                    use(self.fake(body))
                self.assertLess(len(str(raised.exception)), 5000)

    def test_what_cannot_be_understood(self):
        for body in (
            "print('outcome')",
            "print('[\"outcome\"]')",
            "outcome(value=float('nan'))",
            "print('[' * 100000 + '\"outcome\"')",
            "sys.stdout.buffer.write(b'outcome \\xff\\n')",
            "outcome(verdict={})",
            "outcome(verdict={'kind': 'exited'})",
            "outcome(prints=3)",
            "say(event='outcome')",
        ):
            with self.subTest(body), self.assertRaisesRegex(remand.HelperError, "cannot be understood"):
                self.fake(OUTCOME + "    " + body).run("return 1")

    def test_another_version_is_told_in_one_sentence(self):
        with self.assertRaisesRegex(remand.HelperError, "version 2, the client reads 1"):
            self.fake(OUTCOME + "    outcome(version=2)").run("return 1")

    def test_what_a_newer_remand_says_is_kept(self):
        client = self.fake(OUTCOME + "    say(event='news', a=1)\n    outcome(verdict={'kind': 'evaporated', 'at': 1}, more=[1])")
        news, outcome = client.stream("return 1", check=False)
        self.assertEqual((type(news), news.raw["a"]), (remand.UnknownEvent, 1))
        self.assertEqual((type(outcome.verdict), outcome.verdict.raw["at"], outcome.raw["more"]), (remand.UnknownVerdict, 1, [1]))
        self.assertFalse(outcome.ok)
        with self.assertRaisesRegex(remand.RunError, "evaporated"):
            outcome.check()

    def test_every_verdict_there_is(self):
        evidence = {"code": 1, "signal": 9, "name": "SIGKILL", "limit": "memory", "allowed": 1, "seen": 2, "unit": "bytes", "source": "s", "reason": "r",
                    "step": "exec", "index": 0, "errno": 2, "hint": "h", "message": "m"}
        for name in ("Raised", "Exited", "Signaled", "Exceeded", "Violated", "Cancelled", "NoResult", "MalformedResult", "NotStarted", "Internal"):
            kind = "".join("_" + each.lower() if each.isupper() else each for each in name)[1:]
            outcome = self.fake(OUTCOME + f"    outcome(verdict={{'kind': {kind!r}, **{evidence!r}}})").run("return 1", check=False)
            self.assertIs(type(outcome.verdict), getattr(remand, name))
            self.assertIs(type(outcome.exception()).__mro__[1], remand.RunError)
            self.assertTrue(str(outcome.exception()))

    def test_a_line_without_an_end_is_not_held(self):
        client = self.fake("while True: sys.stdout.write('x' * 65536)", longest_line=1 << 20)
        self.assertRaisesRegex(remand.HelperError, "a line of more than 1048576 bytes", client.run, "return 1")

    def test_a_problem_is_escaped(self):
        client = self.fake("sys.stdin.read()\nsay(event='problem', detail='a \\x1b[31m', hint=3, exit_status=12)")
        with self.assertRaises(remand.RequestError) as raised:
            client.run("return 1")
        self.assertEqual((str(raised.exception), raised.exception.exit_status), ("a \\x1b[31m", 12))

    def test_one_that_holds_the_output_open_does_not_hold_the_caller(self):
        client = self.fake("if os.fork() == 0:\n    os.read(0, 1 << 20); time.sleep(3600)\nos._exit(3)")
        events = client.stream("return 1")
        self.addCleanup(os.killpg, events._call.number, signal.SIGKILL)  # the grandchild, which is left in the helper's session
        self.assertRaisesRegex(remand.HelperError, "exit status 3", next, events)


class Endings(Tidy):
    STUBBORN = "for each in (15, 2, 1, 10, 12, 14): signal.signal(each, signal.SIG_IGN)\nsay(event='start', version=1, run='r', policy={'name': 'p', 'hash': 'h'})\n"

    def test_one_that_does_not_end_is_killed(self):
        client = self.fake(self.STUBBORN + "time.sleep(3600)", grace=0.3)
        events = client.stream("return 1")
        next(events)
        events.cancel()
        self.assertRaisesRegex(remand.HelperError, "was killed", next, events)
        events = client.stream("return 1")
        next(events)
        events.close()
        self.assertTrue(gone(events._call.number))

    def test_one_that_stays_after_its_answer_is_killed(self):
        self.fake(OUTCOME + "    outcome()\n    sys.stdout.flush()\n    time.sleep(3600)", grace=0.3).run("return 1")

    def test_one_that_may_not_be_signalled_loses_its_reader(self):
        client = self.fake(self.STUBBORN + "while True: say(event='stdout', us=1, text='x'); time.sleep(0.01)")
        with mock.patch.object(subprocess.Popen, "send_signal", side_effect=PermissionError):
            self.assertIsInstance(client.run("return 1", timeout=0.3, check=False).verdict, remand.Cancelled)


class Surroundings(Real):
    def test_a_program_that_ignores_the_signal_that_cancels(self):
        body = f"""
            import signal
            for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(each, signal.SIG_IGN)
            print(remand.run({LOOP!r}, timeout=0.3, check=False).verdict)
        """
        self.assertEqual(self.program(body).stdout, b"cancelled\n")

    def test_a_program_that_does_not_wait_for_children_and_dies_of_broken_pipes(self):
        body = """
            import signal
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            print(remand.run("return 1").value)
            try:
                remand.Client(remand.HelperTransport("/bin/false")).run("return 1", query="x" * 10000000)
            except remand.HelperError as error:
                print("no answer" in str(error))
        """
        ended = self.program(body)
        self.assertEqual((ended.stdout, ended.returncode), (b"1\nTrue\n", 0), ended.stderr)

    def test_a_program_that_waits_for_any_child(self):
        body = """
            import os, signal
            def wait(*_):
                try:
                    while os.waitpid(-1, os.WNOHANG)[0]: pass
                except ChildProcessError: pass
            signal.signal(signal.SIGCHLD, wait)
            print([each.value for each in map(remand.run, ["return 1"] * 5)])
            try:
                remand.Client(remand.HelperTransport("/bin/false")).run("return 1")
            except remand.HelperError as error:
                print("no answer" in str(error))
        """
        ended = self.program(body)
        self.assertEqual((ended.stdout, ended.stderr), (b"[1, 1, 1, 1, 1]\nTrue\n", b""))

    def test_a_program_with_blocked_signals(self):
        body = f"""
            import signal
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            print(remand.run({LOOP!r}, timeout=0.3, check=False).verdict)
        """
        self.assertEqual(self.program(body).stdout, b"cancelled\n")

    def test_a_program_without_descriptors_0_to_2(self):
        file = self.directory() / "said"
        body = f"""
            import os
            for fd in range(3): os.close(fd)
            value = remand.run("return len(_query)", query="x" * 100000).value
            with open({str(file)!r}, "w") as out: out.write(str(value))
        """
        self.program(body)
        self.assertEqual(file.read_text(), "100000")

    def test_ctrl_c_ends_the_run(self):
        body = f"""
            import os, signal, threading
            def interrupt(pid): os.kill(os.getpid(), signal.SIGINT)
            events = remand.stream({LOOP!r})
            next(events)
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                for each in events: pass
            except KeyboardInterrupt:
                import sys; sys.path.insert(0, {HERE!r})
                import harness
                print(harness.over(events._call.number))
        """
        ended = self.program(body)
        self.assertEqual((ended.stdout, ended.stderr), (b"True\n", b""))

    def test_a_fork_of_the_program_harms_no_run(self):
        events = remand.stream("import time\ntime.sleep(0.5)\nreturn 1")
        next(events)
        child = os.fork()
        if child == 0:
            events.cancel()
            events.close()
            os._exit(0)
        os.waitpid(child, 0)
        self.assertEqual(list(events)[-1].value, 1)

    def test_a_signal_handler_that_returns_disturbs_nothing(self):
        before = signal.signal(signal.SIGALRM, lambda *_: None)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        self.assertEqual(remand.run("return len(_query)", query="x" * 1000000).value, 1000000)

    def test_without_pidfds(self):
        with mock.patch.object(helper_process, "_pidfd", lambda pid: None):
            self.assertEqual(remand.run("return 1").value, 1)
            self.assertIsInstance(remand.run(LOOP, timeout=0.2, check=False).verdict, remand.Cancelled)

    def test_cancelled_from_another_thread_before_anything_was_said(self):
        call = remand.Client().call(LOOP, {}, check=False)
        call.cancel()
        self.assertIsInstance(call.outcome().verdict, remand.Cancelled)


if __name__ == "__main__":
    unittest.main()
