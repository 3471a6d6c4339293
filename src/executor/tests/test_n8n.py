"""Tasks of n8n: what its own runner answers, by name, and in its words."""

from harness import EveryPython

DENIED = """eval exec compile open input breakpoint getattr object type vars setattr delattr hasattr dir memoryview __build_class__ globals locals license help
credits copyright""".split()
DEFAULT = {"per_item": False, "layer": True, "stdlib": [], "external": [], "deny": DENIED, "transitive": False}


class Tasks(EveryPython):
    def task(self, code, *, items=(), query=None, result={"nan": "null"}, **settings):
        return self.go(code, mode="n8n", items=items, query=query, result=result, n8n={**DEFAULT, **settings})

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
        message, description = self.fails(code, **given)
        self.assertEqual(message, "Security violations detected", code)
        return description.split("\n")

    def test_smoke(self):
        print(self.gives("return [1]"), self.fails("raise KeyError('a')"), self.refused("import os"), self.fails("x = ["), self.fails(""))
        print(self.fails("f=__import__\nreturn f('os')"), self.fails("class A: pass"), self.task("print('a', 1, [1,'x',{1}])\nfor i in range(100): print(i)").frames[1:3])
        print(self.fails("u=chr(95)*2\nreturn ('{0.'+u+'class'+u+'}').format(1)"))
        print(self.fails("'a\0'"), self.fails("from math import *", stdlib=["math"]), self.fails("nonlocal x"))
