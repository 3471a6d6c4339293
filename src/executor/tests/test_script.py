"""Code that is a program: its world, and its endings."""

import os
import signal
import subprocess
import unittest

from harness import EveryPython


class Program(EveryPython):
    def prints(self, code, expected, **given):
        """A program that ends well, and what it writes."""
        ended = self.script(code, **given)
        self.assertEqual((ended.code, ended.stdout, ended.stderr, ended.kinds()), (0, expected, "", ["ready"]), code)

    def test_it_is_a_module(self):
        self.prints("print(__name__, __spec__, __package__, __doc__)", "__main__ None None None\n")
        self.prints("import os, sys\nprint(__file__ == os.path.join(os.getcwd(), 'a.py'), sys.path[0] == os.getcwd(), sys.argv)", "True True ['a.py', '-x', 'y']\n", name="a.py", arguments=["-x", "y"])
        self.prints("from math import *\nprint(floor(2.5))", "2\n")
        self.prints("n = 0\ndef bump():\n    global n\n    n += 1\nbump()\nprint(n, globals()['n'])", "1 1\n")
        self.prints("x: int = 1\nimport typing, __main__\nprint(typing.get_type_hints(__main__))", "{'x': <class 'int'>}\n")
        self.prints("import pickle\nclass A:\n    pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)", "True\n")
        self.prints("import inspect\ndef f(): return 1\nprint(inspect.getsource(f), end='')", "def f(): return 1\n")
        self.prints("'''>>> 1 + 1\n2\n'''\nimport doctest\nprint(doctest.testmod())", "TestResults(failed=0, attempted=1)\n")
        self.prints("from unittest import mock\nwith mock.patch('builtins.open', mock.mock_open(read_data='x')):\n    print(open('/nowhere').read())", "x\n")
        self.prints("import __main__, sys\nprint(__main__ is sys.modules['__main__'], 'posix' in dir(), 'marshal' in dir())", "True False False\n")

    def test_the_other_ways_to_name_it(self):
        self.prints("import sys\nprint(sys.argv, repr(sys.path[0]), '__file__' in globals())", "['-c', 'a'] '' False\n", name="-c", arguments=["a"])
        self.prints("import sys\nprint(sys.argv, __file__)", "['-'] <stdin>\n", name="-")
        ended = self.script("", name="-c", module="timeit", arguments=["-n1", "-r1", "pass"])
        self.assertEqual((ended.code, ended.stderr), (0, ""), ended.stdout)
        self.assertIn("1 loop, best of 1", ended.stdout)
        ended = self.script("", name="-c", module="no_such_module")
        self.assertEqual((ended.code, ended.kinds()), (1, ["ready"]))
        self.assertIn("No module named no_such_module", ended.stderr)

    def test_processes_of_its_own(self):
        pool = "import multiprocessing as m\ndef square(x): return x * x\nif __name__ == '__main__':\n    with m.get_context(%r).Pool(2) as p:\n        print(p.map(square, [1, 2, 3]))"
        for method in ("fork", "spawn", "forkserver"):
            self.prints(pool % method, "[1, 4, 9]\n")
        self.prints(pool % "spawn", "[1, 4, 9]\n", name="-")
        self.prints("import multiprocessing as m\nif __name__ == '__main__':\n    with m.Manager() as made:\n        d = made.dict(a=1)\n        d['b'] = 2\n        print(dict(d))", "{'a': 1, 'b': 2}\n")
        self.prints("from concurrent.futures import ProcessPoolExecutor\ndef f(x): return x + 1\nif __name__ == '__main__':\n    with ProcessPoolExecutor(1) as e:\n        print(list(e.map(f, [1])))", "[2]\n")

    def test_it_ends_as_python_ends(self):
        self.prints("import atexit\natexit.register(print, 'last')\nprint('first')", "first\nlast\n")
        self.prints("import sys\nsys.stdout.write('no newline')\nsys.exit(0)", "no newline")
        self.prints("import sys\nsys.exit()", "")
        self.prints("import threading, time\ndef f():\n    time.sleep(0.05)\n    print('thread')\nthreading.Thread(target=f).start()", "thread\n")
        self.prints("class A:\n    def __del__(self): print('closed')\na = A()", "closed\n")
        for code, status in (("sys.exit(3)", 3), ("sys.exit('why')", 1), ("exit(4)", 4), ("os._exit(5)", 5), ("os.kill(os.getpid(), 15)", -15), ("os.abort()", -6)):
            ended = self.script("import os, sys\n" + code)
            self.assertEqual((ended.code, ended.kinds()), (status, ["ready"]), code)
        self.assertEqual(self.script("import ctypes\nctypes.CDLL(None).printf(b'from C')").stdout, "from C")
        ended = self.script("import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'print(1)'])")
        self.assertEqual((ended.code, ended.stdout, ended.kinds()), (0, "1\n", ["ready"]))

    def test_variables_that_the_interpreter_did_not_see(self):
        path = {"PYTHONPATH": "/nowhere"}
        how = "import os, subprocess, sys\nprint(os.environ['PYTHONPATH'], os.getenvb(b'PYTHONPATH'), subprocess.run(['printenv', 'PYTHONPATH'], capture_output=True).stdout, '' in sys.path)"
        self.prints(how, "/nowhere b'/nowhere' b'/nowhere\\n' False\n", environment=path, env={"PATH": os.defpath})
        seeded = "import sys\nprint(hash('abc'), '' in sys.path)"
        env = {"PYTHONHASHSEED": "7", "PATH": os.defpath}
        plain = subprocess.run([self.executor.python, "-s", "-c", "print(hash('abc'))"], env=env, capture_output=True, text=True).stdout.strip()
        self.prints(seeded, plain + " False\n", flags=["-s"], env=env)

    def test_standard_output_is_buffered_as_python_buffers_a_pipe(self):
        how = "import sys\nprint(sys.stdout.line_buffering, sys.stdout.write_through, sys.stderr.line_buffering)"
        self.prints(how, "False False True\n")
        self.prints(how, "True False True\n", lines=True)
        # Nothing of it is lost at an end of Python's own, nor where it is said that the end is near.
        for end, status in (("", 0), ("import sys; sys.exit(3)", 3), ("1 / 0", 1), ("import os, signal; os.kill(os.getpid(), signal.SIGURG)\nos.kill(os.getpid(), 9)", -9)):
            ended = self.script("print('x' * 9000)\nprint('last')\n" + end)
            self.assertEqual((ended.code, ended.stdout[-5:]), (status, "last\n"), end)
        ended = self.script("import os\nprint('lost')\nos._exit(0)")
        self.assertEqual((ended.code, ended.stdout), (0, ""), "as in plain Python")

    def test_an_exception_is_told_as_python_tells_it(self):
        ended = self.script("def f():\n    return 1 / 0\n\nf()")
        self.assertEqual((ended.code, ended.kinds(), ended.stdout), (1, ["ready", "error"], ""))
        self.assertRegex(ended.stderr, r'^Traceback \(most recent call last\):\n  File "/.*/script.py", line 4, in <module>\n    f\(\)\n(    [~^]+\n)?  File "/.*/script.py", line 2, in f\n    return 1 / 0\n( *[~^]+\n)?ZeroDivisionError: division by zero\n$')
        error = ended.last()
        self.assertEqual((error["type"], error["line"], error["message"]), ("ZeroDivisionError", 2, "division by zero"))
        for name in ("-c", "-"):
            self.assertIn("x = 1 / 0", self.script("x = 1 / 0", name=name).stderr)
        ended = self.script("x = (\n")
        self.assertEqual((ended.code, ended.last()["type"]), (1, "SyntaxError"))
        self.assertNotIn("<remand>", ended.stderr)
        ended = self.script("import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__)\n1 / 0")
        self.assertEqual((ended.code, ended.stdout, ended.stderr), (1, "mine ZeroDivisionError\n", ""))
        ended = self.script("import no_such", security={"external_allow": []})
        self.assertEqual(ended.last()["missing"], {"kind": "module", "name": "no_such"})
        self.assertNotIn("<remand>", ended.stderr)

    def test_signals_are_pythons(self):
        self.prints("import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    import time; time.sleep(9)\nexcept KeyboardInterrupt:\n    print('asked to stop')", "asked to stop\n")
        self.prints("import signal\nprint(*(signal.getsignal(s) == signal.SIG_IGN for s in (signal.SIGPIPE, signal.SIGXFSZ)))", "True True\n")
        for name in ("script.py", "-c"):
            ended = self.script("import os\nos.kill(os.getpid(), 2)\nimport time; time.sleep(9)", name=name)
            self.assertEqual((ended.code, ended.stderr.splitlines()[-1]), (-signal.SIGINT, "KeyboardInterrupt"))

    def test_top_level_await(self):
        code = "import asyncio\nawait asyncio.sleep(0)\nprint('awaited')"
        self.prints(code, "awaited\n", awaits=True)
        self.prints("print('plain')", "plain\n", awaits=True)
        self.assertEqual(self.script(code).last()["type"], "SyntaxError")

    def test_the_last_expressions_value(self):
        for code, value in (("x = 2\nx * 21", 42), ("x = 1", None), ("", None), ("def f(): return 1\nf()", 1)):
            ended = self.script(code, value=True)
            self.assertEqual((ended.code, ended.last()), (0, {"kind": "done", "value": value}), ended.stderr)
        ended = self.script("import asyncio\nawait asyncio.sleep(0, 'late')", value=True, awaits=True)
        self.assertEqual(ended.last().get("value"), "late", ended.stderr)
        ended = self.script("float('nan')", value=True)
        self.assertEqual((ended.code, ended.last()["type"]), (1, "ValueError"))
        self.assertEqual(self.script("import sys\n1\nsys.exit(0)", value=True).kinds(), ["ready"])

    def test_the_result_descriptor_is_no_trap(self):
        for code in ("os.closerange(3, 100)", "os.close(4)", "os.close(4)\nf = open('x', 'w+b', 0)\nassert f.fileno() in (3, 4)\ng = open('y', 'wb', 0)"):
            for end, status in (("", 0), ("\n1 / 0", 1)):
                ended = self.script("import os\n%s%s\n" % (code, end), value=True)
                self.assertEqual((ended.code, ended.kinds()), (status, ["ready"]), code)
        ended = self.script("import os\nos.close(4)\nos.close(3) if os.path.exists('/proc/self/fd/3') else None\nf = open('kept', 'w+b', 0)\nimport atexit\natexit.register(lambda: print(os.path.getsize('kept')))\n1 / 0")
        self.assertEqual(ended.stdout, "0\n", ended.stderr)
        self.assertEqual(self.script("import os\nif os.fork():\n    print(os.wait()[1])\nelse:\n    1 / 0").kinds(), ["ready"])

    def test_lists_of_the_policy(self):
        ended = self.script("import json, os", security={"stdlib_allow": ["json"]})
        self.assertIn("standard library module 'os' is not allowed", ended.stderr)
        self.assertNotIn("<remand>", ended.stderr)
        self.prints("open('helper.py', 'w').write('x = 7')\nimport helper\nprint(helper.x)", "7\n", security={"external_allow": ["numpy"]})
        finder = "import sys, importlib.machinery as m\nclass F:\n    find_spec = classmethod(lambda c, n, p=None, t=None: m.ModuleSpec(n, c) if n == 'virtual' else None)\n    create_module = exec_module = staticmethod(lambda s: None)\n"
        self.prints(finder + "sys.meta_path.append(F)\nimport virtual\nprint(virtual.__name__)", "virtual\n", security={"external_allow": []})
        self.assertIn("eval", self.script("eval('1')", security={"builtins_deny": ["eval"]}).last()["description"])


if __name__ == "__main__":
    unittest.main()
