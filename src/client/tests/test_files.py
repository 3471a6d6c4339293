"""Files in, files out, and what hostile names and texts come to."""

import base64
import hashlib
import os
import unittest

from harness import Real, Tidy

import remand
from remand.record import Malformed
from remand.text import shown


def artifact(name, data=b"x", **more):
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "content": base64.b64encode(data).decode(), **more}


def files(*raw):
    return remand.Files.read(list(raw))


class InAndOut(Real):
    def test_all_that_a_file_may_be(self):
        path = self.directory() / "p"
        path.write_bytes(b"from \xff disk")
        given = {"t.txt": "é", "b.bin": b"\xff", "sub/p": path, "lib": remand.Directory(imports=True), "lib/mine.py": "x = 5", "f": remand.File(b"f")}
        code = "import mine\nnames = ['t.txt', 'b.bin', 'sub/p', 'f']\nreturn [mine.x, *[list(open(each, 'rb').read()) for each in names]]"
        value = remand.run(code, files=given).value
        self.assertEqual([value[0], *map(bytes, value[1:])], [5, "é".encode(), b"\xff", b"from \xff disk", b"f"])

    def test_what_one_run_left_another_is_given(self):
        code = "import os\nos.mkdir('d')\nopen('d/a.txt', 'w').write('hi')\nos.symlink('/etc/passwd', 'l.txt')"
        outcome = remand.run(code, artifacts=["**/*.txt"])
        self.assertEqual((list(outcome.files), outcome.files["d/a.txt"].text()), (["d/a.txt"], "hi"))
        self.assertEqual([(each.name, each.why) for each in outcome.files_left_out], [("l.txt", "symbolic_link")])
        self.assertEqual(remand.run("return open('d/a.txt').read()", files=outcome.files).value, "hi")
        to = self.directory()
        self.assertEqual(outcome.files.save(to), [to / "d" / "a.txt"])
        self.assertEqual((to / "d" / "a.txt").read_text(), "hi")


class Paths(Tidy):
    def test_what_is_no_regular_file_is_refused_at_once(self):
        here = self.directory()
        os.mkfifo(here / "fifo")
        for path in (here / "fifo", here):
            with self.assertRaisesRegex(ValueError, "no regular file"):
                remand.Client(remand.HelperTransport("/nonexistent")).run("", files={"a": path})


class Saving(Tidy):
    def test_modes_and_directories(self):
        to = self.directory()
        files(artifact("a/b/c", b"1", executable=True), artifact("a/d", b"")).save(to)
        self.assertEqual([(to / "a/b/c").stat().st_mode & 0o100, (to / "a/d").stat().st_mode & 0o100], [0o100, 0])
        self.assertEqual(sorted(each.name for each in to.rglob("*")), ["a", "b", "c", "d"])

    def test_names_that_lead_elsewhere_are_refused_before_anything_is_written(self):
        to = self.directory()
        for name in ("../a", "/a", "a/../../b", "a//b", ".", "", "a/.", "a\nb", "a\0b", "x" * 256, "\ud800", 3):
            with self.subTest(name), self.assertRaises((Malformed, UnicodeError)):
                files(artifact("fine"), artifact(name)).save(to)
        self.assertEqual(os.listdir(to), [])

    def test_content_that_is_not_what_the_record_says(self):
        to = self.directory()
        for more in ({"size": 2}, {"sha256": "0" * 64}, {"content": "%"}, {"content": None}):
            with self.assertRaises(Malformed):
                files(artifact("fine"), artifact("a", **more)).save(to)
        self.assertEqual(os.listdir(to), [])

    def test_no_link_is_followed(self):
        to, outside = self.directory(), self.directory()
        (outside / "kept").write_text("kept")
        os.symlink(outside, to / "dir")
        os.symlink(outside / "kept", to / "link")
        os.symlink(outside / "new", to / "dangling")
        for name in ("dir/a", "link", "dangling"):
            with self.assertRaises(OSError):
                files(artifact(name)).save(to)
        self.assertEqual(sorted(os.listdir(outside)), ["kept"])
        files(artifact("link", b"mine")).save(to, overwrite=True)
        self.assertEqual(((outside / "kept").read_text(), (to / "link").read_text(), (to / "link").is_symlink()), ("kept", "mine", False))
        with self.assertRaises(OSError):
            files(artifact("dir/a")).save(to, overwrite=True)
        self.assertEqual((sorted(os.listdir(outside)), sorted(os.listdir(to))), (["kept"], ["dangling", "dir", "link"]))

    def test_nothing_is_overwritten_unless_asked(self):
        to = self.directory()
        (to / "a").write_text("old")
        with self.assertRaises(FileExistsError) as raised:
            files(artifact("a")).save(to)
        self.assertEqual((raised.exception.filename, (to / "a").read_text(), os.listdir(to)), ("a", "old", ["a"]))
        files(artifact("a", b"new")).save(to, overwrite=True)
        self.assertEqual(((to / "a").read_text(), os.listdir(to)), ("new", ["a"]))


HOSTILE = "<script>\x1b[31m\u202e\ud800&'\""


class Shown(Tidy):
    def outcome(self):
        raw = {"version": 1, "run": HOSTILE, "policy": {"name": HOSTILE, "hash": ""}, "verdict": {"kind": "signaled", "signal": 9, "name": HOSTILE},
               "value": {HOSTILE: HOSTILE}, "error": {"type": HOSTILE, "message": HOSTILE * 10000, "stack": HOSTILE, "line": 1}, "prints": [HOSTILE] * 10000,
               "stdout": {"text": HOSTILE, "truncated": True, "dropped": 3, "tail": HOSTILE}, "stderr": {"text": HOSTILE, "truncated": False},
               "files": [{**artifact("a"), "name": HOSTILE}],
               "violations": [{"syscall": HOSTILE, "args": [], "count": 1, "answered": "EPERM", "change": HOSTILE}],
               "usage": {"wall_ms": 1.0, "cpu_ms": {"user": 1.0, "system": 1.0}, "memory_peak": None, "pids_peak": None}}
        return remand.Outcome.read(raw)

    def test_a_page_holds_no_element_of_a_run(self):
        page = self.outcome()._repr_html_()
        self.assertLess(len(page), 100_000)
        self.assertNotIn("<script", page)
        self.assertIn("&lt;script&gt;\\x1b[31m\\u202e\\ud800&amp;&#x27;&quot;", page)
        self.assertEqual({each for each in page if not each.isprintable()}, {"\n"})

    def test_messages_are_one_bounded_printable_line(self):
        outcome = self.outcome()
        for text in (str(outcome.exception()), str(outcome.verdict), repr(outcome), repr(outcome.files)):
            self.assertTrue(text.isprintable(), text)
            self.assertLess(len(text), 10000)

    def test_what_is_cut_is_counted(self):
        self.assertEqual(shown("ab\n\tc", 3), "ab\\n… (2 more characters)")
        self.assertEqual(shown("a\n\tb\x7f", lines=True), "a\n\tb\\x7f")


if __name__ == "__main__":
    unittest.main()
