"""How user code is called and what its endings look like."""

import os
import signal
import unittest

from harness import EveryPython


class Code(EveryPython):
    def test_frames_of_a_plain_run(self):
        ended = self.go("print('hi')\nreturn [i['n'] * 2 for i in _items] + [_query]", items=[{"n": 1}, {"n": 2}], query={"q": 1})
        self.assertEqual(ended.kinds(), ["ready", "print", "done"])
        self.assertEqual((ended.last()["value"], ended.code, ended.stderr), ([2, 4, {"q": 1}], 0, ""))

    def test_no_value_is_null(self):
        for code in ("", "# nothing", "x = 1", "return", "'text'", "def f():\n return 1\n"):
            self.assertIsNone(self.value(code), code)

    def test_strings_and_lines_are_the_users(self):
        self.assertEqual(self.value("return '''a\nb\n  c'''"), "a\nb\n  c")
        self.assertEqual(self.value("if True:\r\n\tx = 'y'\r\n\treturn x"), "y")
        error = self.error("x = '''\n\n'''\ndef f():\n    return 1 / 0\nf()")
        self.assertEqual((error["line"], error["type"], error["message"]), (5, "ZeroDivisionError", "division by zero"))
        unmarked = "\n".join(line for line in error["stack"].split("\n") if line.strip("~^ "))
        self.assertIn('line 6, in code\n    f()\n  File "<code>", line 5, in f\n    return 1 / 0\n', unmarked)

    def test_closures_classes_and_globals(self):
        code = "n = 1\ndef f():\n    nonlocal n\n    n += 1\n    return n\nclass A:\n    def g(self): return [f() for _ in range(2)]\nreturn A().g()"
        self.assertEqual(self.value(code), [2, 3])
        self.assertEqual(self.value("global g\ng = 1\ndef f(): return g\nreturn [f(), __name__]"), [1, "__main__"])

    def test_future_import(self):
        code = "'doc'\nfrom __future__ import annotations\ndef f(x: undefined): return x\nreturn f(3)"
        self.assertEqual(self.value(code, security={"stdlib_allow": []}), 3)

    def test_syntax_errors_name_the_line(self):
        for code, line in (("x = 1\ny = (", 2), ("\n\nyield 1", 3), ("x = [\n(yield)]", 2), ("await f()", 1), ("\nnonlocal x", 2), ("from os import *", 1)):
            error = self.error(code)
            self.assertEqual((error["type"], error["line"]), ("SyntaxError", line), code)
            self.assertTrue(error["message"])
        self.assertEqual(self.error("x = '\0'")["type"], "SyntaxError")
        self.assertEqual(self.value("def f():\n    yield 1\nreturn [*f(), (lambda: (yield))().send(None)]"), [1, None])

    def test_both_ways_to_a_function_agree(self):
        """A string over two lines makes the code go through the syntax tree; without one it is indented."""
        snippets = [
            "x = [\n1,\n  2]\n# c\n\ndef f(a):\n\n\treturn [a / 0\n for a in x]\nreturn f(1)",
            "if 1:\n        def g():\n\t    return {}[1]\n        class A:\n                def h(self): g()\nA().h()",
            "\r\nraise ValueError(\r\n(lambda: 1)())",
            "# c\n\nfor i in 1, 2:\n  try:\n    if i: 1 / 0\n  finally:\n    y = i\n",
            "    x = 1\n    y = x\n    return y",
            "if 1:\n\tx = 1\n        y = 2",
            "  # c\nx = 1\n y = 2",
            "x = 1\nreturn (f'{x=}', f'{x = !r}', '\\t', f'{x}')",
            "a = 1;\n\tb = 2",
            "def f():\n  return 1\n",
            "return 1)",
            "x: int = 1\nglobal y\ny = 2\nfrom sys import *",
            "import sys\ndef f():\n  return sys._getframe().f_lineno\nreturn [f(), sys._getframe().f_lineno, f.__code__.co_firstlineno, f.__qualname__]",
        ]
        for snippet in snippets:
            plain, tree = self.go(snippet), self.go(snippet + "\n'''\n'''")
            self.assertEqual(plain.frames, tree.frames, snippet)
            self.assertEqual(plain.code, tree.code)

    def test_warnings_have_the_right_line(self):
        ended = self.go("\nreturn 1 is 1")
        self.assertEqual((ended.last()["value"], ended.wrote("err").count("<code>:2: SyntaxWarning"), ended.wrote("err").count("Warning")), (True, 1, 1), ended.frames)

    def test_many_items_leave_the_collector_on(self):
        self.assertEqual(self.value("import gc\nreturn [len(_items), gc.isenabled()]", items=[[n] for n in range(20000)]), [20000, True])

    def test_names_are_as_in_a_module(self):
        code = "import pickle\nclass A:\n    class B:\n        def m(self, x): pass\ndef f(a):\n    def g(): pass\n    return g\n"
        end = "return [A.__qualname__, A.B.m.__qualname__, f.__qualname__, f(0).__qualname__, pickle.loads(pickle.dumps(A.B)) is A.B, 'code.<locals>.x']"
        for text in (code + end, code + "\'\'\'\n\'\'\'\n" + end):
            self.assertEqual(self.value(text), ["A", "A.B.m", "f", "f.<locals>.g", True, "code.<locals>.x"])
        pickled = "import pickle, threading\nclass A: pass\nmade = []\nt = threading.Thread(target=lambda: made.append(pickle.dumps(A())))\nt.start()\nt.join()\n"
        self.assertEqual(self.value(pickled + "return type(pickle.loads(made[0])) is A"), True)

    def test_deeply_nested_code_is_an_error(self):
        for code in ("return " + "(" * 5000 + ")" * 5000, "return " + "-" * 50000 + "1"):
            self.assertIn(self.error(code)["type"], ("SyntaxError", "MemoryError", "RecursionError"))

    def test_endings(self):
        for code, kind, message in (
            ("import sys; sys.exit(3)", "SystemExit", "3"),
            ("exit(0)", "SystemExit", "0"),
            ("quit()", "SystemExit", "None"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
            ("raise MemoryError('m')", "MemoryError", "m"),
            ("def f(): f()\nf()", "RecursionError", "maximum recursion depth exceeded"),
            ("import sys\nsys.setrecursionlimit(60)\ndef f(): f()\nf()", "RecursionError", "maximum recursion depth exceeded"),
        ):
            error = self.error(code)
            self.assertEqual(error["type"], kind)
            self.assertTrue(error["message"].startswith(message), error)
            self.assertLess(len(error["stack"]), 9000)

    def test_endings_without_a_frame(self):
        for code, status in (("import os; os._exit(0)", 0), ("import os; os._exit(137)", 137), ("import os; os.kill(os.getpid(), 11)", -11)):
            ended = self.go(code)
            self.assertEqual((ended.kinds(), ended.code), (["ready"], status))

    def test_a_closed_result_descriptor_takes_no_frame(self):
        # It waits a second for its end, which nobody brings here.
        for code in ("os.closerange(3, 64)\nreturn 1", "other = open('/dev/null', 'wb', 0)\nos.dup2(other.fileno(), 4)\n1 / 0"):
            ended = self.go("import os\n" + code)
            self.assertEqual((ended.code, ended.kinds()), (1, ["ready"]), (code, ended.stderr))
        path = EveryPython.directory.name + "/kept"
        self.go("import os\nos.dup2(os.open(%r, os.O_RDWR | os.O_CREAT, 0o600), 4)\nreturn 1" % path)
        self.assertEqual(os.path.getsize(path), 0, "what the code has there instead gets nothing")

    def test_signals(self):
        ended = self.go("import os\nos.kill(os.getpid(), 2)\nreturn 1")
        self.assertEqual((ended.kinds(), ended.code), (["ready"], -signal.SIGINT))
        code = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\nwith open(%r, 'wb') as f: f.write(b'x' * 101)"
        path = EveryPython.directory.name + "/big"
        self.assertEqual(self.go(code % path).code, -signal.SIGXFSZ)

    def test_errors_are_bounded_and_safe(self):
        error = self.error("raise ValueError('x' * 10**6)")
        self.assertLess(len(error["message"]) + len(error["stack"]), 6000)
        self.assertEqual(self.error("class E(Exception):\n    def __str__(self): raise self\nraise E")["message"], "<the exception's __str__ failed>")
        error = self.error("raise ValueError('\\ud800\\x1b[31m')")
        self.assertEqual(error["message"], "\\ud800\x1b[31m")
        code = "class M(type):\n    @property\n    def __name__(cls): return 1/0\nclass E(Exception, metaclass=M): pass\nraise E(1)"
        self.assertEqual(self.error(code)["type"], "E")
        code = "class S(str):\n    def __getitem__(self, _): 1/0\nclass E(Exception):\n    def __str__(self): return S('s')\nraise E"
        self.assertEqual(self.error(code)["message"], "s")

    def test_description_and_causes(self):
        error = self.error("e = ValueError('m')\ne.description = 'd'\nraise e")
        self.assertEqual((error["message"], error["description"]), ("m", "d"))
        error = self.error("try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e")
        self.assertRegex(error["stack"], "(?s)ZeroDivisionError.*direct cause.*KeyError: 'k'\n$")
        self.assertEqual((error["line"], error["message"]), (4, "'k'"))
        self.assertIn("During handling", self.error("try:\n    1/0\nexcept ZeroDivisionError:\n    raise KeyError")["stack"])

    def test_only_the_users_frames(self):
        error = self.error("import json\njson.loads('[')")
        self.assertEqual((error["type"], error["line"]), ("JSONDecodeError", 2))
        self.assertEqual(error["stack"].count("File"), 1)

    def test_forked_children_say_nothing(self):
        for child, status in (("return 'child'", 0), ("raise ValueError", 1), ("import sys; sys.exit(7)", 7), ("print('child'); return 1", 0)):
            code = "import os\npid = os.fork()\nif pid == 0:\n    %s\nreturn os.waitpid(pid, 0)[1] >> 8" % child
            ended = self.go(code)
            self.assertEqual((ended.kinds(), ended.last()["value"]), (["ready", "done"], status), child)
        ended = self.go("import os\nif os.fork() == 0: return 1\nos.wait()\nreturn _item", mode="per_item", items=[1, 2])
        self.assertEqual(ended.kinds(), ["ready", "item", "item", "done"])

    def test_threads_do_not_speak_after_done(self):
        code = "import threading, sys\nsys.setswitchinterval(1e-6)\ndef f():\n    while True: print('x')\nfor _ in range(5): threading.Thread(target=f, daemon=%s).start()\nreturn 1"
        for daemon in (True, False) * 5:
            ended = self.go(code % daemon, limits={"prints": 1 << 30, "result_size": 100})
            self.assertEqual((ended.last(), ended.code, ended.rest), ({"kind": "done", "value": 1}, 0, b""))

    def test_handlers_that_raise_do_not_tear_frames(self):
        # The timer goes on between two loops, so a handler raises only once for each.
        code = """
import signal, itertools
inside = []
def handler(*_):
    print('handler')
    if inside:
        inside.clear()
        raise TimeoutError
signal.signal(signal.SIGALRM, handler)
for n in range(20):
    try:
        inside.append(n)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.0003)
        for i in itertools.count(): print('x' * 70000)
    except TimeoutError:
        pass
signal.setitimer(signal.ITIMER_REAL, 0)
return 'whole'
"""
        ended = self.go(code, limits={"prints": 1 << 30, "result_size": 100}, slow=True)
        self.assertEqual((ended.last(), ended.rest), ({"kind": "done", "value": "whole"}, b""))

    def test_a_handler_that_raises_after_the_code_does_not_end_the_executor(self):
        code = """
import signal, itertools
def handler(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.0005)
for i in itertools.count(): print('x' * 70000)
"""
        for _ in range(10):
            ended = self.go(code, limits={"prints": 1 << 30, "result_size": 100}, slow=True)
            self.assertEqual((ended.last()["kind"], ended.last().get("type"), ended.rest), ("error", "TimeoutError", b""), ended.stderr)

    def test_a_job_of_another_version(self):
        ended = self.go("return 1", version=1)
        self.assertEqual((ended.kinds(), ended.code), ([], 1))
        self.assertIn("job version 1", ended.stderr)

    def test_main_is_there_as_the_module_that_runs(self):
        self.assertEqual(self.value("import __main__\nreturn [__main__.__name__, __spec__, __file__]"), ["__main__", None, "/remand/main.py"])
        self.assertEqual(self.value("x = 5\nimport __main__\nreturn [__main__.x, 'x' in dir(__main__), hasattr(__main__, 'y')]"), [5, True, False])

    def test_what_is_patched_in_builtins_is_patched_for_the_code(self):
        patch = "from unittest import mock\nwith mock.patch('builtins.%s', %s):\n    return %s"
        self.assertEqual(self.value(patch % ("open", "mock.mock_open(read_data='fake')", "open('/nowhere').read()")), "fake")
        self.assertEqual(self.value(patch % ("input", "lambda _: '5'", "input('n? ')")), "5")
        self.assertIn("not allowed", self.error("import numpy", security={"external_allow": []})["message"])

    def test_unittest_finds_the_tests_of_the_code(self):
        code = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(1, %d)\nunittest.main(argv=['x'], exit=False)"
        for number, said in ((1, "OK"), (2, "FAILED (failures=1)")):
            ended = self.go(code % number)
            self.assertEqual((ended.last()["kind"], "Ran 1 test" in ended.wrote("err"), said in ended.wrote("err")), ("done", True, True), ended.frames)

    def test_tracebacks_and_inspect_have_the_codes_lines(self):
        self.assertIn("return 1 / x", self.value("import traceback\ndef f(x):\n    return 1 / x\ntry:\n    f(0)\nexcept ZeroDivisionError:\n    return traceback.format_exc()"))
        self.assertEqual(self.value("import inspect\ndef f(): return 1\nreturn inspect.getsource(f)"), "def f(): return 1\n")

    def test_global_of_a_local_says_what_to_do(self):
        error = self.error("counter = 0\ndef bump():\n    global counter\n    counter += 1\nbump()\nreturn counter")
        self.assertIn("`nonlocal counter`", error["description"])
        self.assertIn("remand python", self.error("from math import *")["description"])
        self.assertEqual(self.error("return nowhere")["description"], "")

    def test_buffers_are_flushed(self):
        ended = self.go("import ctypes, sys\nctypes.CDLL(None).printf(b'from C\\n')\nsys.stdout.write('from Python')\nreturn 1")
        self.assertEqual((ended.wrote("out"), ended.stdout), ("from Python", "from C\n"))
        ended = self.go("import os, sys\nsys.stdout.write('line\\n')\nos._exit(3)")
        self.assertEqual((ended.wrote("out"), ended.code), ("line\n", 3))

    def test_spawn_works_without_a_file_of_the_code(self):
        self.assertIsNone(self.value("import __main__\nreturn __main__.__spec__"))
        self.assertEqual(self.value("help(len)\nreturn 1"), 1)

    def test_what_is_missing_is_named(self):
        self.assertEqual(self.error("import no_such_module")["missing"], {"kind": "module", "name": "no_such_module"})
        self.assertEqual(self.error("open('no/such')")["missing"], {"kind": "file", "name": "no/such"})
        self.assertNotIn("missing", self.error("1 / 0"))

    def test_nothing_more_is_imported(self):
        self.assertEqual(self.value("import sys\nreturn [n for n in ('os', 'json', 're', 'site', 'enum') if n in sys.modules]"), [])


class PerItem(EveryPython):
    def items(self, code, items):
        ended = self.go(code, mode="per_item", items=items)
        self.assertEqual((ended.last(), ended.code), ({"kind": "done"}, 0), ended.frames)
        return [(frame["index"], frame["value"]) for frame in ended.frames if frame["kind"] == "item"]

    def test_shapes(self):
        code = "return _item['r']"
        given = [{"a": 1}, None, {"json": {"b": 1}, "pairedItem": 9, "x": 1}, {"binary": {"f": 1}, "c": 2}, 5]
        expected = [{"json": {"a": 1}}, None, {"json": {"b": 1}}, {"json": {"c": 2}, "binary": {"f": 1}}, {"json": 5}]
        shaped = [(i, {**v, "pairedItem": {"item": i}}) for i, v in enumerate(expected) if v]
        self.assertEqual(self.items(code, [{"r": r} for r in given]), shaped)
        self.assertEqual(self.items("return 1", []), [])

    def test_fresh_globals_and_no_items(self):
        self.assertEqual([v["json"] for _, v in self.items("global n\nold = globals().get('n')\nn = 1\nreturn [old]", [0, 0])], [[None], [None]])
        error = self.error("return _items", mode="per_item", items=[1])
        self.assertEqual((error["type"], error["item"]), ("NameError", 0))
        self.assertEqual(self.error("return _item")["type"], "NameError")

    def test_items_before_a_failure_are_sent(self):
        ended = self.go("print(_item)\nreturn 1 / _item", mode="per_item", items=[1, 0, 1])
        self.assertEqual(ended.kinds(), ["ready", "print", "item", "print", "error"])
        self.assertEqual((ended.last()["item"], ended.last()["line"], ended.code), (1, 2, 1))

    def each(self, code, items, **given):
        """{item: its value's `json`, or its error} of a run whose errors are the items' own."""
        ended = self.go(code, mode="per_item", items=items, on_error="item", **given)
        self.assertEqual((ended.code, ended.rest, ended.last()), (0, b"", {"kind": "done"}), (ended.frames, ended.stderr))
        return {frame["index"]: frame.get("error") or frame["value"]["json"] for frame in ended.frames if frame["kind"] == "item"}

    def test_errors_of_items(self):
        seen = self.each("if _item == 3: return None\nreturn 6 // _item", [1, 0, 2, 3, 0])
        self.assertEqual([seen[0], seen[2], sorted(seen)], [6, 3, [0, 1, 2, 4]])
        self.assertEqual([(seen[i]["kind"], seen[i]["type"], seen[i]["line"], seen[i]["item"]) for i in (1, 4)], [("error", "ZeroDivisionError", 2, i) for i in (1, 4)])
        self.assertIn("return 6 // _item", seen[1]["stack"])
        self.assertEqual(seen[4]["stack"], "", "the first alone has its stack")

    def test_every_way_of_an_item_to_fail(self):
        ways = ["import sys; sys.exit(3)", "exit()", "raise BaseException", "def f(): f()\nf()", "x = [0] * 10**18", "result = float('nan')", "result = object.__getattribute__(0, 'x')"]
        ways += ["import sys; sys.setrecursionlimit(50); (lambda f: f(f))(lambda f: f(f))", "(", "raise KeyboardInterrupt", "class E(Exception):\n def __str__(self): 1/0\nraise E"]
        seen = self.each("here = {'result': 1}\nexec(_item, here)\nreturn here['result']", [*ways, "result = 2"])
        kinds = "SystemExit SystemExit BaseException RecursionError MemoryError ValueError AttributeError RecursionError SyntaxError KeyboardInterrupt E".split()
        self.assertEqual([seen[i]["type"] for i in range(len(ways))], kinds)
        self.assertEqual(seen[len(ways)], 2)

    def test_what_an_items_error_is_not(self):
        for code in ("(", "nonlocal x"):
            self.assertEqual(self.error(code, mode="per_item", items=[1], on_error="item")["type"], "SyntaxError")
        ended = self.go("raise ValueError('x' * 900)", mode="per_item", items=[0] * 9, on_error="item", limits={"prints": 99, "result_size": 4000})
        self.assertTrue(ended.announced and ended.announced + sum(map(len, ended.texts[1:])) > 4000, "errors count as results")
        ended = self.go("import os\nif os.fork() == 0: 1 / 0\nos.wait()\nreturn _item", mode="per_item", items=[1, 2], on_error="item")
        self.assertEqual(ended.kinds(), ["ready", "item", "item", "done"], "a child says nothing for the run")


def plainly(python, text):
    """What Python itself writes of a program that fails."""
    import subprocess, tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(text)
        file.flush()
        said = subprocess.run([python, "-I", "-S", file.name], capture_output=True, text=True, env={"NO_COLOR": "1"}).stderr
        return said.replace(file.name, "<code>").replace("in <module>", "in code").replace("__main__.", "")


class Errors(EveryPython):
    """Each is told as Python tells it, and as data."""

    def test_the_stack_is_what_python_prints(self):
        notes = "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    e.__notes__ = ['one', 'two\\nlines']\n    raise"
        chain = "def f():\n    raise ValueError('a')\ntry:\n    f()\nexcept ValueError as e:\n    raise KeyError('k') from e"
        context = "try:\n    {}['a']\nexcept KeyError:\n    [][1]"
        group = "raise ExceptionGroup('many', [ValueError('first'), ExceptionGroup('in', [KeyError('k'), OSError(1, 'x')])])"
        closed = "raise ExceptionGroup('many', [ExceptionGroup('in', [KeyError('k')]), ValueError('a')])"
        plain = ["def f(x):\n    return 1 / x + 2\nf(0)", "x = {'a': [1]}\ny = x['a'][5]['z']", "é = 'ü'\ny = 'é' + (é * 2)['a']", "x = (1) / (0)", "int('x')", "x = 1\nassert x == 2, 'no'"]
        plain += [chain, context, "class E(Exception): pass\nraise E", "class E(Exception): pass\nraise E('two\\nlines')", "import _csv\nraise _csv.Error('x')"]
        if self.version >= (3, 11):
            plain += [notes, group, closed, "try:\n    1 / 0\nexcept Exception as e:\n    raise ExceptionGroup('g', [e]) from None", "print(len(abs('a') + 1))"]
        for code in plain:
            self.assertEqual(self.error(code)["stack"], plainly(self.executor.python, code), code)
        if self.version >= (3, 10):
            for code in ("y = (", "x = 1\n  y = 2", "print 1", "if x = 1: pass", "x = 'y' 1"):
                # Python itself tells no traceback of a program that it could not compile.
                self.assertEqual(self.error(code)["stack"].replace("Traceback (most recent call last):\n", ""), plainly(self.executor.python, code), code)

    def test_frames_are_data(self):
        error = self.error("def f(x):\n    return é / x + 2\né = 1\nimport json\ntry:\n    json.loads('x')\nexcept ValueError:\n    f(0)")
        first, last = error["frames"]
        known = self.version >= (3, 11)
        columns = lambda *found: dict(zip(("line", "column", "end_line", "end_column"), found if known else (found[0], None, None, None)))
        self.assertEqual(first, {"file": "<code>", "function": "code", "text": "    f(0)", "mine": True, **columns(8, 5, 8, 9)})
        self.assertEqual(last, {"file": "<code>", "function": "f", "text": "    return é / x + 2", "mine": True, **columns(2, 12, 2, 17)})
        context = error["context"]
        self.assertEqual((context["type"], [frame["mine"] for frame in context["frames"]]), ("JSONDecodeError", [True, False, False, False]))
        self.assertIn("raise JSONDecodeError", context["frames"][-1]["text"])
        self.assertIn("  ... in libraries, at last %s:" % context["frames"][-1]["file"], error["stack"])
        syntax = self.error("x = 1\ny = 2 +* 3")["frames"]
        self.assertEqual([(f["line"], f["function"], f["text"]) for f in syntax], [(2, None, "y = 2 +* 3")])
        self.assertEqual(syntax[0]["column"], 8)
        inner = self.error("compile('x = (', 'made.py', 'exec')")
        self.assertEqual([(f["file"], f["function"]) for f in inner["frames"]], [("<code>", "code"), ("made.py", None)])
        self.assertEqual(inner["line"], 1)

    def test_all_of_it_is_bounded(self):
        deep = self.error("def f(): f()\nf()")
        self.assertEqual((len(deep["frames"]), len(deep["frames"]) + deep["frames_left_out"] > 900), (20, True))
        chain = self.error("e = None\nfor n in range(5000):\n    e, old = ValueError('x' * 10**5), e\n    e.__cause__ = old\nraise e")
        depth, at = 0, chain
        while at["cause"]:
            depth, at = depth + 1, at["cause"]
        self.assertEqual((depth, len(at["message"]) < 1100), (5, True))
        self.error("e = ValueError()\ne.__cause__ = e\nraise e")
        if self.version >= (3, 11):
            wide = self.error("raise ExceptionGroup('g', [ExceptionGroup('h', [ValueError('é\\x01' * 5000)] * 100)] * 100)")
            self.assertEqual((len(wide["members"]) + wide["members_left_out"], len(wide["members"]) <= 10), (100, True))
            ended = self.go("e = ValueError('\\x01' * 10**5)\nfor n in range(99): e.add_note('\\x01' * 10**5)\nraise ExceptionGroup('g', [e] * 9)")
            self.assertLess(len(ended.texts[-1].encode()), 128 << 10)
        for odd in ("e.__notes__ = 7", "e.__notes__ = [7, 'kept']", "e.filename = e.lineno = e.offset = e.text = e.msg = 7", "e.offset = -5\ne.lineno = 10**30", "e.text = 'x' * 10**6"):
            self.assertEqual(self.error("e = SyntaxError('m')\n%s\nraise e" % odd)["type"], "SyntaxError", odd)


if __name__ == "__main__":
    unittest.main()
