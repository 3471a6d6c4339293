# errors: vary
import os
import unittest

class PipeTest(unittest.TestCase):
    def test_ends(self):
        r, w = os.pipe()
        self.addCleanup(os.close, r)
        self.assertFalse(os.get_inheritable(r))
        os.write(w, b"abc")
        os.close(w)
        self.assertEqual([os.read(r, 2), os.read(r, 2), os.read(r, 2)], [b"ab", b"c", b""])

    def test_closed(self):
        with self.assertRaises(OSError) as caught:
            os.fstat(200)
        self.assertEqual(caught.exception.errno, 9)

    def test_broken(self):
        r, w = os.pipe()
        os.close(r)
        self.assertRaises(BrokenPipeError, os.write, w, b"x")
        os.close(w)

    def test_dup(self):
        r, w = os.pipe()
        again = os.dup(w)
        os.dup2(r, 50)
        os.write(again, b"z")
        self.assertEqual(os.read(50, 1), b"z")
        os.closerange(40, 60)
        for fd in (r, w, again):
            os.close(fd)

print(len(unittest.main(exit=False, argv=["x"]).result.failures))
