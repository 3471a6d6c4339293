"""What becomes of every kind of value, and of prints."""

import json
import math
import os
import tempfile
import unittest
from pathlib import Path

from harness import EveryPython


class Values(EveryPython):
    def test_json_values_come_back_as_they_were(self):
        values = [None, True, False, 0, -1, 10**30, 10**4300 - 1, 1.5, -0.0, 1e16, 5e-324, 1.7976931348623157e308, "", "é世\U0001f600", [], {}]
        values += ["\0\x01\x1f\x7f\x80\u2028\"\\/\b\f\n\r\t", "a\nb\u0378\ue000", {"a": {"b": [1, [2, [{}]]]}, "": None, "é\"\n": 1}, [[], {}, [[]]]]
        for value in values:
            got = self.value("return _query", query=value)
            self.assertEqual(repr(got), repr(value))
        self.assertEqual(self.value("return _query", query=values), values)

    def test_text_is_what_json_would_write(self):
        code = "import json\nvalue = {'a': [1, 2.5, 'x\\u00e9\\n', None, True, {}], 'b': [{'c': []}]}\nprint(json.dumps(value, ensure_ascii=False, separators=(',', ':')), end='')\nreturn value"
        ended = self.go(code)
        self.assertEqual(json.loads(ended.prints()[0]), ended.last()["value"])

    def test_values_that_are_converted(self):
        code = """
import enum, collections, datetime, decimal
class I(int): pass
class S(str): pass
class F(float): pass
class E(enum.IntEnum): A = 5
P = collections.namedtuple('P', 'x y')
d = collections.OrderedDict(a=1, b=2)
d.move_to_end('a')
class D(dict): pass
class L(list): pass
return [(1, 2), I(1), S('s'), F(1.5), E.A, P(1, 2), d, D(a=1), L([1]), collections.Counter('aa'), {1: 'a', True and 2.5: 'b', None: 'c', False: 'd'},
        {1}, b'x', 1j, datetime.date(2020, 1, 2), decimal.Decimal('1.10'), ValueError('v'), range(2), ...]
"""
        expected = [[1, 2], 1, "s", 1.5, 5, [1, 2], {"b": 2, "a": 1}, {"a": 1}, [1], {"a": 2}, {"1": "a", "2.5": "b", "null": "c", "false": "d"}]
        expected += ["{1}", "b'x'", "1j", "2020-01-02", "1.10", "v", "range(0, 2)", "Ellipsis"]
        self.assertEqual(self.value(code), expected)

    def test_errors_name_the_place(self):
        for code, kind, text in (
            ("return float('nan')", "ValueError", "the result: nan cannot be sent as JSON"),
            ("return [1, {'a': [2, float('-inf')]}]", "ValueError", "the result[1]['a'][1]: -inf cannot be sent"),
            ("return [0, 10**4300]", "ValueError", "the result[1]: an integer of more than 4300 digits"),
            ("return -10**5000", "ValueError", "more than 4300 digits"),
            ("return {'k': 'x\\ud800'}", "ValueError", "the result['k']: a string with a lone surrogate ('\\ud800' at 1)"),
            ("return {'\\udfff': 1}", "ValueError", "a lone surrogate"),
            ("x = []\nx.append({'x': x})\nreturn x", "ValueError", "the result[0]['x']: circular reference"),
            ("class D(dict): pass\nx = D()\nx['x'] = x\nreturn x", "ValueError", "circular reference"),
            ("return {'a': {(1, 2): 3}}", "TypeError", "the result['a']: keys must be str, int, float, bool or None, not tuple"),
            ("return {1: 2, '1': 3}", "ValueError", "two keys of a dict are the same as JSON text: '1'"),
            ("class A:\n    def __str__(self): raise OSError('no')\nreturn A()", "OSError", "no"),
        ):
            error = self.error(code)
            self.assertEqual(error["type"], kind)
            self.assertIn(text, error["message"])

    def test_shared_values_are_no_cycle(self):
        self.assertEqual(self.value("x = [1]\nreturn [x, x, {'a': x}]"), [[1], [1], {"a": [1]}])

    def test_depth_is_no_matter(self):
        ended = self.go("x = []\nfor _ in range(50000): x = [x]\nreturn x", limits={"prints": 0, "result_size": 200000})
        self.assertEqual(ended.texts[1:], ['{"kind":"done","value":%s}' % ("[" * 50001 + "]" * 50001)])

    def test_result_size_at_and_over(self):
        room = {"prints": 0, "result_size": 1000}
        fits = self.go("return 'x' * %d" % (1000 - 26), limits=room)
        self.assertEqual((fits.kinds(), fits.code), (["ready", "done"], 0))
        over = self.go("return 'x' * %d" % (1001 - 26), limits=room)
        self.assertEqual((over.kinds(), over.announced, over.code), (["ready"], 1001, 1))
        self.assertEqual(over.rest[4:], b'{"kind":"done","value":')
        items = self.go("return 'x' * 100", mode="per_item", items=[0] * 20, limits=room)
        self.assertEqual(set(items.kinds()[1:]), {"item"})
        self.assertGreater(items.announced + sum(len(json.dumps(f, separators=(",", ":"))) for f in items.frames[1:]), 1000)

    def test_small_values_that_unfold_without_end(self):
        for seed in ("[0] * 100", "'x' * 1000", "[]", "{'k' * 50: {}}"):
            code = "x = %s\nfor _ in range(8): x = [x] * 100\nreturn x" % seed
            ended = self.go(code, limits={"prints": 0, "result_size": 1 << 20})
            self.assertEqual((ended.kinds(), ended.code), (["ready"], 1))
            self.assertGreater(ended.announced, 1 << 20)
            self.assertLess(ended.announced, 1 << 22)

    def test_numpy(self):
        code = """
import sys
sys.path.append(_query)
import numpy as np
return [np.int64(5), np.float64(1.5), np.float32(0.5), np.bool_(True), np.array([[1, 2], [3, 4]]), {np.int64(3): np.str_('s')}]
"""
        site = self.site_of("numpy")
        self.assertEqual(self.value(code, query=site), [5, 1.5, 0.5, True, [[1, 2], [3, 4]], {"3": "s"}])
        self.assertIn("nan cannot be sent", self.error("import sys\nsys.path.append(_query)\nimport numpy\nreturn numpy.array([numpy.nan])", query=site)["message"])

    def site_of(self, package):
        import subprocess

        ask = "import %s, os; print(os.path.dirname(os.path.dirname(%s.__file__)))" % (package, package)
        answer = subprocess.run([self.executor.python, "-c", ask], capture_output=True, text=True)
        if answer.returncode:
            self.skipTest("no %s for %s" % (package, self.executor.python))
        return answer.stdout.strip()


class Prints(EveryPython):
    def test_text_is_what_print_writes(self):
        code = "print()\nprint(1, 'a', None, sep='-', end='!')\nprint('x', flush=True)\nprint(end='')\nprint('\\ud800é')\nprint(*[], sep=None, end=None)"
        self.assertEqual(self.go(code).prints(), ["\n", "1-a-None!", "x\n", "\\ud800é\n", "\n"])
        self.assertEqual(self.error("print(1, sep=2)")["message"], "sep must be None or a string, not int")

    def test_other_files_are_not_captured(self):
        code = """
import sys, io, contextlib
sys.stdout.write('out ')
print('err', file=sys.stderr)
print('file', file=sys.stdout)
with contextlib.redirect_stdout(io.StringIO()) as text: print('inside')
return text.getvalue()
"""
        ended = self.go(code)
        self.assertEqual((ended.prints(), ended.last()["value"], ended.stdout, ended.stderr), ([], "inside\n", "out file\n", "err\n"))

    def test_prints_of_libraries(self):
        self.assertEqual(self.go("import pprint, builtins\nbuiltins.print('b')\nimport this").prints()[0], "b\n")

    def test_limit(self):
        room = {"prints": 100, "result_size": 100}
        self.assertEqual([len(t) for t in self.go("print('x' * 99)", limits=room).prints()], [100])
        self.assertEqual([len(t) for t in self.go("print('x' * 10**6)\nprint('more')", limits=room).prints()], [101])
        self.assertEqual(len(self.go("for _ in range(1000): print()", limits=room).prints()), 7)

    def test_failure_keeps_prints_and_output(self):
        ended = self.go("import sys\nprint('p')\nsys.stdout.write('o')\nraise ValueError")
        self.assertEqual((ended.prints(), ended.stdout, ended.last()["kind"]), (["p\n"], "o", "error"))


class Security(EveryPython):
    def test_standard_library_list(self):
        only = {"stdlib_allow": ["math", "datetime"]}
        self.assertEqual(self.value("import math, datetime\nreturn [math.floor(1.5), datetime.datetime.strptime('2020', '%Y').year]", security=only), [1, 2020])
        error = self.error("import math\nimport os.path", security=only)
        self.assertEqual((error["type"], error["line"]), ("ImportError", 2))
        self.assertEqual(error["message"], "import of standard library module 'os' is not allowed by python.stdlib_allow of the policy")
        self.assertEqual(error["description"], "python.stdlib_allow allows: datetime, math")
        self.assertEqual(error["denied"], {"list": "stdlib_allow", "name": "os"})
        self.assertNotIn("denied", self.error("raise ImportError('import of x', name='os')", security=only))
        self.assertNotIn("denied", self.error("error = ImportError()\nerror.denied_by, error.name = 'stdlib_allow', 7\nraise error"))
        self.assertIn("'posix'", self.error("__import__('posix')", security={"stdlib_allow": []})["message"])
        self.assertEqual(self.value("try:\n    import os\nexcept ImportError:\n    return 'no'", security=only), "no")

    def environment(self):
        """With packages `pack` and `other`, and one by a .pth file, which says so; a directory of its own for each interpreter."""
        directory = tempfile.mkdtemp(dir=EveryPython.directory.name)
        beside = os.path.join(directory, "beside")
        os.mkdir(beside)
        Path(beside, "vendored.py").write_text("value = 9")
        files = {"pack/__init__.py": "import other, os\nvalue = __import__('other').value", "other.py": "value = 7"}
        return self.executor.environment(directory, {**files, "vendored.pth": beside + "\nimport sys; sys.by_pth = True\n"}), directory

    def test_external_packages(self):
        python, directory = self.environment()
        only = {"stdlib_allow": ["sys"], "external_allow": ["pack"]}
        self.assertEqual(self.value("import pack\nreturn pack.value", security=only, python=python), 7)
        first = "import importlib.util\nreturn [importlib.util.find_spec(name) is not None for name in ('pack', 'nowhere')]"
        self.assertEqual(self.value(first, security={"external_allow": ["pack"]}, python=python), [True, False])
        error = self.error("import other", security=only, python=python)
        self.assertEqual(error["message"], "import of external package 'other' is not allowed by python.external_allow of the policy")
        self.assertEqual(error["denied"], {"list": "external_allow", "name": "other"})
        self.assertEqual(self.error("import nowhere", python=python)["type"], "ModuleNotFoundError")
        code = "import sys, vendored\nreturn [vendored.value, sys.by_pth, sys.prefix, sys.flags.no_site]"
        self.assertEqual(self.value(code, python=python), [9, True, self.executor.prefix, 0])

    def test_importlib_is_held_to_the_lists(self):
        python, _ = self.environment()
        only = {"external_allow": ["pack"]}
        ways = ("importlib.import_module(%r)", "importlib.__import__(%r)", "importlib.util.find_spec(%r)", "importlib.import_module('.x', %r)", "importlib.import_module(%r + '.x')", "__import__(%r)")
        for way in ways:
            code = "import importlib.util, %s\nreturn str(%s)" % ("pack", way % "other")
            self.assertEqual(self.error(code, security=only, python=python)["denied"], {"list": "external_allow", "name": "other"}, way)
        for name in ("pack", "json", "__main__", "_frozen_importlib", "zipimport", "posix", "__hello__"):
            self.value("import importlib\nimportlib.import_module(%r)" % name, security=only, python=python)
        denied = self.error("import importlib\nimportlib.import_module('os')", security={"stdlib_allow": ["importlib"]})["denied"]
        self.assertEqual(denied, {"list": "stdlib_allow", "name": "os"})
        self.assertIn("denied", self.error("import importlib.util\nreturn importlib.util.find_spec('pandas')", security={"external_allow": []}))

    def test_what_importlib_makes_of_a_file(self):
        python, directory = self.environment()
        own = "import importlib.util as u\nspec = u.spec_from_file_location('mine', %r)\nmade = u.module_from_spec(spec)\nspec.loader.exec_module(made)\nreturn made.value"
        self.assertEqual(self.value(own % (directory + "/beside/vendored.py"), security={"external_allow": []}), 9)
        code = "from importlib.machinery import PathFinder\nimport importlib.util\nreturn importlib.util.module_from_spec(PathFinder.find_spec('other'))"
        self.assertIn("denied", self.error(code, security={"external_allow": ["pack"]}, python=python))
        code = "import importlib, pickle\nreturn pickle.loads(pickle.dumps(importlib.import_module)) is importlib.import_module"
        self.assertTrue(self.value(code, security={"external_allow": []}))

    def test_the_standard_librarys_own_tests_are_no_package(self):
        error = self.error("import test.no_such", security={"external_allow": []})
        self.assertEqual((error["type"], "denied" in error), ("ModuleNotFoundError", False))

    def test_denied_builtins(self):
        deny = {"builtins_deny": ["eval", "__build_class__", "no_such"]}
        error = self.error("return eval('1')", security=deny)
        self.assertEqual((error["message"], error["description"]), ("name 'eval' is not defined", "python.builtins_deny of the policy takes 'eval' from the code"))
        self.assertEqual(error["denied"], {"list": "builtins_deny", "name": "eval"})
        self.assertNotIn("denied", self.error("return missing", security=deny))
        self.assertIn("__build_class__", self.error("class A: pass", security=deny)["description"])
        self.assertEqual(self.value("return len('abc')", security=deny), 3)
        self.assertEqual(self.value("import json\nreturn json.loads('[1]')", security=deny), [1])

    def test_environment(self):
        code = "import os, subprocess\nreturn [sorted(os.environ), subprocess.run(['/usr/bin/env'], stdout=-1).stdout.decode()]"
        self.assertEqual(self.value(code, env={"A": "1"})[0][:1], ["A"])
        self.assertEqual(self.value(code, env={"A": "1"}, security={"runner_env_deny": True}), [[], ""])


if __name__ == "__main__":
    unittest.main()
