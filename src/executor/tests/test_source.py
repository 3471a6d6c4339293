"""What encoding the code is in."""

import unittest

from harness import EveryPython


class Encoding(EveryPython):
    def test_a_program_is_read_in_the_encoding_that_it_names(self):
        show = lambda code, expected, **given: self.assertEqual((lambda e: (e.code, e.stdout, e.stderr))(self.script(code, **given)), (0, expected, ""), code)
        show(b"# -*- coding: latin-1 -*-\ns = '\xc3\xa9'\nprint(len(s), ascii(s))\n", "2 '\\xc3\\xa9'\n")
        show(b"#!/usr/bin/python3\n# vim: set fileencoding=cp1252 :\nprint(ascii('\x80'))\n", "'\\u20ac'\n")
        show(b"# coding: utf-7\nprint('+AGE-')\n", "a\n")
        show(b"\xef\xbb\xbfprint(ascii('\xc3\xa9'))\n", "'\\xe9'\n")
        show(b"print(ascii('\xc3\xa9'))\r\nprint(1)\r\n", "'\\xe9'\n1\n")
        show(b"x = 1\ny = 2\n# coding: latin-1\nprint(ascii('\xc3\xa9'))\n", "'\\xe9'\n")
        show(b"# coding: latin-1\nprint(ascii('\xe9'))\n", "'\\xe9'\n", name="-")
        show(b"# coding: latin-1\nimport inspect\ndef f(): return '\xe9'\nprint(ascii(inspect.getsource(f)))\n", '"def f(): return \'\\xe9\'\\n"\n')
        spawn = b"# coding: latin-1\nimport multiprocessing as m\ndef f(x): return '\xe9'\nif __name__ == '__main__':\n    with m.get_context('spawn').Pool(1) as p: print(ascii(p.map(f, [1])))"
        show(spawn, "['\\xe9']\n")
        # Text is text, whatever it says of itself; its file says the same.
        show("# coding: latin-1\nprint(ascii('\xe9'), open(__file__, 'rb').read().count(b'\\xe9'))\n", "'\\xe9' 1\n")

    def test_what_cannot_be_read_is_a_syntax_error(self):
        for code, line, message in (
            (b"x = 1\ny = '\xe9'\n", 2, r"Non-UTF-8 code starting with '\\xe9'"),
            (b"x = 1  # \xe9\n", 1, r"Non-UTF-8 code starting with '\\xe9'"),
            (b"# coding: no-such\nx = 1\n", None, "unknown encoding: no-such"),
            (b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", None, "encoding problem: .* with BOM"),
            (b"# coding: ascii\nx = '\xc3\xa9'\n", None, "'ascii' codec can't decode byte 0xc3"),
        ):
            ended = self.script(code)
            error = ended.last()
            self.assertEqual((ended.code, error["type"], error["line"]), (1, "SyntaxError", line), (code, error))
            self.assertRegex(error["message"], message)
            self.assertIn("SyntaxError", ended.stderr)
            self.assertRegex(self.error(code)["message"], message)

    def test_places_of_such_code(self):
        wrong = "\xe9 = '\xfc' $"
        for code in (wrong, wrong.encode(), b"\xef\xbb\xbf" + wrong.encode(), b"# coding: latin-1\n" + wrong.encode("latin-1")):
            frame = self.error(code)["frames"][-1]
            self.assertEqual((frame["column"], frame["text"]), (9, wrong), code)
        ended = self.script(b"# coding: latin-1\nx = '\xe9\xe9'; y = 1 / 0\n")
        self.assertIn("x = '\xe9\xe9'; y = 1 / 0", ended.stderr)
        frame = ended.last()["frames"][-1]
        self.assertEqual((frame["line"], frame["text"]), (2, "x = '\xe9\xe9'; y = 1 / 0"))
        if self.version >= (3, 11):
            self.assertEqual(frame["column"], 15)

    def test_functions(self):
        self.assertEqual(self.value(b"# coding: latin-1\nreturn ['\xe9', ascii('\xc3\xa9')]"), ["\xe9", "'\\xc3\\xa9'"])
        self.assertEqual(self.value(b"\xef\xbb\xbfreturn '\xc3\xa9'"), "\xe9")
        self.assertEqual(self.value("return '\xe9'".encode()), "\xe9")
        self.assertEqual(self.error(b"# coding: latin-1\nx = '\xe9'\nreturn 1 / 0")["frames"][-1]["text"], "return 1 / 0")


if __name__ == "__main__":
    unittest.main()
