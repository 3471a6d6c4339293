"""What a program shows as a notebook would, and lines that only notebooks have."""

import unittest

from harness import EveryPython

PNG = "b'\\x89PNG'"
# matplotlib as far as the executor knows it: what it draws is not its affair.
PYPLOT = """
class Figure:
    def __init__(self, name): self.name = name
    def savefig(self, out, format, bbox_inches): out.write(b"PNG " + self.name.encode())
"""


class Display(EveryPython):
    def shown(self, code, expected_stderr="", **given):
        """What a program shows that ends well: (as, data) of each."""
        ended = self.script(code, display=True, **given)
        self.assertEqual((ended.code, ended.rest, ended.kinds()[0]), (0, b"", "ready"), (code, ended.stderr))
        self.assertIn(expected_stderr, ended.stderr)
        self.assertEqual(not ended.stderr, not expected_stderr, ended.stderr)
        return [(frame["as"], frame["bundle"]["data"]) for frame in ended.frames if frame["kind"] == "show"]

    def one(self, body, expected_stderr=""):
        code = "class A:\n    def __repr__(self): return 'an A'\n" + "".join("    %s\n" % line for line in body.split("\n")) + "A()"
        [(kind, data)] = self.shown(code, expected_stderr)
        self.assertEqual(kind, "execute_result")
        return data

    def test_the_last_expression(self):
        self.assertEqual(self.shown("1\n'a'"), [("execute_result", {"text/plain": "'a'"})])
        for code in ("", "x = 1", "None", "1\nNone", "def f(): pass"):
            self.assertEqual(self.shown(code), [], code)
        self.assertEqual(self.shown("class A:\n    def _repr_html_(self): return 'x'\nA")[0][1], {"text/plain": "<class '__main__.A'>"})

    def test_display(self):
        self.assertEqual(self.shown("display(1, 'b')\nNone"), [("display_data", {"text/plain": "1"}), ("display_data", {"text/plain": "'b'"})])
        self.assertEqual(self.shown("display({'text/html': '<b>'}, raw=True)"), [("display_data", {"text/html": "<b>"})])
        code = "class A:\n    def _repr_html_(self): return 'h'\n    def _repr_latex_(self): return 'l'\ndisplay(A(), %s)"
        self.assertEqual([*self.shown(code % "include=['text/html']")[0][1]], ["text/html"])
        self.assertEqual([*self.shown(code % "exclude=['text/html', 'text/plain']")[0][1]], ["text/latex"])
        ended = self.script("import sys\nprint('before')\ndisplay(1, metadata={'a': {'b': 1}})\nsys.exit(3)", display=True)
        self.assertEqual((ended.code, ended.kinds(), ended.frames[1]["bundle"]["metadata"]), (3, ["ready", "show"], {"a": {"b": 1}}))

    def test_denied_builtins_leave_it(self):
        self.assertEqual(len(self.shown("display(1)", security={"builtins_deny": ["eval"]})), 1)

    def test_every_form(self):
        text = "def _repr_%s_(self): return 'x'"
        for name, mime in (("html", "text/html"), ("markdown", "text/markdown"), ("svg", "image/svg+xml"), ("latex", "text/latex"), ("javascript", "application/javascript")):
            self.assertEqual(self.one(text % name), {"text/plain": "an A", mime: "x"})
        for name, mime in (("png", "image/png"), ("jpeg", "image/jpeg"), ("pdf", "application/pdf")):
            self.assertEqual(self.one("def _repr_%s_(self): return %s" % (name, PNG))[mime], "iVBORw==")
            self.assertEqual(self.one("def _repr_%s_(self): return 'iVBO\\nRw=='" % name)[mime], "iVBORw==")
        self.assertEqual(self.one("def _repr_json_(self): return {'a': [1, (2,)]}, {'expanded': True}")["application/json"], {"a": [1, [2]]})
        self.assertEqual(self.one("def _repr_html_(self): return None"), {"text/plain": "an A"})
        self.assertEqual(self.one("_repr_html_ = None"), {"text/plain": "an A"})
        bundle = "def _repr_mimebundle_(self, include=None, exclude=None): return %s\ndef _repr_html_(self): return 'own'"
        self.assertEqual(self.one(bundle % "{'text/html': ['a', 'b'], 'a/b+json': [1]}, {'text/html': {'isolated': True}}"), {"text/html": "ab", "a/b+json": [1], "text/plain": "an A"})
        self.assertEqual(self.one(bundle % "None"), {"text/html": "own", "text/plain": "an A"})
        self.assertEqual(self.shown("class A:\n    def _ipython_display_(self): display('itself')\nA()"), [("display_data", {"text/plain": "'itself'"})])

    def test_what_fails_is_told_and_the_rest_is_shown(self):
        self.assertEqual(self.one("def _repr_html_(self): 1 / 0\ndef _repr_latex_(self): return 'l'", "_repr_html_: ZeroDivisionError"), {"text/latex": "l", "text/plain": "an A"})
        for body, said in (
            ("def _repr_html_(self): return 1", "text/html is text, not int"),
            ("def _repr_png_(self): return 'a'", "_repr_png_: Error"),
            ("def _repr_png_(self): return 1", "image/png is bytes or base64, not int"),
            ("def _repr_mimebundle_(self, **k): return {'html': 'x'}", "is no MIME type"),
            ("def _repr_mimebundle_(self, **k): return 'x'", "gives a dict, not str"),
        ):
            self.assertEqual(self.one(body, said), {"text/plain": "an A"}, body)
        [(_, data)] = self.shown("class A:\n    def __repr__(self): 1 / 0\nA()", "__repr__: ZeroDivisionError")
        self.assertEqual(data, {"text/plain": "<A>"})
        self.assertEqual(self.shown("'\\ud800'")[0][1], {"text/plain": "'\\ud800'"})

    def test_bounded(self):
        limits = {"prints": 1 << 16, "result_size": 2000}
        ended = self.script("while True: display('x' * 100)", display=True, limits=limits)
        self.assertEqual({*ended.kinds()}, {"ready", "show"})
        self.assertGreater(ended.announced, 2000 - sum(len(text) for text in ended.texts[1:]))
        ended = self.script("display('x' * 10**7)", display=True, limits=limits)
        self.assertGreater(ended.announced, 2000)
        many = "class A:\n    def _repr_mimebundle_(self, **k): return {'a/a%d' % n: 'x' for n in range(100)}\nA()"
        self.assertLessEqual(len(self.shown(many)[0][1]), 33)
        self.assertEqual(self.shown("import os\nif os.fork() == 0: display('child'); os._exit(0)\nos.wait()\ndisplay('parent')"), [("display_data", {"text/plain": "'parent'"})])

    def test_a_figure(self):
        """By classes of the names that matplotlib has; the real one is tried end to end."""
        code = "import sys, types\nm = types.ModuleType('matplotlib.figure')\n" + PYPLOT + "m.Figure = Figure\nsys.modules[m.__name__] = m\nFigure('a')"
        self.assertEqual(self.shown(code)[0][1]["image/png"], "UE5HIGE=")

    def test_where_nothing_is_shown(self):
        ended = self.script("display(1)")
        self.assertEqual((ended.code, ended.last()["type"]), (1, "NameError"))


class Notebook(EveryPython):
    def hint(self, code, **given):
        for ended in (self.script(code, **given), self.go(code)):
            self.assertEqual(ended.last()["type"], "SyntaxError", code)
            yield ended.last()["description"]

    def test_lines_of_notebooks_say_what_to_write(self):
        for code, words in (
            ("!pip install x", "--python"),
            ("import os\n%pip install -q x", "--python"),
            ("pip install x", "--python"),
            ("if True:\n    !pip install x", "--python"),
            ("%matplotlib inline\nimport os", "--value display"),
            ("x = 1\n%timeit x", "timeit"),
            ("!ls -l", "os.listdir()"),
            ("files = !git status", "subprocess.run"),
            ("!git status", "subprocess.run"),
            ("%sql select 1", "%sql is a command of notebooks"),
            ("%%bash\nls", "%%bash is a command of notebooks"),
            ("?print", "help(print)"),
            ("print?", "help(print)"),
        ):
            for description in self.hint(code):
                self.assertIn(words, description, code)

    def test_other_errors_say_nothing_of_it(self):
        for code in ("x = = 1", "1 +", "a ! b", "print 'x'", "x = 5 %", "f('!pip install x'"):
            for description in self.hint(code):
                self.assertEqual(description, "", code)


if __name__ == "__main__":
    unittest.main()
