"""Tasks of n8n: what its own runner answers, by name, and in its words. Beside the catalogue of its tests (rules, guards, imports), what is better on purpose."""

import json
import os
import unittest

from harness import EveryPython

DENIED = """eval exec compile open input breakpoint getattr object type vars setattr delattr hasattr dir memoryview __build_class__ globals locals license help
credits copyright""".split()
DEFAULT = {"per_item": False, "layer": True, "stdlib": [], "external": [], "deny": DENIED, "transitive": False}
NAMES = "__loader__ __builtins__ __globals__ __spec__ __name__ __n8n_internal_safe_format__".split()
ATTRIBUTES = """__subclasses__ __globals__ __builtins__ __traceback__ tb_frame tb_next f_back f_globals f_locals f_code f_builtins __getattribute__ __qualname__
__module__ gi_frame gi_code gi_yieldfrom cr_frame cr_code ag_frame ag_code obj __thisclass__ __self_class__ __objclass__ __reduce__ __reduce_ex__ __prepare__
__instancecheck__ __subclasscheck__ __match_args__ __base__ __class__ __bases__ __code__ __closure__ __loader__ __cached__ __dict__ __import__ __mro__
__init_subclass__ __getattr__ __setattr__ __delattr__ __self__ __func__ __wrapped__ __annotations__ __spec__""".split()
LISTED = "json math re datetime random string collections itertools functools operator".split()
BYPASS = " is disallowed, because it can be used to bypass security restrictions."


class Node(EveryPython):
    def task(self, code, *, items=(), query=None, result={"nan": "null"}, python=None, **settings):
        return self.go(code, mode="n8n", items=items, query=query, result=result, python=python, n8n={**DEFAULT, **settings})

    def gives(self, code, **given):
        ended = self.task(code, **given)
        self.assertEqual(ended.last()["kind"], "done", (code, ended.frames, ended.stderr))
        return ended.last()["value"]

    def fails(self, code, **given):
        ended = self.task(code, **given)
        self.assertEqual(ended.last()["kind"], "error", (code, ended.frames, ended.stderr))
        return ended.last()["message"], ended.last()["description"]

    def refused(self, code, **given):
        """The lines of what is found before anything runs."""
        message, description = self.fails(code, **{"stdlib": LISTED, **given})
        self.assertEqual(message, "Security violations detected", (code, description))
        return description.split("\n")

    def violates(self, code, **given):
        """The description of what is refused while it runs."""
        message, description = self.fails(code, **given)
        self.assertIn(message, ("Security violation detected", "Security violations detected"), (code, description))
        self.assertFalse(description.startswith("Line "), description)
        return description

    def all_refused(self, cases, text, **given):
        """Each alone would cost a start: all in one code, a line each."""
        lines = self.refused("\n".join(code for code, _ in cases), **given)
        for number, (code, name) in enumerate(cases, 1):
            self.assertIn("Line %d: %s" % (number, text % name), lines, code)


class Rules(Node):
    def test_names_in_every_place(self):
        for place, text in (
            ("x = %s", "Access to name '%s'"),
            ("%s = 1", "Access to name '%s'"),
            ("import json as %s", "Access to name '%s'"),
            ("from json import %s", "Access to name '%s'"),
            ("from json import loads as %s", "Access to name '%s'"),
            ("def %s(): pass", "Function named '%s'"),
            ("async def %s(): pass", "Function named '%s'"),
            ("class %s: pass", "Class named '%s'"),
            ("def f(%s): pass", "Parameter named '%s'"),
            ("def f(%s, /): pass", "Parameter named '%s'"),
            ("def f(*, %s): pass", "Parameter named '%s'"),
            ("def f(*%s): pass", "Parameter named '%s'"),
            ("def f(**%s): pass", "Parameter named '%s'"),
            ("def f(%s=1): pass", "Parameter named '%s'"),
            ("async def f(%s): pass", "Parameter named '%s'"),
            ("f = lambda %s: 1", "Parameter named '%s'"),
        ):
            self.all_refused([(place % name, name) for name in NAMES], text + BYPASS)
        for name in NAMES:
            self.assertIn("Line 2: Access to name %r" % name + BYPASS, self.refused("try: pass\nexcept Exception as %s: pass" % name))
            self.assertIn("Line 1: Global declaration of %r" % name + BYPASS, self.refused("global %s" % name))
            self.assertIn("Function named %r" % name, self.refused("@print\ndef %s(): pass" % name)[0])

    def test_attributes_in_every_place(self):
        text = "Access to attribute '%s'" + BYPASS
        for place in ("x.%s", "x.%s = 1", "del x.%s", "f'{x.%s}'", "'%s'", "a = {'%s': 1}", "__builtins__['%s']", "x.__builtins__['%s']", "builtins['%s']"):
            self.all_refused([(place % name, name) for name in ATTRIBUTES if not (name in NAMES and place in ("'%s'", "a = {'%s': 1}"))], text)
        self.assertEqual(self.refused("'__glob' + 'als__'"), ["Line 1: Access to name '__globals__'" + BYPASS])
        self.assertEqual(self.refused("x = 'tb_' + ('fra' + 'me')"), ["Line 1: Access to attribute 'tb_frame'" + BYPASS])
        self.assertEqual(self.refused("a.obj.__class__"), ["Line 1: " + text % "__class__", "Line 1: " + text % "obj"], "the outer one first")
        mangled = "Access to name-mangled attributes (pattern: _ClassName__attr) is disallowed for security reasons."
        for code in ("license._Printer__filenames", "help._Helper__name", "x._A__b", "x._a__b"):
            self.assertEqual(self.refused(code), ["Line 1: " + mangled])

    def test_templates(self):
        text = "String pattern accessing '%s'" + BYPASS
        for template, name in (
            ("{0.__class__}", "__class__"),
            ("{.__globals__}", "__globals__"),
            ("{x.a.__init__.__globals__}", "__globals__"),
            ("{0[__builtins__]}", "__builtins__"),
            ("{0['__import__']}", "__import__"),
            ('{0["__import__"]}', "__import__"),
            ("{0:{1.__class__}}", "__class__"),
            ("{0:>{1[__dict__]}}", "__dict__"),
            ("a {{}} {e.obj}", "obj"),
            ("{0!r:{0.tb_frame}}", "tb_frame"),
        ):
            self.assertEqual(self.refused("x = %r" % template), ["Line 1: " + text % name], template)
        self.assertEqual(self.refused("'{0.__cla' + 'ss__}'"), ["Line 1: " + text % "__class__"])
        bound = "Extracting %r as a bound method is disallowed; call it directly on its receiver instead."
        for name in ("format", "format_map", "vformat", "get_field"):
            self.assertEqual(self.refused("f = ''.%s" % name), ["Line 1: " + bound % name])
        self.assertEqual(self.refused("list(map(str.format, []))"), ["Line 1: " + bound % "format"])

    def test_imports(self):
        stdlib = "Line %d: Import of standard library module %r is disallowed. Allowed stdlib modules: none"
        external = "Line %d: Import of external package %r is disallowed. Allowed external packages: %s"
        self.assertEqual(self.refused("import os.path, sys\nfrom os import path\nimport os", stdlib=[]), [stdlib % (1, "os.path"), stdlib % (1, "sys"), stdlib % (2, "os")], "once each")
        self.assertEqual(self.refused("import requests as r\nfrom a.b import c", external=["z", "y"]), [external % (1, "requests", "y, z"), external % (2, "a.b", "y, z")])
        self.assertEqual(self.refused("from . import x\nfrom .a import b\nfrom .. import c"), ["Line %d: Relative imports are disallowed." % line for line in (1, 2, 3)])
        dynamic = "Dynamic __import__() calls are not allowed for security reasons."
        self.assertEqual(self.refused("m = 'json'\n__import__(m)\n__import__('j' + 'son')"), ["Line 2: " + dynamic, "Line 3: " + dynamic])
        self.assertEqual(self.refused("__import__('os')", stdlib=[]), [stdlib % (1, "os")])
        self.assertIn(stdlib % (1, "sys"), self.refused("builtins.__import__('sys')", stdlib=[]))
        self.assertEqual(self.refused("__import__('.x')"), ["Line 1: Relative imports are disallowed."])
        self.assertEqual(self.refused("import os.path", stdlib=["os.path"]), ["Line 1: Import of standard library module 'os.path' is disallowed. Allowed stdlib modules: os.path"])
        self.assertEqual(self.gives("import collections.abc as a, json\nfrom collections.abc import Iterable\nreturn isinstance([], Iterable)", stdlib=["collections", "json"]), True)

    def test_what_passes(self):
        code = """
import json, math as m, datetime as d
from collections import Counter as C
from json import loads
def ordinary(a, b=1, *c, d, **e): return a
try:
    raise ValueError('x')
except ValueError as err:
    pass
x = {'a': [1]}
y = x.items(), m.pi, 'a'.__len__(), [].__doc__
z = '{} {0.value} {[key]} {:.2f} {{x.__class__}} {0:{width}} {!r:>10}'
t = f'Found {len(x)} objects', 'user_' + 'objects', 'load module name', f'__glob{m.pi}als__', 'hello world ' + str(3)
u = 'a {', __import__('string').Formatter().parse
def later():
    global g
    g = 1
    return __import__('json').dumps([C('aa')['a']])
return ['{:.2f}'.format(m.pi), '{} {}'.format(1, 2).upper(), '{a}'.format_map({'a': 1}), later(), '%s' % 3]
"""
        self.assertEqual(self.gives(code, stdlib=LISTED), ["3.14", "1 2", "1", "[2]", "3"])

    def test_patterns(self):
        if self.version < (3, 10):
            self.skipTest("needs Python 3.10, which has match")
        positional = "Positional match patterns are disallowed for security reasons."
        extracting = "Match pattern extracting attribute '%s'" + BYPASS
        self.assertEqual(self.refused("match 1:\n    case int(x): pass"), ["Line 2: " + positional])
        for name in ("obj", "__traceback__"):
            self.assertEqual(self.refused("match 1:\n    case A(%s=x): pass" % name), ["Line 2: " + extracting % name])
        passing = "match {'a': [1, 2]}:\n    case 3: pass\n    case Point(x=x): pass\n    case {'a': [b, *c]}: return [b, c]"
        self.assertEqual(self.gives(passing.replace("Point", "int")), [1, [2]])

    def test_every_rule_is_off_with_both_stars(self):
        self.assertEqual(self.gives("import os\nreturn ().__class__.__name__ + '__class__'", stdlib=["*"], external=["*"]), "tuple__class__")
        self.assertEqual(self.fails("class A: pass", stdlib=["*"], external=["*"])[0], "__build_class__ not found")
        self.violates("u = chr(95) * 2\nreturn ('{0.' + u + 'class' + u + '}').format(1)", stdlib=["*"], external=["*"])

    def test_a_chain_of_april_2026(self):
        lines = self.refused("""
global __builtins__
@print
def __builtins__(): pass
r = [].append.__reduce__()
class M(type):
    pass
n = {'__inst' + 'ancecheck__': 1, '__match' + '_args__': ('x',)}
match r:
    case M(x): pass
""" if self.version >= (3, 10) else "global __builtins__\n[].append.__reduce__()")
        for word in ("Global declaration of '__builtins__'", "'__reduce__'"):
            self.assertTrue(any(word in line for line in lines), (word, lines))

    def test_found_before_anything_runs_is_told_so(self):
        """The only frame of its error is of a file of that name: the supervisor's side looks there."""
        for code in ("x = [", "import os", "a = '\0'", "  x = 1"):
            error = self.task("\n" + code).last()
            self.assertEqual([(frame["file"], frame["function"]) for frame in error["frames"]], [("<unknown>", None)], (code, error))
            self.assertEqual((error["line"], error["type"]), (2, "SecurityViolationError" if "os" in code else error["type"]), code)
        for code in ("return [][1]", "nonlocal x", "f = __import__\nf('os')"):
            self.assertNotEqual(self.task(code).last()["frames"][0]["file"], "<unknown>", code)


class Guards(Node):
    def test_imports_while_running(self):
        refused = "Import of standard library module 'os' is disallowed. Allowed stdlib modules: %s"
        self.assertEqual(self.violates("f = __import__\nreturn f('os')"), refused % "none")
        self.assertEqual(self.violates("import importlib\nimportlib.import_module('os')", stdlib=["importlib"]), refused % "importlib")
        self.assertEqual(self.violates("import importlib as i\nf = [n for n in [i.import_module]][0]\nf('os')", stdlib=["importlib"]), refused % "importlib")
        self.assertEqual(self.gives("import importlib\nreturn importlib.import_module('json').loads('[1]')", stdlib=["importlib", "json"]), [1])
        self.assertEqual(self.violates("import importlib\nreturn importlib.import_module('.path', 'os')", stdlib=["importlib"]), refused.replace("'os'", "'os.path'") % "importlib")
        self.assertEqual(self.violates("import importlib\nreturn importlib.import_module('.path')", stdlib=["importlib"]), "Relative imports are disallowed.")
        self.assertEqual(self.violates("import importlib\nreturn importlib.import_module('.path', 3)", stdlib=["importlib"]), "Relative imports are disallowed.")
        self.assertEqual(self.violates("f = __import__\nf('path', {'__package__': 'os'}, None, (), 1)"), refused.replace("'os'", "'os.path'") % "none")
        self.assertEqual(self.violates("f = __import__\nf('', {}, None, (), 1)"), "Relative imports are disallowed.")
        star = {**DEFAULT, "stdlib": ["*"], "external": ["*"]}
        for shown, told in (([], "No module named 'child'"), (["a"], "import of external package 'child' is not allowed by python.external_allow of the policy")):
            ended = self.go("import child", mode="n8n", security={"external_allow": shown}, n8n=star)
            self.assertEqual(ended.last()["message"], told)
        self.assertEqual(self.gives("import datetime\nreturn [datetime.date(2020, 1, 2).strftime('%Y'), datetime.datetime.strptime('2026', '%Y').year]", stdlib=["datetime"]), ["2020", 2026])
        self.assertEqual(self.gives("import warnings, time\nwarnings.warn('x')\nreturn time.strptime('2026', '%Y').tm_year", stdlib=["warnings", "time"]), 2026)

    def test_packages(self):
        files = {
            "parent/__init__.py": "import importlib\ndef lazy(name='child'): return importlib.import_module(name)\ndef call(f, name): return f(name)\n",
            "parent/sub.py": "value = 42",
            "parent/again.py": "import importlib\nvalue = importlib.__import__('sub', globals(), None, ('value',), 1).value - 31",
            "child.py": "value = 99",
        }
        directory = self.id() + "-%d.%d" % self.version
        python = self.executor.environment(os.path.join(EveryPython.directory.name, directory), files)
        given = {"external": ["parent"], "python": python}
        refused = "Import of external package 'child' is disallowed. Allowed external packages: parent"
        self.assertEqual(self.gives("import parent.sub\nfrom parent import again\nreturn [parent.sub.value, again.value]", **given), [42, 11])
        lazy = "import parent\nreturn parent.lazy().value"
        self.assertEqual(self.violates(lazy, **given), refused)
        self.assertEqual(self.gives(lazy, transitive=True, **given), 99)
        base64 = "import parent\nreturn parent.lazy('base64').b64encode(b'a').decode()"
        self.assertIn("'base64'", self.violates(base64, **given))
        self.assertEqual(self.gives(base64, transitive=True, **given), "YQ==")
        importlib = {"stdlib": ["importlib"], **given}
        for name, value in ((".sub", 42), (".again", 11)):
            self.assertEqual(self.gives("import importlib\nreturn importlib.import_module(%r, package='parent').value" % name, **importlib), value)
        self.assertEqual(self.gives("import importlib\nreturn importlib.import_module('..sub', 'parent.inner').value", **importlib), 42)
        self.assertEqual(self.violates("import importlib\nreturn importlib.import_module('...sub', 'parent.inner')", **importlib), "Relative imports are disallowed.")
        for transitive in (False, True):
            self.assertEqual(self.refused("import child", transitive=transitive, **given), ["Line 1: " + refused])
            self.assertIn("'os'", self.refused("import os", **{**given, "stdlib": []})[0])
            self.assertEqual(self.violates("import parent\nreturn parent.call(__import__, 'child')", transitive=transitive, **given), refused)
            self.assertEqual(self.violates("import importlib\nreturn importlib.import_module('child')", transitive=transitive, **importlib), refused)

    def test_format_templates_made_while_running(self):
        u = "u = chr(95) * 2\nn = u + 'class' + u\n"
        cases = (
            "return ('{0.' + n + '}').format(1)",
            "return ''.join(['{0', '.', n, '}']).format(1)",
            "return ('{0[' + n + ']}').format({})",
            "return ('{a.' + n + '}').format_map({'a': 1})",
            "return ('{0:{1.' + n + '}}').format(1, 2)",
            "return str.format('{0.' + n + '}', 1)",
            "import string\nreturn string.Formatter().format('{0.' + n + '}', 1)",
            "import string\nreturn string.Formatter.format(string.Formatter(), '{0.' + n + '}', 1)",
            "import string\nreturn string.Formatter().vformat('{0.' + n + '}', [1], {})",
            "import string\nreturn string.Formatter().get_field('0.' + n, [1], {})",
            "import string\nreturn string.Formatter.get_field(string.Formatter(), '0.' + n, [1], {})",
            "import collections\nreturn collections.UserString('{0.' + n + '}').format(1)",
        )
        for code in cases:
            told = self.violates(u + code, stdlib=["string", "collections"])
            self.assertEqual(told, "String pattern accessing '__class__'" + BYPASS, code)
        code = """
class Money:
    def format(self, *values): return '$%s' % values
    @property
    def data(self): raise ValueError('nobody looks')
t = chr(123) + '0.real' + chr(125)
return [t.format(3), '{method_name}{receiver}'.format(method_name=1, receiver=2), Money().format(42), str.format('{}', 'a').upper(), '{:.2f}'.format(3.14159)]
"""
        self.assertEqual(self.gives(code, deny=[]), ["3", "12", "$42", "A", "3.14"])

    def test_builtins_show_nothing_of_themselves(self):
        words = "\nreturn [repr(print), repr(__import__), callable(print)]"
        self.assertEqual(self.gives(words), ["<built-in function print>", "<built-in function __import__>", True])
        for name in ("print", "__import__", "importlib.import_module"):
            code = "import operator, importlib\ntry: operator.attrgetter('__ca' 'll__.a')(%s)\nexcept AttributeError as e: return str(e)" % name
            self.assertEqual(self.gives(code, stdlib=["operator", "importlib"]), "'builtin_function_or_method' object has no attribute '__call__'")
            self.assertNotIn("Guard", self.fails("import importlib\n%s.x = 1" % name, stdlib=["importlib"])[0])
        star = {"stdlib": ["*"], "external": ["*"]}
        for change in ("['x'] = 1", ".x = 1", ".update(x=1)", ".clear()", ".pop('len')"):
            self.assertEqual(self.fails("__builtins__" + change, **star)[0], "read-only", change)
        for change in ("object.__setattr__(__builtins__, 'x', 1)", "vars(__builtins__)['x'] = 1", "__builtins__.__class__ = dict"):
            self.assertEqual(self.gives("try: %s\nexcept (AttributeError, TypeError): return 'x' in __builtins__" % change, deny=[], **star), False, change)
        self.assertEqual(self.gives("return ['len' in __builtins__, __builtins__.len([1]), __builtins__['len']([]), 'eval' in __builtins__]", **star), [True, 1, 0, False])

    def test_denied_builtins(self):
        for name in DENIED:
            if name == "__build_class__":
                continue
            self.assertEqual(self.fails("return " + name)[0], "name %r is not defined" % name)
        self.assertEqual(self.gives("class A:\n    x = eval('3')\nreturn A().x", deny=[]), 3)

    def test_all_simply_works_where_nothing_is_refused(self):
        code = "import os, json\nclass A: pass\nx = ().__class__\nreturn [eval('1 + 1'), '{0.__class__}'.format(1), A.__name__, getattr(json, 'loads')('[]'), 'obj', __name__]"
        self.assertEqual(self.gives(code, layer=False), [2, "<class 'int'>", "A", [], "obj", "__main__"])


class Values(Node):
    def test_results(self):
        for code, value in (
            ("return None", None),
            ("return (1, (2,))", [1, [2]]),
            ("return {1}", "{1}"),
            ("return b'x'", "b'x'"),
            ("return [range(2), 1+2j, ValueError('m')]", ["range(0, 2)", "(1+2j)", "m"]),
            ("return {1: 'a', None: 'b', 1.5: 'c', float('nan'): 'e'}", {"1": "a", "null": "b", "1.5": "c", "NaN": "e"}),
            ("return {True: 'd', '1': 1, 1.0: 2}", {"true": 2, "1": 1}),
            ("return {'1': 'a', 1: 'b'}", {"1": "b"}),
            ("return [float('nan'), float('inf')]", [None, None]),
            ("return '''a\nb'''", "a\nb"),
        ):
            self.assertEqual(self.gives(code), value, code)
        code = "import datetime, decimal, collections\nreturn [datetime.datetime(2020, 1, 2), decimal.Decimal('1.50'), collections.OrderedDict(a=1), collections.deque([1])]"
        self.assertEqual(self.gives(code, stdlib=["*"]), ["2020-01-02 00:00:00", "1.50", {"a": 1}, "deque([1])"])

    def test_what_cannot_be_one(self):
        for code, message in (
            ("return {(1,): 2}", "keys must be str, int, float, bool or None, not tuple"),
            ("l = []\nl.append(l)\nreturn l", "Circular reference detected"),
            ("return 10 ** 5000", "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"),
            ("return chr(0xd800)", "'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed"),
            ("raise KeyError('missing')", "'missing'"),
            ("raise Exception", ""),
            ("exit()", "Process exited with code None"),
            ("raise SystemExit('bye')", "Process exited with code bye"),
            ("raise KeyboardInterrupt", ""),
            ("yield 1", "'yield' outside function (<all_items_task_execution>, line 1)"),
            ("\nawait x", "'await' outside async function (<all_items_task_execution>, line 2)"),
            ("\n# x\n", "expected an indented block after function definition on line 1 (<all_items_task_execution>, line 6)"),
        ):
            if code == "\nawait x" and self.version < (3, 10):
                continue  # which names no file
            self.assertEqual(self.fails(code)[0], message, code)

    def test_items(self):
        items = [{"json": {"n": n}} for n in (5, 15, 8)]
        self.assertEqual(self.gives("if _item['json']['n'] > 6: return {'n': _item['json']['n']}", items=items, per_item=True), [
            {"json": {"n": 15}, "pairedItem": {"item": 1}},
            {"json": {"n": 8}, "pairedItem": {"item": 2}},
        ])
        for value, item in (
            ("{'binary': {'b': 1}}", {"json": {}, "binary": {"b": 1}}),
            ("{'binary': {'b': 1}, 'a': 2}", {"json": {"a": 2}, "binary": {"b": 1}}),
            ("{'json': 1, 'binary': 2, 'pairedItem': 3, 'x': 4}", {"json": 1, "binary": 2}),
            ("[1]", {"json": [1]}),
        ):
            self.assertEqual(self.gives("return " + value, items=[0], per_item=True), [{**item, "pairedItem": {"item": 0}}], value)
        fresh = "global g\ntry: return g\nexcept NameError: g = _item\nreturn 0"
        self.assertEqual([item["json"] for item in self.gives(fresh, items=[1, 2], per_item=True)], [0, 0])
        self.assertEqual(self.fails("return _item", per_item=False)[0], "name '_item' is not defined")
        self.assertEqual(self.fails("return [", per_item=True)[0][-len("(<unknown>, line 1)"):], "(<unknown>, line 1)")
        self.assertEqual(self.gives("return [_query, _items]", query={"q": 1}, items=[2]), [{"q": 1}, [2]])

    def parameters(self, code, **given):
        ended, texts = self.task(code, **given), []
        for frame in ended.frames:
            if frame["kind"] == "print":
                texts.append((texts.pop() if frame.get("continues") else "") + frame["text"])
        return [json.loads(text) for text in texts], ended

    def test_prints(self):
        code = "print('s', 1, True, None, [1, 'x'], {'a': (1, 2)}, {1}, b'x', 1+2j, float('nan'), [float('nan')])\nprint()\nprint('\u00e9\u4e2d', [chr(0x1f600)], sep='-', end='')"
        self.assertEqual(self.parameters(code)[0], [
            ["'s'", "1", "True", "None", '[1, "x"]', '{"a": [1, 2]}', '"{1}"', "\"b'x'\"", '"(1+2j)"', "nan", "[NaN]"], [], ["'\u00e9\u4e2d'", '["\U0001f600"]'],
        ])
        circular = "l = []\nl.append(l)\nprint(l)\nd = {}\nd['d'] = d\nprint(d)\nprint({(1,): 2})"
        self.assertEqual(self.parameters(circular)[0], [["[Circular list]"], ["[Circular dict]"], ["[Circular dict]"]])
        calls, ended = self.parameters("for i in range(103): print(i)\nraise ValueError('m')")
        self.assertEqual((len(calls), calls[100], ended.last()["message"]), (101, ["[Output truncated - 3 more print statements]"], "m"))
        self.assertEqual(self.parameters("import sys\nprint('to the log', file=sys.stderr)", stdlib=["sys"])[0], [])

    def test_long_prints_are_cut(self):
        for code, room in (("print('x' * 70000, 'y' * 9)\nprint('z')", 1 << 16), ("print('\x01' * 70000)\nprint('z')", 1 << 16)):
            calls, ended = self.parameters(code)
            self.assertLessEqual(sum(len(text.encode()) for text in ended.prints()), room + 200)
            self.assertRegex(calls[0][0], r"\[Output truncated - \d+ more characters\]$")
            self.assertEqual(ended.last()["kind"], "done")

    def test_errors_have_a_place(self):
        error = self.task("x = 1\ndef f():\n    return 1 // 0\nreturn f()").last()
        self.assertEqual((error["line"], error["type"], error["description"]), (3, "ZeroDivisionError", ""))
        self.assertIn('File "<code>", line 4', error["stack"])
        self.assertEqual(self.fails("e = ValueError('m')\ne.description = 'DESC'\nraise e"), ("m", "DESC"))
        formatted = self.task("x = [1]\n\n'{}'.format(x[3])").last()
        self.assertEqual((formatted["line"], formatted["type"]), (3, "IndexError"))


if __name__ == "__main__":
    unittest.main()
