"""Whole runs: what goes in, what comes out, and how each ending is told."""

import pickle
import threading
import unittest
from pathlib import Path

from harness import LOOP, Real, Tidy, gone

import remand

ENDINGS = [
    ("1 / 0", {}, remand.Raised, remand.CodeRaised, "ZeroDivisionError: division by zero, line 1"),
    ("import os\nos._exit(3)", {}, remand.Exited, remand.CodeExited, "exited with 3"),
    ("import os\nos._exit(0)", {}, remand.NoResult, remand.ResultMissing, "no result"),
    ("import os\nos.kill(os.getpid(), 11)", {}, remand.Signaled, remand.CodeSignaled, "ended by SIGSEGV"),
    (LOOP, {"overrides": {"limits": {"wall_time": "200ms"}}}, remand.Exceeded, remand.LimitExceeded, "over limits.wall_time: 200000 us allowed, "),
    ("import sys\nsys.exit(4)", {"mode": "script"}, remand.Exited, remand.CodeExited, "exited with 4"),
]


class Calls(Real):
    def test_values_and_what_the_record_says(self):
        outcome = remand.run("print('a', 1)\nreturn [_items, _query]", items=(n for n in range(2)), query={"q": None})
        self.assertEqual(outcome.value, [[0, 1], {"q": None}])
        self.assertEqual((outcome.ok, type(outcome.verdict), outcome.prints), (True, remand.Finished, ("a 1\n",)))
        self.assertEqual((outcome.output[0].channel, outcome.output[0].values), ("print", ("a", 1)))
        self.assertEqual((outcome.policy.name, outcome.raw["verdict"], outcome.error), ("default", {"kind": "finished"}, None))
        self.assertIs(outcome.check(), outcome)

    def test_per_item(self):
        outcome = remand.run("return 1 / _item", mode="per_item", items=[1, 0], on_error="item")
        self.assertEqual([outcome.value[0]["json"], outcome.items["failed"]], [1, 1])

    def test_scripts(self):
        code = "import sys\nprint(sys.argv[1:], sys.stdin.buffer.read())\nawait __import__('asyncio').sleep(0)\n__file__"
        outcome = remand.run(code, mode="script", argv=["x"], stdin=b"\xff", name="p.py", await_=True, value="last")
        self.assertEqual(outcome.stdout.text, "['x'] b'\\xff'\n")
        self.assertTrue(outcome.value.endswith("p.py"), outcome.value)

    def test_every_ending_has_its_class_and_its_exception(self):
        for code, fields, verdict, error, message in ENDINGS:
            with self.subTest(code):
                self.assertIs(type(remand.run(code, check=False, **fields).verdict), verdict)
                with self.assertRaises(error) as raised:
                    remand.run(code, **fields)
                self.assertTrue(str(raised.exception).startswith(message), str(raised.exception))
                self.assertIs(type(raised.exception.outcome.verdict), verdict)
                again = pickle.loads(pickle.dumps(raised.exception))
                self.assertEqual((type(again), again.outcome), (error, raised.exception.outcome))

    def test_a_limit_is_told_in_numbers(self):
        verdict = remand.run(LOOP, overrides={"limits": {"wall_time": "200ms"}}, check=False).verdict
        self.assertEqual((verdict.limit, verdict.allowed, verdict.unit, verdict.level), ("wall_time", 200_000, "us", "run"))
        self.assertGreaterEqual(verdict.seen, verdict.allowed)

    def test_security_narrows(self):
        outcome = remand.run("import math", security={"stdlib_allow": {"json"}, "builtins_deny": frozenset()}, check=False)
        self.assertIn("math", outcome.error.message)

    def test_what_cannot_be_run_is_a_request_error_in_both_forms(self):
        for fields, said in ({"policy": "nope"}, "no policy nope"), ({"policy": "./x.jsonc"}, "is a path"), ({"overrides": {"limits": {"memory": "9999GiB"}}}, "memory"):
            for check in (True, False):
                with self.assertRaises(remand.RequestError) as raised:
                    remand.run("return 1", check=check, **fields)
                self.assertIn(said, raised.exception.detail)
                self.assertEqual(raised.exception.exit_status, 2)

    def test_a_timeout_cancels(self):
        with self.assertRaises(TimeoutError) as raised:
            remand.run(LOOP, timeout=0.3)
        self.assertIsInstance(raised.exception, remand.RunTimeout)
        self.assertIsInstance(raised.exception.outcome.verdict, remand.Cancelled)
        self.assertIsInstance(remand.run(LOOP, timeout=0, check=False).verdict, remand.Cancelled)

    def test_large_input_and_large_output_pass_each_other(self):
        text = "x" * (1 << 20)
        outcome = remand.run("print(_items[0][:1 << 19])\nreturn _items", items=[text] * 5)
        self.assertEqual([len(each) for each in outcome.value], [1 << 20] * 5)

    def test_half_a_surrogate_pair_arrives(self):
        self.assertEqual(remand.run("return len(_query), ascii(_query)", query="\ud83d").value, [1, "'\\ud83d'"])

    def test_threads(self):
        values = {}
        client = remand.Client()
        threads = [threading.Thread(target=lambda n=n: values.update({n: client.run("return _query", query=n).value})) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(values, {n: n for n in range(6)})

    def test_defaults_of_a_client(self):
        client = remand.Client(policy="strict", overrides={"limits": {"wall_time": "1s"}})
        self.assertEqual((client.run("return 1").policy.name, client.run("return 1", policy="default").policy.name), ("strict", "default"))


class Streams(Real):
    def test_events_come_in_order_and_the_last_is_the_outcome(self):
        code = "import sys\nprint('a', 1)\nsys.stderr.write('b')\nreturn _item"
        with remand.stream(code, mode="per_item", items=[5]) as events:
            said = list(events)
        self.assertEqual([type(each) for each in said], [remand.Start, remand.Print, remand.Stderr, remand.Item, remand.Outcome])
        self.assertEqual((said[1].values, said[2].text, said[3].index, said[0].run), (("a", 1), "b", 0, said[-1].run))
        self.assertIs(events.outcome, said[-1])

    def test_with_check_the_exception_comes_after_the_outcome(self):
        events = remand.stream("1 / 0")
        self.assertEqual([type(next(events)), type(next(events))], [remand.Start, remand.Outcome])
        self.assertRaises(remand.CodeRaised, next, events)
        self.assertRaises(StopIteration, next, events)
        self.assertEqual(len(list(remand.stream("1 / 0", check=False))), 2)

    def test_closing_ends_the_run(self):
        events = self.lasting().stream("")
        self.assertIsInstance(next(events), remand.Start)
        pid = events._call.number
        self.assertFalse(gone(pid))
        events.close()
        self.assertTrue(gone(pid))
        self.assertEqual(list(events), [])

    def test_leaving_it_behind_ends_the_run(self):
        for event in self.lasting().stream(""):
            self.assertIsInstance(event, remand.Start)
            break

    def test_cancel_from_another_thread(self):
        events = remand.stream(f"print(1)\n{LOOP}", check=False)
        for event in events:
            if isinstance(event, remand.Print):
                threading.Thread(target=events.cancel).start()
        self.assertIsInstance(events.outcome.verdict, remand.Cancelled)
        self.assertEqual(events.outcome.prints, ("1\n",))


class Maps(Real):
    def test_items_and_inputs_in_order(self):
        self.assertEqual([each.value for each in remand.map("return _items", items=iter("abc"), concurrency=2)], [["a"], ["b"], ["c"]])
        inputs = [{"stdin": "1 2"}, {"stdin": "3 4"}]
        outcomes = remand.map("print(sum(map(int, input().split())))", inputs=inputs, mode="script")
        self.assertEqual([each.stdout.text for each in outcomes], ["3\n", "7\n"])

    def test_an_exception_ends_what_goes_on(self):
        self.assertRaises(remand.CodeRaised, list, self.lasting().map("raised", items=[0, 1, 2], concurrency=3))

    def test_leaving_it_behind_ends_what_goes_on_and_takes_no_more(self):
        taken = []
        items = (taken.append(n) or n for n in range(1000))
        outcomes = self.lasting().map("finished", items=items, concurrency=2)
        self.assertTrue(next(outcomes).ok)
        outcomes.close()
        self.assertEqual(taken, [0, 1, 2, 3])


class Requests(Tidy):
    def test_what_is_no_request(self):
        for fields, kind, said in (
            ({"query": float("nan")}, ValueError, "query: "),
            ({"items": [object()]}, TypeError, "items: "),
            ({"items": "abc"}, TypeError, "items: "),
            ({"argv": "abc"}, TypeError, "argv: "),
            ({"limit": 1}, TypeError, "'limit'"),
            ({"files": {"a": 1}}, TypeError, "files: 'a'"),
            ({"files": {"a": Path("/dev/null")}}, ValueError, "files: 'a'.* no regular file"),
            ({"files": ["a"]}, TypeError, "files: "),
        ):
            with self.assertRaisesRegex(kind, said):
                remand.Client(remand.HelperTransport("/nonexistent")).run("return 1", **fields)

    def test_a_map_of_both_or_neither(self):
        self.assertRaises(TypeError, remand.map, "return 1")
        self.assertRaises(TypeError, remand.map, "return 1", items=[], inputs=[])


if __name__ == "__main__":
    unittest.main()
