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
        range(2), {}.keys(), collections.deque([1]), collections.ChainMap({'a': 1}), collections.UserList([1])]
"""
        expected = [[1, 2], 1, "s", 1.5, 5, [1, 2], {"b": 2, "a": 1}, {"a": 1}, [1], {"a": 2}, {"1": "a", "2.5": "b", "null": "c", "false": "d"}]
        expected += [[0, 1], [], [1], {"a": 1}, [1]]
        self.assertEqual(self.value(code), expected)

    def test_forms_of_other_types(self):
        code = """
import array, dataclasses, datetime as d, decimal, enum, fractions, ipaddress, pathlib, types, uuid
class Color(enum.Enum): RED = ('r', 1)
@dataclasses.dataclass
class Point:
    x: int
    y: d.date
    z: list = dataclasses.field(default_factory=list, repr=False)
utc = d.timezone(d.timedelta(hours=2))
return [{3, 1, 2}, {1, 'a'} != [], frozenset(), b'\\x00\\xff', bytearray(b'x'), memoryview(b''), d.date(2020, 1, 2), d.time(1, 2, 3),
        d.datetime(2020, 1, 2, 3, 4, 5, 6), d.datetime(2020, 1, 2, tzinfo=utc), decimal.Decimal('1.10'), fractions.Fraction(1, 3), Color.RED,
        Point(1, d.date(2020, 1, 2)), uuid.UUID(int=1), pathlib.PurePosixPath('a/b'), ipaddress.ip_address('::1'), types.SimpleNamespace(a={1}),
        types.MappingProxyType({'a': 1}), array.array('i', [1, 2]), {d.date(2020, 1, 2): 1, decimal.Decimal(1): 2}]
"""
        expected = [[1, 2, 3], True, [], {"$bytes": "AP8="}, {"$bytes": "eA=="}, {"$bytes": ""}, "2020-01-02", "01:02:03"]
        expected += ["2020-01-02T03:04:05.000006", "2020-01-02T00:00:00+02:00", "1.10", "1/3", ["r", 1]]
        expected += [{"x": 1, "y": "2020-01-02", "z": []}, "00000000-0000-0000-0000-000000000001", "a/b", "::1", {"a": [1]}]
        expected += [{"a": 1}, [1, 2], {"2020-01-02": 1, "1": 2}]
        self.assertEqual(self.value(code), expected)
        self.assertEqual(self.value("return b'x'", security={"stdlib_allow": []}), {"$bytes": "eA=="})

    def test_lengths_of_time(self):
        code = "from datetime import timedelta as t\nreturn [t(), t(5), t(1, 3723, 4500), -t(seconds=1), t(microseconds=1), t(hours=36), t(-1, 86399, 999999)]"
        expected = ["PT0S", "P5D", "P1DT1H2M3.0045S", "-PT1S", "PT0.000001S", "P1DT12H", "-PT0.000001S"]
        self.assertEqual(self.value(code), expected)

    def test_what_has_no_form_names_what_to_call(self):
        for code, kind, way in (
            ("return (x for x in [])", "generator", "list(x)"),
            ("return {'a': [map(str, [])]}", "map", "list(x)"),
            ("return open('/dev/null')", "_io.TextIOWrapper", "x.read()"),
            ("import io\nreturn io.BytesIO(b'x')", "_io.BytesIO", "x.getvalue()"),
            ("return 1j", "complex", "[x.real, x.imag]"),
            ("return ValueError('v')", "ValueError", "str(x)"),
            ("return len", "builtin_function_or_method", "x()"),
            ("return int", "type", "x.__name__"),
            ("return ...", "ellipsis", "str(x)"),
            ("class A: pass\nreturn A()", "A", "vars(x)"),
            ("class Image:\n    def save(self): pass\n    def tobytes(self): pass\nImage.__module__ = 'PIL.Image'\nImage.__qualname__ = 'Image'\nreturn Image()", "PIL.Image.Image", 'x.save(b, "PNG"); b.getvalue()'),
            ("class Figure:\n    def savefig(self): pass\nreturn Figure()", "Figure", "x.savefig(b"),
            ("class Model:\n    def model_dump(self): pass\nreturn Model()", "Model", "x.model_dump()"),
            ("async def f(): pass\nx = f()\ntry:\n    return x\nfinally: x.close()", "coroutine", "await x"),
        ):
            error = self.error(code)
            self.assertEqual(error["type"], "TypeError", code)
            self.assertIn("a value of type %s has no form in JSON: use " % kind, error["message"])
            self.assertIn(way, error["message"])
        self.assertTrue(self.error("return {'a': [1, map(str, [])]}")["message"].startswith("$.a[1]: "))
        self.assertEqual(self.error("return 1 if _item else {'b': len}", mode="per_item", items=[1, 0])["message"].partition(":")[0], "$[1].json.b")

    def test_a_form_that_never_ends_is_an_error(self):
        self.assertIn("has no form", self.error("import enum\nclass E(enum.Enum):\n    A = 1\n    @property\n    def value(self): return self\nreturn E.A")["message"])

    def test_numbers_that_are_not_finite(self):
        code = "nan, inf = float('nan'), float('inf')\nreturn {'a': [1.5, nan], 'b c': {'d': -inf}, 'e': inf, 3: 1}"
        error = self.error(code)
        self.assertEqual(error["type"], "ValueError")
        self.assertEqual(error["message"], "3 numbers that JSON has no word for: NaN at $.a[1], -Infinity at $['b c'].d, Infinity at $.e")
        self.assertIn("result.nan", error["description"])
        spots = [{"at": "$.a[1]", "was": "NaN"}, {"at": "$['b c'].d", "was": "-Infinity"}, {"at": "$.e", "was": "Infinity"}]
        for nan, value in (("null", [None] * 3), ("string", ["NaN", "-Infinity", "Infinity"])):
            done = self.go(code, result={"nan": nan}).last()
            self.assertEqual((done["kind"], done["value"]), ("done", {"a": [1.5, value[0]], "b c": {"d": value[1]}, "e": value[2], "3": 1}))
            self.assertEqual(done["replaced"], {"count": 3, "first": spots})
        self.assertEqual(self.error("return [float('nan')] * 5000")["message"].count("NaN at"), 10)
        self.assertTrue(self.error("return [float('nan')] * 5000")["message"].startswith("5000 numbers that"))
        self.assertEqual(self.go("return [float('nan')] * 5000", result={"nan": "null"}).last()["replaced"]["count"], 5000)
        self.assertNotIn("replaced", self.go("return 1.5", result={"nan": "null"}).last())
        self.assertIn("is a key", self.error("return {float('inf'): 1}")["message"])
        self.assertEqual(self.value("return {float('inf'): 1}", result={"nan": "null"}), {"Infinity": 1})
        items = self.go("return None if _item == 1 else float('nan') if _item else _item", mode="per_item", items=[0, 1, 2], result={"nan": "null"}).frames
        self.assertEqual(items[2]["replaced"]["first"], [{"at": "$[1].json", "was": "NaN"}])

    def test_half_surrogate_pairs(self):
        error = self.error("return {'k': 'x\\ud800'}")
        self.assertEqual(error["message"], "$.k: a string with half a surrogate pair ('\\ud800' at 1) is no text that others read")
        self.assertIn("result.surrogates", error["description"])
        done = self.go("return {'k': ['x\\ud800\\ud83d\\ude00'], 'a\\udfff': 1}", result={"surrogates": "replace"}).last()
        self.assertEqual(done["value"], {"k": ["x\ufffd\U0001f600"], "a\ufffd": 1})
        self.assertEqual(done["replaced"], {"count": 2, "first": [{"at": "$.k[0]", "was": "surrogate"}, {"at": "$['a\\udfff']", "was": "surrogate"}]})
        error = self.error("return {'\\ud800': 1, '\\ud801': 2}", result={"surrogates": "replace"})
        self.assertIn("two keys of a dict are the same", error["message"])
        self.assertIn("two keys", self.error("return [{'\\ud800': 1}, {'\\ud800': 1, '\ufffd': 2}]", result={"surrogates": "replace"})["message"])

    def test_errors_name_the_place(self):
        for code, kind, text in (
            ("return float('nan')", "ValueError", "1 number that JSON has no word for: NaN at $"),
            ("return [1, {'a': [2, float('-inf')]}]", "ValueError", "-Infinity at $[1].a[1]"),
            ("return [0, 10**4300]", "ValueError", "$[1]: an integer of more than 4300 digits"),
            ("return -10**5000", "ValueError", "more than 4300 digits"),
            ("return {'k': 'x\\ud800'}", "ValueError", "$.k: a string with half a surrogate pair ('\\ud800' at 1)"),
            ("return {'\\udfff': 1}", "ValueError", "half a surrogate pair"),
            ("x = []\nx.append({'x': x})\nreturn x", "ValueError", "$[0].x: circular reference"),
            ("class D(dict): pass\nx = D()\nx['x'] = x\nreturn x", "ValueError", "circular reference"),
            ("return {'a': {(1, 2): 3}}", "TypeError", "$.a: a key of type tuple has no text"),
            ("return {1: 2, '1': 3}", "ValueError", "two keys of a dict are the same as JSON text: '1'"),
            ("from pathlib import Path\nclass A(type(Path())):\n    def __str__(self): raise OSError('no')\nreturn A()", "OSError", "no"),
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

    NUMERIC = "import sys\nsys.path.append(_query)\nimport numpy as np, pandas as pd\n"

    def numeric(self, code, **result):
        return self.go(self.NUMERIC + code, query=self.site_of("pandas"), result=result).last()

    def test_numpy(self):
        code = """return [np.int64(5), np.float64(1.5), np.float32(0.5), np.bool_(True), np.array([[1, 2], [3, 4]]), {np.int64(3): np.str_('s')}, np.bytes_(b'x'),
    np.array(7), np.longdouble(1.5), np.array([1.5], dtype='longdouble'), np.array(['a', 'b']), np.array([None, {'a': np.int8(1)}]), np.array([]),
    np.array([(1, '2020-01-02')], dtype=[('n', 'i4'), ('t', 'M8[ns]')])]"""
        expected = [5, 1.5, 0.5, True, [[1, 2], [3, 4]], {"3": "s"}, {"$bytes": "eA=="}, 7, 1.5, [1.5], ["a", "b"], [None, {"a": 1}], []]
        expected += [[{"n": 1, "t": "2020-01-02T00:00:00.000000000"}]]
        self.assertEqual(self.numeric(code).get("value"), expected)
        self.assertEqual(self.numeric("return {'a': np.array([1, np.nan])}")["message"], "1 number that JSON has no word for: NaN at $.a[1]")
        for code, way in (
            ("np.longdouble(1) / 3", 'numpy.longdouble has no form in JSON: use x.astype("float64")'),
            ("np.array([1e308], dtype='longdouble') * 10", 'numpy.ndarray has no form in JSON: use x.astype("float64")'),
            ("np.ma.array([1, 2], mask=[0, 1])", "numpy.ma.MaskedArray has no form in JSON: use x.tolist() (None where it is masked)"),
            ("np.ma.masked", "x.tolist()"),
            ("np.array([1j])", "[x.real.tolist(), x.imag.tolist()]"),
            ("np.timedelta64(5)", "timedelta64"),
            ("np.random.default_rng(1)", "has no form in JSON"),
            ("type('Quantity', (np.ndarray,), {'__module__': 'units'})((2,))", "x.tolist()"),
        ):
            self.assertIn(way, self.numeric("return " + code)["message"])

    def test_times_of_numpy_in_every_unit(self):
        code = """a = np.array(['2024-01-02T03:04:05'], dtype='datetime64[ns]')
return [a[0], a, np.datetime64('2024-01-02'), np.timedelta64(5, 'ns'), np.timedelta64(5, 's'),
    [np.array(['2024-01-02T03:04:05', 'NaT'], dtype='M8[%s]' % unit) for unit in ('Y', 'M', 'W', 'D', 'h', 'm', 's', 'ms', 'us', 'ns')],
    np.datetime64('1970-01-02T03:04:05', 'ps'),
    [np.array([-3, 'NaT'], dtype='m8[%s]' % unit) for unit in ('Y', 'M', 'W', 'D', 'h', 'm', 's', '25s', 'ms', 'us', 'ns', 'ps', 'fs', 'as')],
    np.array([[1, 2]], dtype='m8[D]'), np.datetime64('NaT'), np.timedelta64('NaT'), np.array([], dtype='m8[s]')]"""
        times = ["2024", "2024-01", "2023-12-28", "2024-01-02", "2024-01-02T03", "2024-01-02T03:04", "2024-01-02T03:04:05"]
        times += ["2024-01-02T03:04:05." + "0" * digits for digits in (3, 6, 9)]
        spans = ["-P3Y", "-P3M", "-P21D", "-P3D", "-PT3H", "-PT3M", "-PT3S", "-PT1M15S"] + ["-PT0.%s3S" % ("0" * digits) for digits in (2, 5, 8, 11, 14, 17)]
        expected = [times[-1], [times[-1]], "2024-01-02", "PT0.000000005S", "PT5S", [[time, None] for time in times], "1970-01-02T03:04:05.000000000000", [[span, None] for span in spans]]
        self.assertEqual(self.numeric(code).get("value"), expected + [[["P1D", "P2D"]], None, None, []])

    def test_pandas(self):
        code = """t = pd.Timestamp('2024-01-02T03:04:05.000000006')
return [t, pd.Timestamp('2024-01-02', tz='UTC'), pd.NaT, pd.NA, pd.Timedelta(1, 'ns'), pd.Period('2024-01'), pd.Index([1, 2]), pd.Categorical(['a', 'b']),
    pd.date_range('2024-01-02', periods=1), pd.array([1, None], dtype='Int64')]"""
        expected = ["2024-01-02T03:04:05.000000006", "2024-01-02T00:00:00+00:00", None, None, "PT0.000000001S", "2024-01", [1, 2], ["a", "b"]]
        self.assertEqual(self.numeric(code).get("value"), expected + [["2024-01-02T00:00:00"], [1, None]])
        for code, way in (("pd.DataFrame({'a': [1]})", 'x.to_dict("records")'), ("pd.Series([1])", "x.tolist()")):
            error = self.numeric("return {'k': %s}" % code)
            self.assertIn(way, error["message"])
            self.assertIn("result.pandas", error["description"])

    def test_pandas_as_records(self):
        frame = "pd.DataFrame({'a': [1, 2], 'b': ['x', None], 't': pd.to_datetime(['2024-01-02', None]), 'i': pd.array([None, 3], dtype='Int64')})"
        rows = [{"a": 1, "b": "x", "t": "2024-01-02T00:00:00", "i": None}, {"a": 2, "b": None, "t": None, "i": 3}]
        for code, expected in (
            (frame, rows),
            (frame + "[1:]", [{"index": 1, **rows[1]}]),
            ("pd.Series([7, 7, 9]).value_counts()", [{"index": 7, "count": 2}, {"index": 9, "count": 1}]),
            ("pd.Series([5, 7], index=pd.Index([0, 2]), name='index')", [{"level_0": 0, "index": 5}, {"level_0": 2, "index": 7}]),
            ("pd.DataFrame({'v': [1, 2]}, index=[2019, 2020])", [{"index": 2019, "v": 1}, {"index": 2020, "v": 2}]),
            (frame + ".groupby('a').i.max()", [{"a": 1, "i": None}, {"a": 2, "i": 3}]),
            ("pd.DataFrame({0: [1.5]}, index=['r'])", [{"index": "r", "0": 1.5}]),
            ("pd.Series([1, 2])", [1, 2]),
            ("pd.Series([1, 2], index=['a', 'b'])", [{"index": "a", "value": 1}, {"index": "b", "value": 2}]),
            ("pd.DataFrame()", []),
            ("pd.DataFrame(index=range(2))", [{}, {}]),
        ):
            self.assertEqual(self.numeric("return " + code, pandas="records").get("value"), expected, code)
        self.assertEqual(len(self.numeric("return pd.DataFrame({'a': range(100)})", pandas="records")["value"]), 100)
        self.assertIn("2 columns of the DataFrame have one name: 'a'", self.numeric("return pd.DataFrame([[1, 2]], columns=['a', 'a'])", pandas="records")["message"])
        error = self.numeric("return pd.DataFrame({'a': [1, np.nan]})", pandas="records")
        self.assertEqual(error["message"], "1 number that JSON has no word for: NaN at $[1].a")

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
        self.assertEqual((ended.prints(), ended.last()["value"], ended.wrote("out"), ended.wrote("err")), ([], "inside\n", "out file\n", "err\n"))

    def test_prints_of_libraries(self):
        self.assertEqual(self.go("import pprint, builtins\nbuiltins.print('b')\nimport this").prints()[0], "b\n")

    def test_long_text_goes_on_in_the_next_frame(self):
        frames = [frame for frame in self.go("print('x' * 10**5)\nimport sys\nsys.stdout.write('\u20ac' * 20000)").frames if "text" in frame]
        self.assertEqual([(len(frame["text"]), frame.get("continues")) for frame in frames], [(65536, None), (34465, True), (16384, None), (3616, True)])

    def test_frames_carry_what_was_printed(self):
        code = """
import datetime, collections
class Short(list):
    def __repr__(self): return 'short'
print('a', 1, None, True, 1.5, float('nan'), [1, ('b', {2: datetime.date(2020, 1, 2)})], datetime.date(2020, 1, 3), '\\ud800', end='')
print(collections.Counter('aa'), collections.namedtuple('P', 'x')(1), {1}, b'x')
print()
print(Short([0] * 100000))
loop = []
loop.append(loop)
print(loop)
print('x', sep='')
"""
        values = [frame.get("values") for frame in self.go(code).frames if frame["kind"] == "print"]
        first = ["a", 1, None, True, 1.5, "nan", [1, ["b", {"2": "2020-01-02"}]], "2020-01-03", "\\ud800"]
        self.assertEqual(values, [first, [{"a": 2}, [1], "{1}", "b'x'"], [], None, None, ["x"]])
        few = self.go("for _ in range(9): print('x' * 20)", limits={"prints": 100, "result_size": 100}).frames
        self.assertEqual([frame.get("values") is not None for frame in few if frame["kind"] == "print"][:4], [True, True, False, False], "no more than may be printed")

    def test_streams_are_frames_in_the_order_of_the_prints(self):
        code = """
import sys, os, warnings
print("1 print")
sys.stdout.write("2 write\\n")
print("3 print")
sys.stderr.write("4 err")
print("5", "print", file=sys.stderr)
print("6 print", file=sys.stdout)
sys.stdout.buffer.write("\u20ac".encode()[:2]); sys.stdout.buffer.write("\u20ac".encode()[2:] + b"\\xff\\xe2")
return [sys.stdout is sys.__stdout__, sys.stdout.fileno(), sys.stderr.name, sys.stdout.mode, sys.stdout.encoding, sys.stdout.isatty(), sys.stdout.writelines(["a", "b"])]
"""
        ended = self.go(code)
        said = [(frame["kind"], frame["text"]) for frame in ended.frames if "text" in frame]
        expected = [("print", "1 print\n"), ("out", "2 write\n"), ("print", "3 print\n"), ("err", "4 err"), ("err", "5 print\n"), ("out", "6 print\n")]
        self.assertEqual(said, expected + [("out", "\u20ac\ufffd"), ("out", "\ufffda"), ("out", "b")])
        self.assertEqual((ended.last()["value"], ended.stdout, ended.stderr), ([True, 1, "<stderr>", "w", "utf-8", False, None], "", ""))

    def test_what_is_no_stream_of_ours_is_written_as_it_is(self):
        code = """
import os, sys
if not os.fork():
    print('child')
    print('error of it', file=sys.stderr, flush=True)
    os._exit(0)
os.wait()
reader, writer = os.pipe()
os.dup2(writer, 1)
print('a print')
sys.stdout.write('elsewhere')
return os.read(reader, 100).decode()
"""
        ended = self.go(code)
        self.assertEqual((ended.prints(), ended.wrote("out"), ended.last()["value"]), (["a print\n"], "", "elsewhere"))
        self.assertEqual((ended.stdout, ended.stderr), ("child\n", "error of it\n"))

    def test_failure_keeps_prints_and_output(self):
        ended = self.go("import sys\nprint('p')\nsys.stdout.write('o')\nraise ValueError")
        self.assertEqual((ended.prints(), ended.wrote("out"), ended.last()["kind"]), (["p\n"], "o", "error"))


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

    def test_own_modules(self):
        import os

        place = os.path.join(EveryPython.directory.name, "own")
        os.makedirs(place, exist_ok=True)
        with open(os.path.join(place, "helper.py"), "w") as file:
            file.write("value = 7")
        only = {"stdlib_allow": ["sys"], "external_allow": []}
        self.assertEqual(self.value("import helper, sys\nreturn [helper.value, sys.path[0]]", security=only, paths=[place]), [7, place])
        self.assertEqual(self.error("import helper", security=only)["denied"], {"list": "external_allow", "name": "helper"})
        self.assertEqual(self.error("import posix", security=only, paths=[place])["denied"], {"list": "stdlib_allow", "name": "posix"})
        self.assertEqual(self.error("import nowhere", security=only, paths=[place])["type"], "ModuleNotFoundError")

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
